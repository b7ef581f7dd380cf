"""What is to be graded: which programs of a submission, by which checks, with which inputs.  Pure; nothing runs.

A `Request` says what somebody asked for, a `Plan` what that means for one submission.  A plan has parts, each played in
a sandbox of its own (`flow.py`): what everybody may see, what not everybody may, and one check with sanitizers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from grader import languages
from grader.assignment import Assignment, Starting
from grader.assignment.words import as_typed
from grader.errors import UsageError
from grader.languages.recipe import Recipe
from grader.languages.sanitizing import sanitized
from grader.limits import MOST_SEED, SANITIZED_BUILD_S, SANITIZED_CHECKS_S, SANITIZER_BYTES
from grader.model import Narrowed, Role, part_of, parts_of
from grader.submission import Submission, shown


class Request(msgspec.Struct, frozen=True):
    """What is to be graded: the assignment, the random inputs' seed, and which programs and checks (None: all).

    `second_look`: whether a failure of a program in C or C++ may be played again, with sanitizers.
    """

    assignment: Assignment
    seed: int
    roles: tuple[Role, ...] | None = None
    only: frozenset[str] | None = None
    second_look: bool = True

    @property
    def asked_roles(self) -> tuple[Role, ...]:
        """The roles that are asked for."""
        return self.roles or self.assignment.roles

    @property
    def chosen(self) -> frozenset[str]:
        """Ids of the checks that count: those asked for and what they depend on, whatever was handed in."""
        listed = {spec.id for spec in self.assignment.checks if spec.part in parts_of(self.asked_roles)}
        return frozenset(listed if self.only is None else self.assignment.with_needed(self.only & listed))

    @property
    def played_roles(self) -> tuple[Role, ...]:
        """The asked roles that have a part in the chosen checks."""
        parts = {part_of(check) for check in self.chosen}
        return tuple(role for role in self.asked_roles if parts & {role, "pair"})

    @property
    def narrowed(self) -> Narrowed | None:
        """What is asked for instead of the whole assignment; None if it is the whole."""
        roles, checks = self.asked_roles, self.assignment.checks
        if roles == self.assignment.roles and self.only is None:
            return None
        return Narrowed(
            role=roles[0] if roles != self.assignment.roles else None,
            only=tuple(spec.id for spec in checks if spec.id in (self.only or ())),
            full_score=sum(spec.points for spec in checks),
        )


class Plan(msgspec.Struct, frozen=True):
    """A submission that can be graded.

    `recipes`: its programs, by role.  `lacking`: the roles that have none, each with why in a sentence.
    `chosen`: ids of the checks that count.  `notes`: sentences about what is graded.  `remarks`: sentences about what
    was handed in, for the report.
    """

    taken: Submission
    request: Request
    recipes: dict[Role, Recipe]
    lacking: dict[Role, str]
    chosen: frozenset[str]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def families(self) -> frozenset[str]:
        """The families of languages that its programs need, together."""
        return frozenset[str]().union(*(made.families for made in self.recipes.values()))

    def shown_part(self) -> Plan:
        """Without the checks that not everybody may see, and without anything of them."""
        asked = self.request.assignment
        request = msgspec.structs.replace(self.request, assignment=asked.shown_part())
        return msgspec.structs.replace(self, request=request, chosen=self.chosen - asked.concealed)

    def hidden_part(self) -> Plan:
        """Those checks and what they depend on, with inputs that nobody can make who doesn't have the hidden files."""
        asked, seed = self.request.assignment, self.request.seed
        seed = hidden_seed(seed, asked.hidden_files)
        request = msgspec.structs.replace(self.request, assignment=asked.hidden_part(), seed=seed)
        return msgspec.structs.replace(self, request=request, chosen=asked.with_needed(self.chosen & asked.concealed))

    def sanitized_part(self, check: str) -> Plan | None:
        """One check that everybody may see and what it depends on, with sanitizers in its programs.

        None if no program of it is built from C or C++.
        """
        asked, taken = self.request.assignment.shown_part(), self.taken
        limits = msgspec.structs.replace(
            asked.limits,
            memory_bytes=asked.limits.memory_bytes + SANITIZER_BYTES,
            build_s=min(asked.limits.build_s, SANITIZED_BUILD_S),
            whole_s=min(asked.limits.whole_s, SANITIZED_CHECKS_S),
        )
        chosen = asked.with_needed(frozenset({check}))
        own = {role: made for role, made in self.recipes.items() if {part_of(id_) for id_ in chosen} & {role, "pair"}}
        again = {role: sanitized(taken, made, languages.written_in(taken, made)) for role, made in own.items()}
        if not any(again.values()):
            return None
        request = msgspec.structs.replace(self.request, assignment=msgspec.structs.replace(asked, limits=limits))
        recipes = {role: again[role] or made for role, made in own.items()}
        return msgspec.structs.replace(self, request=request, recipes=recipes, chosen=chosen)

    @property
    def playable(self) -> frozenset[str]:
        """Those of the chosen checks whose programs were handed in."""
        return frozenset(check for check in self.chosen if part_of(check) in parts_of(self.recipes))


def hidden_seed(seed: int, files: Mapping[str, bytes]) -> int:
    """The seed of hidden checks, the same for the same files, and no secret of it in the seed that reports show."""
    known = hashlib.sha256(str(seed).encode())
    for name in sorted(files):
        known.update(hashlib.sha256(name.encode() + b"\0" + files[name]).digest())
    return 1 + int.from_bytes(known.digest()) % MOST_SEED


def plan(taken: Submission, request: Request) -> Plan:
    """Find the programs.

    Raises:
        UsageError: there is none, or it is not clear which is meant.
    """
    asked = {role: request.assignment.starting(role) for role in request.played_roles}
    found, lacking = languages.recipes(taken, request.played_roles, asked, request.assignment.transport)
    if not found:
        raise UsageError(next(iter(lacking.values())))
    remarks = [*taken.notes, *(warning for made in found.values() for warning in made.warnings)]
    notes = [
        f"the {role} is {shown(made.program)} ({made.language}){_started(made, asked[role])}"
        for role, made in found.items()
    ]
    to_be_told = len(request.played_roles) > 1 or any(_started(made, asked[role]) for role, made in found.items())
    notes += [
        f"no {role} was handed in, which costs its points (--role {there} grades the {there} alone)"
        for role in lacking
        for there in found
    ]
    return Plan(
        taken,
        request,
        found,
        lacking,
        request.chosen,
        notes=tuple(notes) if to_be_told else (),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _started(made: Recipe, asked: Starting) -> str:
    """How a program is started, where the assignment says that: as the end of a sentence."""
    if not (made.arguments or asked.environment):
        return ""
    found = (f"./{made.named[0]}",) if made.named and made.finds is not None else made.run[:1]
    return f", started as: {as_typed((*found, *made.run[1:]), asked.environment)}"
