"""Our side of an assignment alone, so that a protocol can be felt before there is a program: no sandbox, no points.

With a server our scripted client asks and tells what it would have judged; with a client our scripted server hears and
answers.  What is said comes from `protocol.py`, and what comes back is recognised, as in the checks.  Time is the only
difference: nothing is known here about the program, perhaps a person who types into `nc`, so whatever has not come
after a while counts as missing.  Nothing of the program is started, and it may run anywhere.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from grader.assignment import Assignment
from grader.assignment.words import as_typed
from grader.errors import CannotJudgeError, Reason
from grader.harness.expect import explain
from grader.protocol.datagrams import decide_datagram, silence
from grader.protocol.dialogues import dialogue_of, go_on, in_turn
from grader.protocol.exactly import as_reply
from grader.protocol.reply import Complete, Decision, Incomplete, Reply, Values
from grader.protocol.visit import OtherServer, Visit, heard_in, said
from grader.wire.mismatch import not_the_reply
from grader.wire.transcript import shown

#: Prints lines.
Show = Callable[[str], None]

_CHUNK_BYTES: Final = 1 << 16
#: Of what is sent and received so many bytes are shown.
_SHOWN_BYTES: Final = 400


class Talk:
    """A conversation with the program.  `reply_s`: how long one of its messages is waited for; None: forever.

    Over UDP the peer is who sent the first datagram, unless the socket is connected already.
    """

    def __init__(self, sock: socket.socket, show: Show, reply_s: float | None) -> None:
        self._sock = sock
        self._show = show
        self._over_udp = sock.type == socket.SOCK_DGRAM
        self._peer: Any = None
        self._received = bytearray()
        self._ended = False
        sock.settimeout(reply_s)

    def say(self, data: bytes) -> None:
        """Send bytes, or a datagram."""
        if self._peer is not None:
            self._sock.sendto(data, self._peer)
        else:
            self._sock.sendall(data)
        self._show(f"sent:     {_short(data)}")

    def say_from(self, host: str, data: bytes) -> None:
        """Send a datagram from another address of this machine, from any port there."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((host, 0))
            other.sendto(data, self._peer)
        self._show(f"sent from {host}: {_short(data)}")

    def hear(self, reply: bytes | Reply) -> Complete | None:
        """Wait for what must come; None, and it is explained: something else has come, or nothing."""
        decision, got = self._datagram(reply) if self._over_udp else self._next(reply)
        if isinstance(decision, Complete):
            self._show(f"received: {_short(got)}  right: {as_reply(reply).words[:_SHOWN_BYTES]}")
            return decision
        reason, what = (Reason.WRONG_REPLY, "this is not what must come") if got else (Reason.NO_REPLY, "nothing came")
        if got and isinstance(decision, Incomplete):
            reason, what = Reason.INCOMPLETE_REPLY, "this is not all that must come"
        self._show(explain(not_the_reply(reply, decision, got, reason=reason, what=what, doing=""), (), ()))
        return None

    def ends(self) -> bool:
        """Whether the program has closed its side, or does within the time for a message."""
        try:
            while data := self._sock.recv(_CHUNK_BYTES):
                self._show(f"received: {_short(data)}  after the last reply")
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def _next(self, reply: bytes | Reply) -> tuple[Decision, bytes]:
        matching, decision = as_reply(reply).begin(), None
        while True:
            decision = matching.match(self._received, ended=self._ended)
            if not isinstance(decision, Incomplete) or self._ended or not self._more():
                break
        if isinstance(decision, Incomplete) and decision.at_rest is not None:
            decision = decision.at_rest
        size = decision.length if isinstance(decision, Complete) else len(self._received)
        got = bytes(self._received[:size])
        del self._received[:size]
        return decision, got

    def _more(self) -> bool:
        """Whether more has come, or the end."""
        try:
            data = self._sock.recv(_CHUNK_BYTES)
        except TimeoutError:
            return False
        except ConnectionError:
            data = b""
        self._received += data
        self._ended = not data
        return True

    def _datagram(self, reply: bytes | Reply) -> tuple[Decision, bytes]:
        try:
            data, peer = self._sock.recvfrom(_CHUNK_BYTES)
        except (TimeoutError, ConnectionRefusedError):
            return silence(reply) or Incomplete("a datagram"), b""
        self._peer = self._peer or peer
        return decide_datagram(reply, data), data


def _short(data: bytes) -> str:
    more = len(data) - _SHOWN_BYTES
    return shown(data) if more <= 0 else f"{shown(data[:_SHOWN_BYTES])} and {more} bytes more"


@dataclass(frozen=True)
class OurSide:
    """What `protocol` says, in `count` conversations."""

    asked: Assignment
    protocol: Any
    count: int
    show: Show

    @property
    def over_tcp(self) -> bool:
        """Whether the assignment's transport is TCP."""
        return self.asked.transport == "tcp"

    @property
    def kind(self) -> socket.SocketKind:
        """Of our sockets."""
        return socket.SOCK_STREAM if self.over_tcp else socket.SOCK_DGRAM

    # A client

    def with_server(self, host: str, port: int) -> bool:
        """Ask a server that runs; whether all its replies were right.

        Raises:
            CannotJudgeError: nobody listens there.
        """
        return all(self._conversation(number, (host, port)) for number in range(self.count))

    def _conversation(self, number: int, address: tuple[str, int]) -> bool:
        """A dialogue, on as many connections as it needs."""
        dialogue = dialogue_of(self.protocol, number) if self.over_tcp else in_turn([self.protocol.exchange(number)])
        due = next(dialogue.turns, None)
        while due is not None:
            with _connected(address, self.kind) as sock:
                self.show(f"\nconversation {number + 1}, with {address[0]} port {address[1]}")
                talk = Talk(sock, self.show, self.asked.limits.reply_s)
                if not (self._greeted(talk) and self._opened(talk, number)):
                    return False
                ended = False
                while due is not None and not ended:
                    if due.request:
                        talk.say(due.request)
                    if (heard := talk.hear(due.reply)) is None:
                        return False
                    ended = heard.ends or self.asked.server.connection == "one_request"
                    due = go_on(dialogue.turns, heard.values)
                if ended and not talk.ends():
                    self.show("The server must close the connection now, but does not.")
                    return False
        return True

    def _greeted(self, talk: Talk) -> bool:
        return talk.hear(self.protocol.greeting()) is not None if hasattr(self.protocol, "greeting") else True

    def _opened(self, talk: Talk, number: int) -> bool:
        if not hasattr(self.protocol, "opening"):
            return True
        opening = self.protocol.opening(number)
        talk.say(opening.request)
        return talk.hear(opening.reply) is not None

    # A server

    def with_client(self, port: int, folder: Path) -> bool:
        """Wait for a client that a person starts, for each visit, or once and say what to type.

        `folder`: where the files are put that a client finds in its own folder.

        Raises:
            CannotJudgeError: the port is not free.
        """
        with _listening(port, self.kind) as sock:
            if not hasattr(self.protocol, "visit"):
                return self._typed(sock)
            return all(self._visited(number, sock, folder) for number in range(self.count))

    def _typed(self, sock: socket.socket) -> bool:
        entries = [self.protocol.typed(number) for number in range(self.count)]
        self.show(f"start your client: {self._command(sock, {})}")
        with _talk(sock, self.show) as talk:
            for entry in entries:
                self.show(f"\ntype into it: {entry.line.decode()}")
                if talk.hear(entry.request) is None:
                    return False
                talk.say(entry.reply)
                self.show(f"now it must show: {_short(entry.shown)}")
        return True

    def _visited(self, number: int, sock: socket.socket, folder: Path) -> bool:
        visit: Visit = self.protocol.visit(number)
        for name, content in visit.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        where = f" in {folder}, where its files are" if visit.files else ""
        self.show(f"\nvisit {number + 1}: start your client{where}: {self._command(sock, visit.fill)}")
        heard: list[Values] = []
        with _talk(sock, self.show) as talk:
            for turn in visit.turns:
                if turn.hears or not self.over_tcp:
                    if (came := talk.hear(heard_in(turn, heard))) is None:
                        return False
                    heard.append(came.values)
                for part in said(turn, heard):
                    if isinstance(part, OtherServer):
                        talk.say_from(part.host, part.reply)
                    else:
                        talk.say(part)
        self.show(f"now it must {_outcome(visit)}")
        return True

    def _command(self, sock: socket.socket, fill: Mapping[str, str]) -> str:
        """How the client is started, as one would type it."""
        starting, role = self.asked.starting("client"), "client"
        places = {"host": "127.0.0.1", "port": str(sock.getsockname()[1]), **fill}
        words = starting.arguments_of("client")
        for name, value in places.items():
            words = tuple(word.replace(f"{{{name}}}", value) for word in words)
        return as_typed(((starting.names or (role,))[0], *words))


@contextmanager
def _connected(address: tuple[str, int], kind: socket.SocketKind) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            sock.connect(address)
        except OSError as error:
            where = f"{address[0]} port {address[1]}"
            message = f"can't connect to {where} ({error.strerror or error}): start the server first"
            raise CannotJudgeError(message) from error
        yield sock


@contextmanager
def _listening(port: int, kind: socket.SocketKind) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            if kind is socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", port))
            if kind is socket.SOCK_STREAM:
                sock.listen()
        except OSError as error:
            message = f"port {port} can't be used: {error.strerror}"
            raise CannotJudgeError(message) from error
        yield sock


@contextmanager
def _talk(sock: socket.socket, show: Show) -> Iterator[Talk]:
    """With the next client, however long a person needs to start it and to type."""
    if sock.type == socket.SOCK_DGRAM:
        yield Talk(sock, show, None)
        return
    client, _ = sock.accept()
    with client:
        show("the client has connected")
        yield Talk(client, show, None)


def _outcome(visit: Visit) -> str:
    """What the client must have done when it has exited, in words."""
    what = [f"print {as_reply(visit.shown).words}"] if visit.shown else []
    what += [_file(path, content) for path, content in visit.written.items()]
    status = "with a non-zero status and a message on stderr" if visit.status is None else f"with status {visit.status}"
    return " and ".join([*what, f"exit {status}"])


def _file(path: str, content: bytes | Reply | None) -> str:
    return f"write no {path}" if content is None else f"write {as_reply(content).words} to {path}"
