"""Serves, and ignores every signal that can be ignored."""

import signal
from contextlib import suppress

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

for number in signal.valid_signals():
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_IGN)

honest.serve()
