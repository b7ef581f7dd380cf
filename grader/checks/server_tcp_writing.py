"""TCP servers: writing to clients that read slowly, leave, or close their side first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from grader.catalogue import RECV_GIVES_NOTHING, behaviour
from grader.checks.crowds import serves_another, until_enough
from grader.checks.measures import at_rest, kept_bytes
from grader.checks.workers import fewest_workers, lost, workers_of
from grader.errors import Reason
from grader.harness.fixtures import Begin, Connect
from grader.harness.listening import Server
from grader.harness.part import Part
from grader.harness.stage import Stage
from grader.limits import FLAT_S, SETTLE_S
from grader.model import EventKind
from grader.protocol.dialogues import can_pipeline, in_turn, with_much_to_send
from grader.protocol.script import Exchange, StreamProtocol
from grader.wire.faults import FaultError
from grader.wire.program import Program

_MESSAGE_BYTES = 1 << 16
_BOTH_DIRECTIONS_BYTES = 8 << 20
#: More than a program reads in one call, and less than the kernel's receive window (64 KiB on a fresh connection).
_EXTRA_BYTES = 32 * 1024
#: What comes later, in pieces: a program may stop reading when it has dropped 64 KiB in all.
_LATER_BYTES, _LATER_PIECES = 8 * 1024, 1024
#: In each direction.
_TRAFFIC_BYTES = 32 << 20
#: A buffer that has grown once may stay; half of what was sent would be 16 MiB.
_GROWTH_BYTES = 16 << 20
#: A round in which resident memory has grown by less has shown that it has settled: HotSpot's grows by 36 to 66 MiB in
#: each until its young generation is collected for the first time, and by 2 MiB or less from then on (17.0, 24 GB).
_ROUND_BYTES = 16 << 20
_SETTLED_BYTES = 2 << 20
#: HotSpot takes six.  One that keeps everything it received and sent has 320 MiB at the end, and is judged by that.
_MOST_ROUNDS = 8
#: A program that is slow is sent one of so many parts of all these amounts: who sends byte by byte, as `writeBytes` of
#: Java does, takes more than a second for each MiB.
_MOST_PARTS = 8
#: A heap that has settled may grow once more, when its collector gives its next part to new objects: seen with a Java
#: server that had rested for a round after 22 MiB.  Who keeps what came grows whenever it is looked at; who has not
#: settled in all the rounds was looked at often enough.
_MOST_LOOKS = 3
_MIB = 1 << 20
_VISITS = 3
#: So many clients leave without their replies: one more than the largest pool that students make (64).
_LEAVING = 65
#: What these send: several times what programs read in one call, and one segment (see `Connection.send_as_one_read`).
_ASKED_BYTES = 16 << 10
#: More of them than a queue between two threads has room for, however short they are: students take 10 to 1000.
_SHORT_TRAINS = 4
#: What a client sends that closes its side while the program is sending: more than one call reads (64 KiB), so that a
#: reply is cut short; less than that and the receive window together, or its FIN would not arrive.
_UNREAD_BYTES = 96 << 10
_WORKER_HINT = (
    "If a fixed number of threads or processes serve the clients, an error with one client must not end the worker: "
    "catch what send and recv raise inside its loop{C:  (SIGPIPE)}, close this client's socket, take the next client."
)


@behaviour(
    does="a client with a tiny receive buffer sends many requests and reads nothing until the program rests, and for "
    "1.25 s more if a timer of the program's own is running then; then it reads everything",
    proves="bytes wait in the program's send queue, and it is blocked or waits for space",
    catches="ignored short writes, truncation, giving up on a slow client",
    needs=("much", "much_back"),
    hint="A send may take only part of the data, and on a non-blocking socket none: keep the rest and send it when "
    "there is space.{Python, C:  The return value of send says how much it took.}{Python:  sendall does all that on a "
    "blocking socket.}{Rust:  write_all does all that.}{JavaScript:  When write returns false, pause until 'drain'.} A "
    "timeout that is meant for recv{Python:  (settimeout)} often holds for send, too: if it runs out, go on sending.",
)
def test_slow_reader_gets_all(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Sends everything to a client that reads slowly"""
    _gets_all(stage, server, _many(stage, protocol, stage.listening.more_than_buffers_bytes))


@behaviour(
    does="a client sends many requests, long ones and then short ones, and reads nothing until the program rests; "
    "meanwhile another client is served",
    proves="bytes wait in the program's send queue, and it is blocked or waits for space",
    catches="a single thread for all clients, stuck in sendall; one that waits for room in a client's full queue",
    needs=("much", "much_back"),
    hint="While send waits for one client nobody else is served: use a thread for each client, or non-blocking sockets "
    "and a buffer for what each client still has to receive. If that is a queue of limited size, don't wait for room "
    "in it while others need what you hold (a lock).",
)
def test_slow_reader_blocks_no_one(server: Server, stage: Stage, connect: Connect, protocol: StreamProtocol) -> None:
    """Serves others while one client doesn't read"""
    requests = _requests(_many(stage, protocol, stage.listening.more_than_buffers_bytes))
    if not stage.one_request and can_pipeline(protocol):
        requests += _SHORT_TRAINS * _short_requests(stage, protocol)
    with stage.connect(server, slow=True) as slow:
        try:
            slow.send_without_reading(requests, may_close=stage.one_request)
        except FaultError as fault:
            # A server may give up on a client that does not read: whether that is allowed is another check's business.
            if fault.reason not in {Reason.RESET, Reason.CLOSED_EARLY}:
                raise
        serves_another(connect, protocol)
        slow.reset()


@behaviour(
    does="a client sends many requests, reads nothing, and resets its connection while the program is sending; another "
    f"closes its side first (FIN); both three times; then {_LEAVING} clients that send {_ASKED_BYTES >> 10} KiB of "
    "short messages and leave, alternately by FIN and by reset; then a well-behaved client; its threads and processes "
    "before and after",
    proves="bytes waited in the program's send queue when the reset was sent, and more requests were unanswered; the "
    "FIN was sent together with the requests",
    catches="BrokenPipeError, ConnectionResetError or SIGPIPE ends the server, or a thread or process in its pool",
    needs=("much", "much_back"),
    hint="send can fail because the client has left: that is the end of this client, not of the server.{C:  Ignore "
    "SIGPIPE, or send with MSG_NOSIGNAL, and check what send returns.}",
    hints={
        Reason.WORKER_LOST: _WORKER_HINT,
        Reason.NOT_ACCEPTED: _WORKER_HINT,
    },
)
def test_peer_gone_mid_reply(server: Server, stage: Stage, connect: Connect, protocol: StreamProtocol) -> None:
    """Survives a client that leaves in the middle of a reply"""
    program = server.program
    exchanges = _many(stage, protocol, stage.listening.more_than_buffers_bytes)
    cut_short = with_much_to_send(protocol, _UNREAD_BYTES, _UNREAD_BYTES // 2, alone=stage.one_request)
    workers = fewest_workers(program, lambda: serves_another(connect, protocol))
    for _ in range(_VISITS):
        with stage.connect(server, slow=True) as client:
            client.send_without_reading(_requests(exchanges), may_close=stage.one_request)
            client.reset()
        program.wait_delivered()
        serves_another(connect, protocol)
        if stage.private_network:  # otherwise so little would fit in its buffers
            with stage.connect(server, slow=True) as client:
                client.send_without_reading(_requests(cut_short), may_close=stage.one_request)
                client.half_close()
                client.leave_unread()
            program.wait_delivered()
            serves_another(connect, protocol)
    requests = _short_requests(stage, protocol)
    mark = program.transcript.mark()
    left = 0
    for number in until_enough(_LEAVING):
        program.transcript.rewind(mark)
        with connect() as client:
            if not stage.one_request:
                client.ask(protocol.exchange(0))  # leaving before being served is another check's business
            client.send_and_leave(requests, reset=number % 2 == 1)
        program.wait_delivered()
        program.wait_rest(SETTLE_S)  # what it still does for those who have left must not count for the next one
        left = number + 1
    serves_another(connect, protocol)
    program.transcript.rewind(mark)
    program.transcript.add(EventKind.NOTE, "grader", f"{left} clients left before they had received their replies")
    for what, had, has in lost(workers, workers_of(program) or workers):
        words = f"of its {had} {what} only {has} are left after {left} clients that did not wait for replies"
        raise FaultError(Reason.WORKER_LOST, words, doing=program.doing())


def _short_requests(stage: Stage, protocol: StreamProtocol) -> bytes:
    """Whole messages, as many as fit in one segment: whoever reads them piece by piece replies several times.

    One, where nothing may be sent before it is answered.
    """
    if stage.one_request or not can_pipeline(protocol):
        return protocol.exchange(0).request
    requests = bytearray()
    number = 0
    while len(requests) + len(more := protocol.exchange(number).request) <= _ASKED_BYTES:
        requests += more
        number += 1
    return bytes(requests)


@behaviour(
    does="the message that ends the connection, followed by 32 KiB that nobody asked for; 8 KiB more, piece by piece, "
    "and the client's FIN; only then does the client read",
    proves="all of the first 32 KiB wait in the program's receive queue while it is frozen; each piece is sent when "
    "the program rests, or has had a while",
    catches="closing with unread input, or before the client does, which resets the connection and destroys the reply",
    needs=("ending",),
    hint="Closing a socket with unread bytes sends a RST, and so do bytes that arrive after it is closed; the client "
    "loses what it has not read yet: shutdown(SHUT_WR), read and discard until the client closes its side, then close.",
)
def test_reply_survives_unread_input(connect: Connect, stage: Stage, protocol: StreamProtocol) -> None:
    """Delivers its last reply although more was sent than it read"""
    exchange = protocol.exchange(0) if stage.one_request else protocol.closing()
    with connect() as client:
        client.send_as_one_read(exchange.request + b"x" * _EXTRA_BYTES)
        client.send_when_it_rests(b"x" * _LATER_BYTES, _LATER_PIECES)
        client.expect(exchange.reply)
        client.expect_end()


@behaviour(
    does="a client sends eight mebibytes without reading, until nothing more fits; then it reads everything",
    proves="bytes wait in the program's send queue, and it is blocked or waits for space",
    catches="an output buffer of fixed size, a deadlock between reading and writing",
    says=("sized",),
    needs=("persistent", "pipelined", "both_long"),
    hint="When a client doesn't read, stop reading from it as well until it does: no buffer is large enough for "
    "everything.",
)
def test_both_directions_full(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Loses nothing when both directions are full"""
    long = protocol.sized(_MESSAGE_BYTES)
    _gets_all(stage, server, [long] * (_BOTH_DIRECTIONS_BYTES // len(long.request)))


@behaviour(
    does="a message and the client's FIN in one segment; then everything until the end",
    proves="the FIN is received before the message can be read",
    catches="closing at the end of input without replying to what was asked before it",
    hint=f"{RECV_GIVES_NOTHING} only after all bytes before it: reply to those first, then close.",
    hints={
        Reason.NOT_CLOSED: f"When {RECV_GIVES_NOTHING} the client won't send any more: close its socket"
        "{Python, C, Ruby, Perl: , and each copy that fork has made of it}."
    },
)
def test_half_close(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers what was asked before the client closed its side, then closes"""
    exchange = protocol.exchange(0)
    with connect() as client:
        client.send_and_half_close(exchange.request)
        client.expect(exchange.reply)
        client.expect_end()


@behaviour(
    does="the message that ends the connection; its reply, then everything until the end",
    proves="the reply has arrived, and nothing else is asked",
    catches="a connection that is left open",
    needs=("ending",),
    hint="After this message the server closes the connection, not the client: leave the loop, close the socket.",
)
def test_closes_when_done(begin: Begin, stage: Stage, protocol: StreamProtocol) -> None:
    """Closes the connection when it is asked to"""
    last = protocol.exchange(1) if stage.one_request else protocol.closing()
    with begin(in_turn([protocol.exchange(0), last])) as part:
        part.play()
        part.client.expect_end()


@behaviour(
    does="a message; silence until the program rests, or for as long as the handout says (`silence_s`) if a timer of "
    "its own runs out meanwhile; another message on the same connection",
    proves="the program is still, or had the time allowed for a reply, and the connection is open",
    catches="closing after one reply, or when a timeout for recv runs out",
    needs=("persistent",),
    hint="After a reply, go back to recv on the same socket; the client may ask for more. If recv has a timeout, "
    "that must not end the connection when it runs out: go on waiting.",
)
def test_stays_open(stage: Stage, connect: Connect, protocol: StreamProtocol) -> None:
    """Keeps the connection open for more"""
    with connect() as client:
        client.ask(protocol.exchange(0))
        client.expect_nothing(Reason.EXTRA_REPLY, "more came than the reply", stage.server_spec.silence_s)
        client.ask(protocol.exchange(1))


@behaviour(
    does="messages of 64 KiB on one connection, or each on its own where the server closes it, until its resident "
    "memory stays constant for 16 MiB in each direction, at most 128 MiB; then at least 32 MiB more in each direction, "
    "and again, three times at most, if it has grown by more than 16 MiB; an eighth of all that if it is slow; its "
    "resident memory before and after, and what it keeps in pipes and sockets",
    proves="its memory is read when it is at rest",
    catches="keeping everything that was ever received",
    needs=("much",),
    hint="Remove a message from your buffer once you have replied to it; don't keep a list of what arrived.",
)
def test_memory_stays_flat(begin: Begin, server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Doesn't need more memory the more it is asked"""
    program = server.program
    (exchange,) = with_much_to_send(protocol, _MESSAGE_BYTES, _MESSAGE_BYTES, alone=True)
    with begin(in_turn(repeat(exchange))) as part:
        traffic = _Traffic(part, program)
        traffic.send(_MESSAGE_BYTES)
        first = traffic.kept_bytes()
        traffic.parts = _parts(traffic, stage)
        settled = _settles(traffic)
        for _ in range(_MOST_LOOKS if settled else 1):
            before = traffic.kept_bytes()
            # In what a heap has grown by so far a leak may hide, for so many bytes.
            asked_bytes = _TRAFFIC_BYTES // traffic.parts + (max(0, before - first) if settled else 0)
            traffic.send(asked_bytes)
            grown = traffic.kept_bytes() - before
            words = f"after {asked_bytes >> 20} MiB in each direction its memory has grown by {grown / _MIB:.1f} MiB"
            program.transcript.add(EventKind.KERNEL, "program", words)
            if grown <= _GROWTH_BYTES // traffic.parts:
                return
    raise FaultError(Reason.MEMORY_GROWS, words, doing=program.doing())


@dataclass
class _Traffic:
    """The same exchange, again and again, on one connection or as many as it takes.

    `parts`: of what others get, one of so many parts is sent.
    """

    part: Part
    program: Program
    parts: int = 1

    def send(self, size_bytes: int) -> None:
        """Send and receive so many bytes, both together twice as many."""
        __tracebackhide__ = True
        mark = self.program.transcript.mark()
        left_bytes = 2 * size_bytes
        while left_bytes > 0:
            self.program.transcript.rewind(mark)
            self.part.reach()
            client = self.part.client
            before = client.sent_bytes + client.received_bytes
            self.part.turn()
            self.part.hear()
            left_bytes -= client.sent_bytes + client.received_bytes - before

    def kept_bytes(self) -> int:
        """The program's memory when it is at rest."""
        __tracebackhide__ = True
        return kept_bytes(self.program, at_rest(self.program))


def _parts(traffic: _Traffic, stage: Stage) -> int:
    """How many times less than usual a program is sent that takes so long for a MiB in each direction."""
    __tracebackhide__ = True
    before_s = stage.used_s
    traffic.send(_MIB)
    least_s = (stage.used_s - before_s) * (_ROUND_BYTES + _TRAFFIC_BYTES) / _MIB
    return min(_MOST_PARTS, max(1, round(least_s / FLAT_S)))


def _settles(traffic: _Traffic) -> bool:
    """Let its memory grow to its working size: a collector's heap is filled before it is cleared for the first time.

    Whether it has stayed as it was for one round; otherwise it grew all the time.
    """
    __tracebackhide__ = True
    before = traffic.kept_bytes()
    for _ in range(_MOST_ROUNDS):
        traffic.send(_ROUND_BYTES // traffic.parts)
        now = traffic.kept_bytes()
        if now - before <= _SETTLED_BYTES // traffic.parts:
            return True
        before = now
    return False


def _gets_all(stage: Stage, server: Server, exchanges: Sequence[Exchange]) -> None:
    """A client that reads only when nothing more can be sent receives every reply."""
    __tracebackhide__ = True
    with stage.connect(server, slow=True) as client:
        client.send_without_reading(_requests(exchanges), may_close=stage.one_request)
        client.leave_unread_for_a_while()
        if stage.in_any_order:
            client.expect(stage.greeting.unread.reply)
            client.expect_each(exchanges, in_any_order=True)
        else:
            client.expect_each([stage.greeting.unread, *exchanges])


def _many(stage: Stage, protocol: StreamProtocol, size_bytes: int) -> tuple[Exchange, ...]:
    return with_much_to_send(protocol, size_bytes, _MESSAGE_BYTES, alone=stage.one_request)


def _requests(exchanges: Sequence[Exchange]) -> bytes:
    return b"".join(exchange.request for exchange in exchanges)
