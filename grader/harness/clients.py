"""Starts the submission's client, once it has been found out how it is told where to connect.

How it works.  Students' clients take host and port as arguments, ask for them, or always connect to one place; some
take their message as an argument too.  We start the program and look where it connects: arguments and answers to its
prompts name different ports, on each of which a server of ours listens, and so does one on every port that its source
names.  The port where it comes tells which of them it believed.  The ways are tried one after the other, the usual one
first, and what was found out (`Manner`) holds for the whole grading: every check starts the program in that way.

Why it can't be simpler.  No convention can be demanded that four of five submissions ignore; and what a client does is
the only thing that tells, since a usage message is free text and may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import groupby
from typing import Generic

from grader.assignment import ClientSpec
from grader.errors import Reason
from grader.harness.basics import Basics
from grader.harness.listening import Server
from grader.harness.manner import GUESSES, PROBE, Ask, Manner, asked_by
from grader.harness.session import P, Session
from grader.harness.stage import Stage
from grader.harness.tasks import Task, VisitTask
from grader.job import Command
from grader.link.settings import SERVER_ADDRESS, SERVER_NAME
from grader.model import EventKind
from grader.protocol.network import Network, Station
from grader.protocol.visit import NO_VISIT, Visit
from grader.wire.courier import BROADCAST, must_carry_broadcasts
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.kernel import Endpoint
from grader.wire.keyboard import Rest
from grader.wire.stillness import Awaits
from grader.wire.waiting import Why

HOST = "127.0.0.1"
#: Other names for the same machine: a client that always connects to HOST does not connect there.
OTHER_HOST = "127.0.0.2"
_LOOPBACKS = (HOST, "::1")
#: Host, port, a name to log in with, a message: no client has more prompts before it connects anywhere.
_MOST_PROMPTS = 4
#: How often a visit is played at most where the machine is too busy to answer in time.
_ATTEMPTS = 3


class Clients(Generic[P]):
    """Starts the submission's client, once it has found out how."""

    def __init__(
        self,
        stage: Stage,
        command: Command,
        default_port: int,
        make_peer: Callable[[list[Endpoint]], P],
        usual: Visit = NO_VISIT,
    ) -> None:
        self._stage = stage
        self._command = command
        self._default_port = default_port
        self._make_peer = make_peer
        #: What it is started with where no task says otherwise.
        self._usual = usual
        self._manner: Manner | None = None
        self._never_came: FaultError | None = None
        #: Whether it has asked anything, or has ended, in any manner that was tried.
        self._prompted = False
        self._ended = False
        #: Whether it only looks at its standard input from time to time; None: not known yet.  Into one that acts by
        #: itself nothing is typed, and its timers may run for seconds until it rests.
        self._polls: bool | None = False if usual is not NO_VISIT else None

    @property
    def basics(self) -> Basics:
        """What it is known to do right with plain lines."""
        return self._stage.basics

    @property
    def manner(self) -> Manner:
        """How it is told where to connect.

        Raises:
            NotStartedError: it connects nowhere.
        """
        if self._manner is None and self._never_came is None:
            self._manner = self._find_manner(own_ports=True)
            if self._manner is None and self._ended:
                # A port where we listened may be one that it binds itself.
                self._manner = self._find_manner(own_ports=False)
            if self._manner is None:
                self._manner, self._never_came = self._try_once_more()
        if self._manner is None:
            assert self._never_came is not None  # noqa: S101 — one of both was found
            raise NotStartedError(self._never_came, "a client that reaches a server")
        return self._manner

    def start(self, task: Task | None = None, *, host: str = HOST, terminal: bool = True) -> Session[P]:
        """A new run, told to connect to `host` and a free port; a server listens there and on the client's own port.

        `task`: what it will do, if that is known when it is started.
        """
        if host == BROADCAST:
            must_carry_broadcasts()
        manner, visit = self.manner, self._visit_of(task)
        told = self._new_place(host)
        addresses = self.addresses(told, manner)
        server = self._make_peer(addresses)
        goes_on = not self._stage.over_tcp and any(turn.over for turn in visit.turns)
        stream = self._stage.peers.listen(addresses) if goes_on else None
        if host == SERVER_NAME:
            words = f"in the sandbox's /etc/hosts {SERVER_NAME} stands for {SERVER_ADDRESS}"
            self._stage.transcript.add(EventKind.KERNEL, "grader", words)
        return Session(self._stage, manner, told, server, visit=visit, terminal=terminal, stream=stream)

    def each(self, tasks: Iterable[Task], act: Callable[[Session[P], Task], None]) -> None:
        """Act with each task: all that are typed in one run, and each visit in its own."""
        __tracebackhide__ = True
        for typed, some in groupby(tasks, lambda task: task.typed):
            for run in [list(some)] if typed else [[task] for task in some]:
                with_all = partial(_act_with, run, act)
                if typed:
                    with self.start(run[0]) as session:
                        with_all(session)
                else:
                    self._in_attempts(run[0], with_all)

    def play(self, visit: Visit, *, host: str = HOST, terminal: bool = True) -> None:
        """One whole run of a client that acts by itself, with a server that answers as each turn says.

        `host`: what it is told; `BROADCAST`: to ask everybody.

        Raises:
            FaultError: it did not send, print, write or return what it must.
            UnprovedError: the machine was too busy to answer in time, several times.
        """
        __tracebackhide__ = True
        task = VisitTask(visit)
        self._in_attempts(task, task.play, host=host, terminal=terminal)

    def _in_attempts(
        self, task: Task, act: Callable[[Session[P]], None], *, host: str = HOST, terminal: bool = True
    ) -> None:
        """One whole run, and another where the machine was too busy to answer in time.

        Each visit is a run of its own, so nothing of one that proved nothing is left.
        """
        __tracebackhide__ = True
        for left in reversed(range(_ATTEMPTS)):
            try:
                with self.start(task, host=host, terminal=terminal) as session:
                    act(session)
            except UnprovedError as error:
                if error.reason is not Reason.STARVED or not left:
                    raise
            else:
                return

    @contextmanager
    def attended(self, visit: Visit, *, terminal: bool = True) -> Iterator[Session[P]]:
        """One whole run of a client that acts by itself, in which the check hears and says what the turns would.

        For conversations over several connections; the visit itself has no turns then.  What the client prints, writes
        and returns is judged at the end of the block.

        Raises:
            FaultError: it did not print, write or return what it must.
        """
        __tracebackhide__ = True
        task = VisitTask(visit)
        with self.start(task, terminal=terminal) as session:
            task.begin(session)
            yield session
            task.must_succeed(session, after="after the server's last answer")
            session.server.expect_nothing_more()

    def play_with(self, server: Endpoint, visit: Visit) -> None:
        """One whole run of it with a server that is already running, such as the submission's own.

        Raises:
            FaultError: it did not print, write or return what it must.
        """
        __tracebackhide__ = True
        with Session(self._stage, self.manner, server, self._make_peer([]), visit=visit, beside=True) as session:
            VisitTask(visit).play_with(session)

    def play_through(self, network: Network, server: Server | Station, visit: Visit) -> None:
        """One whole run of it with a server at the other end of a scripted network: the submission's own, or ours.

        `server`: one that is running (`stage.launch`), or a function that hears a datagram and gives the answers.

        Raises:
            FaultError: it did not print, write or return what it must, or the function has found something wrong.
        """
        __tracebackhide__ = True
        manner, running = self.manner, server if isinstance(server, Server) else None
        if running and manner.own_port == running.port:
            what = f"the client always sends to port {running.port}, so that nothing can stand between the two"
            raise FaultError(Reason.OTHER_PORT, what)
        told = Endpoint(HOST, self._stage.ports.find()) if running else self._new_place()
        far = server.address if isinstance(server, Server) else server
        with (
            self._stage.peers.network(self.addresses(told, manner), network, far) as between,
            Session(self._stage, manner, told, self._make_peer([]), visit=visit, beside=bool(running)) as session,
        ):
            between.begin(session.program, *((running.program,) if running else ()))
            VisitTask(visit).play_with(session)

    def _visit_of(self, task: Task | None) -> Visit:
        return task.visit if task and not task.typed else self._usual

    def start_beside(self, server: Endpoint) -> Session[P]:
        """A new run, told to connect to a program that is already running; nothing else listens."""
        return Session(self._stage, self.manner, server, self._make_peer([]), beside=True)

    @contextmanager
    def start_alone(
        self, hold: Callable[[list[Endpoint]], AbstractContextManager[None]], task: Task | None = None
    ) -> Iterator[Session[P]]:
        """A new run, on pipes, told to connect where `hold` makes sure that nothing listens."""
        manner = self.manner
        told = self._new_place()
        with (
            hold(self.addresses(told, manner)),
            self._session(manner, told, self._make_peer([]), self._visit_of(task), terminal=False) as session,
        ):
            yield session

    def _session(
        self, manner: Manner, told: Endpoint, server: P, visit: Visit | None = None, *, terminal: bool = True
    ) -> Session[P]:
        return Session(self._stage, manner, told, server, visit=visit or self._usual, terminal=terminal)

    def _new_place(self, host: str = HOST) -> Endpoint:
        """Where a new run is told to connect; the run before, which may hold any port, is over."""
        self._stage.end_program()
        return Endpoint(host, self._stage.ports.find())

    @property
    def spec(self) -> ClientSpec:
        """What the handout says about the client."""
        return self._stage.client_spec

    @property
    def hosts(self) -> dict[str, Collection[str]]:
        """What a client may be told, and the addresses that it may then connect to, any one of them."""
        names = {SERVER_NAME: (SERVER_ADDRESS,)} if self._stage.private_network else {"localhost": _LOOPBACKS}
        return {HOST: (HOST,), OTHER_HOST: (OTHER_HOST,), **names}

    def addresses(self, told: Endpoint, manner: Manner) -> list[Endpoint]:
        """Where it may connect."""
        ports = [told.port] if manner.own_port is None else [told.port, manner.own_port]
        hosts = dict.fromkeys((*_LOOPBACKS, *self.hosts.get(told.host, ())))
        return [Endpoint(host, port) for port in ports for host in hosts]

    # Finding out

    def _find_manner(self, *, own_ports: bool) -> Manner | None:
        run = self._command.run
        candidates = (self._default_port, *self._command.ports) if own_ports else ()
        own = [port for port in candidates if self._stage.ports.can_hold(port)]
        if self._command.asks is not None:
            return self._try(Manner(run), tuple(Ask(ask) for ask in self._command.asks), own)
        bare = tuple(word for word in run if word not in {"{host}", "{port}"})
        with_message = () if self._usual.turns or Manner(run).takes_message else ((*run, "{message}"),)
        for words in dict.fromkeys((run, bare, *with_message)):
            if found := self._try(Manner(words), (), own):
                return found
        # A client that asks nothing has been told all there is to tell.
        guesses = GUESSES if self._prompted else ()
        return next((found for guess in guesses if (found := self._try(Manner(bare), guess, own))), None)

    def _try_once_more(self) -> tuple[Manner | None, FaultError | None]:
        """What a client that connects nowhere does when it is started properly; perhaps it connects now."""
        told = self._new_place()
        swapped = _with_bytes_swapped(told.port)
        manner = Manner(self._command.run, own_port=swapped if self._stage.ports.can_hold(swapped) else None)
        try:
            with self._session(manner, told, self._make_peer(self.addresses(told, manner))) as session:
                session.enter_if_asked(PROBE)
                if session.server.wait_came().port == swapped:
                    what = f"it was given port {told.port}, but connected to port {swapped}: its two bytes are swapped"
                    return None, FaultError(Reason.OTHER_PORT, what)
        except FaultError as fault:
            return None, fault
        return Manner(self._command.run), None

    def _try(self, manner: Manner, guess: tuple[Ask, ...], own: Collection[int]) -> Manner | None:
        """Start it, answer its prompts by their words or else by the guess, and look where it connects.

        `own`: ports where it may connect whatever it is told.
        """
        as_argument, as_answer = (self._new_place() for _ in range(2))
        ports = dict.fromkeys((as_argument.port, as_answer.port, *own))
        server = self._make_peer([Endpoint(host, port) for port in ports for host in _LOOPBACKS])
        try:
            with self._session(manner, as_argument, server) as session:
                answered, rest = _look_where_it_goes(session, as_answer, guess)
                self._ended = self._ended or session.program.ending() is not None
                # A client that sent its message has shown how it reads.
                if self._polls is None and Ask.MESSAGE not in answered and not manner.takes_message:
                    self._polls = _polls(session, rest)
                came_to = session.server.came_to()
        except FaultError:
            return None
        self._prompted = self._prompted or bool(answered)
        if came_to is None:
            return None
        asks = () if came_to.port == as_argument.port else tuple(ask for ask in answered if ask is not Ask.MESSAGE)
        return Manner(manner.run, asks, came_to.port if came_to.port in own else None, bool(self._polls))


def _act_with(tasks: Iterable[Task], act: Callable[[Session[P], Task], None], session: Session[P]) -> None:
    """Act with each task in this run."""
    __tracebackhide__ = True
    for task in tasks:
        act(session, task)


def _polls(session: Session[P], rest: Rest | None) -> bool:
    """Whether it never waits for a line, but reads one when it is typed.  `rest`: what it does, None: it connected."""
    rest = rest or session.keyboard.wait_rest(hurried=True)
    return rest is not None and rest.why is Why.DEADLINE and rest.what is Awaits.OTHER and session.keyboard.is_polled()


def _look_where_it_goes(
    session: Session[P], as_answer: Endpoint, guess: tuple[Ask, ...]
) -> tuple[list[Ask], Rest | None]:
    """What it was told at its prompts before it connected, and what it did instead; None: it connected to us."""
    session.begin_with(PROBE)
    answered: list[Ask] = []
    while True:
        rest = session.keyboard.wait_rest(session.server.came_to, hurried=True)
        if rest is None or session.server.came_to() is not None:
            return answered, None
        if rest.what is Awaits.OTHER or len(answered) == _MOST_PROMPTS:
            return answered, rest
        guessed = guess[len(answered)] if len(answered) < len(guess) else None
        ask = guessed or asked_by(session.output.prompt(), answered) or Ask.MESSAGE
        session.answer_prompt(ask, as_answer)
        answered.append(ask)


def _with_bytes_swapped(port: int) -> int:
    """Where a program connects that forgets htons."""
    return int.from_bytes(port.to_bytes(2, "little"), "big")
