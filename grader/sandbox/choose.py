"""Which sandbox a run uses, and why, in one sentence; and that it has what the programs need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
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
    """The user's options for images.  `offline`: don't build or fetch any.  `image`: the user's own, for programs."""

    offline: bool = False
    image: str = ""


@dataclass(frozen=True)
class Needs:
    """What programs need, as far as is known before a sandbox is chosen: an assignment's libraries, families."""

    assignment: Assignment | None = None
    families: frozenset[str] = frozenset({BASE})


@dataclass(frozen=True)
class Choice:
    """A sandbox's kind.  `why`: one sentence for the user.

    `make`: one sandbox for one submission's archive, whose programs need these families (CannotJudgeError: they can't
    be provided).  `complaints`: what the sandboxes could not tidy up, to be shown after the report.  `keep`: several
    will be made, so that what takes time and is the same for all is done once, until `close`, which also closes the
    connections to an engine.
    """

    kind: Literal["docker", "local"]
    why: str
    make: Callable[[Assignment, bytes, frozenset[str]], Sandbox]
    complaints: list[str] = field(default_factory=list)
    keep: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None

    @property
    def caution(self) -> str:
        """What its user should know about it, as the end of a sentence."""
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
    """The sandbox that is wanted; with `auto`, containers if possible.  `listen` is told about slow steps.

    `nest`: processes of a local sandbox that have been started already; they are used if that is wanted.

    Raises:
        CannotJudgeError: it can't be started, or not with what is needed.
    """
    if wanted == "local":
        return _local(listen, "as asked", needs, nest)
    if wanted == "docker" or rules.image:
        return _docker(listen, "as asked" if wanted == "docker" else "--image was given", rules, needs)
    try:
        return _docker(listen, "a container engine is running", rules, needs)
    except OfflineError:
        raise
    except CannotJudgeError as error:
        return _local(listen, str(error), needs)


def _local(listen: Callable[[str], None], why: str, needs: Needs, nest: Nest | None = None) -> Choice:
    from grader.sandbox import fork_server  # noqa: PLC0415 — each kind loads only what it needs
    from grader.sandbox.local import LocalSandbox  # noqa: PLC0415

    missing = here.missing_libraries(needs.assignment.image) if needs.assignment else []
    if missing:
        listen(f"allowed by the assignment, but not installed here: {', '.join(missing)}")

    # Of several sandboxes only the first can be the one that has been started already.
    begun = [nest] if nest else []
    kept = ExitStack()

    def make(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
        return LocalSandbox(assignment, archive, begun.pop() if begun else None)

    def keep() -> None:
        kept.enter_context(fork_server.kept())

    return Choice("local", why, make, keep=keep, close=kept.close)


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
        return DockerSandbox(client, assignment, archive, supplied, complaints.append, own_image=bool(rules.image))

    return Choice("docker", why, make, complaints, close=client.close)


def contents_of(assignment: Assignment | None, wanted: Iterable[str], own: str = "") -> Contents:
    """What the image for an assignment's programs, which need these families, must contain."""
    from grader.sandbox.images import Contents  # noqa: PLC0415 — see above

    needed = families.closed(wanted)
    if assignment is None:
        return Contents(needed, own=own)
    return Contents(needed, assignment.image, own=own, assignment=assignment.name)
