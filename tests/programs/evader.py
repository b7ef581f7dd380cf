"""Does what a careless warden would wait for, count wrongly or lose.  Argument: what; it says "ready" when it has."""

import contextlib
import ctypes
import os
import signal
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
PTRACE_SEIZE = 0x4206
CLONE_VFORK = 0x4000
CLONE, CLONE3, FUTEX = {"x86_64": (56, 435, 202), "aarch64": (220, 435, 98)}[os.uname().machine]


def ready():
    os.write(1, b"ready\n")


def traced_zombie():
    """Exits with status 3, and can't be reaped as long as its child lives."""
    told, tells = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        if libc.ptrace(PTRACE_SEIZE, parent, 0, 0) != 0:
            os._exit(1)
        os.write(tells, b"x")
        signal.pause()
    os.read(told, 1)
    ready()
    os._exit(3)


def in_vfork(clone):
    """As by vfork(2), but with memory of its own, which Python's interpreter needs."""
    parent = os.getpid()
    if clone() == 0:
        ready()
        while os.getppid() == parent:
            signal.pause()


def by_clone():
    return libc.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0)


def by_clone3():
    given = struct.pack("=11Q", CLONE_VFORK, 0, 0, 0, signal.SIGCHLD, *[0] * 6)
    return libc.syscall(CLONE3, given, len(given))


def in_vfork_beside():
    """The first thread sleeps before: whoever holds the interpreter's lock meanwhile would hold it in the child for ever."""
    threading.Thread(target=lambda: (wait_asleep(os.getpid()), in_vfork(by_clone))).start()
    signal.pause()


def wait_asleep(tid):
    """Until it sleeps in a call, and not for the interpreter's lock."""
    while open(f"/proc/self/task/{tid}/syscall").read().split()[0] in {"running", str(FUTEX)}:
        os.sched_yield()


def in_vfork_first():
    """The kernel hands a signal to the first thread, which it does not reach there."""
    threading.Thread(target=signal.pause).start()
    in_vfork(by_clone)


def chain():
    """Each starts the next and exits; no two live longer than that takes."""
    if os.fork():
        ready()
        os._exit(0)
    os.setsid()
    while True:
        with contextlib.suppress(BlockingIOError):  # too many others, for a moment
            if os.fork():
                os._exit(0)


def renames():
    """Another name all the time, each a line of status to who reads it as text."""
    ready()
    names = [b"\rState:\tZ\0", b"\rThreads:\t0\0", b"\xff) Z 1 (\0", b"\n\0"]
    while True:
        for name in names:
            libc.prctl(PR_SET_NAME, name)


def stopped_group():
    for _ in range(3):
        if os.fork() == 0:
            signal.pause()
    ready()
    os.kill(0, signal.SIGSTOP)


def daemon():
    """Two forks, a session of its own, and nobody's death is a signal to it."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    libc.prctl(PR_SET_PDEATHSIG, 0)
    libc.prctl(PR_SET_NAME, b"\rState:\tZ\0")
    for number in range(1, signal.NSIG):
        if number not in {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
            signal.signal(number, signal.SIG_IGN)
    ready()
    os.closerange(0, 3)
    while True:
        time.sleep(1000)


signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the end of a terminal's first process sends to the others
WAYS = {
    "traced_zombie": traced_zombie,
    "vfork": lambda: in_vfork(by_clone),
    "vfork_by_clone3": lambda: in_vfork(by_clone3),
    "vfork_beside": in_vfork_beside,
    "vfork_first": in_vfork_first,
    "chain": chain,
    "renames": renames,
    "stopped_group": stopped_group,
    "daemon": daemon,
}
WAYS[sys.argv[1]]()
