"""A hand-in made ready: its snapshot and plan, and the name under which its result is kept.

That name is a hash of all that the result depends on, so that the same hand-in is never graded twice in the same way,
and what was graded in any other way is never taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from grader import flow
from grader.class_ import work
from grader.class_.model import HandIn
from grader.errors import UsageError
from grader.model import Report, SubmissionInfo
from grader.submission import Submission, take_parts

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
    name = hand_in.student.key
    try:
        taken = take_parts(name, hand_in.parts)
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
