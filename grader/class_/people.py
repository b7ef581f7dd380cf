"""Who is who: what an export knows about somebody, looked up among those in the roster.

A platform's own number is compared with that platform's numbers only, since 4455 may be anything; whatever else names a
person is compared with all ids, then with e-mail addresses, then with names, in either order and without accents.  Who
is not found for certain is not guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from grader.class_.model import Student

#: Ids that only ids of the same platform are compared with, and how rosters call those.
_OWN_NUMBERS: Final = {
    "moodle_id": frozenset({"moodle_id"}),
    "canvas_id": frozenset({"canvas_id"}),
    "brightspace_id": frozenset({"brightspace_id"}),
}
#: The whole name of a repository, which ends with the user's.
_REPOSITORY: Final = "repository"


class People:
    """Everybody in a class."""

    def __init__(self, everybody: Iterable[Student]) -> None:
        self.everybody = (*everybody,)
        self._by_id: dict[tuple[str, str], list[Student]] = {}
        self._by_email: dict[str, list[Student]] = {}
        self._by_name: dict[str, list[Student]] = {}
        self._by_group: dict[str, list[Student]] = {}
        for student in self.everybody:
            for known, keys in (
                (self._by_id, [(kind, squashed(value)) for kind, value in student.ids.items()]),
                (self._by_email, [student.email.casefold(), squashed(student.email.partition("@")[0])]),
                (self._by_name, [*name_forms(student.name)]),
                (self._by_group, [squashed(student.group)]),
            ):
                for key in {*keys} - {""}:
                    known.setdefault(key, []).append(student)

    def find(self, seen: Student) -> list[Student]:
        """Who that is: one, nobody, or several of whom nothing tells which.

        Where an id says one and a name somebody else, it is both.
        """
        by_name = self._named(seen.name)
        for found in (self._with_its_ids(seen), _once(self._by_email.get(seen.email.casefold(), []))):
            if found:
                return found if len(by_name) != 1 or by_name[0] in found else _once([*found, *by_name])
        return by_name

    def group(self, name: str) -> list[Student]:
        """The members of a group."""
        return self._by_group.get(squashed(name), []) if squashed(name) else []

    def _with_its_ids(self, seen: Student) -> list[Student]:
        for kind, value in seen.ids.items():
            if kind == _REPOSITORY:
                found = self._owners(value)
            elif kind in _OWN_NUMBERS:
                found = [one for own in _OWN_NUMBERS[kind] for one in self._by_id.get((own, squashed(value)), [])]
            else:
                found = [*self._with_any_id(value)]
            if found:
                return _once(found)
        return []

    def _with_any_id(self, value: str) -> Iterator[Student]:
        plain = squashed(value)
        for (kind, known), students in self._by_id.items():
            if known == plain and plain and kind not in _OWN_NUMBERS:
                yield from students
        yield from self._by_email.get(value.casefold(), [])
        yield from self._by_email.get(plain, [])

    def _owners(self, repository: str) -> list[Student]:
        """Those with the longest id that the name ends with."""
        ends = {
            value.casefold(): student
            for student in self.everybody
            for value in student.ids.values()
            if value and repository.casefold().endswith(f"-{value.casefold()}")
        }
        return [ends[max(ends, key=len)]] if ends else []

    def _named(self, name: str) -> list[Student]:
        return _once([student for form in name_forms(name) for student in self._by_name.get(form, [])])


def _once(students: Iterable[Student]) -> list[Student]:
    return [*{student.key: student for student in students}.values()]


def squashed(words: str) -> str:
    """Words without case, accents, blanks and punctuation; letters of all scripts stay."""
    plain = unicodedata.normalize("NFKD", words).casefold()
    return "".join(char for char in plain if char.isalnum())


def name_forms(name: str) -> set[str]:
    """How a name is written: `Jane Doe`, `Doe, Jane` and Canvas's `doejane` have one in common."""
    words = [squashed(word) for word in re.split(r"[\s,]+", name) if squashed(word)]
    if not words:
        return set()
    # The last name, of however many words, may come first.
    turned = ("".join(words[at:] + words[:at]) for at in range(len(words)))
    return {" ".join(sorted(words)), *turned}
