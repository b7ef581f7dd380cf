"""Stops itself before it listens, and again whenever somebody continues it."""

import os
import signal

while True:
    os.kill(os.getpid(), signal.SIGSTOP)
