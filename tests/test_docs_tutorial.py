"""The page for authors makes an assignment from nothing: here it is followed to the letter.

Its commands are run, its files written and its changes made, in order, by somebody who knows nothing else.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Command

PAGE = (Path(__file__).parent.parent / "docs" / "authors.md").read_text()
TUTORIAL = PAGE.split("## From nothing to a proved assignment\n")[1].split("\n## ")[0]
STEPS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
#: What a command exits with, where that is not 0.
CODE = re.compile(r"\s+# exits with (\d)$")
#: What the page says that a command prints.
SAID = re.compile(r"It says `([^`]*)`")


def run(folder: Path, commands: str) -> str:
    """The commands of a step, and what they print."""
    printed = ""
    for line in commands.splitlines():
        code = CODE.search(line)
        name, *words = shlex.split(line.removesuffix(code[0]) if code else line)
        assert name == "grader"
        ended = Command(folder).run(*words, cwd=folder)
        assert ended.code == (int(code[1]) if code else 0), (line, ended.out, ended.err)
        printed += ended.out + ended.err
    return printed


def changed(text: str, diff: str) -> str:
    """A text with the changes of a diff without line numbers: lines to look for, and what stands there instead."""
    for hunk in re.findall(r"(?:^[- ].*\n)+(?:^\+.*\n)+", diff, re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kinds) for kinds in ("- ", "+ "))
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_a_change_is_made_where_its_lines_are() -> None:
    assert changed("a\nb\nc\n", "-a\n+A\n b\n+and\n") == "A\nb\nand\nc\n"


@pytest.mark.timeout(600)
def test_the_page_is_followed_to_the_letter(tmp_path: Path) -> None:
    printed = ""
    for kind, step in STEPS:
        if kind == "sh":
            printed += run(tmp_path, step)
            continue
        name, _, text = step.removeprefix("# ").partition("\n")
        path = tmp_path / name
        before = path.read_text() if path.exists() else ""
        path.write_text(changed(before, text) if kind == "diff" else before + ("\n" if before else "") + text)
    assert {kind for kind, _ in STEPS} == {"sh", "diff", "python", "toml"}
    for said in SAID.findall(TUTORIAL):
        assert said in printed
