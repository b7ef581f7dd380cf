"""What only this client does: replies of several lines, and transfers over a second connection.

In a transfer the check itself is the server: it hears and says on the control connection what a visit's turns would,
and plays the other end of the data connection.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from protocol import QUIT, deletes, logs_in, told

from grader import (
    Listen,
    ScriptedConnection,
    ScriptedListener,
    Session,
    TcpClients,
    Turn,
    Visit,
    behaviour,
    every_byte,
    random_letters,
    random_words,
)

_LARGE_BYTES = 1 << 20
_OLD = b"this was here before\n"
_TRANSFER_HINT = (
    "TYPE I, PASV, connect to the port of the reply, then the command; 150, the data until its end, and 226. Only if "
    "both have come is the file complete."
)
_ERROR_HINT = (
    "Look at the code of every reply: 400 and more is an error. Print the reply on stderr, say QUIT, wait for the "
    "reply, and exit with status 1. Write to a file only when the transfer has ended with 226, or write to another "
    "name first, and rename that."
)


class _Server:
    """Our end: the control connection, and a port for the data connection."""

    def __init__(self, session: Session[Any], data: ScriptedListener) -> None:
        self._session = session
        self._listener = data

    def say(self, reply: bytes) -> None:
        """Reply to the last command."""
        __tracebackhide__ = True
        self._session.server.answer(reply + b"\r\n")

    def hear(self, command: bytes, reply: bytes = b"") -> None:
        """The client sends this command, and gets this reply."""
        __tracebackhide__ = True
        self._session.server.expect(command + b"\r\n")
        if reply:
            self.say(reply)

    def log_in(self) -> None:
        """A session begins."""
        __tracebackhide__ = True
        for turn in logs_in("anna", "secret"):
            if isinstance(turn.hears, bytes) and turn.hears:
                self._session.server.expect(turn.hears)
            self._session.server.answer(turn.says)

    def open(self, command: bytes, form: bytes = b"227 waiting at (%b)") -> ScriptedConnection:
        """A transfer begins: the client connects to the port that it is told, and sends the command."""
        __tracebackhide__ = True
        self.hear(b"TYPE I", b"200 bytes as they are")
        self.hear(b"PASV", form % b"127,0,0,1,%d,%d" % divmod(self._listener.port, 256))
        self.hear(command)
        return self._listener.expect_connection(self._session)

    def close(self) -> None:
        """The client says QUIT."""
        __tracebackhide__ = True
        self.hear(b"QUIT", b"221 bye")


@contextmanager
def _serving(clients: TcpClients, listen: Listen, visit: Visit) -> Iterator[_Server]:
    """A client that has logged in; in the end it must have printed, written and returned what the visit says."""
    __tracebackhide__ = True
    data = listen("the data port")
    with clients.attended(visit) as session:
        server = _Server(session, data)
        server.log_in()
        yield server
        server.close()


def _name(rng: random.Random) -> str:
    return random_letters(rng, 8).decode() + ".bin"


@behaviour(
    does="a server that takes the user without a password",
    proves="its reply to USER has arrived before QUIT is awaited",
    catches="PASS sent whatever the reply to USER was",
    hint="Send PASS only if the reply to USER was 331; 230 means that you are logged in.",
)
def test_no_password_asked_for(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Sends no password that nobody asks for"""
    begins = (Turn(b"", b"220 hello\r\n"), Turn(b"USER anna\r\n", b"230 you are in\r\n"))
    visit = deletes("old.txt", b"250 gone\r\n", rng, login=begins)
    tcp_clients.play(Visit(visit.turns, fill=told("delete", "old.txt"), shown=visit.shown))


@behaviour(
    does="the server refuses the password, and in another session the user",
    proves="the client has exited",
    catches="going on without being logged in, no QUIT, exit status 0",
    hint=_ERROR_HINT,
)
def test_login_refused(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Reports that the login was refused"""
    greeted, user, password = logs_in("anna", "secret")
    reply = b"530 %b\r\n" % random_words(rng).encode()
    for turns in (
        (greeted, user, Turn(password.hears, reply), QUIT),
        (greeted, Turn(user.hears, reply), QUIT),
    ):
        tcp_clients.play(Visit(turns, fill=told("delete", "old.txt"), complaint=b"530", status=None))


@behaviour(
    does="every reply has several lines, the greeting included; among them lines with other codes, with the same code "
    "and no space after it, with blanks in front, and empty ones",
    proves="each reply has arrived before the next command is awaited",
    catches="a reply taken for complete after its first line, or at the first line with a number",
    hint="If a hyphen follows the code, read on until a line begins with the same code and a space.",
)
def test_replies_of_several_lines(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Understands replies of several lines"""

    def said(code: int) -> bytes:
        words = random_words(rng).encode()
        other = 599 if code != 599 else 200
        lines = (b"%d-%b", b"%d %b", b"%d-%b", b" %d %b", b"%d%b")
        codes = (code, other, other, code, code)
        return b"\r\n".join([line % (each, words) for line, each in zip(lines, codes, strict=True)]) + b"\r\n\r\n"

    def long(code: int) -> bytes:
        return said(code) + b"%d that is all\r\n" % code

    turns = (
        Turn(b"", long(220)),
        Turn(b"USER anna\r\n", long(331)),
        Turn(b"PASS secret\r\n", long(230)),
        Turn(b"DELE old.txt\r\n", long(250)),
        Turn(b"QUIT\r\n", long(221)),
    )
    tcp_clients.play(Visit(turns, fill=told("delete", "old.txt"), shown=b"250 that is all"))


@behaviour(
    does="files of every kind are fetched, each in a session of its own: with every byte in it, of 1 MiB, empty, with "
    "a blank in its name, where an older and longer one is",
    proves="the client has connected to the data port, and has exited",
    catches="the file read or written as text, a part of it lost, an older file that is not replaced",
    hint=_TRANSFER_HINT,
)
def test_gets(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Fetches files as they are"""
    for name, content in (
        (_name(rng), every_byte(rng)),
        (_name(rng), random_letters(rng, _LARGE_BYTES)),
        ("two words.bin", b"\r\n short\n"),
        (_name(rng), b""),
    ):
        visit = Visit((), fill=told("get", name), files={name: _OLD}, written={name: content})
        with _serving(tcp_clients, listen, visit) as server:
            data = server.open(b"RETR " + name.encode())
            server.say(b"150 here it comes")
            data.send(content)
            data.wait_rests()  # so that 226 never comes together with 150, even where there is nothing to be read
            data.close()
            server.say(b"226 done")


@behaviour(
    does="226 comes when the client has read the first half of the data; the other half follows when the client rests",
    proves="the first half was read before 226 is sent; the client rests after it, or had the time to",
    catches="226 taken for the end of the data, a reply that is lost because nobody expects it so early",
    hint="The two connections know nothing of each other: read the data until their end, and only then look for 226, "
    "which may be there already.",
)
def test_done_before_the_data_ends(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Reads the data to their end, even if 226 has come"""
    name, content = _name(rng), every_byte(rng)
    visit = Visit((), fill=told("get", name), written={name: content})
    with _serving(tcp_clients, listen, visit) as server:
        data = server.open(b"RETR " + name.encode())
        server.say(b"150 here it comes")
        data.send(content[:100])
        data.wait_read()
        server.say(b"226 done")
        data.wait_rests()
        data.send(content[100:])
        data.close()


@behaviour(
    does="files of every kind are sent, each in a session of its own: with every byte in it, of 1 MiB, empty",
    proves="the data connection's end has arrived before 226 is sent",
    catches="the file read as text, a part of it lost, a data connection that is not closed",
    hint="Read the file as bytes, send all of it, and close the data connection: that is how the server knows where it "
    "ends. Then wait for 226.",
)
def test_puts(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Sends files as they are"""
    for content in (every_byte(rng), random_letters(rng, _LARGE_BYTES), b""):
        name = _name(rng)
        with _serving(tcp_clients, listen, Visit((), fill=told("put", name), files={name: content})) as server:
            data = server.open(b"STOR " + name.encode())
            server.say(b"150 go on")
            if content:
                data.expect(content)
            data.expect_end()
            server.say(b"250 stored")


@behaviour(
    does="a listing of some lines",
    proves="the client has connected to the data port, and has exited",
    catches="a name behind LIST, the listing on standard output only",
    hint="LIST is a transfer like RETR; only the command has no name.",
)
def test_lists_into_a_file(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Writes a listing into a file"""
    name = _name(rng)
    listing = b"".join(b"-rw-r--r-- 1 ftp ftp 7 Jan  1 00:00 %b\r\n" % random_letters(rng, 8) for _ in range(5))
    visit = Visit((), fill=told("list", name), written={name: listing})
    with _serving(tcp_clients, listen, visit) as server:
        data = server.open(b"LIST")
        server.say(b"125 here it comes")
        data.send(listing)
        data.close()
        server.say(b"226 done")


@behaviour(
    does="the reply to PASV without parentheses, with other numbers in its text, and in several lines",
    proves="the client has connected to the data port",
    catches="text in front of the numbers taken for granted, the first number of the line taken for the address",
    hint="Look for six numbers with commas between them, wherever they are in the line behind the code{Python: : "
    "re.search}{Java: : a regular expression}.",
)
def test_any_form_of_227(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Finds the port in every form of the reply to PASV"""
    for form in (
        b"227 =%b",
        b"227 Entering Passive Mode (%b).",
        b"227 Data port 1 of 2: %b; good for 60 s",
        b"227-I am not here: 1,2,3\r\n227 but at (%b)",
    ):
        name, content = _name(rng), random_letters(rng, 40)
        visit = Visit((), fill=told("get", name), written={name: content})
        with _serving(tcp_clients, listen, visit) as server:
            data = server.open(b"RETR " + name.encode(), form)
            server.say(b"150 here it comes")
            data.send(content)
            data.close()
            server.say(b"226 done")


@behaviour(
    does="the server refuses PASV in one session, and the file in others, one of which is there from before",
    proves="the client has exited",
    catches="an empty file left behind, an old one emptied, waiting for data that will never come, exit status 0",
    hint=_ERROR_HINT,
)
def test_transfer_refused(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Reports a transfer that is refused, and leaves no file behind"""
    name = _name(rng)
    for files in ({}, {name: _OLD}):
        visit = Visit((), told("get", name), files, complaint=b"550", status=None, written={name: files.get(name)})
        with _serving(tcp_clients, listen, visit) as server:
            server.open(b"RETR " + name.encode())
            server.say(b"550 no such file")
    visit = Visit((), told("put", name), {name: _OLD}, complaint=b"425", status=None)
    with _serving(tcp_clients, listen, visit) as server:
        server.hear(b"TYPE I", b"200 bytes as they are")
        server.hear(b"PASV", b"425 no ports left")


@behaviour(
    does="while a file is fetched the data connection is reset in one session; in another it is closed, and the server "
    "says 451",
    proves="half of the file was read",
    catches="half a file taken for a whole one, an old one overwritten, exit status 0",
    hint=_ERROR_HINT,
)
def test_transfer_broken_off(tcp_clients: TcpClients, listen: Listen, rng: random.Random) -> None:
    """Keeps no half of a file when a transfer breaks off"""
    name, half = _name(rng), random_letters(rng, 3000)
    for leave, code in (("reset", b"426"), ("close", b"451")):
        visit = Visit((), told("get", name), {name: _OLD}, status=None, written={name: _OLD})
        with _serving(tcp_clients, listen, visit) as server:
            data = server.open(b"RETR " + name.encode())
            server.say(b"150 here it comes")
            data.send(half)
            data.wait_read()
            getattr(data, leave)()
            server.say(code + b" broken off")


@behaviour(
    does="a file is to be sent that is not there",
    proves="the client has exited, and no connection was made",
    catches="a traceback, an empty file sent, exit status 0",
    hint="Open the file before you connect.",
)
def test_no_such_file_here(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Reports that the file to be sent is not there"""
    tcp_clients.play(Visit((), fill=told("put", _name(rng)), status=None))
