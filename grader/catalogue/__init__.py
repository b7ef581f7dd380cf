"""The catalogue: what the harness can check, each behaviour written once.

A check is a pytest function whose docstring's first line is its title.  `@behaviour` adds what the catalogue says
of it: what is done, what must have been seen of the situation before it may pass or fail the program, the classic
mistake that it finds, and what a student should look at next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from grader.errors import Reason
from grader.model import PARTS, Part, Transport

#: The modules that hold the checks of a server, of a client or of both together, over a transport.
MODULES: Final[dict[tuple[Part, Transport], tuple[str, ...]]] = {
    ("server", "tcp"): ("server", "tcp_reading", "tcp_writing", "tcp_clients", "resources"),
    ("server", "udp"): ("server", "udp_server", "resources"),
    ("client", "tcp"): ("client", "tcp_client"),
    ("client", "udp"): ("client", "udp_client"),
    ("pair", "tcp"): ("pair",),
    ("pair", "udp"): ("pair",),
}

#: What to look at when a program has crashed.
READ_WHY = (
    "Read what it printed (above){Python: : the last line names the error, and the lines before it where it is}"
    "{Java: : the first line names the exception, Caused by what is behind it, and the first line with a file of yours "
    "where it is}.{C:  A signal like SIGSEGV leaves no words: compile with -g -fsanitize=address, run it by hand, and "
    "send it the same.}"
)
#: What to look at where the cause is none that a check looks for.
COMMON_HINTS = {
    Reason.CRASHED: READ_WHY,
    Reason.NOT_HEARD: "What one client says goes to every client that is connected: keep a list of them.",
    Reason.OUTPUT_FLOOD: "It prints without end, whatever it is asked: look for a loop that prints and never waits.",
    Reason.TOO_MANY_FILES: "Look for descriptors that are opened and never closed, and for processes that inherit "
    "those of others: a client needs one, and only while it is there.",
    Reason.ENDED_BY_STOP: "A program may be stopped and continued at any time (Ctrl-Z, then fg).{C:  epoll_wait, sleep "
    "and recv with a timeout then return -1 with EINTR, without any handler: call them again.}",
    Reason.TOO_SLOW: "Look for a sleep, or a timeout that is waited out, between receiving a message and answering it.",
    Reason.HIDDEN: "It runs from a file that its own user may not read (chmod 711), so nobody can see what it waits "
    "for: let its user read it.",
    Reason.OUT_OF_MEMORY: "It was killed when it used more memory than a submission may: look at what grows.",
    Reason.TOO_MANY_PROCESSES: "Look for a loop that starts processes or threads without end, or that never lets them "
    "end: each client needs one at most, and only while it is there.",
}

#: A part of a hint that is for programs in some languages: `{C, Go: ...}`.  What is for C is for C++ as well.
_FOR_LANGUAGES = re.compile(r"\{([A-Z][\w+#, ]*): ([^{}]*)\}")
_ALSO = {"C++": "C", "TypeScript": "JavaScript"}


def fitting(hint: str, language: str) -> str:
    """A hint as it is for a program in this language; in none that is known: only what is for all."""
    names = {language, _ALSO.get(language, language)}
    return _FOR_LANGUAGES.sub(lambda part: part[2] if names & {*part[1].split(", ")} else "", hint)


_Check = TypeVar("_Check", bound=Callable[..., None])


@dataclass(frozen=True)
class Behaviour:
    """A row of the catalogue.

    `hints`: what to look at, by reason; `hint` for all others; parts of them may be for some languages (`fitting`).
    `says`: the functions of an assignment's `protocol.py` that it needs.
    """

    does: str
    proves: str
    catches: str
    hint: str
    hints: dict[Reason, str]
    says: tuple[str, ...] = ()

    def hint_for(self, reason: Reason, language: str = "") -> str:
        """What to look at after this failure of a program in this language (empty: it is not known which)."""
        hint = self.hints.get(reason) or COMMON_HINTS.get(reason) or self.hint
        if reason is Reason.CRASHED and hint is COMMON_HINTS[reason]:
            hint = f"{self.hint} {hint}"  # what it is not prepared for, and where it says so
        return fitting(hint, language)


def behaviour(
    *,
    does: str,
    proves: str,
    catches: str,
    hint: str,
    hints: dict[Reason, str] | None = None,
    says: tuple[str, ...] = (),
) -> Callable[[_Check], _Check]:
    """Say what a check is in the catalogue."""

    def mark(check: _Check) -> _Check:
        vars(check)["behaviour"] = Behaviour(does, proves, catches, hint, hints or {}, says)
        return check

    return mark


def part_of_module(module: str) -> Part:
    """What the checks of a module are of: the catalogue's by the table, an assignment's own by the file's name.

    `test_client_*.py` holds a client's, `test_pair_*.py` those of both programs together, any other a server's.
    """
    name = module.rpartition(".")[2]
    listed = (part for (part, _), modules in MODULES.items() if name in modules)
    own = (part for part in PARTS if name.startswith(f"test_{part}"))
    return next(listed, next(own, "server"))


def behaviour_of(check: Callable[..., object]) -> Behaviour | None:
    """A check's row of the catalogue, or None for a check of an assignment's own."""
    found = vars(check).get("behaviour")
    return found if isinstance(found, Behaviour) else None


def title_of(check: Callable[..., object]) -> str:
    """The first line of a check's docstring."""
    return (check.__doc__ or check.__name__).strip().splitlines()[0]
