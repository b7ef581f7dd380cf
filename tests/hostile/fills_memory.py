"""Takes all memory that it gets, in pieces, in as many processes as it takes."""

import os
import signal

held: list[bytearray] = []
try:
    while True:
        held.append(bytearray(b"x" * (16 << 20)))
        if len(held) % 4 == 0 and os.fork():
            signal.pause()
except (MemoryError, OSError):
    signal.pause()
