"""An assignment's reference programs: where they are, what each must get, and each as something to be graded.

A reference folder has right programs in `good/`, whole wrong ones in `broken/`, wrong ones that are a right one with a
change in `mutants.toml`, and for all of them what they must get in `verdicts.toml`: exactly the checks that must fail.
"""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from grader.assignment import Assignment, builds, handed_in
from grader.assignment.visibility import REFERENCE
from grader.errors import AssignmentError, UsageError
from grader.model import ROLES, Graded, Part, Role, part_of, parts_of
from grader.verify.mutants import MUTANTS, CannotMutateError, Mutant, difference, mutated

VERDICTS: Final = "verdicts.toml"
#: How the name of a mutant begins where programs are named.
_MUTANT = "mutants/"
#: How many names are proposed for one that is unknown.
_CLOSE = 3

#: Which programs the checks of a part are played with.
_ROLE_OF: Final[Mapping[Part, Graded]] = {"server": "server", "client": "client", "pair": "both"}

T = TypeVar("T")


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program's verdict: its fault in words (empty for a correct one), and the checks that must fail.

    `role`: the role that it is graded in; both: it is a folder with two programs.  `open`: other checks may pass, fail
    or be skipped, since a variant has dropped the check that its parent skips them for.  `needs`: commands beside those
    of Python and C without which it is not played.
    """

    fault: str = ""
    fails: tuple[str, ...] = ()
    role: Graded = "server"
    open: bool = False
    needs: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that it is graded in."""
        return ROLES if self.role == "both" else (self.role,)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Whose checks are played with it."""
        return parts_of(self.roles)


class References(msgspec.Struct, frozen=True):
    """Reference programs by name ("good/threads.py", "broken/no_loop.c", "mutants/no_loop"), each with its verdict."""

    folder: Path
    verdicts: dict[str, Expected]
    mutants: dict[str, Mutant]

    @contextmanager
    def handed_in(self, program: str) -> Iterator[Path]:
        """A program as it is handed in: a file or a folder, while this lasts.

        Raises:
            AssignmentError: it is a mutant that can't be made.
        """
        if program not in self.mutants:
            yield self.folder / program
            return
        mutant = self.mutants[program]
        made = self._mutated(program, lambda files: mutated(files, mutant))
        with tempfile.TemporaryDirectory(prefix="grader-mutant-") as into:
            where = Path(into) / Path(mutant.of).name
            for path, data in made.items():
                target = where / path if path else where
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                target.chmod((self.folder / mutant.of / path).stat().st_mode & 0o777)
            yield where

    def difference(self, program: str) -> list[str]:
        """What a mutant changes in its right program: the lines of a unified diff.

        Raises:
            UsageError: there is no such mutant.
            AssignmentError: it can't be made.
        """
        name = program if program.startswith(_MUTANT) else f"{_MUTANT}{program}"
        if name not in self.mutants:
            there = sorted(mutant.removeprefix(_MUTANT) for mutant in self.mutants)
            close = difflib.get_close_matches(name.removeprefix(_MUTANT), there, n=_CLOSE, cutoff=0)
            more = f"; close to it: {', '.join(close)}" if close else ", which has none"
            message = f"there is no mutant {program!r} in {self.folder.name}/{MUTANTS}{more}"
            raise UsageError(message)
        mutant = self.mutants[name]
        return self._mutated(name, lambda files: [*difference(files, mutant, name)])

    def unfit(self) -> list[str]:
        """What is wrong with the mutants that can't be made, in words."""
        return [fault for name in self.mutants if (fault := self._unfit(name))]

    def _unfit(self, name: str) -> str:
        right = sorted(program for program in _programs(self.folder) if program.startswith("good/"))
        if self.mutants[name].of not in right:
            of, there = self.mutants[name].of, ", ".join(right) or "none"
            return f"{name.removeprefix(_MUTANT)}: there is no right program {of!r}: {there}"
        try:
            self._mutated(name, lambda files: mutated(files, self.mutants[name]))
        except AssignmentError as error:
            return str(error).partition(": ")[2]
        return ""

    def _mutated(self, name: str, make: Callable[[Mapping[str, bytes]], T]) -> T:
        try:
            return make(_files(self.folder / self.mutants[name].of))
        except (CannotMutateError, OSError) as error:
            message = f"{self.folder.name}/{MUTANTS}: {name.removeprefix(_MUTANT)}: {error}"
            raise AssignmentError(message) from error


def _files(program: Path) -> dict[str, bytes]:
    """A program's files by their path in it; a single file has the empty path."""
    if not program.is_dir():
        return {"": program.read_bytes()}
    paths = (path for path in sorted(program.rglob("*")) if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(program)): path.read_bytes() for path in paths}


def reference_folder(assignment: Assignment, own: Path, given: Path | None = None) -> Path:
    """Where an assignment's reference programs are; a variant's are its parent's.

    `own`: the assignment's folder, which may have them in a folder `reference`, as a parent's folder beside it may;
    ours are beside the package, in a checkout.  `given`: where they are instead: the folder, or one with a folder of
    the assignment's name.

    Raises:
        UsageError: there are none.
    """
    names = (assignment.name, *assignment.extends)
    checkout = Path(__file__).resolve().parent.parent.parent / REFERENCE
    places = (
        [given, *(given / name for name in names)]
        if given is not None
        else [
            own / REFERENCE,
            *(own.parent / parent / REFERENCE for parent in assignment.extends),
            *(checkout / name for name in names),
        ]
    )
    for place in places:
        if (place / VERDICTS).is_file():
            return place
    looked = given if given is not None else own / REFERENCE
    message = f"there are no reference programs for {assignment.name}: {looked} has no {VERDICTS}"
    if given is None and not checkout.is_dir():
        message += " (those of the assignments that come with the grader are in its source archive: --reference DIR)"
    raise UsageError(message)


def load_references(folder: Path, assignment: Assignment) -> References:
    """The reference programs of a folder, with their verdicts.

    Raises:
        AssignmentError: a file has a fault, a program has no verdict, a verdict no program, or a mutant can't be made;
            all of them are named.
    """
    verdicts = _decoded(folder, VERDICTS, dict[str, Expected])
    mutants = _decoded(folder, MUTANTS, dict[str, Mutant]) if (folder / MUTANTS).exists() else {}
    references = References(folder, verdicts, {f"{_MUTANT}{name}": mutant for name, mutant in mutants.items()})
    programs = {*_programs(folder), *references.mutants}
    if _whose(folder) in assignment.extends:
        references = msgspec.structs.replace(references, verdicts=_of_variant(verdicts, assignment))
        programs &= references.verdicts.keys()
    faults = [f"{MUTANTS}: {fault}" for fault in references.unfit()]
    faults += [f"{VERDICTS}: {fault}" for fault in _disagreements(references.verdicts, programs, assignment)]
    if faults:
        raise AssignmentError(*(f"{folder.name}/{fault}" for fault in faults))
    return references


def _whose(folder: Path) -> str:
    """The name of the assignment that a reference folder belongs to: the folder's own, or that of the one around it."""
    return folder.resolve().parent.name if folder.name == REFERENCE else folder.name


def _decoded(folder: Path, name: str, shape: Any) -> Any:
    try:
        return msgspec.toml.decode((folder / name).read_bytes(), type=shape)
    except (OSError, msgspec.DecodeError) as error:
        message = f"{folder.name}/{name}: {error}"
        raise AssignmentError(message) from error


def _programs(folder: Path) -> Iterator[str]:
    """The names of whole programs; hidden files are none, nor is what an interpreter leaves behind."""
    for kind in ("good", "broken"):
        if (folder / kind).is_dir():
            names = (path.name for path in (folder / kind).iterdir())
            yield from (f"{kind}/{name}" for name in names if not name.startswith((".", "__pycache__")))


def _disagreements(verdicts: Mapping[str, Expected], programs: set[str], assignment: Assignment) -> Iterator[str]:
    known = {spec.id for spec in assignment.checks}
    known |= {check(role) for role in assignment.roles for check in (builds, handed_in)}
    yield from (f"{program} has no verdict" for program in sorted(programs - set(verdicts)))
    yield from (f"there is no program {program}" for program in sorted(set(verdicts) - programs))
    for program, expected in verdicts.items():
        yield from (f"{program}: there is no check {check}" for check in expected.fails if check not in known)
        if not {*expected.roles} <= {*assignment.roles}:
            yield f"{program}: there is no role {expected.role} here"
        yield from (
            f'{program}: {check} is not played with a {expected.role}; is it role = "{_ROLE_OF[part]}"?'
            for check in expected.fails
            if (part := part_of(check)) not in expected.parts
        )


def _of_variant(verdicts: dict[str, Expected], assignment: Assignment) -> dict[str, Expected]:
    """A parent's verdicts, as far as they are about what the variant asks for."""
    asked = {spec.id for spec in assignment.checks} | {
        check(role) for role in assignment.roles for check in (builds, handed_in)
    }
    return {
        program: msgspec.structs.replace(
            verdict, fails=tuple(check for check in verdict.fails if check in asked), open=not {*verdict.fails} <= asked
        )
        for program, verdict in verdicts.items()
        if {*verdict.roles} <= {*assignment.roles}
    }
