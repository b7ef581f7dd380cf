"""An assignment's own Python files: what is wrong with them, and where, before any program is built or started.

Nothing here asks a program or the kernel: the files are imported, and their functions are tried.  Mistakes that show
only when a file meets a program's bytes are reported by `blame` instead: as the author's, with file and line.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Final

from grader.assignment import Assignment, Flaw
from grader.assignment.beside import FOLDER
from grader.assignment.faults import PROTOCOL
from grader.assignment.table import TABLE
from grader.catalogue import MODULES, Behaviour, behaviour_of, part_of_module
from grader.catalogue.needs import NEEDS
from grader.harness.fixtures import FIXTURES, is_fixture
from grader.harness.tasks import acts_by_itself
from grader.model import Part, Role, Transport, parts_of
from grader.protocol import describing, rehearsal
from grader.protocol.needed import fault_for, fault_unasked, speaks_unasked
from grader.protocol.promises import faults_of, optional
from grader.protocol.script import Answer, Seeded
from grader.wire import tcp_server, udp_server

#: How a scripted server can answer.
ANSWERS: Final[Mapping[Transport, Collection[Answer]]] = {"tcp": tcp_server.ANSWERS, "udp": udp_server.ANSWERS}

_Check = Callable[..., object]


def blame(error: BaseException, folder: Path) -> Flaw | None:
    """Where in an author's files an exception comes from, the innermost place; None: not from one of them."""
    place = error.__traceback__
    found = None
    while place is not None:
        path = Path(place.tb_frame.f_code.co_filename)
        if path.parent == folder:
            found = Flaw(path.name, f"{type(error).__name__}: {_first_line(str(error))}", place.tb_lineno)
        place = place.tb_next
    return found


def _first_line(words: str) -> str:
    return words.strip().partition("\n")[0]


def lay_out(assignment: Assignment, folder: Path) -> None:
    """Put the author's files into a folder, with those that are laid beside programs below it."""
    below = {f"{FOLDER}/{name}": content for name, content in assignment.beside.items()}
    for name, content in {**assignment.files, **below}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def load(folder: Path, name: str) -> ModuleType:
    """Import one of the author's files, under its own name; it may import its neighbours."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(Path(name).stem)


def check_files(folder: Path, assignment: Assignment, parts: Collection[Part]) -> list[Path]:
    """The files that have checks of these parts: the catalogue's, and the author's own in this folder."""
    catalogue = [Path(str(module.__file__)) for module in _catalogue(assignment, parts)]
    return [*catalogue, *(folder / name for name in sorted(assignment.files) if _is_check_of(name, parts))]


def flaws(
    folder: Path, assignment: Assignment, chosen: Collection[str], roles: Collection[Role], seed: int
) -> Iterator[Flaw]:
    """Every mistake that can be seen without a program.  `chosen`: ids of the checks that are to be played."""
    broken = [flaw for name in sorted(assignment.files) if _is_used(name, roles) and (flaw := _broken(folder, name))]
    yield from broken
    if any(flaw.file == PROTOCOL for flaw in broken):
        return
    protocol = load(folder, PROTOCOL)
    sound = assignment.files.keys() - {flaw.file for flaw in broken}
    own = sorted(name for name in sound if _is_check_of(name, parts_of(roles)))
    checks = _checks_in([*_catalogue(assignment, parts_of(roles)), *(load(folder, name) for name in own)])
    for function in optional(protocol):
        yield from (_of_protocol(protocol, function, fault) for fault in faults_of(protocol, (function,), seed))
    if "server" in roles:
        yield from _of_exchange(protocol, assignment, chosen, seed)
    tried: dict[str, list[str]] = {}
    if "client" in roles and acts_by_itself(protocol):
        tried["visit"] = [*_faults_of_visit(protocol, assignment, seed)]
        yield from (_of_protocol(protocol, "visit", fault) for fault in tried["visit"])
    for check in sorted(chosen):
        if check in checks:
            yield from _unknown_fixtures(checks[check], folder)
            if row := behaviour_of(checks[check]):
                yield from _not_given(protocol, row, check, seed, tried)
        elif not broken:
            yield Flaw("assignment.toml", f"there is no check {check}")


def _not_given(
    protocol: ModuleType, row: Behaviour, check: str, seed: int, tried: dict[str, list[str]]
) -> Iterator[Flaw]:
    """What a check needs and a protocol lacks.  `tried`: functions, with what is wrong with them, told once."""
    for function in _functions_of(row, check, protocol):
        if not hasattr(protocol, function):
            yield Flaw(TABLE, f"check {check} needs {function}, which {PROTOCOL} does not have")
        elif function not in tried:
            tried[function] = [*faults_of(protocol, (function,), seed)]
            for fault in tried[function]:
                yield _of_protocol(protocol, function, f"{fault} ({check} needs it)")
    if not tried.get("sized"):
        lacking = filter(None, (fault_for(protocol, need, seed) for need in row.needs))
        yield from (_of_protocol(protocol, "sized", f"{fault} ({check} needs it)") for fault in lacking)


def rehearsed(folder: Path, seed: int) -> Iterator[Flaw]:
    """What is wrong with the recognisers and dialogues of a protocol in which `flaws` has found nothing wrong."""
    protocol = load(folder, PROTOCOL)
    for function, fault in rehearsal.faults_of(Seeded(protocol, seed)):
        yield _of_protocol(protocol, function, f"{function} of {PROTOCOL} {fault}")
    if described := describing.fault_of(protocol, rehearsal.UNEXPECTED):
        yield _of_protocol(protocol, "describe", f"describe of {PROTOCOL} {described}")


def _functions_of(row: Behaviour, check: str, protocol: ModuleType) -> Iterator[str]:
    """The functions of a protocol that a check calls: those that it needs, and those of its needs that are there."""
    visits = acts_by_itself(protocol) and not check.startswith("server.")
    yield from (row.visits or () if visits else row.says)
    for need in row.needs:
        yield from (function for function in NEEDS[need].functions if hasattr(protocol, function))


def _of_exchange(protocol: ModuleType, assignment: Assignment, chosen: Collection[str], seed: int) -> Iterator[Flaw]:
    """What is wrong with `exchange`, and what must not be asked of a server that speaks unasked."""
    faults = [*faults_of(protocol, ("exchange",), seed)]
    yield from (_of_protocol(protocol, "exchange", fault) for fault in faults)
    if faults or not speaks_unasked(protocol, seed):
        return
    if assignment.transport == "udp" or assignment.server.connection != "one_request":
        told = 'may have an empty request only over TCP, where the server has connection = "one_request"'
        yield _of_protocol(protocol, "exchange", f"exchange of {PROTOCOL} {told}")
    servers: tuple[Part, ...] = ("server",)
    catalogued = _checks_in([*_catalogue(assignment, servers)]).keys()
    yield from (Flaw(TABLE, what) for check in sorted(catalogued & {*chosen}) if (what := fault_unasked(check)))


def _faults_of_visit(protocol: ModuleType, assignment: Assignment, seed: int) -> Iterator[str]:
    """What is wrong with the visits with which any client is started, and what they lack."""
    faults = [*faults_of(protocol, ("visit",), seed)]
    yield from faults
    if faults:
        return
    visit, over = Seeded(protocol, seed).visit(0), assignment.transport
    for name in assignment.client.fills if assignment.client else ():
        if name not in visit.fill:
            yield f"visit of {PROTOCOL} does not fill in {{{name}}}, which the client is given"
    for turn in visit.turns:
        if turn.over not in {None, over}:
            yield f"visit of {PROTOCOL} goes on over TCP, which only a visit of a check of your own may"
        elif turn.how not in ANSWERS[over]:
            yield f"visit of {PROTOCOL} has Answer.{turn.how.name}, which there is not over {over.upper()}"


def _is_used(name: str, roles: Collection[Role]) -> bool:
    return name == PROTOCOL or _is_check_of(name, parts_of(roles))


def _is_check_of(name: str, parts: Collection[Part]) -> bool:
    return name.startswith("test_") and part_of_module(Path(name).stem) in parts


def _broken(folder: Path, name: str) -> Flaw | None:
    """Why a file can't be imported."""
    try:
        load(folder, name)
    except SyntaxError as error:
        return Flaw(Path(error.filename or name).name, f"SyntaxError: {error.msg}", error.lineno)
    except (Exception, SystemExit) as error:  # noqa: BLE001 — whatever an author's file raises is told to its author
        return blame(error, folder) or Flaw(name, f"{type(error).__name__}: {_first_line(str(error))}")
    return None


def _catalogue(assignment: Assignment, parts: Collection[Part]) -> Iterator[ModuleType]:
    for part in parts:
        for name in MODULES[part, assignment.transport]:
            yield importlib.import_module(f"grader.checks.{name}")


def _checks_in(modules: Collection[ModuleType]) -> dict[str, _Check]:
    return {
        f"{part_of_module(module.__name__)}.{name.removeprefix('test_')}": member
        for module in modules
        for name, member in vars(module).items()
        if name.startswith("test_") and callable(member)
    }


def _of_protocol(protocol: ModuleType, function: str, fault: str) -> Flaw:
    code = getattr(getattr(protocol, function, None), "__code__", None)
    return Flaw(PROTOCOL, fault, code.co_firstlineno if code else None)


def _unknown_fixtures(check: _Check, folder: Path) -> Iterator[Flaw]:
    """A fixture that one of the author's checks asks for and that does not exist."""
    code = check.__code__
    path = Path(code.co_filename)
    if path.parent != folder:
        return
    own = {name for name, member in check.__globals__.items() if is_fixture(member)}
    for name in sorted(signature(check).parameters.keys() - own - FIXTURES):
        yield Flaw(path.name, f"{check.__name__} asks for {name}, which is not a fixture", code.co_firstlineno)
