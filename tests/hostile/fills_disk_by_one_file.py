"""Writes into one file until it may not write more; then serves."""

from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

for folder in (".", "/tmp", "/dev/shm", "/var/tmp"):
    with suppress(OSError), Path(folder, "filler").open("wb", buffering=0) as file:
        while file.write(b"x" * (1 << 20)):
            pass

honest.serve()
