"""Ends immediately where it finds that it was started before; leaves word of it in every way that it knows.

What it leaves is also as hard to remove as it can make it: folders that nobody may enter, one inside the other for
longer than a path may be, links, pipes, and a full disk.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

WORK = Path.cwd()
SEED = Path("honest.py")
PLACES = [WORK, *(place for place in map(Path, ("/tmp", "/var/tmp", "/dev/shm")) if os.access(place, os.W_OK))]
TRACE = "trace"
KEY = 4711
libc = ctypes.CDLL(None)


def shared_memory(flags: int) -> bool:
    """Whether System V has a piece by our name."""
    return bool(libc.shmget(KEY, 4096, flags | 0o600) >= 0)


def posix_queue(flags: int) -> bool:
    """Whether there is a message queue by our name."""
    return bool(libc.mq_open(b"/trace", os.O_RDWR | flags, 0o600, None) >= 0)


def found() -> list[str]:
    """Words of an earlier start."""
    traces = [str(place / TRACE) for place in PLACES if os.path.lexists(place / TRACE)]
    traces += ["bytes"] if SEED.read_bytes()[:1] != b'"' else []
    traces += ["time"] if SEED.stat().st_mtime_ns == KEY or WORK.stat().st_mtime_ns == KEY else []
    traces += ["reading time"] if SEED.stat().st_atime_ns == KEY else []
    traces += ["links"] if SEED.stat().st_nlink != 1 else []
    traces += ["attribute"] if any("user.trace" in os.listxattr(path) for path in (SEED, *PLACES)) else []
    traces += ["mode"] if WORK.stat().st_mode & 0o7777 == 0o1711 or SEED.stat().st_mode & 0o100 else []
    traces += ["shared memory"] if shared_memory(0) else []
    traces += ["queue"] if posix_queue(0) else []
    return traces


def leave_word() -> None:
    """For the next start."""
    with SEED.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"#"  # through a mapping, which leaves all its times alone
    for path in (SEED, *PLACES):
        with suppress(OSError):
            os.setxattr(path, "user.trace", b"x")
    for place in PLACES:
        (place / TRACE).symlink_to("/etc/passwd")
    os.link(SEED, "second name")
    os.mkfifo("pipe")
    Path("__pycache__").mkdir(exist_ok=True)
    shared_memory(0o1000)  # IPC_CREAT
    posix_queue(os.O_CREAT)
    nest_folders()
    with suppress(OSError):
        Path("fills").write_bytes(bytes(64 << 20))
    os.utime(SEED, ns=(KEY, KEY))
    SEED.chmod(0o700)
    os.utime(WORK, ns=(KEY, KEY))
    WORK.chmod(0o1711)


def nest_folders() -> None:
    """Deeper than a path may be long, and none of them may be entered."""
    name = "n" * 250
    for _ in range(40):
        try:
            os.mkdir(name)
        except OSError:
            break
        os.chdir(name)
        Path("file").touch()
    while not os.path.samefile(".", WORK):
        os.chdir("..")
        with suppress(OSError):
            os.chmod(name, 0)


if traces := found():
    sys.stderr.write(f"started before: {traces}\n")
    sys.exit(3)
leave_word()
honest.serve()
