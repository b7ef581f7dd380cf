"""Keeping a process to itself: nobody but root may look into it or trace it.  Standard library only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_DUMPABLE = 4


def hide() -> None:
    """From now on nobody but root may look into this process or trace it; exec(2) ends that."""
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def show() -> None:
    """Take that back."""
    _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


@contextmanager
def visible() -> Iterator[None]:
    """A process that hides may write to its own files in /proc meanwhile."""
    show()
    try:
        yield
    finally:
        hide()
