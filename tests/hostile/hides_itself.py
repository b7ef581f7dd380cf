"""Serves, but runs from a file that nobody may read: then the kernel lets no other process look into it."""

import os
import shutil
import sys
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

COPY = Path("interpreter")

if not COPY.exists():
    shutil.copy(os.path.realpath(sys.executable), COPY)
    COPY.chmod(0o111)
    os.execv(COPY, [str(COPY), *sys.argv])  # noqa: S606 (what this is about)

honest.serve()
