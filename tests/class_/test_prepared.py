"""A result is kept under a hash of all that it depends on, and of nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from grader import flow
from grader.class_ import work
from grader.class_.prepared import key_of, prepared
from tests.class_.made import PLACE, REQUEST, hand_in

ASSIGNMENT = REQUEST.assignment


def key(
    folder: Path,
    text: str = "# a",
    request: flow.Request = REQUEST,
    place: work.Place = PLACE,
    images: Mapping[str, str] | None = None,
) -> str:
    (one,) = hand_in(folder, {"anna": text}).hand_ins
    return key_of(prepared(one, request), place, images or {}, request)


def other(**changed: object) -> flow.Request:
    """A request that differs in one thing."""
    return msgspec.structs.replace(REQUEST, **changed)


CHANGED = {
    "another seed": other(seed=8),
    "another check": other(only=frozenset({"server.listens"})),
    "both roles": other(roles=None),
    "a limit": other(
        assignment=msgspec.structs.replace(
            ASSIGNMENT, limits=msgspec.structs.replace(ASSIGNMENT.limits, memory_bytes=64 << 20)
        )
    ),
    "protocol.py": other(
        assignment=msgspec.structs.replace(ASSIGNMENT, files={**ASSIGNMENT.files, "protocol.py": b"# other"})
    ),
    "a file beside the program": other(assignment=msgspec.structs.replace(ASSIGNMENT, beside={"words.txt": b"a"})),
    "other points": other(
        assignment=msgspec.structs.replace(
            ASSIGNMENT, checks=tuple(msgspec.structs.replace(spec, points=9) for spec in ASSIGNMENT.checks)
        )
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_a_result_depends_on_changes_its_name(tmp_path: Path, what: str) -> None:
    assert key(tmp_path, request=CHANGED[what]) != key(tmp_path)


def test_so_do_the_program_the_place_and_the_grader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        key(tmp_path),
        key(tmp_path, "# b"),
        key(tmp_path, place=work.Place("docker")),
        key(tmp_path, place=work.Place("docker", image="mine")),
        key(tmp_path, images={"sandbox": "sha256:1"}),
    ]
    (tmp_path / "anna" / "server.py").chmod(0o755)
    names.append(key(tmp_path))
    monkeypatch.setattr(work, "sources", lambda: "another version")
    names.append(key(tmp_path))
    assert len({*names}) == len(names)


def test_nothing_else_does(tmp_path: Path) -> None:
    usual = key(tmp_path / "one")
    time_then = time.time() - 10_000
    again = key(tmp_path / "two", place=work.Place("local", offline=True))
    os.utime(tmp_path / "one" / "anna" / "server.py", (time_then, time_then))
    (one,) = hand_in(tmp_path / "one", {}).hand_ins
    renamed = msgspec.structs.replace(one, students=(msgspec.structs.replace(one.student, key="x", name="X"),))
    assert {again, key_of(prepared(renamed, REQUEST), PLACE, {}, REQUEST)} == {usual}


def test_the_fingerprint_of_the_grader_has_what_decides_and_not_what_shows() -> None:
    named = {path.name for path in work.deciding()}
    assert {"flow.py", "results.py", "server_lifecycle.py", "warden.py", "limits.py", "usual.py"} <= named
    assert not {"overview.py", "html.py", "check.py", "doctor.py"} & named
