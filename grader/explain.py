"""What a check does and proves, and the mistake that it finds, as code: for `grader explain` and for pages in `docs/`.

Everything comes from the catalogue: the rows of its checks, which are imported for that, and its table of mistakes.
Values in, text out.
"""

from __future__ import annotations

import functools
import importlib
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from grader.catalogue import MODULES, behaviour_of, fitting, title_of
from grader.catalogue.mistakes import LANGUAGES, Language, Mistake, behind
from grader.model import SECTIONS, Part, Transport, part_of

#: Columns of the text for a terminal.
_COLUMNS: Final = 80
#: What a hint calls the functions whose excerpts are shown.
_HINTED: Final[dict[Language, str]] = {"python": "Python", "c": "C"}
_WORDS: Final[dict[Transport, str]] = {"tcp": "TCP", "udp": "UDP"}


@dataclass(frozen=True)
class Explanation:
    """A check of the catalogue over the transports that it is the same over.

    `hint`: with its parts for some languages; `mistake`: the one that it finds most often.
    """

    id: str
    transports: tuple[Transport, ...]
    title: str
    does: str
    proves: str
    catches: str
    hint: str
    mistake: Mistake | None

    @property
    def over(self) -> str:
        """What it is played over, in words."""
        return " and ".join(_WORDS[transport] for transport in self.transports)


@functools.cache
def explanations() -> tuple[Explanation, ...]:
    """All checks of the catalogue, in its order; one that differs over TCP and UDP is there twice."""
    found: dict[tuple[str, object], Explanation] = {}
    for (part, transport), modules in MODULES.items():
        for module in modules:
            for check_id, check in _checks(part, module):
                row = behaviour_of(check)
                if row is None:
                    continue
                known = found.get((check_id, check))
                found[check_id, check] = Explanation(
                    check_id,
                    (*(known.transports if known else ()), transport),
                    title_of(check),
                    row.does,
                    row.proves,
                    row.catches,
                    row.hint,
                    behind(check_id),
                )
    return tuple(found.values())


def _checks(part: Part, module: str) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, check in vars(importlib.import_module(f"grader.checks.{module}")).items():
        if name.startswith("test_"):
            yield f"{part}.{name.removeprefix('test_')}", check


# For a terminal


def as_text(explained: Explanation, languages: tuple[Language, ...] = (*LANGUAGES,)) -> str:
    """Everything about it, with excerpts in these languages."""
    lines = [f"{explained.title}  ({explained.id}, over {explained.over})", ""]
    for label, words in _told(explained, languages):
        lines += [*textwrap.wrap(f"{label}: {words}", _COLUMNS, subsequent_indent="  ", break_on_hyphens=False), ""]
    if explained.mistake:
        lines += textwrap.wrap(
            f"The classic mistake: {explained.mistake.title[:1].lower()}{explained.mistake.title[1:]}.", _COLUMNS
        )
        for language in languages:
            code = explained.mistake.code(language)
            for words, excerpt in (("wrong", code.wrong), ("right", code.right)):
                lines += ["", f"{LANGUAGES[language]}, {words}:", textwrap.indent(excerpt.strip("\n"), "    ")]
    return "\n".join(lines)


def _told(explained: Explanation, languages: tuple[Language, ...]) -> Iterator[tuple[str, str]]:
    yield "What is done", explained.does
    yield "What is proved first", explained.proves
    yield "What it finds", explained.catches
    yield "Hint", _hint(explained.hint, languages)


def _hint(hint: str, languages: tuple[Language, ...]) -> str:
    """A hint with the parts for these languages alone, or for all others if there are several."""
    return fitting(hint, _HINTED[languages[0]] if len(languages) == 1 else "")


# For docs/

_HEADINGS: Final[dict[str, tuple[Part, ...]]] = {
    "checks-server.md": ("server",),
    "checks-client.md": ("client", "pair"),
}
_INTRODUCTION: Final = """\
What each check does, what has been observed before it passes or fails a program, and the mistake that it finds most
often, as code. `grader explain CHECK` prints the same. Written from the catalogue (`grader/checks/` and
`grader/catalogue/mistakes.toml`); the excerpts leave out what surrounds them."""


def pages() -> Mapping[str, str]:
    """The pages for `docs/`, by file name."""
    every = explanations()
    return {
        name: "\n".join(_page(parts, [one for one in every if part_of(one.id) in parts]))
        for name, parts in _HEADINGS.items()
    }


def _page(parts: tuple[Part, ...], explained: list[Explanation]) -> Iterator[str]:
    yield f"# Checks explained: {' and '.join(SECTIONS[part].lower() for part in parts)}"
    yield from ("", _INTRODUCTION, "")
    yield from (f"- [{one.id}](#{anchor(one)}): {one.title}" for one in explained)
    shown: dict[str, Explanation] = {}
    for one in explained:
        yield from ("", f'<a id="{anchor(one)}"></a>', "", f"## {one.title}", "", f"`{one.id}`, over {one.over}.", "")
        yield from (f"- **{label}:** {words}" for label, words in _told(one, (*LANGUAGES,)))
        if one.mistake:
            first = shown.setdefault(one.mistake.title, one)
            yield from _mistake(one.mistake, None if first is one else first)
    yield ""


def anchor(explained: Explanation) -> str:
    """Where it is on its page."""
    other = f"-{explained.transports[0]}" if _differs(explained) else ""
    return re.sub(r"[^a-z0-9]+", "-", explained.id) + other


def _differs(explained: Explanation) -> bool:
    """Whether the other transport has a check of this name that is another one."""
    return explained.transports == ("udp",) and any(
        one.id == explained.id and one.transports != explained.transports for one in explanations()
    )


def _mistake(mistake: Mistake, shown_with: Explanation | None) -> Iterator[str]:
    yield from ("", f"**The classic mistake:** {mistake.title[:1].lower()}{mistake.title[1:]}.")
    if shown_with:
        yield from ("", f"The code is shown with [{shown_with.id}](#{anchor(shown_with)}).")
        return
    for language, name in LANGUAGES.items():
        code = mistake.code(language)
        for words, excerpt in (("wrong", code.wrong), ("right", code.right)):
            yield from ("", f"{name}, {words}:", "", f"```{language}", excerpt.strip("\n"), "```")
