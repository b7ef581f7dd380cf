"""Example sessions in handouts are what right programs say."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from grader.assignment import folder_of
from grader.wire.kernel import SocketTable, TcpState

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
FENCED = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example_of(name: str) -> list[str]:
    """The blocks of the section with the example."""
    page = (folder_of(name) / "handout.md").read_text(encoding="utf-8")
    return FENCED.findall(page.partition("## An example\n")[2].partition("\n## ")[0])


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(commands: list[list[str]], ready: Callable[[SocketTable], bool]) -> Iterator[None]:
    """These programs, from when all of them are ready."""
    table = SocketTable()
    servers = [subprocess.Popen(command) for command in commands]
    try:
        while not ready(table):
            assert not [server for server in servers if server.poll() is not None]
        yield
    finally:
        for server in servers:
            server.kill()
            server.wait()
        table.close()


def test_servers_are_discovered_as_the_handout_shows() -> None:
    programs, port = REFERENCE / "discovery" / "good", str(free_port(socket.SOCK_DGRAM))

    def command(words: str) -> list[str]:
        _, program, *arguments = shlex.split(words.replace("12000", port))
        return [sys.executable, str(programs / program), *arguments]

    starts, session, _ = example_of("discovery")
    servers = [command(line) for line in re.findall(r"^\$ (.+)", starts, re.MULTILINE)]
    assert len(servers) == 2

    def both_are_bound(table: SocketTable) -> bool:
        return sum(row.local.port == int(port) for row in table.dump_udp()) == len(servers)

    with running(servers, both_are_bound):
        for words, printed in re.findall(r"^\$ (.+)\n((?:(?!\$).*\n)*)", session, re.MULTILINE):
            run = subprocess.run(command(words), check=False, capture_output=True, text=True)
            assert sorted((run.stdout + run.stderr).splitlines()) == sorted(printed.splitlines())
            assert (run.returncode == 0) is bool(run.stdout)


@pytest.mark.parametrize("name", ["web_server", "web_server_simple"])
def test_a_file_is_sent_as_the_handout_shows(name: str) -> None:
    (conversation,) = example_of(name)
    root, port = folder_of("web_server") / "files" / "www", free_port(socket.SOCK_STREAM)
    asked = "".join(f"{line}\r\n" for line in conversation.splitlines() if not line.startswith("<"))
    told = [line.removeprefix("<").removeprefix(" ") for line in conversation.splitlines() if line.startswith("<")]
    server = [sys.executable, str(REFERENCE / name / "good" / "threads.py"), str(port), str(root)]

    def listens(table: SocketTable) -> bool:
        return any(row.local.port == port for row in table.dump(TcpState.LISTEN))

    with running([server], listens), socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(asked.encode())
        client.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while data := client.recv(65536):
                received += data
    head, _, body = received.decode().partition("\r\n\r\n")
    sent = [*head.split("\r\n"), "", *body.splitlines()]
    assert told[-1] == "..."
    assert sent[: len(told) - 1] == told[:-1]
