"""The filter under programs: what is refused, what must go on working, and that it can be told where there is none."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from grader.sandbox import seccomp
from tests.cli.command import HOSTILE, Command, make_assignment
from tests.sandbox.test_hostile import ANSWERS, seen_by_submission

TRIES: Final = HOSTILE / "tries_refused_calls.py"
#: Installs the filter, and becomes the program with the arguments.
FILTERED: Final = """
import ctypes, os, sys
from grader.sandbox import seccomp
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
seccomp.install()
os.execv(sys.argv[1], sys.argv[1:])
"""


def lay_numbers(folder: Path) -> Path:
    """What the program must know: it can't import the grader."""
    numbers = seccomp.MACHINES[os.uname().machine].numbers
    path = folder / "calls.json"
    path.write_text(json.dumps({**numbers, "refused": [*seccomp.REFUSED]}))
    return path


def tried(folder: Path, *prefix: str) -> dict[str, int]:
    lay_numbers(folder)
    command = [*prefix, sys.executable, str(TRIES), "--once"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    seen: dict[str, int] = json.loads(ended.stdout)
    return seen


#: What a kernel without the protocol says.
NO_PROTOCOL: Final = {"socket, another protocol": errno.EPROTONOSUPPORT}


def wanted(name: str) -> int:
    return 0 if name.startswith("fine: ") else {**seccomp.REFUSED, **NO_PROTOCOL}.get(name, errno.EPERM)


def wrong(seen: dict[str, int]) -> dict[str, int]:
    return {name: error for name, error in seen.items() if error != wanted(name)}


def test_each_call_is_refused_and_the_usual_ones_are_not(tmp_path: Path) -> None:
    assert seccomp.available()
    assert wrong(tried(tmp_path, sys.executable, "-c", FILTERED)) == {}


def test_without_the_filter_it_would_be_another_error(tmp_path: Path) -> None:
    """Else the test above could not fail: nearly all calls give something else on a machine without a filter."""
    seen = tried(tmp_path)
    as_if_filtered = {name for name in set(seen) - set(wrong(seen)) if not name.startswith("fine: ")}
    # What a kernel may not have, or may allow root alone.
    assert as_if_filtered <= {"userfaultfd", "bpf", "perf_event_open", "mount", "umount2", "pivot_root", "fsopen"}


@pytest.mark.parametrize("sandbox", ["local", pytest.param("docker", marks=pytest.mark.container)])
def test_a_student_program_meets_it(folder: Path, sandbox: str) -> None:
    command = Command(folder)
    submission = command.submit(TRIES, HOSTILE / "honest.py", lay_numbers(folder))
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    ended = command.run("check", submission, *options, "--only", "answers")
    assert ended.check(ANSWERS)["evidence"], ended.err
    assert wrong(seen_by_submission(ended)) == {}


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_every_jump_ends_in_the_filter(machine: str) -> None:
    """Before the kernel says so, and for the machine that this is not."""
    instructions = seccomp.program(seccomp.MACHINES[machine])
    assert instructions[-1][0] == seccomp._RETURN
    for at, (code, if_true, if_false, _) in enumerate(instructions):
        if code in {seccomp._JUMP_EQUAL, seccomp._JUMP_AT_LEAST, seccomp._JUMP_ANY_BIT}:
            assert at + max(if_true, if_false) + 1 < len(instructions)
