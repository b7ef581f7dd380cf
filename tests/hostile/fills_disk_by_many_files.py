"""Makes small files and folders until it may not make more; then serves."""

import itertools
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

for folder in (".", "/tmp", "/dev/shm", "/var/tmp"):
    with suppress(OSError):
        for number in itertools.count():
            Path(folder, f"d{number}").mkdir()
            Path(folder, f"d{number}", "f").write_bytes(b"x")

honest.serve()
