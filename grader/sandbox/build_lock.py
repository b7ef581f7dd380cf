"""The lock for building an image, which graders of one user share.  A lock's file is gone when nobody needs it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(name: str, listen: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock for building an image: two graders that are started together build it once."""
    path = Path(tempfile.gettempdir()) / f"socket-grader-{os.getuid()}-{name.rpartition(':')[2]}.lock"
    descriptor = _locked(path, listen)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before others get it: they see that it is gone, and make a new one
        os.close(descriptor)


def _locked(path: Path, listen: Callable[[str], None]) -> int:
    """A lock's file, open and held."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            listen("waiting for another grader that is building this image …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
        os.close(descriptor)
