"""Serves, and leaves a daemon behind: forked twice, in a session of its own, deaf to every signal."""

import os
import signal
from contextlib import suppress

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in signal.valid_signals():
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_IGN)
        while True:
            signal.pause()
    os._exit(0)
os.wait()
honest.serve()
