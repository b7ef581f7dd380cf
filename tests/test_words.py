"""The old dialect doesn't come back: phrases that no native speaker would use are in no text of the project.

Texts are the documents and handouts, the words in tables and templates, and the strings and docstrings of Python
files.  Comments in code are not among them.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

#: All texts are read once, by one process.
pytestmark = pytest.mark.xdist_group("words")

ROOT = Path(__file__).resolve().parent.parent

#: A phrase, and what to say instead.
INSTEAD: Final = {
    r"\bat once\b": "immediately, or together",
    r"\bfor ever\b": "forever",
    r"\bended by itself\b|\bends by itself\b": "exited, exits",
    r"\bend(ed|s) with (an )?exit status\b": "exits with status",
    r"\bended (with|by) (a traceback|an error)": "exited with a traceback",
    r"\b(the|a) (program|client|server) has ended\b|\bthe (program|client) ended\b": "exited",
    r"\bexit status that is not 0\b": "non-zero exit status",
    r"\b(stands?|stood) (alone )?(in|under|beside|whole|there|twice|at|behind|apart)\b": "is in, appears twice",
    r"\bstandard error\b": "stderr",
    r"\bnot played, because\b": "skipped: depends on",
    r"\bLook at:": "Hint:",
    r"\bgot another (reply|datagram)\b|\bother (reply|datagram) than required\b": "received a different reply",
    r"\bno (more|answer) can come\b": "never will",
    r"\bwaits for something that will not happen\b": "is blocked and nothing will wake it",
    r"\b(that|which) (is|are) no port\b|\bis no number\b": "not a valid port number, not a number",
    r"\bis no (fixture|archive|text|terminal|socket|UTF-8)\b": "is not a ...",
    r"\bof one hand\b": "by the same author",
    r"\bharms nobody\b": "doesn't affect anyone else",
    r"\bwelcome, but not asked for\b": "optional",
    r"\b[Ss]ays how it is used\b": "prints a usage message",
    r"\bsays that (its port|nobody listens|nobody receives)\b": "reports that",
    r"\bended child(ren)?\b|\bchildren not waited for\b": "exited child processes, reaped",
    r"\bstarted again\b.*\bimmediately\b|\bstarted anew\b": "restarted",
    r"\bbrought about\b|\bbring about\b": "set up",
    r"\bdown a pipe\b": "through a pipe",
    r"\bline ends?\b(?! with)": "line ending",
    r"\bby turns\b": "alternately",
    r"\b(says?|said) of (it|its|itself|the|a|an|their|themselves)\b": "says about",
    r"\bwhichever way\b": "however it ...",
    r"\banother check's affair\b": "another check's business",
}


@functools.cache
def texts() -> tuple[tuple[str, int, str], ...]:
    """(file, line, text with single spaces) for each text of the project."""
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, int, str]]:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for folder in ("assignments", "grader"):
        paths += [path for kind in ("md", "toml", "j2", "py") for path in (ROOT / folder).rglob(f"*.{kind}")]
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        for line, text in parts_of(path):
            yield name, line, " ".join(text.split())


def parts_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text): the strings of a Python file; the paragraphs of any other."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
        return
    line = 1
    for paragraph in source.split("\n\n"):
        yield line, paragraph
        line += paragraph.count("\n") + 2


def test_the_old_dialect_is_gone() -> None:
    found = [
        f"{name}:{line}: say {better!r} in: {text[:200]}"
        for phrase, better in INSTEAD.items()
        for name, line, text in texts()
        if re.search(phrase, text, re.IGNORECASE)
    ]
    assert found == []


def test_phrases_are_found_where_they_are() -> None:
    sentences = {
        "It is answered at once.": r"\bat once\b",
        "It ended by itself with exit status 1.": r"\bended by itself\b|\bends by itself\b",
        "client A got another reply than required": (
            r"\bgot another (reply|datagram)\b|\bother (reply|datagram) than required\b"
        ),
        "A client that connects and leaves harms nobody.": r"\bharms nobody\b",
    }
    for sentence, phrase in sentences.items():
        assert [known for known in INSTEAD if re.search(known, sentence, re.IGNORECASE)][:1] == [phrase]
    assert any(name == "README.md" for name, _, _ in texts())
    assert any(name == "grader/catalogue/usual.py" for name, _, _ in texts())
