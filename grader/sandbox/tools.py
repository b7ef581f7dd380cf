"""Running a tool that reads a program's stack: for a bounded time, in bounded memory, and read up to a limit.

The tool runs as the program's own user and with no right of its own, outside the program's filter, which forbids
tracing, while the program is stopped.  So it can do nothing to anybody, and nobody can do anything to it; what a
program has laid into its own memory for it may make it slow, large, talkative or wrong, and no more.

Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
#: Where an image has the tools, each with what it needs, whatever else is in that image.
FOLDER: Final = "/opt/tools"
#: py-spy takes 30 to 80 ms of a CPU and eu-stack 0.2 ms a frame; and on a machine with twenty others for each CPU, that
#: many times as long.
_TOOL_CPU_S: Final = 2
_TOOL_S: Final = 8.0
#: py-spy maps what it reads; 1 GiB of addresses is ten times what it was seen to take.
_TOOL_BYTES: Final = 1 << 30
#: py-spy prints 2 KB for each thread, and a check lets 400 be left.
_MOST_PRINTED_BYTES: Final = 1 << 21


def which(tool: str) -> str | None:
    """The tool: the image's own, or else the one beside the interpreter that runs this, or on the path."""
    for folder in (FOLDER, os.path.dirname(sys.executable)):
        path = os.path.join(folder, tool)
        if os.access(path, os.X_OK):
            return path
    return shutil.which(tool)


def printed(tool: str, *arguments: str) -> str:
    """What it prints; empty if there is none, and only the beginning of it if it takes too long.

    Raises:
        OSError: it can't be started.
    """
    path = which(tool)
    if path is None:
        return ""
    # preexec_fn is safe here: this process is a fork of the warden, which has one thread.
    with subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
        cwd="/",
        preexec_fn=_bounded,  # noqa: PLW1509
    ) as running:
        assert running.stdout is not None  # noqa: S101 — asked for a pipe
        try:
            return read_for(running.stdout.fileno(), _TOOL_S).decode("utf-8", "replace")
        finally:
            running.kill()


def _bounded() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (_TOOL_BYTES, _TOOL_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_TOOL_CPU_S, _TOOL_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def read_for(descriptor: int, seconds: float) -> bytes:
    """What comes from a descriptor up to its end, up to a limit, or for so long."""
    deadline = time.monotonic() + seconds
    words = b""
    while len(words) < _MOST_PRINTED_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        words += chunk
    return words
