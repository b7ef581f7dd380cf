"""What a program's file says about the tool that built it.  Standard library only; results are cached.

The file is read and never mapped: if it were truncated meanwhile, whoever had it mapped would be killed (SIGBUS).
"""

from __future__ import annotations

import os
from functools import lru_cache

#: Comes before what Go's linker records about a build (Go's debug/buildinfo), in every binary since Go 1.13.
_GO = b"\xff Go buildinf:"
#: A name in an ELF file's table of them (elf(5)).
_FORK = b"\0fork\0"
#: A Go server has 3 to 15 MB.  A file in which it would have to be searched for beyond this was made to waste time.
_MOST_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20
#: Answers kept, one per process: a program may have hundreds.
_KEPT = 1024


def made_by_go(path: str) -> bool:
    """Whether Go's linker made that file; False if it can't be read."""
    return _contains(path, _GO)


def calls_fork(path: str) -> bool:
    """Whether it is linked with a library's fork(3), as far as names in it tell; False if it can't be read."""
    return _contains(path, _FORK)


def _contains(path: str, mark: bytes) -> bool:
    try:
        found = os.stat(path)
        return _holds(path, mark, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    except OSError:
        return False


@lru_cache(maxsize=_KEPT)
def _holds(path: str, mark: bytes, identity: tuple[int, ...]) -> bool:  # noqa: ARG001 — the same path may lead to another file
    tail = b""
    with open(path, "rb", buffering=0) as file:
        for _ in range(_MOST_BYTES // _CHUNK_BYTES):
            chunk = file.read(_CHUNK_BYTES)
            if mark in tail + chunk:
                return True
            if not chunk:
                return False
            tail = chunk[-len(mark) :]
    return False
