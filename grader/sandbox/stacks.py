"""The stacks of a program's threads, read in the way of its runtime; nothing here decides what they mean.

- Python: py-spy.  What a compiler has made with -g: eu-stack.  Both read a stopped process from outside (`tools.py`).
- Java: the machine's own attach socket, which jcmd uses.  The machine makes it when it gets SIGQUIT, if it catches
  that, and answers from a thread of its own, so it must run (HotSpot, attachListener_linux.cpp).
- Node: its inspector, which SIGUSR1 opens (`inspector.py`).
- Go: SIGQUIT ends the program, and it prints every goroutine.  It must run for that as well, and it is over then.

All of it runs as the program's own user, and whatever a program answers is text.  Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import dropwhile
from typing import Final, NamedTuple

from grader.sandbox import inspector, tools
from grader.sandbox.executables import calls_fork, made_by_go

#: HotSpot was seen to answer in 2 to 32 ms, and in 81 beside a busy loop.
_ATTACH_S: Final = 0.5
_LOOK_S: Final = 0.002
#: Go prints all goroutines and exits in 3 ms.
_QUIT_S: Final = 0.5
#: Threads and frames that are read; a program may have thousands.
_MOST_STACKS: Final = 200


class Frame(NamedTuple):
    """A function that is being called, and the place in its source; no file: unknown.

    `caller`: where it was called from, in words, if that is worth telling.
    """

    function: str
    file: str = ""
    line: int = 0
    caller: str = ""


class Stack(NamedTuple):
    """A thread's frames, the innermost first; its number (0: unknown), and whether its runtime says that it runs."""

    frames: list[Frame]
    tid: int = 0
    running: bool = False


class Way(NamedTuple):
    """How stacks are read.  `stopped`: while the program is stopped; `ends`: whether that ends it."""

    read: Callable[[int], Iterator[Stack]]
    stopped: bool = True
    ends: bool = False


def way_for(pid: int) -> Way | None:
    """How a process's stacks can be read; None if it is gone."""
    try:
        path = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    name = os.path.basename(path)
    for beginning, way in _WAYS.items():
        if name.startswith(beginning):
            return way
    return _GO if made_by_go(f"/proc/{pid}/exe") else _COMPILED


def is_compiled(tid: int) -> bool | None:
    """Whether a thread is one of a compiled program's; None if it is Python's neither, or gone."""
    try:
        return _is_compiled(os.readlink(f"/proc/{tid}/exe"), tid)
    except OSError:
        return None


@lru_cache(maxsize=16)
def _is_compiled(_: str, tid: int) -> bool | None:
    """By the program's path; asked at each step of a thread."""
    way = way_for(tid)
    return None if way is None or way.read not in {_python, _compiled} else way is _COMPILED


def may_lose_a_child(pid: int) -> bool:
    """Whether it is a compiled program that forks, whose child processes may crash without a word."""
    return way_for(pid) is _COMPILED and calls_fork(f"/proc/{pid}/exe")


def read(way: Way, pid: int) -> list[Stack]:
    """The stacks, those of the first threads at least; none if they can't be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return [*way.read(pid)][:_MOST_STACKS]
    return []


def running(pid: int) -> frozenset[int]:
    """The threads of a process that are running, or ready to."""
    found = set()
    with suppress(OSError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{tid}/stat", "rb") as file:
                if file.read(4096).rpartition(b")")[2].split()[:1] == [b"R"]:
                    found.add(int(tid))
    return frozenset(found)


def ends_within(pid: int, seconds: float) -> bool:
    """Let it run for so long; whether it ends before."""
    try:
        ending = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        return bool(select.select([ending], [], [], seconds)[0])
    finally:
        os.close(ending)


# Python


def _python(pid: int) -> Iterator[Stack]:
    return of_py_spy(tools.printed("py-spy", "dump", "--json", "--nonblocking", "--pid", str(pid)))


def of_python_thread(tid: int) -> list[Stack]:
    """The stack of one thread, which need not be stopped."""
    with open(f"/proc/{tid}/status", "rb") as file:
        process = int(file.read(1 << 16).partition(b"\nTgid:")[2].split()[0])
    return [stack for stack in read(_PYTHON, process) if stack.tid == tid]


def of_py_spy(words: str) -> Iterator[Stack]:
    """What py-spy's JSON says."""
    for thread in json.loads(words):
        frames = [Frame(str(one["name"]), str(one["filename"]), int(one["line"])) for one in thread["frames"]]
        yield Stack(frames, int(thread["os_thread_id"] or 0))


# What a compiler has made

#: A frame of eu-stack -s: the function at the end of its line, then the file and the line on the next if it knows them.
_OF_EU_STACK: Final = re.compile(
    r"^#\d+\s+0x[0-9a-f]+(?: - \d+)?[ \t]+(\S[^\n]*)\n(?:[ \t]+(\S[^\n]*?):(\d+)(?::\d+)?$)?", re.MULTILINE
)


#: Lines, with what was inlined; only of what was built with -g: reading the C library's from a file of their own, where
#: a machine has one, takes four times as long as all the rest.
_LINES: Final = ("-i", "-s", "--debuginfo-path=/nonexistent")


def _compiled(pid: int) -> Iterator[Stack]:
    return of_eu_stack(tools.printed("eu-stack", *_LINES, "-p", str(pid)))


def of_thread(tid: int) -> Iterator[Stack]:
    """The stack of one stopped thread of a compiled program."""
    return of_eu_stack(tools.printed("eu-stack", *_LINES, "-1", "-p", str(tid)))


def of_eu_stack(words: str) -> Iterator[Stack]:
    """What eu-stack prints: a block for each thread."""
    for thread in re.split(r"^TID ", words, flags=re.MULTILINE)[1 : _MOST_STACKS + 1]:
        tid = thread.partition(":")[0]
        frames = [Frame(one[1].strip(), one[2] or "", int(one[3] or 0)) for one in _OF_EU_STACK.finditer(thread)]
        yield Stack(frames, int(tid) if tid.isdecimal() else 0)


# Java

_THREAD: Final = re.compile(r'^"[^\n]*" #?[^\n]*\bnid=(0x[0-9a-f]+|\d+)')
#: A thread may have a name of any length, in which a pattern would look for its end from each beginning.
_LONGEST_THREAD: Final = 1000
_OF_JAVA: Final = re.compile(r"^\tat ([^\s()]+)\(([^():]*)(?::(\d+))?\)$", re.MULTILINE)


def _java(pid: int) -> Iterator[Stack]:
    return of_java(_attached(pid))


def of_java(words: str) -> Iterator[Stack]:
    """What HotSpot prints of its threads, which it numbers as the kernel does."""
    for block in words.split("\n\n"):
        if thread := _THREAD.match(block.lstrip("\n")[:_LONGEST_THREAD]):
            frames = [Frame(one[1], _file_of(one[1], one[2]), int(one[3] or 0)) for one in _OF_JAVA.finditer(block)]
            yield Stack(frames, int(thread[1], 0))


def _file_of(method: str, file: str) -> str:
    """A class's file with the folders of its package; the machine's own classes come with the module that has them."""
    package = method.rpartition(".")[0].rpartition(".")[0]
    return "" if "/" in method or not file else os.path.join(*package.split("."), file)


def _attached(pid: int) -> str:
    """The dump of its threads, by its attach socket; empty if it makes none."""
    name = _number_inside(pid)
    path = f"/proc/{pid}/root/tmp/.java_pid{name}"
    if not os.path.exists(path) and not _opens(pid, name, path):
        return ""
    with socket.socket(socket.AF_UNIX) as machine:
        machine.settimeout(_ATTACH_S)
        machine.connect(path)
        machine.sendall(b"1\0threaddump\0\0\0\0")
        return tools.read_for(machine.fileno(), _ATTACH_S).decode("utf-8", "replace")


def _number_inside(pid: int) -> str:
    """A process's number in the innermost namespace that it is in."""
    with open(f"/proc/{pid}/status", "rb") as file:
        return file.read(1 << 16).partition(b"\nNSpid:")[2].partition(b"\n")[0].split()[-1].decode()


def _opens(pid: int, name: str, path: str) -> bool:
    """Ask the machine to make its socket; whether it does.  One that does not catch the signal would be ended."""
    if not _catches(pid, signal.SIGQUIT):
        return False
    mark = f"/proc/{pid}/cwd/.attach_pid{name}"
    with open(mark, "x"):
        pass
    try:
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + _ATTACH_S
        while not os.path.exists(path):
            if time.monotonic() > deadline or ends_within(pid, _LOOK_S):
                return False
        return True
    finally:
        with suppress(OSError):
            os.unlink(mark)


def _catches(pid: int, number: int) -> bool:
    with open(f"/proc/{pid}/status", "rb") as file:
        caught = file.read(1 << 16).partition(b"\nSigCgt:")[2].partition(b"\n")[0]
    return bool(int(caught, 16) >> number - 1 & 1)


# Go

_GOROUTINE: Final = re.compile(r"^goroutine \d+[^\n\[]*\[([^\n,\]]*)[^\n]*:$", re.MULTILINE)
#: A call's line and its place's; in one that is full of brackets, the end is looked for only once.
_OF_GO: Final = re.compile(r"^(\S[^\n]*\))\n\t([^\n:]+):(\d+)(?: [^\n]*)?$", re.MULTILINE)
#: How functions begin that suspend a goroutine, whatever for.
_SUSPENDS: Final = ("runtime.", "internal/poll.")


def _go(pid: int) -> Iterator[Stack]:
    """It is over afterwards.  What it had printed before must have been read: the rest comes with the goroutines."""
    errors = os.open(f"/proc/{pid}/fd/2", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISFIFO(os.fstat(errors).st_mode) or not _catches(pid, signal.SIGQUIT):
            return iter(())
        os.kill(pid, signal.SIGQUIT)
        return of_go(tools.read_for(errors, _QUIT_S).decode("utf-8", "replace"))
    finally:
        os.close(errors)


def of_go(words: str) -> Iterator[Stack]:
    """What Go prints of its goroutines."""
    states = [*_GOROUTINE.finditer(words)][:_MOST_STACKS]
    ends = [*(one.start() for one in states[1:]), len(words)]
    for state, end in zip(states, ends, strict=False):
        calls = _OF_GO.finditer(words[state.end() : end])
        # Arguments are numbers, in braces or not: the last bracket is the one before them.
        frames = [Frame(one[1].rpartition("(")[0], one[2], int(one[3][:9])) for one in calls]
        yield Stack(
            [*dropwhile(lambda frame: frame.function.startswith(_SUSPENDS), frames)],
            running=state[1] in {"running", "runnable"},
        )


# Node


def _node(pid: int) -> Iterator[Stack]:
    """It has a debugger afterwards, and is not as it was."""
    if _catches(pid, signal.SIGUSR1):
        for frames in inspector.places(pid, runs=pid in running(pid)):
            yield Stack([Frame(*frame) for frame in frames])


_COMPILED: Final = Way(_compiled)
_PYTHON: Final = Way(_python)
_GO: Final = Way(_go, stopped=False, ends=True)
#: By how the name of the program that runs begins.
_WAYS: Final = {"python": _PYTHON, "java": Way(_java, stopped=False), "node": Way(_node, stopped=False, ends=True)}
