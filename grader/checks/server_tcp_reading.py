"""TCP servers: reading a stream of bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial

from grader.catalogue import READ_WHY, RECV_GIVES_NOTHING, behaviour
from grader.checks.crowds import serves_another
from grader.checks.measures import at_rest, resident_bytes
from grader.checks.splits import Splits, serves_at_once
from grader.errors import Reason
from grader.harness.fixtures import Begin, Connect
from grader.harness.listening import Server
from grader.harness.stage import Stage
from grader.model import EventKind
from grader.protocol.dialogues import Dialogue, dialogue_of, dialogues_of, in_turn, together
from grader.protocol.script import Exchange, StreamProtocol
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient

_LONG_BYTES = 1 << 20
#: Dialogues, or exchanges on one connection, of the checks that come first.
_DIALOGUES = 3
#: What others depend on, and can be judged without where only the first message of a connection is answered: one that
#: serves a message for each connection does much right.
_ANSWERS = "server.answers"
_NO_MORE = frozenset({Reason.CLOSED_EARLY, Reason.RESET, Reason.NO_REPLY})
_COALESCED = 5
_PIPELINED = 50
#: Usual buffer sizes; messages are one byte shorter and longer, too.
_BUFFERS = (1024, 2048, 4096, 65536)
#: If it uses this much more memory, it has believed a length: a correct server needs less for a message.
_BELIEVED_BYTES = 256 << 20

_KEEP_A_BUFFER = (
    "TCP is a stream of bytes: one recv returns whatever has arrived, part of a message or several. Keep a buffer for "
    "each connection, append what recv returns, and take complete messages out of it."
)
_LET_IT_GROW = (
    "Don't limit a message to your buffer's size: let the buffer grow. Search only the new bytes for the end."
)
_SENT_IN_PART = (
    "If part of the reply has come, look at how it is sent: one send may take only part of the data, and the rest is "
    "yours to keep and send later."
)


@behaviour(
    does="a client connects and says nothing; everything that arrives until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="a missing or misspelt greeting, a missing line ending; the other checks go on with what it really says",
    hint="Send the greeting right after accept, exactly as the handout has it, before you read anything.",
    hints={
        Reason.CLOSED_EARLY: "The client has only been silent, as one is whose user is thinking. Send the greeting, "
        "then leave the connection open and wait for what it says: recv without a timeout{Python:  "
        "(settimeout)}{C:  (SO_RCVTIMEO)}{Java:  (setSoTimeout)}."
    },
    says=("greeting",),
)
def test_greets(connect: Connect, stage: Stage) -> None:
    """Greets each client"""
    with connect(opens=False) as client:
        stage.greeting.must_be_right()
        client.expect_nothing(Reason.EXTRA_REPLY, "more came after the complete greeting")


@behaviour(
    does="three messages, each sent whole, one after the other's reply",
    proves="nothing to prove: the baseline",
    catches="a wrong or missing reply",
    hint="Try it by hand (nc localhost PORT) with the message above, and compare byte by byte.",
    hints={
        Reason.NO_REPLY: "Look at where it waits (above): it already has the whole message and must reply to "
        "it.{Python:  What is written to a file from makefile() stays in its buffer until flush().}{Java:  What is "
        "written to a PrintWriter or a BufferedWriter stays in its buffer until flush().}",
        Reason.CRASHED: READ_WHY,
    },
)
def test_answers(begin: Begin, stage: Stage, protocol: StreamProtocol) -> None:
    """Answers a message"""
    for dialogue in dialogues_of(protocol, _DIALOGUES):
        with begin(dialogue) as part:
            part.turn()
            part.hear()
            try:
                part.play()
            except FaultError as fault:
                if fault.reason in _NO_MORE and not dialogue.has_state:
                    stage.basics.hold(_ANSWERS)
                raise


@behaviour(
    does="messages sent byte by byte, each byte read before the next is sent",
    proves="one step of bytes_received per byte, and an empty receive queue after it",
    catches="assuming that one recv returns one message",
    hint=_KEEP_A_BUFFER,
)
def test_fragments_every_byte(begin: Begin, protocol: StreamProtocol) -> None:
    """Answers a message that arrives one byte at a time"""
    for dialogue in dialogues_of(protocol, _DIALOGUES):
        with begin(dialogue) as part:
            part.play(lambda client, request: client.send(request, pieces=1))


@behaviour(
    does="messages in two pieces, split at every place, each on a connection of its own",
    proves="the first piece was read before the second is sent",
    catches="a fault at one boundary: inside a CRLF, a length, a name",
    says=("exchange",),
    hint=_KEEP_A_BUFFER + " Look at what your program does with the part before the split when nothing more has "
    "arrived yet.",
)
def test_fragments_every_split(server: Server, stage: Stage, protocol: StreamProtocol, rng: random.Random) -> None:
    """Answers a message that arrives in two pieces, wherever it is split"""
    at_once = serves_at_once(stage, server, protocol.exchange(0))
    server = stage.again(server)
    for dialogue, ends in _scripted(protocol):
        server = stage.again(Splits(stage, dialogue, rng, at_once, ends).play(server))


@behaviour(
    does="five messages in one segment",
    proves="one segment, or all bytes in the queue of the frozen program",
    catches="everything after the first message is dropped",
    needs=("persistent", "pipelined"),
    hint=_KEEP_A_BUFFER + " Loop until no complete message is left in the buffer, then call recv again.",
)
def test_coalesced(connect: Connect, stage: Stage, protocol: StreamProtocol) -> None:
    """Answers all messages that arrive together"""
    exchanges = together(protocol, _COALESCED)
    with connect() as client:
        client.send_as_one_read(b"".join(exchange.request for exchange in exchanges))
        client.expect_each(exchanges, in_any_order=stage.in_any_order)


@behaviour(
    does="a whole message and half of the next in one segment; then the other half",
    proves="one segment; the rest is sent after the first reply, when everything before it was read",
    catches="the rest of what recv returned is thrown away",
    needs=("persistent", "pipelined"),
    hint=_KEEP_A_BUFFER + " What is left after the last complete message is the beginning of the next one: keep it.",
)
def test_message_and_a_half(connect: Connect, protocol: StreamProtocol) -> None:
    """Keeps the beginning of a message that arrives after another"""
    first, second = together(protocol, 2)
    half = len(second.request) // 2
    with connect() as client:
        client.send_as_one_read(first.request + second.request[:half])
        client.expect(first.reply)
        client.wait_read()
        client.send(second.request[half:])
        client.expect(second.reply)


@behaviour(
    does="one message; after its reply everything that arrives until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="a second reply, an extra line ending, a goodbye message",
    hint="Send exactly the reply: no greeting, no prompt, no line ending added to one that is there{C: , no NUL at "
    "the end of a string}.",
)
def test_extra_reply_bytes(connect: Connect, stage: Stage, protocol: StreamProtocol) -> None:
    """Sends nothing but the reply"""
    exchange = protocol.exchange(1)
    with connect() as client:
        if not stage.greeting.required:
            stage.greeting.must_be_right()
        client.ask(exchange)
        client.expect_no_reply(Reason.EXTRA_REPLY, "more came after the complete reply")


@behaviour(
    does="half a message; we wait in silence; then the other half; then half a message and the client's FIN",
    proves="the half was read, and the program is still or had the time allowed for a reply; the FIN came with the "
    "half",
    catches="a reply before the message is complete, or when it never will be",
    hint="A message is complete when its end has arrived, not when recv returns. " + _KEEP_A_BUFFER,
)
def test_unfinished_message_gets_no_answer(begin: Begin, stage: Stage, protocol: StreamProtocol) -> None:
    """Does not answer a message before it is complete"""
    exchange = protocol.exchange(2)
    half = len(exchange.request) // 2
    with begin(in_turn([exchange, exchange])) as part:
        part.turn(lambda client, request: client.send(request[:half], pieces=half))
        part.client.expect_nothing(Reason.EARLY_REPLY, "it replied although the message was not complete")
        part.client.send(exchange.request[half:])
        part.hear()
        part.reach()
        _end_unfinished(part.client, protocol, exchange.request[:half])
    stage.end_program()  # with one buffer for all clients, the rest of this message would come before another check's


def _end_unfinished(client: ScriptedClient, protocol: StreamProtocol, half: bytes) -> None:
    """Half a message and the client's FIN: no reply, unless the protocol has one for that."""
    __tracebackhide__ = True
    begun = protocol.unfinished() if hasattr(protocol, "unfinished") else Exchange(half, b"")
    client.send_and_half_close(begun.request)
    if begun.reply:
        client.expect(begun.reply)
        return
    client.expect_no_reply(Reason.EARLY_REPLY, "it replied although the connection ended before the message did")


@behaviour(
    does="a last message without its line ending, and the client's FIN in the same segment; then everything until the "
    "end",
    proves="the FIN is received before the message can be read",
    catches="a lost last line, a crash on an empty read",
    says=("unterminated",),
    hint=f"{RECV_GIVES_NOTHING} when nothing more will come: what is left in the buffer then is the last message.",
)
def test_unterminated_last_message(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers a last message that ends with the connection"""
    exchange = protocol.unterminated()
    with connect() as client:
        client.send_and_half_close(exchange.request)
        client.expect(exchange.reply)
        client.expect_end()


@behaviour(
    does="messages of 1024, 2048, 4096 and 65536 bytes, and one byte shorter and longer; in one segment if they fit",
    proves="one segment, if it fits into one",
    catches="`if len(data) < 1024: break`, a single recv(1024)",
    says=("sized",),
    hint="How much recv returns says nothing about where a message ends. " + _KEEP_A_BUFFER,
)
def test_buffer_boundaries(begin: Begin, protocol: StreamProtocol) -> None:
    """Answers messages as long as common buffers, and a byte longer or shorter"""
    sizes = [size + more for size in _BUFFERS for more in (-1, 0, 1)]
    with begin(in_turn(map(protocol.sized, sizes))) as part:
        for size in sizes:
            fits = size < _BUFFERS[-1] - 1
            part.turn(ScriptedClient.send_as_one_read if fits else ScriptedClient.send)
            part.hear()


@behaviour(
    does="a message of one mebibyte, or the longest that the handout allows where `longest` of `protocol.py` gives it",
    proves="nothing to prove",
    catches="a fixed buffer, truncation, time that grows with the square of the length",
    says=("sized",),
    hint=_LET_IT_GROW,
    hints={
        Reason.INCOMPLETE_REPLY: f"{_LET_IT_GROW} {_SENT_IN_PART}",
        Reason.CLOSED_EARLY: f"{_LET_IT_GROW} {_SENT_IN_PART}",
        Reason.NO_REPLY: "It received the whole message. If it is still busy, its running time grows too fast with "
        "the length.",
    },
)
def test_long_message(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers a message of 1 MiB"""
    with connect() as client:
        client.ask(protocol.longest() if hasattr(protocol, "longest") else protocol.sized(_LONG_BYTES))


@behaviour(
    does="messages with every byte value, with NUL, with text that is not UTF-8",
    proves="nothing to prove",
    catches="decoding to text, C string functions, strip()",
    says=("awkward", "surprise"),
    hint="Work on the bytes from the network, not on text{Python: : no decode(), no strip()}{C: : no strlen(), no "
    "strcpy()}{Java: : no Reader, no String}.",
)
def test_binary_bytes(begin: Begin, protocol: StreamProtocol) -> None:
    """Leaves all other bytes unchanged"""
    with begin(in_turn([*protocol.awkward(), protocol.surprise()])) as part:
        part.play()


@behaviour(
    does="characters of two, three and four bytes, split between their bytes",
    proves="each piece was read before the next is sent",
    catches="decoding each chunk that recv returns",
    says=("text",),
    hint="A character can arrive in pieces. Collect the bytes of a whole message first, then decode.",
)
def test_utf8_split(begin: Begin, protocol: StreamProtocol) -> None:
    """Puts together characters that arrive in pieces"""
    with begin(in_turn(protocol.text())) as part:
        part.play(lambda client, request: client.send(request, pieces=_inside_characters(request)))


@behaviour(
    does="messages that are not UTF-8, each from a client of its own, which reads what comes back; then a well-behaved "
    "client",
    proves="the program has read them, and none of its replies was left unread",
    catches="UnicodeDecodeError ends the server",
    says=("invalid_text",),
    hint="Bytes that can't be decoded must not end the server or the connection.{Python:  bytes.decode() raises "
    "UnicodeDecodeError: catch it for this message, or decode with errors='replace'.}",
)
def test_invalid_utf8_survived(connect: Connect, protocol: StreamProtocol) -> None:
    """Survives a message that is not UTF-8"""
    for message in protocol.invalid_text():
        with connect() as client:
            client.send(message)
            client.wait_read()
            client.take_leave()
        serves_another(connect, protocol)


@behaviour(
    does="the same message with every line ending that is allowed",
    proves="nothing to prove",
    catches="comparing with one exact line ending",
    says=("line_endings",),
    hint="telnet ends a line with CR LF, nc with LF: remove both before you look at the line.",
)
def test_line_endings(begin: Begin, protocol: StreamProtocol) -> None:
    """Accepts every line ending that is allowed"""
    with begin(in_turn(protocol.line_endings())) as part:
        part.play()


@behaviour(
    does="fifty different messages in one segment",
    proves="one segment",
    catches="replies swapped, only the first few messages of a read answered",
    needs=("persistent", "pipelined", "in_order"),
    hint="Reply to all messages in the buffer of a connection, in the order in which they arrived.",
)
def test_pipelined_in_order(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers many messages that arrive together, in order"""
    exchanges = together(protocol, _PIPELINED)
    with connect() as client:
        client.send_as_one_read(b"".join(exchange.request for exchange in exchanges))
        client.expect_each(exchanges)


@behaviour(
    does="numbers that change when their bytes are swapped or their sign is lost",
    proves="nothing to prove",
    catches="native byte order, wrong signedness or width",
    says=("numbers",),
    hint="On the network the most significant byte comes first{Python: : struct.pack('!i', n)}{C: : htonl and ntohl}; "
    "mind the sign.",
)
def test_byte_order(begin: Begin, protocol: StreamProtocol) -> None:
    """Reads and writes numbers in network byte order"""
    with begin(in_turn(protocol.numbers())) as part:
        part.play()


@behaviour(
    does="messages that announce an impossible length, each from a client of its own; then a well-behaved client",
    proves="the program has read them and rests, or had the time allowed for a reply; its resident memory is read",
    catches="MemoryError, memory allocated for a length that was only announced, a hang",
    says=("hostile_lengths",),
    hint="Check a length before you use it: whoever sends it may lie. Never allocate memory for a length that was only "
    "announced.",
)
def test_hostile_length(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Does not trust every announced length"""
    program = server.program
    before = resident_bytes(at_rest(program))
    for start in protocol.hostile_lengths():
        with connect() as client:
            client.send(start)
            program.wait_rest(program.limits.reply_s)
            grown = resident_bytes(at_rest(program)) - before
            program.transcript.add(EventKind.KERNEL, "program", f"its memory grew by {grown >> 20} MiB")
            if grown > _BELIEVED_BYTES:
                what = f"it allocated {grown >> 20} MiB of memory for a length that was only announced"
                raise FaultError(Reason.MEMORY_GROWS, what, doing=program.doing())
            client.take_leave()
        serves_another(connect, protocol)


def _scripted(protocol: StreamProtocol) -> Iterable[tuple[Callable[[], Dialogue], bool]]:
    """All that a protocol scripts, each made anew when it is asked for; and whether the connection ends with it."""
    for number in range(2):
        yield partial(dialogue_of, protocol, number), False
    for exchange in _said(protocol, "awkward"):
        yield partial(in_turn, [exchange]), False
    if hasattr(protocol, "closing"):
        yield partial(in_turn, [protocol.closing()]), True


def _said(protocol: StreamProtocol, function: str) -> tuple[Exchange, ...]:
    """What an optional function of the protocol gives; nothing if the protocol doesn't have it."""
    found: Callable[[], tuple[Exchange, ...]] | None = getattr(protocol, function, None)
    return found() if found else ()


def _inside_characters(message: bytes) -> list[int]:
    """Lengths of pieces that end before each UTF-8 continuation byte (RFC 3629: 10xxxxxx)."""
    cuts = [at for at, byte in enumerate(message) if byte & 0xC0 == 0x80]
    return [end - start for start, end in zip([0, *cuts], cuts, strict=False)]
