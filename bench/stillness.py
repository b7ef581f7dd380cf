"""`python -m bench.stillness`: is a right server ever taken for one that will never answer?

Servers in the runtimes that students use (`bench/runtimes/`) are asked again and again for answers that take them some
work: on a CPU, in another thread, on their own timer, on a file, in the collector of garbage.  Each time the tool waits
as the checks do.  A verdict that no answer can come is false when the answer then comes; there must be none.  With
`--eager` the program is looked at all the time while it works, not now and then: the same proof with many more looks.

In the other direction each server is asked for something that it never answers, and the verdict and its time are told.

A request is a line `KIND AMOUNT WORD`; its answer is the word in upper case.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench.warden import free_port
from grader.limits import REPLY_S, SandboxLimits
from grader.link.channel import Channel
from grader.link.settings import Settings
from grader.sandbox.host import settings_of
from grader.sandbox.warden import Warden
from grader.wire import program as waiting
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable, TcpState
from grader.wire.looks import Looks
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.stillness import Verdict
from grader.wire.tcp import ScriptedClient
from grader.wire.transcript import Transcript
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import WardenClient

_SOURCES = Path(__file__).parent / "runtimes"
_HOST = "127.0.0.1"
#: More busy loops than this machine has CPUs, so that whoever wants to run has to wait.
_LOOPS_PER_CPU = 2
#: After so many requests another client comes.
_REQUESTS_OF_A_CLIENT = 25
#: A false verdict is one after which the answer comes; it is awaited for so long.
_LATE_S = 10.0
_HOPELESS_ROUNDS = 5
#: A virtual machine starts within this on a loaded machine.
_START_S = 60.0
#: Most that a request asks for, in milliseconds.  `sigwait`: setitimer(2), its signal blocked and waited for.
_MOST_MS = {"now": 0, "compute": 30, "hand": 30, "sleep": 50, "file": 0, "collect": 0, "sigwait": 50}
_KINDS = ("now", "compute", "hand", "sleep", "file", "collect")
_HOPELESS_KINDS = ("ignore", "stuck")


@dataclass(frozen=True)
class Runtime:
    """A way of writing a server.  `build`: run before in an empty folder; {source} is the folder of the programs."""

    name: str
    style: str
    run: tuple[str, ...]
    build: tuple[str, ...] = ()
    kinds: tuple[str, ...] = _KINDS

    @property
    def title(self) -> str:
        """For tables."""
        return f"{self.name} {self.style}"


def _runtimes() -> tuple[Runtime, ...]:
    python = (sys.executable, "{source}/server.py")
    c = ("cc", "-O1", "-o", "server", "{source}/server.c", "-pthread")
    java = ("javac", "-d", ".", "{source}/Server.java")
    go = ("go", "build", "-o", "server", "{source}/server.go")
    node = ("node", "--expose-gc", "{source}/server.js")
    rust = ("rustc", "-O", "-o", "server", "{source}/server.rs")
    return (
        *(Runtime("cpython", style, python) for style in ("threads", "selectors", "asyncio", "socketserver")),
        # With threads, the signal would end the program: one of the others does not block it.
        Runtime("c", "fork", ("./server",), c, (*_KINDS, "sigwait")),
        *(Runtime("c", style, ("./server",), c) for style in ("pthread", "poll", "epoll")),
        *(Runtime("java", style, ("java", "-cp", ".", "Server"), java) for style in ("threads", "nio", "virtual")),
        Runtime("go", "goroutines", ("./server",), go),
        # A worker's part of V8 has a timer most of the time, so that nothing could go wrong beside it.
        Runtime("node", "net", node, kinds=tuple(kind for kind in _KINDS if kind != "hand")),
        Runtime("node", "workers", node),
        Runtime("rust", "threads", ("./server",), rust),
    )


RUNTIMES = _runtimes()


class CountedLooks(Looks):
    """Looks at a program that count what each of them said."""

    said: Counter[Verdict]

    def look_soon(self) -> None:
        """Forget how long the last look took: the next wait would not look before that time is over."""
        self._cost_s = 0.0

    def verdict(self, within_s: float = REPLY_S) -> tuple[Verdict, Snapshot]:
        """As it is, and counted."""
        verdict, snapshot = super().verdict(within_s)
        self.said[verdict] += 1
        return verdict, snapshot


class WatchedProgram(Program):
    """A program whose looks are counted."""

    looks: CountedLooks


@dataclass
class Server:
    """A running server and the means to speak to it."""

    program: WatchedProgram
    table: SocketTable
    address: Endpoint

    @contextmanager
    def client(self) -> Iterator[ScriptedClient]:
        """A new client, whose events go to a transcript of its own."""
        self.program.serve_check(ForCheck(Transcript(time.monotonic)))
        with ScriptedClient(self.program, self.table, self.address, "client A") as client:
            yield client


@contextmanager
def serving(runtime: Runtime, work: Path) -> Iterator[Server]:
    """A server under a warden of its own, until it listens.

    Raises:
        NoProgressError: it does not.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            own = (sys.executable, "-m", "bench.stillness", "--warden", str(theirs.fileno()), str(work))
            command = [*_namespace(), *own]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(theirs.fileno(),))
        table = SocketTable()
        program: WatchedProgram | None = None
        try:
            program, address = _start(WardenClient(Channel(ours)), runtime, table)
            yield Server(program, table, address)
        finally:
            ours.close()
            child.communicate()
            table.close()
            if program:
                program.close()


def _namespace() -> tuple[str, ...]:
    """A process namespace, as both sandboxes make one: without it looks take much longer, and so are rarer."""
    command = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with suppress(OSError):
        if subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return command
    return ()


def _start(warden: WardenClient, runtime: Runtime, table: SocketTable) -> tuple[WatchedProgram, Endpoint]:
    port = free_port()
    argv = (*(word.format(source=_SOURCES) for word in runtime.run), runtime.style, str(port))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    started = warden.start(argv, environment, terminal=False)
    check = ForCheck(Transcript(time.monotonic))
    program = WatchedProgram(started, warden, table, check, SandboxLimits())
    program.looks = CountedLooks(started, warden, table, program.talks, check.budget)
    program.looks.said = Counter()

    def listens() -> bool | None:
        return True if any(row.local.port == port for row in table.dump(TcpState.LISTEN)) else None

    program.wait(listens, deadline_s=_START_S)
    program.wait_rest(_START_S)  # whatever a virtual machine still does after it
    program.looks.said.clear()
    return program, Endpoint(_HOST, port)


@dataclass
class Tally:
    """What a server's trials gave."""

    answer_s: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    false: list[str] = field(default_factory=list)
    unseen: int = 0


def try_often(server: Server, runtime: Runtime, trials: int, chance: random.Random, *, eager: bool) -> Tally:
    """Requests that are answered, in a random order."""
    tally = Tally()
    while (left := trials - tally.outcomes.total()) > 0:
        with server.client() as client:
            for number in range(min(left, _REQUESTS_OF_A_CLIENT)):
                kind = chance.choice(runtime.kinds)
                most = _MOST_MS[kind]
                amount = chance.randint(1, most) if most else 0
                _try_once(server, client, tally, f"{kind} {amount} word{number}", eager=eager)
    return tally


def _try_once(server: Server, client: ScriptedClient, tally: Tally, request: str, *, eager: bool) -> None:
    reply = request.rsplit(maxsplit=1)[-1].upper().encode() + b"\n"
    looks = server.program.looks.said.total()
    if eager:
        server.program.looks.look_soon()
    began = time.perf_counter()
    client.send(request.encode() + b"\n")
    try:
        client.expect(reply)
        outcome = "answered"
    except FaultError as fault:
        stop = fault.__context__
        if not isinstance(stop, NoProgressError):
            raise
        outcome = f"{stop.why.value}, and {'then' if _comes_late(client, reply) else 'never'} answered"
        if stop.why is Why.STILL:
            tally.false.append(f"{request}: {outcome}; it was {stop.doing}")
    except UnprovedError:
        outcome = "unproved"
        _comes_late(client, reply)
    tally.answer_s.append(time.perf_counter() - began)
    tally.outcomes[outcome] += 1
    tally.unseen += server.program.looks.said.total() == looks


def _comes_late(client: ScriptedClient, reply: bytes) -> bool:
    deadline = time.monotonic() + _LATE_S
    while time.monotonic() < deadline:
        with suppress(FaultError, UnprovedError):
            client.expect(reply)
            return True
    return False


def hopeless_verdicts(runtime: Runtime, work: Path, kind: str) -> tuple[Counter[str], float]:
    """What is said of an answer that never comes, and the median time until then; each time to a server of its own."""
    said: Counter[str] = Counter()
    times = []
    for _ in range(_HOPELESS_ROUNDS):
        with serving(runtime, work) as server, server.client() as client:
            client.send(b"now 0 first\n")
            client.expect(b"FIRST\n")
            began = time.perf_counter()
            client.send(f"{kind} 0 never\n".encode())
            try:
                client.expect(b"NEVER\n")
                said["answered"] += 1
            except FaultError as fault:
                stop = fault.__context__
                if not isinstance(stop, NoProgressError):
                    raise
                said[f"{stop.why.value} ({stop.verdict.name})"] += 1
            times.append(time.perf_counter() - began)
    return said, statistics.median(times)


@contextmanager
def busy_loops() -> Iterator[None]:
    """More to do than there are CPUs.  The loops end with this process, whatever ends it."""
    source = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(10**6): pass"
    count = _LOOPS_PER_CPU * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-I", "-S", "-c", source]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def look_eagerly() -> None:
    """From now on the program is looked at all the time while something is awaited of it."""
    for name in ("_FIRST_LOOK_S", "_RAREST_LOOK_S"):
        if not hasattr(waiting, name):
            raise AttributeError(name)
        setattr(waiting, name, 0.0)


def why_not_built(runtime: Runtime, work: Path) -> str:
    """Build it: why that can't be done here, or nothing."""
    command = [word.format(source=_SOURCES) for word in runtime.build or runtime.run[:1]]
    if not shutil.which(command[0]):
        return f"{command[0]} is not installed"
    if runtime.build:
        built = subprocess.run(command, check=False, cwd=work, capture_output=True, text=True)
        if built.returncode:
            return built.stderr.strip().partition("\n")[0]
    return ""


def _measure(runtime: Runtime, trials: int, chance: random.Random, *, eager: bool, hopeless: bool) -> int:
    """Print a runtime's figures; how many verdicts were false."""
    with tempfile.TemporaryDirectory(prefix="stillness-") as folder:
        work = Path(folder)
        if reason := why_not_built(runtime, work):
            click.echo(f"{runtime.title:<22} not tried: {reason}")
            return 0
        try:
            with serving(runtime, work) as server:
                tally = try_often(server, runtime, trials, chance, eager=eager)
                looks = server.program.looks.said
        except NoProgressError as stop:
            click.echo(f"{runtime.title:<22} not tried: it does not listen ({stop.doing})")
            return 0
        _print_tally(runtime, tally, looks)
        if hopeless:
            _print_hopeless(runtime, work)
    return len(tally.false)


def _print_tally(runtime: Runtime, tally: Tally, looks: Counter[Verdict]) -> None:
    median_ms = statistics.median(tally.answer_s) * 1000
    click.echo(
        f"{runtime.title:<22} {tally.outcomes.total():>7} {len(tally.false):>6} {median_ms:>9.1f} ms"
        f" {looks.total():>8} {tally.unseen:>7}   {_listed(tally.outcomes)}"
    )
    click.echo(f"{'':<22} looks said: {_listed(Counter({key.name: n for key, n in looks.items()}))}")
    for words in tally.false[:5]:
        click.echo(f"{'':<22} FALSE: {words}")


def _print_hopeless(runtime: Runtime, work: Path) -> None:
    for kind in _HOPELESS_KINDS:
        said, median_s = hopeless_verdicts(runtime, work, kind)
        click.echo(f"{'':<22} {kind}: {_listed(said)}, median {median_s * 1000:.1f} ms of {REPLY_S * 1000:.0f}")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _be_warden(descriptor: int, work: str) -> None:
    """Be the warden until the driver's side is gone."""
    settings: Settings = settings_of(SandboxLimits())
    settings |= {
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "work": work,
        "places": [work],
        "private_pids": os.getpid() == 1,
    }
    Warden(settings).serve(Channel(socket.socket(fileno=descriptor)), lifeline=0)


def main() -> None:
    """Measure and print.  Exit code 1: a verdict was false."""
    if sys.argv[1:2] == ["--warden"]:
        _be_warden(int(sys.argv[2]), sys.argv[3])
        return
    parser = argparse.ArgumentParser(prog="python -m bench.stillness", description=(__doc__ or "").partition("\n")[0])
    names = sorted({runtime.name for runtime in RUNTIMES})
    parser.add_argument("--trials", type=int, default=200, help="for each program")
    parser.add_argument("--runtime", choices=names, help="only this one")
    parser.add_argument("--style", help="only programs of this style")
    parser.add_argument("--load", action="store_true", help="beside twice as many busy loops as there are CPUs")
    parser.add_argument("--eager", action="store_true", help="look all the time, not as rarely as the checks do")
    parser.add_argument("--no-hopeless", dest="hopeless", action="store_false", help="only answers that come")
    parser.add_argument("--seed", type=int, default=1, help="of the order of requests")
    options = parser.parse_args()
    if options.eager:
        look_eagerly()
    chosen = [
        runtime
        for runtime in RUNTIMES
        if options.runtime in {None, runtime.name} and options.style in {None, runtime.style}
    ]
    click.echo(f"{json.dumps(vars(options))}")
    click.echo(f"{'':<22} {'trials':>7} {'false':>6} {'median':>12} {'looks':>8} {'unseen':>7}   outcomes")
    chance = random.Random(options.seed)  # noqa: S311 — an order of requests, no secret
    with busy_loops() if options.load else nullcontext():
        false = sum(
            _measure(runtime, options.trials, chance, eager=options.eager, hopeless=options.hopeless)
            for runtime in chosen
        )
    sys.exit(1 if false else 0)


if __name__ == "__main__":
    main()
