"""Which sandbox a run takes, and why, in one sentence; and that it has what the programs need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from grader import families
from grader.assignment import Assignment
from grader.errors import CannotJudgeError, OfflineError
from grader.families import BASE
from grader.sandbox import here
from grader.sandbox.host import Sandbox

if TYPE_CHECKING:
    from grader.sandbox.begun import Nest
    from grader.sandbox.images import Contents

Wanted = Literal["auto", "docker", "local"]


@dataclass(frozen=True)
class Rules:
    """What the user says of images.  `offline`: build and fetch none.  `image`: one of the user's own, for programs."""

    offline: bool = False
    image: str = ""


@dataclass(frozen=True)
class Needs:
    """What programs need, as far as it is known before a sandbox is chosen: an assignment's libraries, families."""

    assignment: Assignment | None = None
    families: frozenset[str] = frozenset({BASE})


@dataclass(frozen=True)
class Choice:
    """A sandbox's kind.  `why`: one sentence for the user.

    `make`: one sandbox for one submission's archive, whose programs need these families (CannotJudgeError: they are not
    to be had).  `complaints`: what the sandboxes could not tidy up, for after the report.
    """

    kind: Literal["docker", "local"]
    why: str
    make: Callable[[Assignment, bytes, frozenset[str]], Sandbox]
    complaints: list[str] = field(default_factory=list)

    @property
    def caution(self) -> str:
        """What its user should know of it, as the end of a sentence."""
        return "; it does not protect this machine from the program" if self.kind == "local" else ""


_NO_RULES: Final = Rules()
_NO_NEEDS: Final = Needs()


def choose(
    wanted: Wanted,
    listen: Callable[[str], None],
    rules: Rules = _NO_RULES,
    needs: Needs = _NO_NEEDS,
    nest: Nest | None = None,
) -> Choice:
    """The sandbox that is wanted, or with `auto` containers where they can be had.  `listen` hears of slow steps.

    `nest`: processes of a local sandbox that have begun already; it is used where that is wanted.

    Raises:
        CannotJudgeError: it can't be had, or not with what is needed.
    """
    if wanted == "local":
        return _local(listen, "as asked", needs, nest)
    if wanted == "docker" or rules.image:
        return _docker(listen, "as asked" if wanted == "docker" else "as its image is named", rules, needs)
    try:
        return _docker(listen, "a container engine answers", rules, needs)
    except OfflineError:
        raise
    except CannotJudgeError as error:
        return _local(listen, str(error), needs)


def _local(listen: Callable[[str], None], why: str, needs: Needs, nest: Nest | None = None) -> Choice:
    from grader.sandbox.local import LocalSandbox  # noqa: PLC0415 — each kind loads only what it needs

    missing = here.missing_libraries(needs.assignment.image) if needs.assignment else []
    if missing:
        listen(f"not installed here, though programs may use it: {', '.join(missing)}")

    return Choice("local", why, lambda assignment, archive, _: LocalSandbox(assignment.limits, archive, nest))


def _docker(listen: Callable[[str], None], why: str, rules: Rules, needs: Needs) -> Choice:
    from grader.sandbox import engine  # noqa: PLC0415 — see above
    from grader.sandbox.docker import DockerSandbox  # noqa: PLC0415
    from grader.sandbox.images import Images  # noqa: PLC0415

    client = engine.connect()
    images = Images(client, listen, offline=rules.offline)
    images.supply(contents_of(needs.assignment, needs.families, rules.image))
    complaints: list[str] = []

    def make(assignment: Assignment, archive: bytes, wanted: frozenset[str]) -> Sandbox:
        supplied = images.supply(contents_of(assignment, wanted, rules.image))
        return DockerSandbox(client, assignment.limits, archive, supplied, complaints.append)

    return Choice("docker", why, make, complaints)


def contents_of(assignment: Assignment | None, wanted: Iterable[str], own: str = "") -> Contents:
    """What the image for programs of an assignment, which need these families, must hold."""
    from grader.sandbox.images import Contents  # noqa: PLC0415 — see above

    needed = families.closed(wanted)
    if assignment is None:
        return Contents(needed, own=own)
    return Contents(needed, assignment.image, own=own, assignment=assignment.name)
