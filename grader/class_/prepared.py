"""A hand-in made ready: its snapshot and plan, and the name under which its result is kept.

That name is a hash of all that the result depends on, so that the same hand-in is never graded twice in the same way,
and what was graded in any other way is never taken for it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from grader import flow
from grader.class_ import work
from grader.class_.model import HandIn
from grader.errors import UsageError
from grader.model import Report, SubmissionInfo
from grader.submission import Submission, name_of, take

#: Of SHA-256: no two results of all courses share a name.
_DIGITS: Final = 32


class Prepared(msgspec.Struct, frozen=True):
    """A hand-in that can be graded (`plan`), or the report that says why it can't (`report`).

    `alike`: the same for hand-ins that differ in white space and file names alone.
    """

    submitted: SubmissionInfo
    plan: flow.Plan | None = None
    report: Report | None = None
    alike: str = ""


def prepared(hand_in: HandIn, request: flow.Request) -> Prepared:
    """Take a snapshot of what was handed in and find its programs."""
    taken = None
    name = name_of(hand_in.pieces[0].path) if _is_whole(hand_in) else hand_in.student.key
    try:
        with _in_one_place(hand_in) as path:
            taken = take(path)
        return Prepared(SubmissionInfo(name, taken.sha256), flow.plan(taken, request), alike=_alike(taken))
    except UsageError as error:
        submitted = SubmissionInfo(name, taken.sha256 if taken else "")
        report = flow.refuse(submitted, request, str(error), taken.notes if taken else ())
        return Prepared(submitted, report=report, alike=_alike(taken) if taken else "")


def _alike(taken: Submission) -> str:
    """A fingerprint of the contents without their names, their order and white space."""
    contents = (b"".join(bytes(content).split()) for content in taken.contents().values())
    digests = sorted(hashlib.sha256(content).digest() for content in contents if content)
    return hashlib.sha256(b"".join(digests)).hexdigest()[:_DIGITS]


def _is_whole(hand_in: HandIn) -> bool:
    return len(hand_in.pieces) == 1 and not hand_in.pieces[0].name


@contextmanager
def _in_one_place(hand_in: HandIn) -> Iterator[Path]:
    """The path of what was handed in; several pieces are copied into a folder, gone afterwards."""
    if _is_whole(hand_in):
        yield hand_in.pieces[0].path
        return
    with tempfile.TemporaryDirectory(prefix="grader-class-") as scratch:
        whole = Path(scratch, hand_in.student.key)
        for piece in hand_in.pieces:
            inside = PurePosixPath(piece.name or name_of(piece.path))
            if inside.is_absolute() or ".." in inside.parts:
                raise UsageError(f"{piece.name!r} leads out of the submission")
            target = whole / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(piece.path, target)
        yield whole


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder with its links as they are: what they lead to was not handed in."""
    try:
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target, follow_symlinks=False)
    except (OSError, shutil.Error) as error:
        raise UsageError(f"{name_of(source)!r} can't be read: {error}") from error


def key_of(ready: Prepared, place: work.Place, images: Mapping[str, str], request: flow.Request) -> str:
    """The name under which the result is kept, in hex digits.

    `images`: ids of the images that the programs run in, where they are known.
    """
    told = (
        work.sources(),
        _digest(ready.plan.taken) if ready.plan else ready.report and ready.report.checks,
        request,
        place.sandbox,
        place.image,
        dict(images),
    )
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:_DIGITS]


def _digest(taken: Submission) -> str:
    """A fingerprint of what is unpacked, modes included, and of what is said about it."""
    return hashlib.sha256(taken.archive + "\n".join(taken.notes).encode("utf-8", "backslashreplace")).hexdigest()
