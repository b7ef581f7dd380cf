"""The catalogue: what the harness can check, each behaviour written once.

A check is a pytest function whose docstring's first line is its title.  `@behaviour` adds what the catalogue says
about it: what is done, what must have been observed before it may pass or fail the program, the classic mistake that
it catches, and a hint for the student.
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
    ("server", "tcp"): (
        "server_lifecycle",
        "server_tcp_reading",
        "server_tcp_writing",
        "server_tcp_clients",
        "server_resources",
    ),
    ("server", "udp"): ("server_lifecycle", "server_udp", "server_resources"),
    ("client", "tcp"): ("client_common", "client_visits", "client_tcp"),
    ("client", "udp"): ("client_common", "client_visits", "client_udp"),
    ("pair", "tcp"): ("pair",),
    ("pair", "udp"): ("pair",),
}

#: What helps where a program in C has crashed and nobody has looked with sanitizers yet.
BUILD_WITH_SANITIZERS = (
    "If SIGSEGV or SIGABRT ended it, there may be no message: compile with -g -fsanitize=address, run it by hand, and "
    "send it the same bytes."
)
#: What to look at when a program has crashed.
READ_WHY = (
    "Read what it printed (above){Python: : the last line names the error, and the lines before it say where it "
    "happened}{Java: : the first line of a stack trace names the exception, Caused by shows what is behind it, and the "
    "first line with one of your files shows where; if there is none, call printStackTrace() where you catch it}."
    f"{{C:  {BUILD_WITH_SANITIZERS}}}"
)
#: ... with words of its own, which are no trace of its runtime's.
READ_WORDS = (
    "Read what it printed (above).{Java:  To see where that happened, call printStackTrace() where you catch the "
    f"exception.}}{{C:  {BUILD_WITH_SANITIZERS}}}"
)
#: ... without a word.
READ_NOTHING = f"{{Java: Call printStackTrace() where you catch an exception.}}{{C: {BUILD_WITH_SANITIZERS}}}"
#: What to do about a program that no check gets to talk to, whatever the check is about.
START_BY_HAND = "Start it by hand with the command above, and read what it prints."
#: What to look at where the cause is none that a check looks for.
COMMON_HINTS = {
    Reason.CRASHED: READ_WHY,
    Reason.NOT_HEARD: "What one client says goes to every connected client: keep a list of them.",
    Reason.OUTPUT_FLOOD: "It prints endlessly, whatever it is asked: look for a loop that prints and never waits.",
    Reason.HIDDEN: "It runs from a file that its own user can't read (chmod 711), so nobody can see what it waits for: "
    "make the file readable for its user.",
    Reason.OUT_OF_MEMORY: "It was killed because it used more memory than a submission may: find out what keeps "
    "growing.",
    Reason.TOO_MANY_PROCESSES: "Look for a loop that keeps starting processes or threads, or that never lets them "
    "exit: each client needs one at most, and only while it is connected.",
    Reason.TOO_MANY_FILES: "Look for descriptors that are opened and never closed, and for processes that inherit "
    "those of others: each client needs one, and only while it is connected.",
    Reason.ENDED_BY_STOP: "A program may be stopped and continued at any time (Ctrl-Z, then fg).{C:  Calls may "
    "then return -1 with EINTR: call them again.}",
    Reason.TOO_SLOW: "Look for a sleep, or for a timeout that always runs out, between receiving a message and "
    "replying.",
}

#: A part of a hint that is for programs in some languages: `{C, Go: ...}`; it may have braces in it, in pairs.  What is
#: for C is for C++ as well.
_FOR_LANGUAGES = re.compile(r"\{([A-Z][\w+#, ]*): ((?:[^{}]|\{[^{}]*\})*)\}")
_ALSO = {"C++": "C", "TypeScript": "JavaScript", "Kotlin": "Java"}
#: What a language calls the functions that C and Python call recv, recvfrom and sendto.
_CALLED: Final[dict[str, dict[str, str]]] = {
    "Java": {"recv": "read", "recvfrom": "receive", "sendto": "send"},
    "Go": {"recv": "Read", "recvfrom": "ReadFrom", "sendto": "WriteTo"},
    "Rust": {"recv": "read", "recvfrom": "recv_from", "sendto": "send_to"},
}
_CALLS = re.compile(r"\b(?:recv|recvfrom|sendto)\b")
#: How a program hears that the other side has ended.
RECV_GIVES_NOTHING = "recv returns nothing{Python:  (b'')}{C, Rust:  (0)}{Java:  (-1)}{Go:  (io.EOF)}"


def fitting(hint: str, language: str) -> str:
    """A hint for a program in this language; if that isn't known, only the parts for all languages."""
    spoken = _ALSO.get(language, language)
    chosen = _FOR_LANGUAGES.sub(lambda part: part[2] if {language, spoken} & {*part[1].split(", ")} else "", hint)
    return _CALLS.sub(lambda call: _CALLED.get(spoken, {}).get(call[0], call[0]), chosen)


_Check = TypeVar("_Check", bound=Callable[..., None])


@dataclass(frozen=True)
class Behaviour:
    """A row of the catalogue.

    `hints`: what to look at, by reason; `hint` for all others; parts may be for some languages only (`fitting`).
    `says`: the functions of an assignment's `protocol.py` that it needs; `needs`: what else (`needs.py`).  `visits`:
    the functions that it needs instead where the client acts by itself; None: then it can't be played.
    """

    does: str
    proves: str
    catches: str
    hint: str
    hints: dict[Reason, str]
    says: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    visits: tuple[str, ...] | None = None

    def hint_for(self, reason: Reason, language: str = "", read: str = READ_WHY) -> str:
        """What to look at after this failure of a program in this language (empty: not known).

        `read`: what there is to be read if it has crashed: `READ_WHY`, `READ_WORDS` or `READ_NOTHING`.
        """
        hint = self.hints.get(reason) or COMMON_HINTS.get(reason) or self.hint
        if reason is Reason.CRASHED and hint is COMMON_HINTS[reason]:
            # What it did not expect, and where that is told; what it has printed need not be printed again.
            has_read = self.hint is START_BY_HAND and read is not READ_NOTHING
            hint = read if has_read else f"{self.hint} {read}"
        return fitting(hint, language).rstrip()


def behaviour(
    *,
    does: str,
    proves: str,
    catches: str,
    hint: str,
    hints: dict[Reason, str] | None = None,
    says: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    visits: tuple[str, ...] | None = None,
) -> Callable[[_Check], _Check]:
    """Attach a check's row of the catalogue."""

    def mark(check: _Check) -> _Check:
        vars(check)["behaviour"] = Behaviour(does, proves, catches, hint, hints or {}, says, needs, visits)
        return check

    return mark


def part_of_module(module: str) -> Part:
    """Which part a module's checks are for: the catalogue's by the table, an assignment's own by the file's name.

    `test_client_*.py` holds a client's, `test_pair_*.py` those of both programs together, any other a server's.
    """
    name = module.rpartition(".")[2]
    listed = (part for (part, _), modules in MODULES.items() if name in modules)
    own = (part for part in PARTS if name.startswith(f"test_{part}"))
    return next(listed, next(own, "server"))


def behaviour_of(check: Callable[..., object]) -> Behaviour | None:
    """A check's row of the catalogue, or None for one of an assignment's own checks."""
    found = vars(check).get("behaviour")
    return found if isinstance(found, Behaviour) else None


def title_of(check: Callable[..., object]) -> str:
    """The first line of a check's docstring."""
    return (check.__doc__ or check.__name__).strip().splitlines()[0]
