"""Golden files: what a report looked like when somebody last looked at it.

`GRADER_UPDATE_GOLDEN=1 pytest tests/report` writes them anew; the difference is then read in review.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, content: bytes) -> None:
    """`content` is what stands in the golden file, byte for byte."""
    path = GOLDEN / name
    if os.environ.get("GRADER_UPDATE_GOLDEN") == "1":
        path.write_bytes(content)
    assert content.decode() == path.read_bytes().decode()
