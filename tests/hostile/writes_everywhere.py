"""Serves, after it has tried to leave a file named like itself in every folder it can find, and to spoil others'."""

import itertools
import os
import sys
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

NAME = Path(sys.argv[0]).stem + "_was_here"
folders = itertools.islice(os.walk("/", onerror=None), 2_000)
for folder, names, _ in folders:
    names[:] = [name for name in names if name not in {"proc", "sys"}]
    with suppress(OSError):
        Path(folder, NAME).write_text("x")

honest.serve()
