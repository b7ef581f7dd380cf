"""Not hostile at all: a right server with forty idle workers, which share nearly all of their memory."""

import os
import signal

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

ballast = bytes(1) * (20 << 20)  # read by all, written by nobody: 20 MB in all, 800 MB when counted for each
for _ in range(40):
    if os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pause()

honest.serve()
