"""The room: who is in it, who hears what, and what nobody may hear.

Each check has a server of its own, so that nobody hears of members who have just left another one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from grader import (
    Reason,
    ScriptedClient,
    Server,
    Stage,
    StreamProtocol,
    behaviour,
    fail,
    form,
    random_letters,
    random_words,
    until,
)

#: At least so many can be in the room (6.3).
_MANY = 50
#: How many connections break together (7.2).
_BROKEN = 8
#: What a member says while another one does not read: long lines, so that the buffers between them are full soon.
_LONG_LINE_BYTES = 4_000
#: ... and then short ones: more than fit in a queue of a thousand lines, or of 2048, as one writes them.
_SHORT_LINES = 2_100
#: Lines that a member says to be heard, for a moment's conversation.
_FEW = 3
#: An error's words are the server's own.
_ERROR = form(b"! {why:.*}")
_ANY_LINE = form(b"{words}")
_NAME_HINT = (
    "A name is refused with one line that begins with `! `. The client stays, and its next line is the next try: keep "
    "for each connection whether it has a name."
)


def _names(rng: random.Random, count: int) -> list[bytes]:
    """So many different names of 8 characters."""
    return [random_letters(rng, 6) + b"%02d" % number for number in range(count)]


def _line(rng: random.Random) -> bytes:
    return random_words(rng, 2).encode()


class _Room:
    """The members of a room, in the order in which they came, and what each of them must hear."""

    def __init__(self, stage: Stage, server: Server) -> None:
        self._stage = stage
        self._server = server
        self.members: dict[bytes, ScriptedClient] = {}

    def knock(self, *, slow: bool = False) -> ScriptedClient:
        """A client that has connected, and has no name yet."""
        return self._stage.connect(self._server, slow=slow)

    def enter(self, name: bytes, *, slow: bool = False) -> ScriptedClient:
        """A new member; the others hear of it."""
        client = self.knock(slow=slow)
        client.send(name + b"\n")
        self.welcome(client, name)
        return client

    def welcome(self, client: ScriptedClient, name: bytes) -> None:
        """It is in the room now, and the others hear of it."""
        __tracebackhide__ = True
        client.expect(b"* welcome %b\n" % name)
        self.all_hear(b"* %b joined\n" % name)
        self.members[name] = client

    def say(self, name: bytes, line: bytes) -> None:
        """A member says a line, and the others hear it."""
        __tracebackhide__ = True
        self.members[name].send(line + b"\n")
        self.all_hear(b"%b: %b\n" % (name, line), besides=name)

    def leave(self, name: bytes, how: Callable[[ScriptedClient], None]) -> None:
        """A member leaves, and the others hear of it."""
        __tracebackhide__ = True
        how(self.members.pop(name))
        self.all_hear(b"* %b left\n" % name)

    def all_hear(self, line: bytes, besides: bytes = b"") -> None:
        """All members but one hear this."""
        __tracebackhide__ = True
        for name, member in self.members.items():
            if name != besides:
                member.expect(line)

    def nobody_hears(self, what: str) -> None:
        """Nothing comes to any member."""
        __tracebackhide__ = True
        for member in self.members.values():
            member.expect_nothing(Reason.EXTRA_REPLY, what)


def _quit(client: ScriptedClient) -> None:
    client.send(b"/quit\n")
    client.expect(b"* bye\n")
    client.expect_end()


def _half_close(client: ScriptedClient) -> None:
    client.half_close()
    client.expect_end()


def _quit_unnamed(client: ScriptedClient) -> None:
    """What it is answered is another check's business (`closes_when_done`)."""
    client.send(b"/quit\n")
    client.wait_read()
    client.close()


#: The ways in which a member may leave without saying so.
_LOST: tuple[Callable[[ScriptedClient], None], ...] = (
    ScriptedClient.close,
    _half_close,
    ScriptedClient.reset,
)


@behaviour(
    does="a client sends a name, and reads what comes until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="a missing or misspelt welcome, the newcomer told of itself, a prompt",
    hint="The first line is the name, without its line ending.",
)
def test_comes_in(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Welcomes a client by its name"""
    client = stage.connect(fresh_server)
    (name,) = _names(rng, 1)
    client.send(name + b"\n")
    client.expect(b"* welcome %b\n" % name)
    client.expect_nothing(Reason.EXTRA_REPLY, "it sent something after the welcome that nobody asked for")


@behaviour(
    does="clients ask for the longest name and the shortest, for one with - and _ in it, and for one that ends with "
    "CRLF",
    proves="the reply to each has arrived before the next one asks",
    catches="a proper name refused, a table of names that is too narrow, a CR that is taken for part of the name",
    hint="Allow exactly what the requirement lists{Python: : re.fullmatch(r'[A-Za-z0-9_-]{1,16}', name); str.isalnum "
    'is false for _ and -}{Java: : name.matches("[A-Za-z0-9_-]{1,16}"); \\w has no -}. The line ending, LF or '
    "CRLF, is not part of the name.",
)
def test_takes_every_proper_name(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Takes every name that is allowed"""
    room = _Room(stage, fresh_server)
    for name, ending in ((random_letters(rng, 16), b"\n"), (b"x", b"\n"), (b"-_9", b"\n"), (b"Zoe7", b"\r\n")):
        guest = room.knock()
        guest.send(name + ending)
        room.welcome(guest, name)


@behaviour(
    does="each of three members says lines, one by one; all others read them; then everything that arrives until the "
    "program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="lines that come back to the speaker, lines without a name or with another's",
    hint="Send `NAME: LINE` to every member but the one who has said it.",
    hints={Reason.NO_REPLY: "Every other member hears every line: keep a list of all that are in the room."},
)
def test_speaks_to_all_others(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Passes on what a member says to all others, under the member's name"""
    room = _Room(stage, fresh_server)
    names = _names(rng, 3)
    for name in names:
        room.enter(name)
    for name in names:
        room.say(name, _line(rng))
        room.say(name, b"%b: %b" % (names[0], _line(rng)))
    room.nobody_hears("it sent something that nobody had said, or a member's own line back to it")


@behaviour(
    does="a member says a line, and sends a /ping, with several spaces at either end and in the middle; then it says "
    "one that begins with U+FEFF; another one reads both",
    proves="nothing to prove",
    catches="strip() or trim() where only the line ending is to go, words that are split and joined again, a decoder "
    "that drops a byte order mark",
    hint="Take off the line ending alone{Python: : line.removesuffix('\\n').removesuffix('\\r'), not strip()}{Java: : "
    "readLine has done that; don't trim()}. If a line has lost its first three bytes, a decoder has taken them for a "
    "byte order mark{Node: : new TextDecoder('utf-8', { ignoreBOM: true }) keeps it}.",
)
def test_lines_stay_unchanged(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Passes a line on as it is, with all its spaces"""
    room = _Room(stage, fresh_server)
    one, other = _names(rng, 2)
    room.enter(one)
    room.enter(other)
    line = b"  %b   %b  " % (_line(rng), _line(rng))
    room.say(one, line)
    room.members[one].send(b"/ping %b\n" % line)
    room.members[one].expect(b"pong %b\n" % line)
    room.say(one, b"\xef\xbb\xbf" + _line(rng))  # U+FEFF, which some decoders take for a mark of the file's beginning


@behaviour(
    does="a client asks for the name of a member, then for that name with a capital, then for the first again when its "
    "owner has left",
    proves="the reply has arrived before the next line is sent",
    catches="two members of one name, the second one put out or put in the first one's place, a name that stays taken",
    hint=_NAME_HINT,
    hints={
        Reason.WRONG_REPLY: "Look the name up among those who are in the room now; when a member leaves, forget it."
    },
)
def test_taken_name_is_refused(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Refuses a name that a member has, and frees it when the member leaves"""
    room = _Room(stage, fresh_server)
    name, other, third = (b"a" + name for name in _names(rng, 3))
    room.enter(name)
    for _ in range(2):
        guest = room.knock()
        guest.send(name + b"\n")
        guest.expect(_ERROR)
    room.nobody_hears("it told the room of a name that was refused")
    guest.send(name.capitalize() + b"\n")
    room.welcome(guest, name.capitalize())
    room.enter(other)
    room.say(name, _line(rng))
    room.leave(name, _quit)
    room.enter(name)
    room.say(name, _line(rng))
    room.enter(third)


@behaviour(
    does="a client asks for names that nobody may have, one after the other, then for a proper one; a member listens",
    proves="the reply to each has arrived before the next is sent; the program is still, or had the time allowed",
    catches="an empty name, one with spaces, colons, control characters or letters beyond ASCII, one of 17 characters, "
    "such a name told to the others, the client thrown out",
    hint=_NAME_HINT + "{Python:  str.isalnum is true for é and for Arabic digits: compare with the characters that are "
    "allowed, or use re.fullmatch(r'[A-Za-z0-9_-]{1,16}', name).}",
)
def test_bad_names_are_refused(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Refuses names with anything but letters, digits, _ and -"""
    room = _Room(stage, fresh_server)
    member, name = _names(rng, 2)
    room.enter(member)
    guest = room.knock()
    for bad in (
        b"",
        b" ",
        name + b" ",
        b"%b left" % member,
        name + b":",
        b"*",
        "é".encode() + name,
        "٣".encode(),
        b"\x1b[31m" + name,
        name + b"\x00",
        b"\xff\xfe",
        random_letters(rng, 17),
    ):
        guest.send(bad + b"\n")
        guest.expect(_ERROR)
    room.nobody_hears("it told the room of a name that was refused")
    guest.send(name + b"\n")
    room.welcome(guest, name)


@behaviour(
    does="three members come in, one after the other; all who are there read what comes until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="nobody told, the newcomer told of itself, all told twice, a connection announced before it has a name",
    hint="When a client has got its name, send `* NAME joined` to those who were there before.",
)
def test_joining_is_announced(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Tells the others who has joined"""
    room = _Room(stage, fresh_server)
    for name in _names(rng, 3):
        guest = room.knock()
        room.nobody_hears("it said something when a client connected that had no name yet")
        guest.send(name + b"\n")
        room.welcome(guest, name)
    room.nobody_hears("it said more than `* NAME joined` when somebody joined")


@behaviour(
    does="two members leave by /quit while another one listens; then a client without a name does the same",
    proves="the program is still after the last, or had the time allowed for a reply",
    catches="nobody told, all told twice, a client announced that had no name",
    hint="When a member has left, remove it from the room, and send `* NAME left` to those who are still there.",
)
def test_leaving_is_announced(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Tells the others who has left by /quit"""
    _all_leave(_Room(stage, fresh_server), (_quit, _quit), rng)


def _all_leave(room: _Room, ways: Sequence[Callable[[ScriptedClient], None]], rng: random.Random) -> list[bytes]:
    """A member for each way leaves in it, and so does a client without a name; another member listens.

    Gives the names of those who have left.
    """
    __tracebackhide__ = True
    listener, *guests = _names(rng, 1 + len(ways))
    room.enter(listener)
    for name in guests:
        room.enter(name)
    for name, how in zip(guests, ways, strict=True):
        room.leave(name, how)
    for how in dict.fromkeys(ways):
        (_quit_unnamed if how is _quit else how)(room.knock())
    room.nobody_hears("it said something besides one `* NAME left` for each member that had left")
    return guests


@behaviour(
    does="members leave by a FIN, by a half-close and by a reset, while another one listens; then clients without a "
    "name in the same ways; then others come in with the names of those who have left",
    proves="the program is still after the last, or had the time allowed for a reply",
    catches="only /quit is announced, a reset is not, empty lines said without end, everything twice, a client "
    "announced that had no name, a name that stays taken",
    hint="There is one place where a connection ends, however it ends: there, if it had a name, remove it from the "
    "room and tell the others, once.",
    hints={
        Reason.NO_REPLY: "recv that returns nothing is one end{Python:  (b'')}{C:  (0)}, recv that fails is another "
        "(ECONNRESET): do the same in both."
    },
)
def test_lost_members_are_announced(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Tells the others whose connection has ended"""
    room = _Room(stage, fresh_server)
    for name in _all_leave(room, _LOST, rng):
        room.enter(name)


@behaviour(
    does="two members talk while a client without a name is connected; everything that it receives until the program "
    "is still, and what it is answered when it has a name",
    proves="the program is still, or had the time allowed for a reply",
    catches="lines, joins and leaves sent to every connection, lines that were kept for it",
    hint="Send to those who are in the room, not to every connection.",
)
def test_nameless_hear_nothing(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Sends nothing of the room to a client without a name"""
    room = _Room(stage, fresh_server)
    one, other, late = _names(rng, 3)
    room.enter(one)
    nameless = room.knock()
    room.enter(other)
    room.say(one, _line(rng))
    room.leave(other, _quit)
    nameless.expect_nothing(Reason.EXTRA_REPLY, "it sent something to a client that had no name yet")
    nameless.send(late + b"\n")
    room.welcome(nameless, late)
    room.say(one, _line(rng))


@behaviour(
    does="one of three members sends another one a private message, with several spaces between its words; then one to "
    "a name that nobody has, and to one that has left",
    proves="the program is still, or had the time allowed for a reply",
    catches="a private message that all hear, or that its sender gets back, words split and joined again, no error",
    hint="Split `/msg NAME TEXT` at its first two spaces only, and send to the one member of that name.",
)
def test_private_messages(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Sends a private message to one member and to nobody else"""
    room = _Room(stage, fresh_server)
    one, other, third, nobody = _names(rng, 4)
    for name in (one, other, third):
        room.enter(name)
    for sender, hearer in ((one, other), (other, one)):
        text = b" %b:  %b" % (third, _line(rng))
        room.members[sender].send(b"/msg %b %b\n" % (hearer, text))
        room.members[hearer].expect(b"[%b] %b\n" % (sender, text))
    room.leave(third, _quit)
    for missing in (nobody, third):
        room.members[one].send(b"/msg %b %b\n" % (missing, _line(rng)))
        room.members[one].expect(_ERROR)
    room.nobody_hears("it sent a private message to somebody else, or more than one line for it")


@behaviour(
    does="a member asks who is there: alone, with two others and a client without a name, and when one has left",
    proves="every join and leave before it has arrived",
    catches="those who have left, those without a name, the asker left out, the answer sent to all",
    hint="Answer with the names of those who are in the room now, on one line, with one space between them.",
)
def test_who_is_here(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Says who is in the room"""
    room = _Room(stage, fresh_server)
    one, other, third = _names(rng, 3)
    room.enter(one)
    _ask_who(room, one)
    room.enter(other)
    room.enter(third)
    room.knock()
    _ask_who(room, other)
    room.leave(third, _quit)
    _ask_who(room, one)
    room.nobody_hears("it sent the answer to /who to somebody else, or more than one line")


def _ask_who(room: _Room, name: bytes) -> None:
    __tracebackhide__ = True
    member = room.members[name]
    member.send(b"/who\n")
    said = member.expect(form(b"* here: {names}"))["line"]
    there = said.removeprefix(b"* here: ").split(b" ")
    if sorted(there) != sorted(room.members):
        required = b"* here: " + b" ".join(room.members)
        fail(Reason.WRONG_REPLY, "it names others than those who are in the room", expected=required, received=said)


@behaviour(
    does="a member sends lines that begin with / and are no command, and commands that lack something; a client "
    "without a name sends /who and /msg",
    proves="each reply has arrived before the next line is sent; the program is still, or had the time allowed",
    catches="a command passed on to the room, /quitter taken for /quit, an IndexError on /msg without a name, no reply",
    hint="A line that begins with / never goes to the room: split off its first word and compare all of it; whatever "
    "is left over gets a line that begins with `! `.",
)
def test_unknown_commands_are_refused(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Refuses what is no command, and passes none on"""
    room = _Room(stage, fresh_server)
    one, other = _names(rng, 2)
    room.enter(one)
    room.enter(other)
    for line in (b"/dance", b"/", b"/quitter", b"/msg", b"/msg %b" % other, b"//%b" % _line(rng)):
        room.members[one].send(line + b"\n")
        room.members[one].expect(_ERROR)
    nameless = room.knock()
    for line in (b"/who", b"/msg %b %b" % (one, _line(rng))):
        nameless.send(line + b"\n")
        nameless.expect(_ERROR)
    room.nobody_hears("it passed a command on to the room")


@behaviour(
    does="a member's line arrives byte by byte, while another member says lines in between; a third one reads; then "
    "several lines arrive together",
    proves="each piece was read before the next is sent",
    catches="one recv is one line, one buffer for all clients, a name before every piece or before the first line only",
    hint="Each connection has a buffer of its own: a line goes out when its LF has arrived, with everything before it.",
)
def test_members_lines_in_pieces(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Puts a member's line together while others talk"""
    room = _Room(stage, fresh_server)
    one, other, third = _names(rng, 3)
    for name in (one, other, third):
        room.enter(name)
    line = _line(rng)
    half = len(line) // 2
    room.members[one].send(line[:half], pieces=1)
    room.members[one].wait_read()
    room.say(other, _line(rng))
    room.members[one].send(line[half:], pieces=1)
    room.members[one].wait_read()
    room.say(other, _line(rng))
    room.members[one].send(b"\n")
    room.all_hear(b"%b: %b\n" % (one, line), besides=one)
    lines = [_line(rng) for _ in range(_FEW)]
    room.members[one].send(b"".join(line + b"\n" for line in lines))
    for line in lines:
        room.all_hear(b"%b: %b\n" % (one, line), besides=one)
    room.nobody_hears("it passed on parts of a line before it was complete")


@behaviour(
    does="a member sends lines that are not UTF-8, each followed by a proper line that the others must hear next",
    proves="the reply to the bad line has arrived before the proper one is sent",
    catches="invalid bytes passed on, or replaced by U+FFFD; the sender put out of the room",
    says=("invalid_text",),
    hint="A line that can't be decoded is dropped as a whole, and answered with a line that begins with `! `: catch "
    "the error for this line only.",
)
def test_bad_line_goes_to_nobody(
    fresh_server: Server, stage: Stage, rng: random.Random, protocol: StreamProtocol
) -> None:
    """Passes a line that is not UTF-8 on to nobody, and keeps its sender"""
    room = _Room(stage, fresh_server)
    one, other = _names(rng, 2)
    room.enter(one)
    room.enter(other)
    for bad in protocol.invalid_text():
        room.members[one].send(bad.removeprefix(b"/ping "))
        room.members[one].expect(_ERROR)
        room.say(one, _line(rng))


@behaviour(
    does="two members send part of a line; one breaks its connection (a reset), the other closes it; a third one "
    "listens",
    proves="the part was read before; the program is still after it, or had the time allowed for a reply",
    catches="the buffer passed on when the connection ends, half a line put before the next client's",
    hint="When a connection ends, forget what it had not finished, and tell the others only that it has left.",
)
def test_unfinished_line_is_forgotten(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Forgets an unfinished line when its connection ends"""
    room = _Room(stage, fresh_server)
    listener, *guests = _names(rng, 3)
    room.enter(listener)
    for name, how in zip(guests, (ScriptedClient.reset, _half_close), strict=True):
        guest = room.enter(name)
        guest.send(_line(rng))
        guest.wait_read()
        room.leave(name, how)
    room.nobody_hears("it passed on an unfinished line of a client whose connection had ended")


@behaviour(
    does=f"{_MANY} members come in; the first and the last say a line that all others must hear",
    proves="all of them are welcomed before the first line is said",
    catches="a table that is too small, a pool of threads with one for each member, members that are left out",
    hint="Every member hears every line, however many there are: a thread of a pool must not be taken up by one "
    "member.",
)
def test_fifty_in_the_room(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Has 50 members in the room at the same time"""
    room = _Room(stage, fresh_server)
    names = _names(rng, _MANY)
    for name in names:
        room.enter(name)
    for name in (names[0], names[-1]):
        room.say(name, _line(rng))


@behaviour(
    does=f"the connections of {_BROKEN} members break together while one says lines; another one listens",
    proves="the program was stopped while they broke and the first line was sent, so that it finds all that together",
    catches="an error while sending to one member that ends the loop over all, the thread of the speaker, or the "
    "server",
    hint="Sending may fail for one member: go on with the others, and let that member's own end be handled where it is "
    "noticed. Don't change a list while you walk through it.{C:  Send with MSG_NOSIGNAL.}",
)
def test_broken_connections_harm_nobody(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Lets the others talk when several connections break together"""
    room = _Room(stage, fresh_server)
    guests, (speaker, listener) = (names := _names(rng, _BROKEN + 2))[:_BROKEN], names[_BROKEN:]
    for name in (*guests[::2], speaker, listener, *guests[1::2]):
        room.enter(name)
    lines = [_line(rng) for _ in range(_FEW)]
    with fresh_server.program.frozen():
        for name in guests:
            room.members.pop(name).reset()
        room.members[speaker].send(lines[0] + b"\n")
    for line in lines[1:]:
        room.members[speaker].wait_read()
        room.members[speaker].send(line + b"\n")
    heard = [room.members[listener].expect(_ANY_LINE)["line"] for _ in range(_BROKEN + _FEW)]
    spoken = [line for line in heard if not line.startswith(b"* ")]
    left = sorted(line for line in heard if line.startswith(b"* "))
    required = [b"%b: %b" % (speaker, line) for line in lines]
    if spoken != required or left != sorted(b"* %b left" % name for name in guests):
        fail(Reason.WRONG_REPLY, "a member did not hear what was said, and who had left", received=b"\n".join(heard))
    for _ in guests:
        room.members[speaker].expect(_ANY_LINE)
    room.say(listener, _line(rng))


@behaviour(
    does="a member reads nothing while another one says long lines, more than the kernel's buffers hold, and then "
    f"{_SHORT_LINES} short ones; a third one must hear all of them; then the first breaks its connection",
    proves="more was said than fits between the server and the member that does not read (a server that stores more "
    "lines than that for a member before it keeps the others waiting is not found)",
    catches="a blocking send to each member in turn, a lock that is held meanwhile, a queue for each member that keeps "
    "the others waiting when it is full, an error when the member leaves",
    hint="While send waits for one member nobody hears anything: give each member a thread that sends, with a queue, "
    "or use non-blocking sockets and keep what did not go out. When a member's queue is full, drop the member: don't "
    "wait for room in it.",
)
def test_slow_member_blocks_no_one(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Lets the others talk while one member doesn't read"""
    room = _Room(stage, fresh_server)
    slow, speaker, listener = _names(rng, 3)
    sleeper = room.enter(slow, slow=True)
    room.enter(speaker)
    room.enter(listener)
    del room.members[slow]
    long, short = random_letters(rng, _LONG_LINE_BYTES), _line(rng)
    fills_buffers = 1 + stage.listening.more_than_buffers_bytes // _LONG_LINE_BYTES
    for line in (*(long,) * fills_buffers, *(short,) * _SHORT_LINES):
        room.members[speaker].send(line + b"\n")
        _hears(room.members[listener], b"%b: %b" % (speaker, line), gone=slow)
    sleeper.reset()


def _hears(listener: ScriptedClient, said: bytes, gone: bytes) -> None:
    """It hears this next, or before it that a member has left: a server may drop who does not read."""
    __tracebackhide__ = True
    any_line = until(b"\n", words="what another member has just said")
    while (heard := listener.expect(any_line)["data"]) == b"* %b left" % gone:
        pass
    if heard != said:
        fail(Reason.WRONG_REPLY, "it heard something else than was said", expected=said, received=heard)
