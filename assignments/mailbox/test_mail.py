"""What only a mail server does: mail comes in at one port, stays, and is fetched at the other."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial

import protocol
from protocol import ERR, OK, USERS, command, sending, stuffed

from grader import Connect, Reason, Reply, ScriptedClient, Server, Stage, behaviour, fail, form, random_words

# Each check has users of its own, so that a mailbox is empty when it begins.

_LONG_BYTES = 1 << 20


def _login(connect: Connect, user: str) -> ScriptedClient:
    """A new client of the POP3 port that has logged in."""
    __tracebackhide__ = True
    client = connect("pop3")
    client.expect(OK)
    _ask(client, b"USER " + user.encode())
    _ask(client, b"PASS " + USERS[user].encode())
    return client


def _ask(client: ScriptedClient, line: bytes, reply: Reply = OK) -> None:
    """A command of POP3 and its reply."""
    __tracebackhide__ = True
    client.send(line + b"\r\n")
    client.expect(reply)


def _send(client: ScriptedClient, content: bytes, *users: str) -> None:
    """A message to these users, and the reply which says that it is stored."""
    __tracebackhide__ = True
    for exchange in sending(content, *users):
        client.ask(exchange)


def _mail(connect: Connect, content: bytes, *users: str) -> None:
    """The same on a connection of its own."""
    __tracebackhide__ = True
    with connect() as smtp:
        _send(smtp, content, *users)


def _has(connect: Connect, user: str, *contents: bytes) -> None:
    """Who logs in now has exactly these messages."""
    __tracebackhide__ = True
    with _login(connect, user) as pop3:
        _must_have(pop3, *contents)


def _must_have(pop3: ScriptedClient, *contents: bytes) -> None:
    """The mailbox has exactly these messages, the oldest first, each of them unchanged."""
    __tracebackhide__ = True
    _ask(pop3, b"STAT", _starts(b"%d " % len(contents)))
    for number, content in enumerate(contents, 1):
        _ask(pop3, b"RETR %d" % number)
        pop3.expect(stuffed(content))


def _starts(words: bytes) -> Reply:
    return form(b"+OK %b{:[0-9]+}" % words, b"+OK %b{:[0-9]+} {:.*}" % words, ending=b"\r\n")


def _says(words: bytes) -> Reply:
    return form(b"+OK " + words, b"+OK %b {:.*}" % words, ending=b"\r\n")


@behaviour(
    does="EHLO and HELO, and EHLO once more",
    proves="nothing to prove",
    catches="only HELO is known, the lines of a longer reply without their hyphens",
    hint="Reply to EHLO as to HELO: 250. Programs that send mail say EHLO first.",
)
def test_says_hello(connect: Connect) -> None:
    """Answers HELO and EHLO"""
    with connect() as smtp:
        for word in (b"EHLO", b"HELO", b"EHLO"):
            smtp.ask(command(word + b" client.example.test", 250))


@behaviour(
    does="a client connects to the POP3 port and says nothing; everything that arrives until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="no greeting, a greeting of the other protocol, a greeting that stays in a buffer",
    hint="Send a line that begins with +OK right after accept, before you read anything.",
)
def test_greets_at_pop3(connect: Connect) -> None:
    """Greets each client at the POP3 port"""
    with connect("pop3") as pop3:
        pop3.expect(OK)
        pop3.expect_nothing(Reason.EXTRA_REPLY, "more came after the greeting")


@behaviour(
    does="at the POP3 port: STAT, LIST and RETR before anybody has logged in; a wrong password, an unknown user; then "
    "the right password",
    proves="nothing to prove",
    catches="no greeting, any password taken, the password not compared to its end, mail shown to anybody",
    hint="Until USER and PASS have matched a line of the file, reply -ERR to every other command except QUIT.",
)
def test_logs_in(connect: Connect) -> None:
    """Lets in who knows the password, and nobody else"""
    with connect("pop3") as pop3:
        pop3.expect(OK)
        for line in (b"STAT", b"LIST", b"RETR 1"):
            _ask(pop3, line, ERR)
    for user, password in (("alan", b"turing"), ("alan", b"enigm"), ("alan", b"enigmas"), ("nobody", b"enigma")):
        with connect("pop3") as stranger:
            stranger.expect(OK)
            stranger.send(b"USER %b\r\n" % user.encode())
            if stranger.expect(form(b"+OK", b"+OK {:.*}", b"-ERR", b"-ERR {:.*}", ending=b"\r\n"))["line"][:1] == b"+":
                _ask(stranger, b"PASS " + password, ERR)
            _ask(stranger, b"STAT", ERR)
    _has(connect, "alan")


@behaviour(
    does="three messages, each on a connection of its own; then they are fetched",
    proves="nothing to prove",
    catches="headers added or lost, a missing last line, the newest first, mail that is not there yet after 250",
    hint="What is between the line after 354 and the line with the dot is the message: store it as it is, before you "
    "reply 250, and behind those that are there.",
)
def test_delivers(connect: Connect, rng: random.Random) -> None:
    """Delivers mail unchanged, the oldest first"""
    first, second, third = (protocol.message(rng) for _ in range(3))
    for content in (first, second, third):
        _mail(connect, content, "ada")
    _has(connect, "ada", first, second, third)


@behaviour(
    does="a message to three users; then each of them fetches it",
    proves="nothing to prove",
    catches="only the first or the last recipient gets it, one file for all that the first one deletes",
    hint="Collect the recipients of all RCPT commands, and store the message for each of them.",
)
def test_several_recipients(connect: Connect, rng: random.Random) -> None:
    """Delivers a message to each of its recipients"""
    content, users = protocol.message(rng), ("barbara", "butler", "dennis")
    _mail(connect, content, *users)
    for user in users:
        with _login(connect, user) as pop3:
            _must_have(pop3, content)
            _ask(pop3, b"DELE 1")
            _ask(pop3, b"QUIT")


@behaviour(
    does="RCPT for somebody who is not in the file and for another domain, between two for users; then the message",
    proves="nothing to prove",
    catches="mail taken for anybody and lost, a refused recipient that spoils the whole message",
    hint="Look the name up when RCPT comes: if it is not in the file, reply 550 and remember nothing. The other "
    "recipients stay.",
)
def test_unknown_recipient(connect: Connect, rng: random.Random) -> None:
    """Refuses who has no mailbox, and delivers to the others"""
    content, smtp = protocol.message(rng), connect()
    hello, before, *_, data, text = sending(content, "donald")
    smtp.ask(hello)
    smtp.ask(before)
    for address, code in (
        (b"donald@mail.test", 250),
        (b"nobody@mail.test", 550),
        (b"donald@example.test", 550),
        (b"douglas@mail.test", 250),
    ):
        smtp.ask(command(b"RCPT TO:<%b>" % address, code))
    smtp.ask(data)
    smtp.ask(text)
    for user in ("donald", "douglas"):
        _has(connect, user, content)


@behaviour(
    does="MAIL and RCPT, then RSET and RCPT, then a message to another user; then a third to somebody else on the same "
    "connection",
    proves="nothing to prove",
    catches="recipients that stay from one message to the next, RSET that does nothing",
    hint="Forget sender and recipients at RSET, and after each message.",
)
def test_starts_anew(connect: Connect, rng: random.Random) -> None:
    """Forgets the recipients at RSET and after each message"""
    first, second, smtp = protocol.message(rng), protocol.message(rng), connect()
    for exchange in sending(first, "edith")[:3]:
        smtp.ask(exchange)
    smtp.ask(command(b"RSET", 250))
    smtp.ask(command(b"RCPT TO:<edith@mail.test>", 503))
    for exchange in (*sending(first, "edsger")[1:], *sending(second, "frances")[1:]):  # HELO starts anew, too
        smtp.ask(exchange)
    for user, contents in (("edith", ()), ("edsger", (first,)), ("frances", (second,))):
        _has(connect, user, *contents)


@behaviour(
    does="RCPT before MAIL, and DATA before RCPT; NOOP after each",
    proves="nothing to prove",
    catches="a message without recipients, an exception that ends the connection",
    hint="Remember how far the client is, and reply 503 to what is not its turn.",
)
def test_wrong_order(connect: Connect) -> None:
    """Refuses commands in the wrong order"""
    with connect() as smtp:
        smtp.ask(command(b"HELO client.example.test", 250))
        smtp.ask(command(b"RCPT TO:<grace@mail.test>", 503))
        smtp.ask(command(b"NOOP", 250))
        smtp.ask(command(b"MAIL FROM:<friend@example.test>", 250))
        smtp.ask(command(b"DATA", 503, 554))
        smtp.ask(command(b"NOOP", 250))


@behaviour(
    does="unknown commands, an empty line, MAIL and RCPT without an address; known commands in small and mixed letters",
    proves="nothing to prove",
    catches="no reply, 250 for everything, an exception that ends the connection, commands in capitals only",
    hint="Compare commands in capitals, and reply 500 to those that you don't know and 501 if the address is missing.",
)
def test_bad_commands(connect: Connect) -> None:
    """Refuses what is not a command, and takes commands in any case"""
    with connect() as smtp:
        smtp.ask(command(b"HELO client.example.test", 250))
        for line in (b"HELLO", b"MAILFROM", b"", b"DATAX", b"NO OP"):
            smtp.ask(command(line, 500, 501, 502))
        smtp.ask(command(b"MAIL", 501, 500))
        smtp.ask(command(b"MAIL FROM friend@example.test", 501, 500))
        smtp.ask(command(b"mail from:<friend@example.test>", 250))
        smtp.ask(command(b"RCPT TO grace", 501, 500))
        smtp.ask(command(b"Rcpt To:<grace@mail.test>", 250))
        smtp.ask(command(b"rset", 250))
        smtp.ask(command(b"nOOp", 250))


@behaviour(
    does="a message with lines of one, two and three dots, with dots before and behind words, as its first and last "
    "line too",
    proves="nothing to prove",
    catches="the dot that was added is not removed or not added again, the message ends at a line that begins with a "
    "dot",
    hint="Who sends a message puts a dot before each line that begins with one. Remove one dot when the message comes "
    "in, and add one when it is fetched.",
)
def test_dots(connect: Connect, rng: random.Random) -> None:
    """Keeps lines that begin with a dot"""
    word = random_words(rng, 1).encode()
    content = b"\r\n".join((b".", b"..", b"...", b"." + word, b".." + word, word + b".", b"a", b"", b".", b""))
    _mail(connect, content, "hedy")
    _has(connect, "hedy", content)


@behaviour(
    does="a message with every byte value, with NULs, empty lines, spaces and tabs at both ends of a line, and text "
    "that is not UTF-8",
    proves="nothing to prove",
    catches="decoding to text, strip(), C string functions, empty lines lost",
    hint="A message is bytes, not text: never decode it{Python: , and open files with 'wb' and 'rb'}{C: , and don't "
    "use strlen on it}.",
)
def test_every_byte_kept(connect: Connect, rng: random.Random) -> None:
    """Keeps every byte of a message"""
    every = bytes(value for value in range(256) if value not in b"\r\n")
    content = b"\r\n".join((b"", every, b"", b" \t" + random_words(rng).encode() + b" \t", bytes(3), b"", b""))
    _mail(connect, content, "ivan")
    _has(connect, "ivan", content)


@behaviour(
    does="a message with LF and CR alone in it, and with a dot between two LFs",
    proves="nothing to prove",
    catches="a line that ends at each LF: the dot between two LFs ends the message, and what follows is taken for "
    "commands",
    hint="A line ends with CRLF, two bytes, and with nothing else. {Python:readline() ends at each LF: look for "
    "b'\\r\\n' in what recv returns. }Servers that took LF too could be made to forge mail (SMTP smuggling).",
)
def test_only_crlf_ends_lines(connect: Connect, rng: random.Random) -> None:
    """Ends lines at CRLF only"""
    one, other = (random_words(rng).encode() for _ in range(2))
    content = b"%b\n.\n%b\n.\r.\r\nMAIL\n\rend\r\n" % (one, other)
    smtp = connect()
    _send(smtp, content, "jean")
    smtp.ask(command(b"NOOP", 250))
    _has(connect, "jean", content)


@behaviour(
    does=f"a message of {_LONG_BYTES >> 20} MiB, in lines of 70 to 5000 bytes",
    proves="nothing to prove",
    catches="a buffer of fixed size, lines cut at 1000 bytes, time that grows with the square of the length",
    hint="A message may be long, and so may its lines: collect them in a buffer that grows, or in a file that becomes "
    "the mail when it is complete.",
)
def test_long_mail(connect: Connect, rng: random.Random) -> None:
    """Delivers a long message"""
    lines: list[bytes] = []
    size = 0
    while size < _LONG_BYTES:
        lines.append(rng.randbytes(rng.choice((35, 35, 35, 500, 2500))).hex().encode() + b"\r\n")
        size += len(lines[-1])
    content = b"".join(lines)
    _mail(connect, content, "john")
    _has(connect, "john", content)


@behaviour(
    does="a client that resets its connection in the middle of a message, one that closes its side there, and one that "
    "closes it after the dot, before the last CRLF; then the mailbox is looked at",
    proves="the server has read what was sent, and rests",
    catches="half a message is delivered when the connection ends, a dot at the end of the connection taken for the "
    "last line",
    hint="Deliver a message only when its last line has come, with its CRLF. If the connection ends before, throw away "
    "what you have.",
)
def test_interrupted_mail(connect: Connect, server: Server, rng: random.Random) -> None:
    """Delivers nothing if the client leaves in the middle of a message"""
    *start, last = sending(protocol.message(rng), "karen")
    whole = last.request
    for part, reset in ((len(whole) // 2, True), (len(whole) // 2, False), (len(whole) - 2, False)):
        smtp = connect()
        for exchange in start:
            smtp.ask(exchange)
        smtp.send(whole[:part])
        smtp.wait_read()
        if reset:
            smtp.reset()
        else:
            smtp.half_close()
        server.wait_rest()
        smtp.close()
    _has(connect, "karen")


@behaviour(
    does="STAT, LIST and LIST with a number, of an empty mailbox and of two messages, one of them with dots at the "
    "beginning of lines",
    proves="nothing to prove",
    catches="characters counted instead of bytes, added dots counted, line endings not counted",
    hint="The size of a message is the number of its bytes, line endings included and the dots that are added when it "
    "is transmitted not included.",
)
def test_lists_mail(connect: Connect, rng: random.Random) -> None:
    """Lists mail with its size"""
    with _login(connect, "katherine") as pop3:
        _ask(pop3, b"STAT", _says(b"0 0"))
        _ask(pop3, b"LIST")
        pop3.expect(b".\r\n")
        _ask(pop3, b"QUIT")
    contents = protocol.message(rng), b".dots\r\n..\r\n" + "Grüße\r\n".encode() + protocol.message(rng)
    for content in contents:
        _mail(connect, content, "katherine")
    sizes = [len(content) for content in contents]
    pop3 = _login(connect, "katherine")
    _ask(pop3, b"STAT", _says(b"2 %d" % sum(sizes)))
    _ask(pop3, b"LIST")
    pop3.expect(b"1 %d\r\n2 %d\r\n.\r\n" % (*sizes,))
    _ask(pop3, b"LIST 2", _says(b"2 %d" % sizes[1]))
    _ask(pop3, b"list 1", _says(b"1 %d" % sizes[0]))


@behaviour(
    does="RETR, DELE and LIST with numbers that no message has: 0, -1, 2, a word, none; an unknown command; then "
    "NOOP and RETR 1",
    proves="nothing to prove",
    catches="a list's last element for 0 or -1, an exception that ends the connection",
    hint="Check the number before you use it: from 1 to the number of messages, and not deleted. Otherwise reply -ERR "
    "and go on.",
)
def test_no_such_mail(connect: Connect, rng: random.Random) -> None:
    """Refuses numbers that no message has"""
    content = protocol.message(rng)
    _mail(connect, content, "ken")
    pop3 = _login(connect, "ken")
    for line in (b"RETR 0", b"RETR -1", b"RETR 2", b"RETR x", b"RETR", b"DELE 0", b"DELE 2", b"LIST 2", b"EMPTY"):
        _ask(pop3, line, ERR)
    _ask(pop3, b"NOOP")
    _must_have(pop3, content)


@behaviour(
    does="of three messages the second is deleted: what LIST, STAT, RETR and DELE reply about it until QUIT, and what "
    "is there in the next session; the same again when a fourth has come",
    proves="nothing to prove",
    catches="numbers that move up before QUIT, a deleted message that can still be fetched or comes back, a new "
    "message in the place of one that is still there, since files are numbered by how many there are",
    hint="DELE only marks the message. Until QUIT it keeps its number, and every command treats it as missing; at QUIT "
    "remove those that are marked. The file of a new message needs a name that no other has: one more than the largest "
    "number, not than how many there are.",
)
def test_deletes_at_quit(connect: Connect, rng: random.Random) -> None:
    """Deletes at QUIT what was marked"""
    first, second, third = (protocol.message(rng) for _ in range(3))
    for content in (first, second, third):
        _mail(connect, content, "konrad")
    pop3 = _login(connect, "konrad")
    _ask(pop3, b"DELE 2")
    for line in (b"RETR 2", b"DELE 2", b"LIST 2"):
        _ask(pop3, line, ERR)
    _ask(pop3, b"STAT", _says(b"2 %d" % (len(first) + len(third))))
    _ask(pop3, b"LIST")
    pop3.expect(b"1 %d\r\n3 %d\r\n.\r\n" % (len(first), len(third)))
    _ask(pop3, b"RETR 3")
    pop3.expect(stuffed(third))
    _ask(pop3, b"QUIT")
    pop3.expect_end()
    _has(connect, "konrad", first, third)
    fourth = protocol.message(rng)
    _mail(connect, fourth, "konrad")
    _has(connect, "konrad", first, third, fourth)


@behaviour(
    does="a client that deletes and leaves without QUIT, by a FIN and by a reset; then another one",
    proves="the server rests after the client has left",
    catches="a message that is removed at DELE, or whenever the connection ends",
    hint="Only QUIT deletes. If the connection ends without it, everything stays as it was.",
)
def test_keeps_without_quit(connect: Connect, server: Server, rng: random.Random) -> None:
    """Deletes nothing without QUIT"""
    content = protocol.message(rng)
    _mail(connect, content, "leslie")
    for leave in (ScriptedClient.half_close, ScriptedClient.reset):
        pop3 = _login(connect, "leslie")
        _ask(pop3, b"DELE 1")
        leave(pop3)
        server.wait_rest()
        pop3.close()
    _has(connect, "leslie", content)


@behaviour(
    does="DELE, RSET, the message once more, QUIT; then the next session",
    proves="nothing to prove",
    catches="RSET that does nothing, or only for the eye",
    hint="RSET takes all marks away.",
)
def test_undeletes(connect: Connect, rng: random.Random) -> None:
    """Takes the marks away at RSET"""
    content = protocol.message(rng)
    _mail(connect, content, "lynn")
    pop3 = _login(connect, "lynn")
    _ask(pop3, b"DELE 1")
    _ask(pop3, b"RSET")
    _must_have(pop3, content)
    _ask(pop3, b"QUIT")
    _has(connect, "lynn", content)


@behaviour(
    does="mail arrives while its user is logged in: what that session shows, and what the next one does",
    proves="the mail was stored (250) before the session is asked",
    catches="a session that looks at the mailbox anew for each command, so that a number means now this and now that "
    "message",
    hint="Take the list of messages when the user logs in, and use it until QUIT.",
)
def test_numbers_stay(connect: Connect, rng: random.Random) -> None:
    """Shows in a session what was there at its beginning"""
    first, second = protocol.message(rng), protocol.message(rng)
    _mail(connect, first, "margaret")
    with _login(connect, "margaret") as pop3:
        _mail(connect, second, "margaret")
        _must_have(pop3, first)
        _ask(pop3, b"RETR 2", ERR)
        _ask(pop3, b"QUIT")
    _has(connect, "margaret", first, second)


@behaviour(
    does="what curl and Python's smtplib say when they send a mail, and curl and poplib when they fetch it",
    proves="nothing to prove",
    catches="a connection that is closed at an unknown command, <> not taken as a sender, a reply that is two lines",
    hint="Mail programs ask for more than they need (CAPA, AUTH): reply with an error, and go on.",
)
def test_serves_mail_programs(connect: Connect, rng: random.Random) -> None:
    """Serves curl and Python's own mail clients"""
    content = protocol.message(rng)
    curl = (b"EHLO laptop", b"MAIL FROM:<>", b"RCPT TO:<mary@mail.test>")
    smtplib = (b"ehlo [127.0.0.1]", b"mail FROM:<friend@example.test>", b"rcpt TO:<mary@mail.test>")
    for lines, data in ((curl, b"DATA"), (smtplib, b"data")):
        smtp = connect()
        for line in lines:
            smtp.ask(command(line, 250))
        smtp.ask(command(data, 354))
        smtp.send(stuffed(content))
        smtp.expect(protocol.SmtpReply(250))
        smtp.ask(command(b"QUIT", 221))
        smtp.expect_end()
    pop3 = connect("pop3")
    pop3.expect(OK)
    pop3.send(b"CAPA\r\n")
    if pop3.read_line().startswith(b"+OK"):
        pop3.read_until(b".\r\n")
    for line in (b"USER mary", b"PASS sc", b"LIST 1"):
        _ask(pop3, line)
    _must_have(pop3, content, content)
    _ask(pop3, b"QUIT")
    pop3.expect_end()


@behaviour(
    does="at the POP3 port: a whole session byte by byte, each byte read before the next is sent; then one that "
    "arrives as one segment",
    proves="one step of bytes_received per byte; one segment",
    catches="assuming that one recv returns one command",
    hint="What holds for SMTP holds here, too: keep a buffer for each connection, and take complete lines out of it.",
)
def test_pop3_in_pieces(connect: Connect, rng: random.Random) -> None:
    """Takes POP3 commands in pieces, and several together"""
    content = protocol.message(rng)
    _mail(connect, content, "niklaus")
    lines = (b"USER niklaus\r\n", b"PASS pascal\r\n", b"NOOP\r\n")
    with connect("pop3") as pop3:
        pop3.expect(OK)
        for line in lines:
            pop3.send(line, pieces=1)
            pop3.expect(OK)
        pop3.send(b"RETR 1\r\n", pieces=1)
        pop3.expect(OK)
        pop3.expect(stuffed(content))
    with connect("pop3") as pop3:
        pop3.expect(OK)
        pop3.send_as_one_read(b"".join((*lines, b"NOOP\r\n")))
        for _ in range(4):
            pop3.expect(OK)


@behaviour(
    does="two clients that each send a message to another user, half a command in turn; both users, who are logged in "
    "at the same time, fetch theirs; then two clients that send to the same user, who fetches both",
    proves="each half was read before the other client sends its own",
    catches="one buffer or one list of recipients for all clients, one mailbox for all users, a file's name that is "
    "chosen before the message has come, so that two messages get the same",
    hint="Everything that belongs to a conversation (recipients, message, who has logged in) belongs to its "
    "connection: keep it in the thread's own variables, or in an object for each client. Choose a file's name when you "
    "store the message, and let only one thread do that at a time.",
)
def test_users_kept_apart(connect: Connect, rng: random.Random) -> None:
    """Keeps clients and users apart"""
    users = "radia", "richard"
    contents = [protocol.message(rng), protocol.message(rng)]
    _send_by_halves(connect, zip(contents, users, strict=True))
    sessions = [_login(connect, user) for user in users]
    for pop3, content in zip(sessions, contents, strict=True):
        _must_have(pop3, content)
    for pop3, content in zip(reversed(sessions), reversed(contents), strict=True):
        _must_have(pop3, content)
    contents = [protocol.message(rng), protocol.message(rng)]
    _send_by_halves(connect, ((content, "vint") for content in contents))
    _has(connect, "vint", *contents)


def _send_by_halves(connect: Connect, mail: Iterable[tuple[bytes, str]]) -> None:
    """Send messages, each to a user and from a client of its own: half a command in turn."""
    __tracebackhide__ = True
    conversations = [sending(content, user) for content, user in mail]
    senders = [connect() for _ in conversations]
    for exchanges in zip(*conversations, strict=True):
        halves = [len(exchange.request) // 2 for exchange in exchanges]
        for smtp, exchange, half in zip(senders, exchanges, halves, strict=True):
            smtp.send(exchange.request[:half])
            smtp.wait_read()
        for smtp, exchange, half in zip(senders, exchanges, halves, strict=True):
            smtp.send(exchange.request[half:])
            smtp.expect(exchange.reply)


@behaviour(
    does="a silent client at each port, and twenty users logged in at the POP3 port; then one more fetches mail",
    proves="all of them have received their replies, and stay connected",
    catches="one POP3 client at a time",
    hint="Serve POP3 clients as you serve SMTP clients: each by itself.",
)
def test_pop3_many_clients(connect: Connect, rng: random.Random) -> None:
    """Serves many POP3 clients at the same time"""
    content = protocol.message(rng)
    silent = connect(), connect("pop3")
    _mail(connect, content, "robin")
    others = [_login(connect, user) for user in ("post", "robin") * 10]
    _has(connect, "robin", content)
    for client in (*silent, *others):
        client.close()


@behaviour(
    does="two messages are sent and one of them deleted; Ctrl-C; the same command again; then the mailbox is looked at",
    proves="the server has exited, and was started again in the same folder",
    catches="mail that is only in memory, a folder that is emptied at the start, a deleted message that comes back",
    hint="Keep mail in files below the folder that the server runs in, and look there when somebody logs in.",
)
def test_survives_ctrl_c(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Keeps mail when it is stopped and started again"""
    first, second, third = (protocol.message(rng) for _ in range(3))
    _mail(partial(stage.connect, fresh_server), first, "shafi")
    _mail(partial(stage.connect, fresh_server), second, "shafi")
    pop3 = _login(partial(stage.connect, fresh_server), "shafi")
    _ask(pop3, b"DELE 2")
    _ask(pop3, b"QUIT")
    fresh_server.interrupt()
    again = stage.launch_again(fresh_server)
    _has(partial(stage.connect, again), "shafi", first)
    _mail(partial(stage.connect, again), third, "shafi")
    _has(partial(stage.connect, again), "shafi", first, third)


@behaviour(
    does="a message is sent, and SIGKILL follows its 250; another client is in the middle of a message then; the same "
    "command again; then both mailboxes are looked at",
    proves="the server has replied 250, and was killed",
    catches="mail that is written later or at exit, half a message in the mailbox, a file that can't be read any more",
    hint="250 is a promise: write the message to its file and close it before you send that. Write to a file of "
    "another name and rename it when it is complete, so that half a message is never there.",
    hints={Reason.NOT_LISTENING: "It was killed in the middle of its work, and must be able to start again even so."},
)
def test_survives_kill(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Keeps mail when it is killed"""
    content, unfinished = protocol.message(rng), stage.connect(fresh_server)
    *start, last = sending(protocol.message(rng), "stephen", "tony")
    for exchange in start:
        unfinished.ask(exchange)
    unfinished.send(last.request[:-5])
    unfinished.wait_read()
    _mail(partial(stage.connect, fresh_server), content, "stephen")
    fresh_server.kill()
    again = stage.launch_again(fresh_server)
    for user, contents in (("stephen", (content,)), ("tony", ())):
        with _login(partial(stage.connect, again), user) as pop3:
            _ask(pop3, b"LIST")
            lines = b"".join(b"%d %d\r\n" % (number, len(each)) for number, each in enumerate(contents, 1)) + b".\r\n"
            if (got := pop3.read_until(b".\r\n")) != lines:
                fail(Reason.WRONG_REPLY, f"the mailbox of {user} is not what it was", expected=lines, received=got)
            _must_have(pop3, *contents)
