"""Reading /proc past what a program chose, as bytes and numbers; nothing that a program wrote is trusted.

A program chooses its name, its arguments, the names of its files and the values in its registers.  So everything is
read as bytes; `status` and `stat` are read past the name, which ends with a newline (the kernel escapes newlines and
backslashes in it, and nothing else) and with the last parenthesis.  Names become text that JSON and UTF-8 can carry,
and no decision depends on them.

Whatever a program does, a reader returns what is known: nothing for a process that is gone or a file that we may not
read.  Standard library only, as everything that runs in the program's container.
"""

from __future__ import annotations

import os

_CHUNK_BYTES = 1 << 16
#: States of proc(5): ended, and stopped by a signal or a tracer.
ENDED = frozenset("ZX")
STOPPED = frozenset("Tt")


def text_of(raw: bytes) -> str:
    r"""A file's name as text; different names stay different: invalid UTF-8 becomes `\xff`, a backslash two."""
    return text(raw.replace(b"\\", b"\\\\"))


def text(escaped: bytes) -> str:
    return escaped.decode("utf-8", "backslashreplace")


def read(path: str) -> bytes:
    """A file of /proc; empty if its process is gone or we may not read it."""
    return known(path) or b""


def known(path: str) -> bytes | None:
    """A file of /proc; None if its process is gone or we may not read it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = os.read(file, _CHUNK_BYTES)
        chunk = content
        while chunk:
            chunk = os.read(file, _CHUNK_BYTES)
            content += chunk
    except OSError:
        return None
    finally:
        os.close(file)
    return content


def status(folder: str) -> tuple[bytes, bytes]:
    """(name, the lines after it) of `status`."""
    first, _, rest = read(f"{folder}/status").partition(b"\n")
    return first.partition(b"\t")[2], b"\n" + rest if rest else b""


def field(fields: bytes, name: bytes) -> bytes:
    return fields.partition(b"\n" + name + b":")[2].partition(b"\n")[0].strip()


def state_of(fields: bytes) -> str:
    """One letter of proc(5); empty if unknown."""
    return field(fields, b"State")[:1].decode("ascii", "replace")


def stat(pid: int) -> list[bytes]:
    """The fields of `stat` after the name; none if it is gone."""
    return read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def tids(pid: int) -> list[int]:
    try:
        return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def living(pid: int) -> tuple[str, bytes, bytes]:
    """The folder of /proc that tells of its memory and files, and its name and `status` there.

    A first thread that has left by pthread_exit(3) has neither any more; then it is another that still lives.
    """
    folder = f"/proc/{pid}"
    name, fields = status(folder)
    if state_of(fields) == "Z" and not only_zombie(fields):
        for task in (f"{folder}/task/{tid}" for tid in tids(pid)):
            of_task = status(task)
            if state_of(of_task[1]) not in {"", *ENDED}:
                return task, *of_task
    return folder, name, fields


def only_zombie(fields: bytes) -> bool:
    """Whether nothing is left of a process but its ending; a first thread that has left is a zombie too."""
    return state_of(fields) == "Z" and field(fields, b"Threads") in {b"0", b"1"}


def switches(fields: bytes) -> int:
    return int(field(fields, b"voluntary_ctxt_switches")) + int(field(fields, b"nonvoluntary_ctxt_switches"))
