"""What the assignment `udp_pinger` says about lines that are not as they must be."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PROTOCOL = Path(__file__).resolve().parent.parent / "assignments" / "udp_pinger" / "protocol.py"


@pytest.fixture(scope="module")
def author() -> Any:
    spec = importlib.util.spec_from_file_location("udp_pinger_protocol", PROTOCOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"1: 0.200 ms\n2: 1.05 ms\n", "'2: 1.05 ms' is no line such as '2: 0.214 ms' or '2: lost'"),
        (b"1: 0.200 ms\n2 : 1.050 ms\n", "'2 : 1.050 ms' is no line such as"),
        (b"1: 0.200 ms\n", "there are lines about 1, and not one for each of 2 pings"),
        (b"2: 0.200 ms\n1: 0.200 ms\n", "there are lines about 2, 1, and not one for each of 2 pings"),
        (b"", "there are lines about no ping"),
    ],
)
def test_a_line_that_is_almost_right_is_quoted(author: Any, output: bytes, words: str) -> None:
    judge = author.lines_for((author.Answer.WHOLE, author.Answer.WHOLE)).judge
    assert words in judge(output)
    assert judge(b"1: 0.200 ms\n2: 0.200 ms\n") is None
