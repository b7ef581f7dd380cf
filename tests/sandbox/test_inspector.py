"""A program that says that it is Node answers the inspector's questions itself: with what it likes, and as much."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from grader.sandbox import inspector

TARGETS = b'[{"id": "a target"}]'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TARGETS)
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
ENABLED, PAUSES = b'{"id": 1, "result": {}}', b'{"id": 2, "result": {}}'


class Impostor:
    """Listens like a Node that was asked for its stack, and says these messages, those of a row after a question."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def serve(self, answers: tuple[tuple[bytes, ...], ...]) -> None:
        with suppress(OSError):
            with self._listener.accept()[0] as asked:
                asked.recv(4096)
                asked.sendall(HEAD + TARGETS)
            with self._listener.accept()[0] as talking:
                talking.recv(4096)
                talking.sendall(UPGRADE)
                for messages in answers:
                    if talking.recv(1 << 16):
                        talking.sendall(b"".join(b"\x81\x7f" + struct.pack("!Q", len(one)) + one for one in messages))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def impostor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Impostor]:
    one = Impostor()
    monkeypatch.setattr(inspector, "_opened", lambda *_: one.port)
    monkeypatch.setattr(inspector, "_stop", lambda _: None)
    yield one
    one.close()


def places(impostor: Impostor, *answers: tuple[bytes, ...]) -> list[list[inspector.Place]]:
    serving = threading.Thread(target=impostor.serve, args=[answers])
    serving.start()
    try:
        return [*inspector.places(os.getpid(), runs=True)]
    finally:
        serving.join()


def paused(*frames: dict[str, Any]) -> bytes:
    return json.dumps({"method": "Debugger.paused", "params": {"callFrames": frames}}).encode()


def frame(function: str = "serve", line: float = 3) -> dict[str, Any]:
    return {"functionName": function, "location": {"scriptId": "1", "lineNumber": line}}


def test_a_stack_is_read(impostor: Impostor) -> None:
    script = b'{"method": "Debugger.scriptParsed", "params": {"scriptId": "1", "url": "file:///work/server.js"}}'
    assert places(impostor, (script, ENABLED), (PAUSES, paused(frame()))) == [[("serve", "/work/server.js", 4)]]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(b'{"id": 1}', id="no-result"),
        pytest.param(b'{"method": "Debugger.scriptParsed", "params": 1}', id="no-parameters"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"1e999", id="a-number"),
    ],
)
def test_what_is_no_answer_of_nodes_says_nothing(impostor: Impostor, answer: bytes) -> None:
    assert places(impostor, (answer,)) == []


def test_a_line_that_is_no_number_says_nothing(impostor: Impostor) -> None:
    assert places(impostor, (ENABLED,), (PAUSES, paused(frame(line=float("inf"))))) == []


def test_names_and_stacks_of_any_length_are_cut(impostor: Impostor) -> None:
    (stack,) = places(impostor, (ENABLED,), (PAUSES, paused(frame("a" * 100_000), *[frame()] * 500)))
    assert len(stack) == inspector._MOST_FRAMES
    assert len(stack[0][0]) == inspector._NAME_CHARACTERS
