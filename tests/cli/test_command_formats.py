"""Reports in the formats that are asked for: in files, on standard output, and what is refused before grading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.cli import formats
from grader.errors import UsageError
from grader.model import Audience
from grader.report import FORMATS
from tests.cli.command import REFERENCE, Command

WRONG = REFERENCE / "broken" / "one_recv_is_one_message.py"
CHECK = ("--assignment", "tcp_uppercase", "--role", "server", "--sandbox", "local", "--only", "coalesced")


def test_one_grading_gives_every_format(tmp_path: Path) -> None:
    asked = [word for name in FORMATS for word in ("--format", f"{name}={tmp_path / name}")]
    ended = Command(tmp_path).run("check", WRONG, *CHECK, *asked)
    assert ended.code == 1
    assert {path.name for path in tmp_path.iterdir()} >= {*FORMATS}
    score = json.loads((tmp_path / "json").read_text())["score"]
    assert json.loads((tmp_path / "gradescope").read_text())["score"] == score
    assert f"Score: {score:g} of" in (tmp_path / "text").read_text()


@pytest.mark.parametrize("audience", [*Audience])
def test_the_audience_is_named_as_it_is_in_reports(tmp_path: Path, audience: Audience) -> None:
    (tmp_path / "empty").mkdir()
    asked = ("--format", f"json={tmp_path / 'json'}", "--audience", audience.value)
    assert Command(tmp_path).run("check", tmp_path / "empty", *CHECK, *asked).code == 2
    assert json.loads((tmp_path / "json").read_text())["audience"] == audience.value


def test_a_format_on_standard_output_is_alone_there(tmp_path: Path) -> None:
    ended = Command(tmp_path).run("check", WRONG, *CHECK, "--format", "github=-", "--quiet")
    assert ended.code == 1
    assert [line.split(" ")[0] for line in ended.out.splitlines()] == ["::error", "::notice"]


@pytest.mark.parametrize(
    ("asked", "named", "words"),
    [
        (("pdf=x",), {}, "there is no format 'pdf'; there are junit, junit-strict, json"),
        (("junti=x",), {}, "there is no format 'junti'; did you mean 'junit'?"),
        (("tap",), {}, "--format tap needs a file: --format tap=FILE, or tap=- for standard output"),
        (("tap=",), {}, "--format tap needs a file"),
        (("tap=-",), {"json": "-"}, "only one report fits on standard output, not json and tap"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    asked: tuple[str, ...], named: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError) as error:
        formats.wanted(asked, named)
    assert words in str(error.value)


def test_options_are_names_for_formats() -> None:
    named = {"junit": Path("a.xml"), "html": None, "json": "-"}
    assert formats.wanted(("tap=b=c.tap",), named) == (
        (("junit", Path("a.xml")), ("tap", Path("b=c.tap"))),
        "json",
    )
