"""Sleeps for ever before it listens."""

import signal

signal.pause()
