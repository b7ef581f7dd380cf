"""Our side alone: with right and wrong programs that somebody else has started."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from grader.assignment import Assignment, load
from grader.errors import CannotJudgeError
from grader.model import Role
from grader.play import OurSide
from grader.protocol.form import form
from grader.protocol.reply import Values
from grader.protocol.script import Entry, Exchange, Seeded
from grader.protocol.visit import OtherServer, Turn, Visit
from tests.cli.command import Command

UPPER = load("tcp_uppercase")
UDP = load("udp_uppercase")


class Said(list[str]):
    """What was shown."""

    def __call__(self, words: str) -> None:
        self.append(words)

    @property
    def text(self) -> str:
        return "\n".join(self)


def side(asked: Assignment, said: Said, count: int = 2, **protocol: Any) -> OurSide:
    asked = msgspec.structs.replace(asked, limits=msgspec.structs.replace(asked.limits, reply_s=0.5))
    return OurSide(asked, Seeded(SimpleNamespace(**protocol), 1), count, said)


@contextmanager
def server(answer: Callable[[bytes], bytes], *, close: bool = False) -> Iterator[int]:
    """A server that answers whatever one recv returns; it may close the connection then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    while data := client.recv(1000):
                        client.sendall(answer(data))
                        if close:
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def exchange(number: int, _: random.Random) -> Exchange:
    return Exchange(b"line %d\n" % number, b"LINE %d\n" % number)


def counted(number: int, _: random.Random) -> Generator[Exchange, Values, None]:
    seen = yield Exchange(b"count\n", form(b"AT {n}"))
    yield Exchange(b"again %b\n" % seen["n"], b"AGAIN %b\n" % seen["n"])


def test_a_right_server_is_told_so() -> None:
    with server(bytes.upper) as port:
        assert side(UPPER, said := Said(), exchange=exchange).with_server("127.0.0.1", port)
    assert r"sent:     'line 1\n'" in said.text
    assert r"received: 'LINE 1\n'  right: 'LINE 1\n'" in said.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bytes, r"received: 'line 0\n'"),
        (lambda _: b"LINE", "This is not all that must come."),
        (lambda _: b"", "Nothing came."),
    ],
)
def test_a_wrong_one_is_told_what_is_wrong(answer: Callable[[bytes], bytes], words: str) -> None:
    with server(answer) as port:
        assert not side(UPPER, said := Said(), exchange=exchange).with_server("127.0.0.1", port)
    assert words in said.text
    assert r"expected: 'LINE 0\n'" in said.text
    assert "conversation 2" not in said.text


def test_what_was_answered_is_asked_about() -> None:
    with server(lambda data: b"AT 7\n" if data == b"count\n" else data.upper()) as port:
        assert side(UPPER, said := Said(), exchange=exchange, dialogue=counted).with_server("127.0.0.1", port)
    assert r"sent:     'again 7\n'" in said.text


@pytest.mark.parametrize("closes", [True, False])
def test_a_server_for_one_request_must_close(closes: bool) -> None:
    asked = msgspec.structs.replace(UPPER, server=msgspec.structs.replace(UPPER.server, connection="one_request"))
    with server(bytes.upper, close=closes) as port:
        assert side(asked, said := Said(), exchange=exchange).with_server("127.0.0.1", port) is closes
    assert ("The server must close the connection now" in said.text) is not closes


def test_over_udp_a_datagram_is_the_reply() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            for _ in range(2):
                data, peer = sock.recvfrom(1000)
                sock.sendto(data.upper(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert side(UDP, Said(), exchange=exchange).with_server("127.0.0.1", sock.getsockname()[1])
        thread.join()
        assert not side(UDP, said := Said(), exchange=exchange).with_server("127.0.0.1", sock.getsockname()[1])
    assert "Nothing came." in said.text


def test_nobody_there_is_no_verdict() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CannotJudgeError, match=f"can't connect to 127.0.0.1 port {port} .*: start the server first"):
        side(UPPER, Said(), exchange=exchange).with_server("127.0.0.1", port)


def typed(number: int, _: random.Random) -> Entry:
    return Entry(b"line %d" % number, b"line %d\n" % number, b"LINE %d\n" % number, shown=b"LINE %d" % number)


def with_client(ours: OurSide, tmp_path: Path, client: Callable[[socket.socket], None], kind: int) -> bool:
    """What our server says about a client of that kind, which connects once for each conversation or once."""
    with socket.socket(socket.AF_INET, kind) as spare:
        spare.bind(("127.0.0.1", 0))
        port = spare.getsockname()[1]
    right: list[bool] = []
    thread = threading.Thread(target=lambda: right.append(ours.with_client(port, tmp_path)))
    thread.start()
    for _ in range(ours.count if hasattr(ours.protocol, "visit") else 1):
        while thread.is_alive():
            with socket.socket(socket.AF_INET, kind) as sock:
                try:
                    sock.connect(("127.0.0.1", port))
                    client(sock)
                except ConnectionError:
                    continue
                break
    thread.join()
    return right[0]


@pytest.mark.parametrize("wrong", [False, True])
def test_a_client_is_told_what_to_type(tmp_path: Path, wrong: bool) -> None:
    def client(sock: socket.socket) -> None:
        for number in range(2):
            sock.sendall((b"LINE %d\n" if wrong else b"line %d\n") % number)
            if not wrong:
                assert sock.recv(100) == b"LINE %d\n" % number

    said = Said()
    assert with_client(side(UPPER, said, typed=typed), tmp_path, client, socket.SOCK_STREAM) is not wrong
    assert "type into it: line 0" in said.text
    assert (r"now it must show: 'LINE 1'" in said.text) is not wrong


def test_a_visit_is_heard_and_answered(tmp_path: Path) -> None:
    def visit(number: int, _: random.Random) -> Visit:
        return Visit(
            (Turn(form(b"ID {id}"), lambda values: b"YOU ARE %b\n" % values["id"]),),
            files={"in.txt": b"%d" % number},
            shown=b"done",
            written={"out.txt": b"42", "core": None},
        )

    def client(sock: socket.socket) -> None:
        sock.sendall(b"ID 42\n")
        assert sock.recv(100) == b"YOU ARE 42\n"

    said = Said()
    assert with_client(side(UPPER, said, visit=visit), tmp_path, client, socket.SOCK_STREAM)
    assert f"visit 2: start your client in {tmp_path}, where its files are: client 127.0.0.1 " in said.text
    assert "now it must print 'done' and write '42' to out.txt and write no core and exit with status 0" in said.text
    assert (tmp_path / "in.txt").read_bytes() == b"1"


def test_other_servers_answer_a_visit_too(tmp_path: Path) -> None:
    heard: list[tuple[bytes, str]] = []

    def visit(number: int, _: random.Random) -> Visit:
        return Visit((Turn(b"%d" % number, (OtherServer("127.0.0.2", b"other"), b"own")),))

    def client(sock: socket.socket) -> None:
        number, address = len(heard) // 2, sock.getpeername()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:  # a connected one would hear no other server
            own.settimeout(20)
            own.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: to be told that nobody is there yet
            own.sendto(b"%d" % number, address)
            heard.extend((data, source[0]) for data, source in (own.recvfrom(100) for _ in range(2)))

    said = Said()
    assert with_client(side(UDP, said, visit=visit), tmp_path, client, socket.SOCK_DGRAM)
    assert heard == 2 * [(b"other", "127.0.0.2"), (b"own", "127.0.0.1")]
    assert "sent from 127.0.0.2: 'other'" in said.text


@pytest.mark.parametrize(
    ("role", "code", "words"),
    [("server", 3, "start the server first"), ("client", 2, "assignment web_server asks for no client")],
)
def test_the_command_says_what_is_missing(tmp_path: Path, role: Role, code: int, words: str) -> None:
    ended = Command(tmp_path).run("play", "web_server", role, "--port", "1")
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err


def test_the_command_asks(tmp_path: Path) -> None:
    with server(bytes.upper) as port:
        ended = Command(tmp_path).run("play", "tcp_uppercase", "server", "--port", str(port), "--count", "1")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("All of it was right.\n")
