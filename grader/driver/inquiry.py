"""Looks at an assignment's Python files, which only the driver imports: an `Inquiry` on standard input, flaws out.

It is a process of its own, so that whatever an author's file does to it, or prints, affects nothing else.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import msgspec

from grader.assignment import Assignment
from grader.assignment.faults import PROTOCOL
from grader.driver import author


class Inquiry(msgspec.Struct, frozen=True):
    """About this assignment, all its checks, tried with this seed and some more."""

    assignment: Assignment
    seed: int


def main() -> None:
    """Print every flaw, as a list in JSON."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what an author's file prints is no answer
    inquiry = msgspec.json.decode(sys.stdin.buffer.read(), type=Inquiry)
    asked = inquiry.assignment
    with tempfile.TemporaryDirectory(prefix="grader-lint-") as name:
        folder = Path(name).resolve()
        author.lay_out(asked, folder)
        found = [*author.flaws(folder, asked, [spec.id for spec in asked.checks], asked.roles, inquiry.seed)]
        if all(flaw.file != PROTOCOL for flaw in found):
            found += author.rehearsed(folder, inquiry.seed)
        answer.write(msgspec.json.encode(found))
    answer.close()


if __name__ == "__main__":
    main()
