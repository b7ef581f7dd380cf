"""Every mistake in an assignment's folder, in one go: the table and the handout here, its Python files in a process.

`grader check` finds the same before it builds a program, and reports the first; except that recognisers and dialogues
are tried here alone, so that a class can be graded though one of them is not prepared for what nobody has sent yet.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from grader.assignment import Assignment, Flaw, examine
from grader.driver.inquiry import Inquiry
from grader.limits import LINT_S
from grader.model import parts_of
from grader.sandbox.interpreter import python_module

#: Which seed the author's functions are tried with first.
_SEED = 1


def flaws(folder: Path, extra: Path | None = None) -> list[Flaw]:
    """Everything that is wrong with the assignment in this folder, file by file, each with its line if there is one."""
    asked, found = examine(folder, extra)
    if asked is not None:
        told = {flaw.what for flaw in found}
        found += [flaw for flaw in _in_python(asked.shown_part()) if flaw.what not in told]
        if asked.concealed:
            found += [_among_hidden(flaw, asked) for flaw in _in_python(asked.hidden_part()) if flaw.what not in told]
    return sorted(dict.fromkeys(found), key=lambda flaw: (flaw.file, flaw.line or 0))


def _among_hidden(flaw: Flaw, asked: Assignment) -> Flaw:
    """With the folder in which the file is."""
    return msgspec.structs.replace(flaw, file=f"hidden/{flaw.file}") if flaw.file in asked.hidden_files else flaw


def _in_python(asked: Assignment) -> list[Flaw]:
    checks = tuple(spec for spec in asked.checks if spec.id.partition(".")[0] in parts_of(asked.roles))
    inquiry = msgspec.json.encode(Inquiry(msgspec.structs.replace(asked, checks=checks), _SEED))
    try:
        done = subprocess.run(
            python_module("grader.driver.inquiry"), input=inquiry, capture_output=True, timeout=LINT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return [Flaw("protocol.py", f"it, or a file of checks, takes longer than {LINT_S:.0f} s")]
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return [Flaw("protocol.py", f"it, or a file of checks, ended the process that had imported it: {last}")]
    return msgspec.json.decode(done.stdout, type=list[Flaw])
