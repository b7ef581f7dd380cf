"""What a name says about a role: the rules that tell files, folders and targets apart.

Names are compared without case, "_", "-", "." and spaces.  These rules are here because both sides of the sandbox use
them: the host when it looks for a source, the driver when it looks for what a build has made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from grader.model import Role

OTHER_ROLE: Final[dict[Role, Role]] = {"server": "client", "client": "server"}
#: Words around the role in usual names: `TCP_Server.py`.
USUAL_WORDS: Final = ("", "tcp", "udp", "echo")
#: The words for a role that students use, in their own language and abbreviated.
_ALSO: Final[dict[Role, tuple[str, ...]]] = {
    "server": ("server", "serveur", "servidor", "serwer", "sunucu", "palvelin", "serv", "srv", "servr", "svr"),
    "client": ("client", "klien", "klijent", "istemci", "asiakas", "cli", "clnt", "clt"),
}
#: Short words that are part of many others ("click", "service"): they count only as words of their own, or with the
#: usual words before them, as in `tcpserv.c` and `udpcli01.c`.
_SHORT: Final = frozenset({"serv", "srv", "servr", "svr", "cli", "clnt", "clt"})
#: Where tools keep internal files: cargo's parts, CMake's compiler tests.
_TOOLS_OWN: Final = frozenset({"deps", "incremental", "CMakeFiles", ".fingerprint"})


def plain(text: str) -> str:
    """A name without the details that people write differently."""
    return re.sub(r"[\s._-]", "", text).lower()


def is_called(name: str, given: Iterable[str]) -> bool:
    """Whether a path's last part is one of these names, with or without an ending."""
    path = PurePosixPath(name)
    return not {plain(path.name), plain(_stem(name))}.isdisjoint(map(plain, given))


def is_usual(name: str, role: Role) -> bool:
    """Whether a path's last part is one of the usual names: `tcp_server.c`, `EchoServer`."""
    stem = plain(_stem(name))
    return any(stem in {word + role, role + word} for word in USUAL_WORDS)


def is_near(name: str, role: Role) -> bool:
    """Whether a path's last part contains a word for the role."""
    return _speaks_of(_stem(name), role)


def in_folder_of(name: str, role: Role) -> bool:
    """Whether a folder in its path contains such a word."""
    return any(_speaks_of(part, role) for part in PurePosixPath(name).parent.parts)


def belongs_to(name: str, role: Role) -> bool:
    """Whether a name says that this is the role's program and not the other's."""
    other = OTHER_ROLE[role]
    if is_near(name, role) or is_near(name, other):
        return not is_near(name, other)
    return in_folder_of(name, role) and not in_folder_of(name, other)


def role_named(name: str) -> Role | None:
    """The role that a file's name indicates; None if it indicates none or both."""
    return next((role for role in OTHER_ROLE if belongs_to(name, role)), None)


def role_spoken_of(text: str) -> Role | None:
    """The role that a text has words for; None if for none or both."""
    about = [role for role in OTHER_ROLE if _speaks_of(text, role)]
    return about[0] if len(about) == 1 else None


def tiers(role: Role) -> tuple[Callable[[str], bool], ...]:
    """Rules for what may be the role's program, the strongest first."""
    other = OTHER_ROLE[role]
    return (
        lambda name: is_usual(name, role),
        lambda name: is_near(name, role) and not is_near(name, other),
        lambda name: is_near(name, role),
        lambda name: in_folder_of(name, role) and not belongs_to(name, other),
    )


def made_program(made: Iterable[str], role: Role, likely: Sequence[str] = (), given: Sequence[str] = ()) -> list[str]:
    """Which of the files that a build has made is the role's program: one, or all that are equally likely.

    `likely`: names that it may have, since they are its sources' names.  `given`: names that the assignment gives it,
    the one that its handout says first.
    """
    names = [name for name in made if not _is_a_tools_own(name)]
    stems = {plain(name) for name in likely}
    rules: tuple[Callable[[str], bool], ...] = (
        *(partial(is_called, given=(each,)) for each in given),
        *tiers(role)[:2],
        lambda name: plain(_stem(name)) in stems,
        *tiers(role)[2:],
        lambda name: not belongs_to(name, OTHER_ROLE[role]),
    )
    for rule in rules:
        found = [name for name in names if rule(name)]
        if found:
            # A tool that installs what it has built leaves a copy in both places.
            shallowest = min(name.count("/") for name in found)
            return sorted(name for name in found if name.count("/") == shallowest)
    return []


def _is_a_tools_own(name: str) -> bool:
    path = PurePosixPath(name)
    library = re.search(r"\.(so|o|a|dylib|la|lo)(\.|$)", path.name) is not None
    return library or path.name.startswith("build-script-") or not _TOOLS_OWN.isdisjoint(path.parts)


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem or path.name


def _speaks_of(text: str, role: Role) -> bool:
    whole = plain(text)
    if any(word in whole for word in _ALSO[role] if word not in _SHORT):
        return True
    # `upper_srv`, `udpCli`: a word ends at a symbol, a digit or a capital letter.
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}
    short = _SHORT.intersection(_ALSO[role])
    return not words.isdisjoint(short) or whole.rstrip("0123456789") in {
        word + end for word in USUAL_WORDS for end in short
    }
