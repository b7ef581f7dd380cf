"""What the assignment `peer_to_peer` hands out: its example sessions, and a SHA-256 for programs in C."""

from __future__ import annotations

import hashlib
import random
import re
import runpy
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "assignments" / "peer_to_peer"
RIGHT = ROOT / "reference" / "peer_to_peer" / "good"
SERVING, FETCHING = re.findall(
    r"^```\n(.*?)^```$", (OURS / "handout.md").read_text().partition("## An example")[2], re.DOTALL | re.MULTILINE
)[:2]
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "sha256.h"
int main(int argc, char **argv)
{
    static char bytes[100000];
    char name[SHA256_HEX];
    size_t length = fread(bytes, 1, sizeof bytes, stdin);
    for (int i = 1; i < argc; i++) {
        size_t part = strtoul(argv[i], NULL, 10);
        sha256_hex(bytes, part < length ? part : length, name);
        puts(name);
    }
}
"""


def test_the_example_sessions_are_what_a_right_peer_says(tmp_path: Path) -> None:
    """We are its tracker and whoever asks it; another peer has the file that it fetches."""
    (tmp_path / "hello.txt").write_bytes(b"hello\n")
    with (
        socket.create_server(("127.0.0.1", 0)) as tracker,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.create_server(("127.0.0.1", 0)) as spare,
    ):
        port = spare.getsockname()[1]
        spare.close()
        words = [str(port), str(tmp_path), "127.0.0.1", str(tracker.getsockname()[1])]
        with _running(words):
            line, _ = tracker.accept()
            threading.Thread(target=_serve_world, args=[other], daemon=True).start()
            ports = {"6881": str(port), "6882": str(other.getsockname()[1])}
            for text in FETCHING.splitlines():
                said = re.sub(r"\b688[12]\b", lambda found: ports[found[0]], text) + "\n"
                if said.startswith("< "):
                    line.sendall(said[2:].encode())
                else:
                    assert line.recv(len(said), socket.MSG_WAITALL).decode() == said
            assert (tmp_path / "world.txt").read_bytes() == b"world\n"
            with socket.create_connection(("127.0.0.1", port)) as asker:
                for text in SERVING.splitlines()[1:]:
                    if text.startswith("< "):
                        assert asker.recv(len(text) - 1, socket.MSG_WAITALL).decode() == text[2:] + "\n"
                    else:
                        asker.sendall(text.encode() + b"\n")
            line.close()


@contextmanager
def _running(words: list[str]) -> Iterator[None]:
    with subprocess.Popen([sys.executable, str(RIGHT / "threads.py"), *words]) as peer:
        try:
            yield
        finally:
            peer.terminate()


def _serve_world(listener: socket.socket) -> None:
    """Another peer, that has the file of the example: the right one's own half."""
    peer = runpy.run_path(str(RIGHT / "threads.py"))["Peer"](Path())
    peer.chunks[hashlib.sha256(b"world\n").hexdigest()] = b"world\n"
    peer.serve(listener.accept()[0])


@pytest.mark.skipif(shutil.which("cc") is None, reason="no cc")
def test_the_sha_256_for_c_is_right(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(MAIN)
    program, data = tmp_path / "main", random.Random(1).randbytes(70_000)  # noqa: S311 — any bytes will do
    flags = ["-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-O1"]
    subprocess.run(["cc", *flags, f"-I{OURS / 'files'}", "-o", program, tmp_path / "main.c"], check=True)
    lengths = [*range(130), 16384, 69_999]
    run = subprocess.run([program, *map(str, lengths)], input=data, capture_output=True, check=True)
    assert run.stdout.decode().split() == [hashlib.sha256(data[:length]).hexdigest() for length in lengths]


def test_the_right_program_in_c_has_the_same_one() -> None:
    assert (RIGHT / "threads_c" / "sha256.h").read_bytes() == (OURS / "files" / "sha256.h").read_bytes()
