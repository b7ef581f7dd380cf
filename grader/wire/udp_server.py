"""A scripted UDP server: it replies to what it hears, and loses, repeats and delays by script."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from grader.errors import Reason
from grader.limits import DELAY_PART, LEAST_WAIT_S, SETTLE_S
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.wire.courier import BROADCAST, Courier
from grader.wire.datagram_sockets import Datagram, bound
from grader.wire.faults import UnprovedError
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.tcp_server import printed_by_now, way_to
from grader.wire.udp_listening import ListeningUdpServer, ends_of
from grader.wire.waiting import NoProgressError

#: So much of the least wait a program may take to meet a stranger's datagram: well within the time for our answer.
_MEET_PART = 0.6
#: Another address of this machine.
_STRANGE_HOST = "127.0.0.3"


class Stranger(NamedTuple):
    """A stranger, whom the client never asked: where it sends from (port 0: any), and that in words."""

    address: Endpoint
    words: str


class ScriptedUdpServer(ListeningUdpServer):
    """It hears one program, and replies to it in every way that a reply can come."""

    def __init__(
        self, addresses: Iterable[Endpoint], table: SocketTable, courier: Courier, least_wait_s: float = LEAST_WAIT_S
    ) -> None:
        super().__init__(addresses, table, courier, least_wait_s)
        #: What is sent after the next reply, and before it.
        self._held: list[tuple[Datagram, bytes]] = []
        self._early: list[tuple[Datagram, bytes]] = []

    def answer(self, reply: bytes, how: Answer = Answer.WHOLE) -> None:
        """Reply to the last datagram that was expected.

        Raises:
            UnprovedError: the machine was too busy to do it in time.
        """
        __tracebackhide__ = True
        self.answered_at = printed_by_now(self._its_program)
        held, self._held = self._held, []
        self._send_early()
        way_to(how, ANSWERS)(self, self._asked, reply)
        self._answered = self._asked if how in _AT_ONCE else None
        self.unanswered = ()
        for datagram, late in held:
            self.send(datagram, late)

    def send(self, to: Datagram, reply: bytes, note: str = "") -> None:
        """Send one datagram to whoever has sent that one, and see that it has arrived or was dropped there."""
        what = note or ("" if reply else "an empty datagram")
        self._its_program.transcript.add(EventKind.SENT, self.name, what, reply, ends=_sent_from(to.sock, to.source))
        self._its_program.told(len(reply))
        to.sock.sendto(reply, to.source)
        self._courier.wait_arrived()

    def _send_early(self) -> None:
        early, self._early = self._early, []
        for datagram, late in early:
            self.send(datagram, late)

    def answer_from(self, host: str, reply: bytes) -> None:
        """Another server, at that address of this machine and our port, replies to the same datagram.

        Raises:
            UnprovedError: this machine has no such address, or somebody else has its port, or it was too busy.
        """
        __tracebackhide__ = True
        address = Endpoint(host, self._asked.sock.getsockname()[1])
        sock = next((sock for sock in self._sockets if sock.getsockname()[:2] == address), None) or bound(address)
        if sock is None:
            raise UnprovedError(f"this machine has no address {host} from which another server could reply")
        if sock not in self._sockets:  # what the program sends there is heard
            self._sockets.append(sock)
        self.answered_at = printed_by_now(self._its_program)
        self._send_early()
        self.send(self._asked._replace(sock=sock), reply, f"from {host}, another server")
        self.must_be_in_time(self._asked)

    def must_be_in_time(self, to: Datagram) -> None:
        """What was just sent to whoever has sent that one has come before the client may have given up.

        Raises:
            UnprovedError: the machine was too busy for that.
        """
        late_s = time.time() - to.arrived_s
        if late_s > self._least_wait_s:
            what = f"the machine was too busy: a reply was sent {late_s:.1f} s after the request"
            raise UnprovedError(what, Reason.STARVED)

    def send_late(self, reply: bytes) -> None:
        """One for each time that the program has asked."""
        for datagram in self.unanswered:
            self.send(datagram, reply)

    def hold(self, to: Datagram, reply: bytes) -> None:
        """Send it only when the next datagram has got its reply."""
        self._held.append((to, reply))

    def hold_until_asked(self, to: Datagram, reply: bytes) -> None:
        """Send it only when the next datagram has come, just before that one's reply."""
        self._early.append((to, reply))

    def delay(self, to: Datagram) -> None:
        """Let half of the least wait pass since a datagram has come; what the program prints meanwhile is read."""
        until = to.arrived_s + self._least_wait_s * DELAY_PART
        while (left_s := until - time.time()) > 0 and not self._its_program.ending():
            self._its_program.pump(left_s)

    def answer_as_strangers(self, reply: bytes) -> None:
        """Everybody sends the reply but us."""
        for stranger in self.strangers():
            self.send_as_stranger(stranger, reply)

    def strangers(self) -> Iterator[Stranger]:
        """Who else may send to the program: from our address, and from our port."""
        host, port = self._asked.sock.getsockname()[:2]
        yield Stranger(Endpoint(host, 0), "another port than the server's")
        if ":" not in host:
            yield Stranger(Endpoint(_STRANGE_HOST, port), f"another address, {_STRANGE_HOST},")

    def send_stray(self, number: int, words: bytes) -> None:
        """Send the program something other than the reply to its last datagram: from us and a stranger in turn."""
        if number % 2 == 0:
            self.send(self._asked, words)
            return
        to = self._asked
        with socket.socket(to.sock.family, socket.SOCK_DGRAM) as sock:
            sock.bind((to.sock.getsockname()[0], 0))
            ends = _sent_from(sock, to.source)
            self._its_program.transcript.add(EventKind.SENT, "a stranger", "which was never asked", words, ends=ends)
            self._its_program.told(len(words))
            sock.sendto(words, to.source)
            self._courier.wait_arrived()

    def send_as_stranger(self, stranger: Stranger, words: bytes) -> None:
        """Another socket than ours sends something first.

        The program has read it and rests, or it sleeps and will find it before our reply.
        """
        to = self._asked
        with socket.socket(to.sock.family, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(stranger.address)
            except OSError:  # this machine has no such address, or somebody else has it
                return
            note = "from {} port {}, which was never asked".format(*sock.getsockname()[:2])
            ends = _sent_from(sock, to.source)
            self._its_program.transcript.add(EventKind.SENT, "a stranger", note, words, ends=ends)
            self._its_program.told(len(words))
            sock.sendto(words, to.source)
            self._courier.wait_arrived()
            self._wait_met(to)

    def _wait_met(self, asked: Datagram) -> None:
        """Until the program has read every datagram that it was sent, and rests; or has exited.

        One that rests without reading, or reads without resting, is not waited for so long that its reply comes late;
        but what it has read it had time of its own to act on, however long the machine kept it from that.
        """

        def waited() -> bool:
            return time.time() - asked.arrived_s > self._least_wait_s * _MEET_PART

        def met() -> bool | None:
            rows = [row for row in self._table.dump_udp() if row.local.port == asked.source.port]
            return not any(row.receive_queue for row in rows) or waited() or None

        program = self._its_program
        with suppress(NoProgressError):
            program.wait(met)
            if not program.wait_rest(SETTLE_S):
                program.wait(lambda: waited() or program.at_rest() or None)


def _in_time(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.send(to, reply)
    server.must_be_in_time(to)


def _twice(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.send(to, reply)
    _in_time(server, to, reply)


def _delayed(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.delay(to)
    _in_time(server, to, reply)


#: What each way to answer does.
ANSWERS: Final[Mapping[Answer, Callable[[ScriptedUdpServer, Datagram, bytes], None]]] = {
    Answer.WHOLE: _in_time,
    Answer.LATE: lambda server, _, reply: server.send_late(reply),
    Answer.TWICE: _twice,
    Answer.BEHIND_THE_NEXT: ScriptedUdpServer.hold,
    Answer.BEFORE_THE_NEXT: ScriptedUdpServer.hold_until_asked,
    Answer.DELAYED: _delayed,
    Answer.FROM_STRANGERS: lambda server, _, reply: server.answer_as_strangers(reply),
    Answer.NOTHING: lambda *_: None,
}


#: A client that gets such a reply has no reason to ask again.
_AT_ONCE = frozenset({Answer.WHOLE, Answer.TWICE, Answer.DELAYED})


def _sent_from(sock: socket.socket, theirs: Endpoint) -> tuple[Endpoint, Endpoint]:
    """The same of what we send: nothing is sent from a broadcast address, but from the network's own (ip(7))."""
    ours, _ = ends_of(sock, theirs)
    return ours._replace(host="127.0.0.1") if ours.host == BROADCAST else ours, theirs
