"""Builds with sanitizers, as a shell and make carry them out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from grader import languages
from grader.languages.recipe import Recipe
from grader.languages.sanitizing import sanitized
from grader.submission import Submission, take

OVERFLOWS = """\
#include <string.h>
int main(int n, char **v) { char small[4]; strcpy(small, v[0]); return small[0] + n; }
"""


def again(submission: Submission) -> Recipe | None:
    made = languages.recipe(submission, "server")
    return sanitized(submission, made, languages.written_in(submission, made))


@pytest.mark.skipif(not shutil.which("make") or not shutil.which("cc"), reason="there is no make or no cc here")
@pytest.mark.parametrize("makefile", ["", "server: server.c\n\tgcc -o server server.c\n", "server: server.o\n"])
def test_whatever_builds_a_c_program_builds_it_with_sanitizers(tmp_path: Path, makefile: str) -> None:
    (tmp_path / "server.c").write_text(OVERFLOWS)
    if makefile:
        (tmp_path / "Makefile").write_text(makefile)
    made = again(take(tmp_path))
    assert made is not None
    for argv in made.build:
        subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)
    ran = subprocess.run(["./server"], cwd=tmp_path, check=False, capture_output=True)
    assert b"AddressSanitizer: stack-buffer-overflow" in ran.stderr
    assert b"server.c:2" in ran.stderr
    assert not [*tmp_path.glob(".sanitizing*")]


def test_the_folder_of_compilers_is_none_of_the_submission_s(tmp_path: Path) -> None:
    (tmp_path / "server.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / ".sanitizing").write_text("")
    made = again(take(tmp_path))
    assert made is not None
    assert made.build[-1] == ("rm", "-r", ".sanitizing_program")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("server.py", "x"),
        ("server.go", "package main\nfunc main() {}\n"),
        ("server.rs", "fn main() {}\n"),
        ("Server.java", "class Server { public static void main(String[] args) {} }\n"),
    ],
)
def test_other_languages_have_no_such_build(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert again(take(tmp_path)) is None


def test_make_among_other_languages_may_build_c(tmp_path: Path) -> None:
    (tmp_path / "server.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "client.py").write_text("")
    (tmp_path / "Makefile").write_text("server: server.c\n\tcc -o server server.c\n")
    assert again(take(tmp_path)) is not None
