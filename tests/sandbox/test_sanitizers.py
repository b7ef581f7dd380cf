"""A right program that was built with gcc's sanitizers stays right, although ptrace(2), which they use, is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import REFERENCE, Command, make_assignment

#: What building runs has the environment of the program itself, and its status counts.
MAKEFILE = """
FLAGS = -g -fsanitize=address,undefined
server: poll.c leaves.c
\tgcc $(FLAGS) -o server poll.c
\tgcc $(FLAGS) -o leaves leaves.c
\t./leaves
"""
#: The system takes back at its end what a program did not free.
LEAVES = """
#include <stdlib.h>
int main(void) { char *volatile kept = malloc(100); kept = 0; return kept != 0; }
"""


@pytest.mark.parametrize("sandbox", ["local", pytest.param("docker", marks=pytest.mark.container)])
def test_a_right_program_with_sanitizers(folder: Path, sandbox: str) -> None:
    submission = folder / "submission"
    submission.mkdir()
    shutil.copy(REFERENCE / "good" / "poll.c", submission)
    (submission / "Makefile").write_text(MAKEFILE)
    (submission / "leaves.c").write_text(LEAVES)
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    ended = Command(folder).run("check", submission, *options)
    assert ended.code == 0, ended.out + ended.err
