"""Serves, after it has made its own files hard to remove: folders without permissions, and very deep ones."""

import os
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

with suppress(OSError):  # when it has been here before
    Path("locked/inside").mkdir(parents=True)
    Path("locked/inside/file").write_text("x")
    Path("locked/inside").chmod(0)
    Path("locked").chmod(0)
    home = os.open(".", os.O_RDONLY)
    for _ in range(100):
        Path("d" * 100).mkdir()
        os.chdir("d" * 100)
    os.fchdir(home)

honest.serve()
