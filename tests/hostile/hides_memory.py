"""Answers as it should, while a child fills memory that is nobody's: files without a name, then queues of sockets.

First it makes itself the last that the kernel ends for want of memory, as far as it may.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

CHUNK = bytes(1 << 16)


def be_last() -> None:
    """Of those that are ended."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("0")


def fill() -> None:
    """Without end."""
    be_last()
    with suppress(OSError):
        nameless = os.memfd_create("x")
        while os.fstat(nameless).st_size < 400 << 20:
            os.write(nameless, CHUNK)
    kept = []
    while True:
        with suppress(OSError):
            pair = socket.socketpair()
            kept.append(pair)
            pair[0].setblocking(False)
            while True:
                pair[0].send(CHUNK)


def fill_in_a_child() -> None:
    """Once the first client has had its answer."""
    time.sleep(0.2)
    if os.fork() == 0:
        fill()


be_last()
threading.Thread(target=fill_in_a_child, daemon=True).start()
honest.serve()
