"""The warden: first process of the sandbox and parent of the student's program.

It unpacks the submission, starts programs on a pseudo-terminal or pipes, hands their descriptors to the driver, and
reports what the kernel knows about them (`proc.py`): threads and the calls they sleep in, open files, CPU time, memory.
It freezes, thaws, signals, reaps and ends them, and it kills everything when its lifeline ends.  It reads no checks and
no expected replies, decides nothing about marks, and trusts nothing that the program says.

Every process of the sandbox but itself is the program: with its own process namespace, the warden is PID 1 and sees all
the others in /proc; without, it is a child subreaper and they are its descendants.  A listing may miss a process that
has started another and exited before the next line was read, so only the kernel knows whether any are left: kill(2) of
all the others finds none, or there are none to wait for, since orphans come to us.

Every question is answered or refused, whatever the program does, and within a bounded time.  If something can't be
ended in that time, the warden says so and exits, which ends its process namespace and everything in it.

Standard library only.  Wire format: `channel.py`; questions: `Warden.ANSWERS`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tarfile
import termios
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, NoReturn

from grader.link import hidden
from grader.link.channel import Channel, ChannelClosedError, read_frame
from grader.link.settings import SOCKET_PATH, Settings
from grader.sandbox import leftovers, proc, seccomp, users, workfolder
from grader.sandbox.memory import MemoryWatch

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAP_LAST = 63
_SYS_TGKILL = {"x86_64": 234, "aarch64": 131}.get(os.uname().machine, -1)  # elsewhere it is refused
_TIOCGPTPEER = 0x5441  # ioctl_tty(2): opens a pseudo-terminal's other side, whatever this process's /dev/pts is
_PEER_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
#: How much the kernel reads of a script's first line (BINPRM_BUF_SIZE of binfmts.h).
_LONGEST_FIRST_LINE = 256
#: The beginning of a complaint that is not about the program.
_OUR_OWN = "\0"
#: How long the signals of one round may take to work before the next round.
_ROUND_S = 0.01
#: Rounds of signals to our own children: a chain of orphans is caught between the birth of one and its child's.
_HUNTS = 200
#: execve(2) closes descriptors, which tells us of it, and lets others look in microseconds later; on a loaded machine
#: another process may run in between.
_SHOWN_S = 1.0
_FIRST = -20  # setpriority(2)
_TIDY_S = 10  # removing 20 000 files takes half a second


class StillThereError(Exception):
    """The kernel did not end what it was told to end: nothing said about a program afterwards would be true."""


class Warden:
    """One sandbox's life: unpack, then answer the driver until it or the host is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._me = os.getpid()
        self._ended: dict[int, int] = {}
        self._terminals: list[int] = []
        self._killed_for_memory = False
        self._memory = MemoryWatch(settings["memory_bytes"], charged=settings["own_cgroup"], places=settings["places"])
        self._oom_kills, self._refusals = _counted(*_KILLED_FOR_MEMORY), _counted(*_REFUSED_PROCESSES)
        self._most_processes = resource.RLIM_INFINITY  # nothing that could have been refused any was started yet
        self._kept: list[workfolder.Folder] = []
        self._built_files: frozenset[str] = frozenset()
        self._filters = seccomp.available()
        if self._filters:
            seccomp.translated()  # here, and not in each child
        self._for_another = settings["uid"] != os.geteuid()
        self._gives_sockets = proc.gives_sockets()
        # Without namespaces its user alone tells what is the program's, if that is no other's.
        self._alone = self._for_another and not settings["private_pids"]
        # Root without the right to look into other users' processes uses their rights.
        self._looks_as_user = self._for_another and not users.holds(users.CAP_SYS_PTRACE)
        self._priority = os.getpriority(os.PRIO_PROCESS, 0)
        if settings["own_cgroup"]:
            # Within the group a program of 256 busy processes has a quarter of its time to leave, and no more.
            with suppress(PermissionError):  # an engine without root
                os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
        # Orphans come to us, wherever they are in the tree; PID 1 gets them anyway.
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wakeup, wakeup_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # A program of the same user could end PID 1 by any signal that has a handler, as SIGINT has in Python; to all
        # others from inside its namespace it is deaf (pid_namespaces(7)).
        exposed = settings["private_pids"] and not self._for_another
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, signal.SIG_DFL if exposed else self._leave)

    def _leave(self, *_: object) -> None:
        raise SystemExit(0)

    def lay_files(self, archive: bytes) -> None:
        """Lay the assignment's files (a clean tar) where its programs can read them; its folder is made if need be."""
        if self._settings["files"]:
            os.makedirs(self._settings["files"], exist_ok=True)
            _extract(archive, self._settings["files"])

    def unpack(self, archive: bytes) -> None:
        """Unpack the submission (a clean tar) into the work folder, as the program's user."""
        child = os.fork()
        if child == 0:
            _guarded(partial(self._unpack_as_user, archive))
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"unpacking exited with status {os.waitstatus_to_exitcode(status)}")

    def _unpack_as_user(self, archive: bytes) -> None:
        _become(self._settings["uid"], self._settings["gid"])
        # It contains only folders and regular files (`submission/`), and this process can write nowhere else.
        _extract(archive, self._settings["work"])

    def serve(self, driver: Channel, lifeline: int) -> None:
        """Answer until the driver's channel or the lifeline ends, or a program can't be ended; then kill everything."""
        try:
            while self._wait(driver, lifeline):
                question, descriptors = driver.receive()
                for descriptor in descriptors:
                    os.close(descriptor)
                self._answer(driver, question)
        except (ChannelClosedError, StillThereError):
            pass  # the driver is gone or nothing more can be said: leave
        finally:
            with suppress(StillThereError):
                self.kill_all()

    def _answer(self, driver: Channel, question: dict[str, Any]) -> None:
        descriptors: tuple[int, ...] = ()
        try:
            answer, descriptors = self.ANSWERS[question.pop("ask")](self, **question)
        except StillThereError as error:
            driver.send({"error": str(error)})
            raise
        except Exception as error:  # noqa: BLE001 — refused; the next question may well be answered
            answer = {"error": str(error) if isinstance(error, OSError) else repr(error), "ours": True}
        try:
            driver.send(answer, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _wait(self, driver: Channel, lifeline: int) -> bool:
        """Wait until the driver asks (True) or the host is gone (False).  Reaps and watches memory meanwhile."""
        while True:
            timeout_s = self._memory.wait_s() if self._somebody() else None
            readable, _, _ = select.select([driver.fileno(), lifeline, self._wakeup], [], [], timeout_s)
            self._drain_wakeup()
            self._reap()
            with self._looking():
                exceeded = self._memory.exceeded(self.pids)
            if exceeded:
                self._killed_for_memory = True
                self.kill_all()
            if lifeline in readable and not os.read(lifeline, 4096):
                return False
            if driver.fileno() in readable:
                return True

    def _looking(self) -> AbstractContextManager[None]:
        """The context for looking at what the kernel shows only to the program's own user."""
        return users.acting_as(*self._user) if self._looks_as_user else nullcontext()

    @property
    def _user(self) -> tuple[int, int]:
        return self._settings["uid"], self._settings["gid"]

    def _drain_wakeup(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup, 4096)

    def _reap(self) -> bool:
        """Record every process that has exited; whether there are still children."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                self._ended[pid] = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return False

    def pids(self) -> Iterable[int]:
        """Every process of the program that a listing finds, zombies included."""
        if self._settings["private_pids"]:
            return (pid for pid in proc.pids() if pid != self._me)
        return proc.descendants(self._me)

    def _somebody(self) -> bool:
        """Whether the kernel knows of any process of the program, after reaping what has exited."""
        children = self._reap()
        if not self._settings["private_pids"]:
            return children
        try:
            os.kill(-1, 0)
        except ProcessLookupError:
            return False
        return True

    def _signal_all(self, number: int) -> None:
        """Send a signal to all processes of the program: in a namespace in one step, so no fork escapes."""
        if self._settings["private_pids"]:
            with suppress(ProcessLookupError):
                os.kill(-1, number)
            return
        for pid in self.pids():
            _signal(pid, number)

    def kill_all(self) -> None:
        """Kill every process of the program and reap what is ours.  Returns when the kernel says that none are left.

        Raises:
            StillThereError: it does not.
        """
        until = time.monotonic() + self._settings["patience_s"]
        while self._somebody():
            if time.monotonic() > until:
                raise StillThereError("the program's processes could not be ended")
            if not self._settings["private_pids"]:
                self._signal_all(signal.SIGSTOP)
            self._signal_all(signal.SIGKILL)
            self._hunt_orphans()
            if self._alone:
                users.kill_all_of(*self._user)
            select.select([self._wakeup], [], [], _ROUND_S)
            self._drain_wakeup()

    def _hunt_orphans(self) -> None:
        """Without a namespace: kill our own children as fast as we can, since each may be about to fork and exit."""
        if self._settings["private_pids"]:
            return
        for _ in range(_HUNTS):
            orphans = proc.own_children()
            if not orphans:
                return
            for pid in orphans:
                _signal(pid, signal.SIGKILL)
            self._reap()

    # The answers.  Each takes the question's fields and gives the answer and the descriptors that go along.

    def work_folder(self) -> _Answer:
        """The files in the work folder that can be executed and begin like a program or a script."""
        with self._looking():
            return {"programs": dict(workfolder.programs(self._settings["work"]))}, ()

    def lacking(self, commands: list[str], path: str) -> _Answer:
        """Which of these commands the program's user can't execute from any of these folders."""

        def missing() -> list[str]:
            return [command for command in commands if shutil.which(command, path=path) is None]

        found = users.answered_as(*self._user, missing) if self._for_another else missing()
        return {"lacking": found or []}, ()

    def remember(self) -> _Answer:
        """Building is done: every program will find the places that it can write in as they are now.

        But for the caches, which are only large, and are emptied.
        """
        settings = self._settings
        self._as_user(self._empty_caches)
        try:
            with self._looking():
                self._kept = workfolder.take_down(
                    settings["places"], settings["uid"], settings["disk_bytes"], settings["disk_files"]
                )
        except workfolder.TooMuchError as error:
            return {"error": str(error)}, ()
        self._built_files = self._public_files()
        return {}, ()

    def _tidy(self) -> str:
        """Put back and remove what programs have left behind; why that can't be done, or "".

        If nothing is left, no child is needed: that takes a tenth of a millisecond.
        """
        with self._looking():
            if not (any(map(workfolder.changes, self._kept)) or self._leftovers()):
                return ""
        self._as_user(self._tidy_as_user)
        if self._leftovers():
            return "shared memory, a semaphore, a message queue or a file that it made earlier can't be removed"
        with self._looking():
            wrong = [os.path.join(folder.path, name) for folder in self._kept for name in workfolder.settle(folder)]
        return f"its earlier changes to {wrong[0]!r} can't be undone" if wrong else ""

    def _leftovers(self) -> bool:
        """Whether programs have left anything outside the folders that are restored."""
        if self._settings["private_pids"]:
            return leftovers.present()
        return self._alone and (leftovers.present(self._settings["uid"]) or bool(self._public_files()))

    def _public_files(self) -> frozenset[str]:
        """What programs have put where everybody may write since the build."""
        return leftovers.public_files(self._settings["uid"]) - self._built_files if self._alone else frozenset()

    def _as_user(self, function: Callable[[], None]) -> None:
        """Let a child do something with files as the program's user, within a bounded time."""

        def done() -> None:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_TIDY_S)
            _become(self._settings["uid"], self._settings["gid"])
            function()

        child = os.fork()
        if child == 0:
            _guarded(done)
        os.waitpid(child, 0)

    def _empty_caches(self) -> None:
        caches = self._settings["caches"]
        with suppress(OSError):  # a build may have removed it
            leftovers.remove_files([os.path.join(caches, name) for name in os.listdir(caches)])

    def _tidy_as_user(self) -> None:
        if self._settings["private_pids"]:
            leftovers.remove()
        elif self._alone:
            leftovers.remove(self._settings["uid"])
            leftovers.remove_files(self._public_files())
        for folder in self._kept:
            workfolder.put_back(folder)

    def start(
        self, argv: list[str], *, terminal: bool, echo: bool, environment: dict[str, str], afresh: bool
    ) -> _Answer:
        """Start a program on a terminal, which echoes what is typed or not, or on pipes.

        `afresh`: nothing of it runs any more, and it finds everything as it was after building.
        Descriptors: pidfd, stdin, stdout, stderr; a terminal's master is both stdin and stdout, and its other side goes
        along as the fifth, opened apart from the program's own.
        """
        self._killed_for_memory = False
        self._oom_kills, self._refusals = _counted(*_KILLED_FOR_MEMORY), _counted(*_REFUSED_PROCESSES)
        if afresh and (why := self._tidy()):
            return {"error": why}, ()
        try:
            with users.acting_as(*self._user):  # so that the program can open them again by name, as /dev/stdin
                ours, theirs = _open_terminal(echo=echo) if terminal else _open_pipes()
        except OSError as error:
            if error.errno != errno.ENOSPC or afresh:  # with no other program running, the machine itself has none left
                raise
            return {"error": "the running program holds all pseudo-terminals"}, ()
        complaint, complaint_end = os.pipe2(os.O_CLOEXEC)
        self._most_processes = self._process_limit()
        pid = os.fork()
        if pid == 0:
            _guarded(partial(self._exec, argv, environment, theirs, complaint_end, terminal=terminal))
        self._ended.pop(pid, None)  # an orphan of the previous program may have had the same number
        os.close(complaint_end)
        for descriptor in set(theirs):
            if terminal and descriptor == theirs[0]:
                self._terminals.append(descriptor)  # or it would break when the program closes its standard streams
            else:
                os.close(descriptor)
        words = b""
        while chunk := os.read(complaint, 4096):
            words += chunk
        os.close(complaint)
        if words:
            os.waitpid(pid, 0)
            for descriptor in set(ours):
                os.close(descriptor)
            why = words.decode(errors="replace")
            return {"error": why.removeprefix(_OUR_OWN), "errno": 0, "ours": why.startswith(_OUR_OWN)}, ()
        # On a terminal, stdin and stdout are one descriptor, which is passed twice.
        handed = (os.pidfd_open(pid), ours[0], os.dup(ours[1]) if ours[1] == ours[0] else ours[1], ours[2])
        self._wait_shown(pid)
        other_side = (fcntl.ioctl(ours[0], _TIOCGPTPEER, _PEER_FLAGS),) if terminal else ()
        return {"pid": pid}, (*handed, *other_side)

    def _wait_shown(self, pid: int) -> None:
        """Wait until the kernel lets us look into a program that was just executed, a moment later."""
        deadline = time.monotonic() + _SHOWN_S
        with self._looking():
            while proc.hides(pid) and time.monotonic() < deadline:
                os.sched_yield()

    def _exec(
        self,
        argv: list[str],
        environment: dict[str, str],
        stdio: tuple[int, int, int],
        complaint: int,
        *,
        terminal: bool,
    ) -> None:
        try:
            os.setsid()
            if terminal:
                fcntl.ioctl(stdio[0], termios.TIOCSCTTY, 0)
            for number, descriptor in enumerate(stdio):
                os.dup2(descriptor, number)
            for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):  # CPython ignores the first two
                signal.signal(ignored, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            os.umask(0o022)
            os.chdir(self._settings["work"])
            self._limit()
            _become(self._settings["uid"], self._settings["gid"])
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if self._filters:
                seccomp.install()
            os.execvpe(argv[0], argv, environment)  # noqa: S606 — the point of this project
        except OSError as error:
            os.write(complaint, f"{argv[0]}: {_why_not_executed(argv[0], environment, error)}".encode())
        except Exception as error:  # noqa: BLE001 — else the program would be blamed for having ended
            os.write(complaint, f"{_OUR_OWN}{error!r}".encode())

    def _limit(self) -> None:
        settings = self._settings
        wanted = {
            # No memory limit: what a program maps and never uses costs nothing, and gcc's sanitizers map terabytes.
            resource.RLIMIT_NPROC: self._most_processes,
            resource.RLIMIT_NOFILE: settings["open_files"],
            resource.RLIMIT_FSIZE: settings["disk_bytes"],
            resource.RLIMIT_CORE: 0,
        }
        for name, value in wanted.items():
            _, hard = resource.getrlimit(name)
            finite = [limit for limit in (value, hard) if limit != resource.RLIM_INFINITY]
            capped = min(finite, default=resource.RLIM_INFINITY)
            resource.setrlimit(name, (capped, capped))
        os.setpriority(os.PRIO_PROCESS, 0, self._priority)
        # When memory runs out, the program is killed first, not the warden.
        with suppress(OSError), hidden.visible(), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")

    def _process_limit(self) -> int:
        processes = self._settings["processes"]
        if self._settings["own_cgroup"]:
            return resource.RLIM_INFINITY
        # Without a namespace, the kernel counts all processes of this user.
        return processes + (0 if self._settings["private_pids"] else proc.tasks_of(self._settings["uid"]))

    def status(self, pid: int) -> _Answer:
        """How a process ended: `status` >= 0 exit status, < 0 minus the signal, None while it runs."""
        self._reap()
        out_of_memory = self._killed_for_memory or _counted(*_KILLED_FOR_MEMORY) > self._oom_kills
        with self._looking():
            status = self._ended[pid] if pid in self._ended else proc.exit_status(pid)
        return {"status": status, "out_of_memory": out_of_memory}, ()

    def refused_processes(self) -> _Answer:
        """Whether the program that was started last wanted more processes and threads than it may have.

        Without a count of the kernel's: whether it has as many as it may.
        """
        if self._settings["own_cgroup"]:
            return {"refused": _counted(*_REFUSED_PROCESSES) > self._refusals}, ()
        limited = self._most_processes != resource.RLIM_INFINITY
        return {"refused": limited and proc.tasks_of(self._settings["uid"]) >= self._most_processes}, ()

    def snapshot(self, *, files: bool, most_files: int) -> _Answer:
        """What every process of the program is doing now (see `wire/stillness.py` for how it is read).

        `files` adds their open files, up to so many of all; of the processes with more than what is left, the number.
        """
        self._reap()
        left = most_files
        seen = []
        with self._looking():
            for pid in self.pids():
                seen.append(proc.process(pid, most_files=left if files else None))
                left -= len(seen[-1].get("files", ()))
        if not any(each["threads"] or each["state"] == "X" for each in seen) and self._somebody():
            seen.append(proc.unsettled(0))
        return {"processes": seen}, ()

    def socket_timeouts(self, sockets: list[tuple[int, int]]) -> _Answer:
        """SO_RCVTIMEO or SO_SNDTIMEO of the program's sockets, given as (pid, fd): True, False, or None: not known."""
        return {"timed": self._taking(sockets, proc.timed) or [None] * len(sockets)}, ()

    def small_send_buffers(self, sockets: list[tuple[int, int]]) -> _Answer:
        """Give listening sockets, as (pid, fd), the smallest send buffer, which their connections inherit.

        `small`: whether all have it now.
        """
        return {"small": all(self._taking(sockets, proc.shrink_send_buffer) or [False])}, ()

    def _taking(self, sockets: list[tuple[int, int]], use: Callable[[int, int], Any]) -> list[Any] | None:
        """A function's result for each of the program's sockets, even if the kernel gives them only to its own user."""
        if not self._gives_sockets:
            return None  # and no child is needed to find that out

        def made() -> list[Any]:
            return [use(pid, fd) for pid, fd in sockets]

        return users.answered_as(*self._user, made) if self._looks_as_user else made()

    def watched(self, sleepers: list[tuple[int, int, int, str, list[int]]]) -> _Answer:
        """The descriptors that sleeping threads wait to read from; None: not known, or it has woken up since.

        A thread is given as (pid, tid, context switches so far, call, arguments); the call is poll, select or
        epoll_wait.
        """
        with self._looking():
            return {"watched": [proc.watched(*sleeper) for sleeper in sleepers]}, ()

    def freeze(self) -> _Answer:
        """Stop every thread of the program.  Answers when all are stopped, or (`stopped`: False) can't be."""
        until = time.monotonic() + self._settings["patience_s"]
        while running := self._running():
            if time.monotonic() > until:
                return {"stopped": False}, ()
            self._signal_all(signal.SIGSTOP)
            # The kernel gives a process's signal to its first thread, where it stays as long as that is in vfork(2).
            for pid, tid in running:
                _libc.syscall(_SYS_TGKILL, pid, tid, signal.SIGSTOP)
        return {"stopped": True}, ()

    def _running(self) -> list[tuple[int, int]]:
        """The threads that are not stopped, each with its process."""
        with self._looking():
            return [(pid, tid) for pid in self.pids() for tid in proc.not_stopped(pid)]

    def thaw(self) -> _Answer:
        """Let it continue."""
        self._signal_all(signal.SIGCONT)
        return {}, ()

    def in_foreground(self, pid: int) -> _Answer:
        """Whether a process is in its terminal's foreground process group (proc_pid_stat(5): pgrp, tpgid)."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                _, _, group, _, _, foreground, *_ = file.read().rpartition(b")")[2].split()
        except OSError:
            return {"foreground": False}, ()
        return {"foreground": group == foreground}, ()

    def send_signal(self, pid: int, number: int) -> _Answer:
        """Send a signal to one process, or to a process group (minus its number)."""
        _signal(pid, number)
        return {}, ()

    def end(self) -> _Answer:
        """End whatever is still running."""
        self.kill_all()
        self._ended.clear()
        while self._terminals:
            os.close(self._terminals.pop())
        return {}, ()

    ANSWERS: dict[str, Callable[..., _Answer]] = {  # noqa: RUF012 — a table, never changed
        "work_folder": work_folder,
        "lacking": lacking,
        "remember": remember,
        "start": start,
        "status": status,
        "refused_processes": refused_processes,
        "snapshot": snapshot,
        "socket_timeouts": socket_timeouts,
        "small_send_buffers": small_send_buffers,
        "watched": watched,
        "freeze": freeze,
        "thaw": thaw,
        "in_foreground": in_foreground,
        "send_signal": send_signal,
        "end": end,
    }


_Answer = tuple[dict[str, Any], tuple[int, ...]]


def _extract(archive: bytes, folder: str) -> None:
    """Unpack a tar of folders and regular files."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = os.path.join(folder, member.name)
            if member.isdir():
                os.makedirs(path, exist_ok=True)
            elif content := tar.extractfile(member):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "xb") as file:
                    shutil.copyfileobj(content, file)
                os.chmod(path, member.mode & 0o755)


def _guarded(function: Callable[[], None]) -> NoReturn:
    """Run the child's side of a fork; it never returns into the warden."""
    status = 1
    try:
        function()
        status = 0
    except BaseException as error:  # noqa: BLE001 — a child must not continue as a second warden
        sys.stderr.write(f"warden: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


def _become(uid: int, gid: int) -> None:
    """Give up every privilege forever: user, groups, capabilities, and the ways to get them back."""
    for capability in range(_CAP_LAST + 1):
        # Refused without SETPCAP, for then no_new_privs covers it, and behind the last one that the kernel knows.
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    if os.getuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    if _libc.capset(header, b"\0" * 24) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _why_not_executed(name: str, environment: dict[str, str], error: OSError) -> str:
    """Execvp's reason, but for a command that is nowhere: a folder of PATH that can't be entered is not its fault.

    Of a script the kernel says that it does not exist, or is no program, where something is wrong with its first line.
    """
    folders = environment["PATH"].split(os.pathsep) if "/" not in name else []
    paths = [f"{folder}/{name}" for folder in folders] or [name]
    there = [path for path in paths if os.path.exists(path)]
    if error.errno == errno.EACCES and not there:
        return os.strerror(errno.ENOENT)
    with suppress(OSError, IndexError), open(there[0], "rb") as file:
        if why := fault_of_script(file.readline(_LONGEST_FIRST_LINE), error.errno or 0):
            return why
    return error.strerror or str(error)


def fault_of_script(first_line: bytes, number: int) -> str:
    """Why execve(2) failed with this error for a file with this first line, if that is why; else ""."""
    if first_line.startswith(b"\xef\xbb\xbf#!"):
        return "it begins with a byte order mark, so its #! line is not recognized: save it as UTF-8 without one"
    if first_line.startswith(b"#!") and number == errno.ENOENT:
        interpreter = first_line.removeprefix(b"#!").strip(b" \t\n").partition(b" ")[0].decode("utf-8", "replace")
        if first_line.endswith(b"\r\n"):
            return (
                f"its first line ends with CR LF, as on Windows, so that it names an interpreter {interpreter!r}, "
                "carriage return included, which does not exist: save the script with LF line endings"
            )
        return f"its first line names an interpreter {interpreter!r}, which does not exist"
    if number == errno.ENOEXEC and not first_line.startswith((b"#!", b"\x7fELF")):
        return "it is neither a program nor a script whose first line names an interpreter (such as #!/bin/sh)"
    return ""


def _open_terminal(*, echo: bool) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """(our ends, the program's ends) of stdin, stdout, stderr: a terminal, and a pipe for stderr."""
    master, slave = os.openpty()
    errors, errors_end = os.pipe()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    if not echo:
        flags = termios.tcgetattr(slave)
        flags[1] &= ~termios.OPOST  # what it prints comes unchanged
        flags[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, flags)
    return (master, master, errors), (slave, slave, errors_end)


def _open_pipes() -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    stdin_end, stdin = os.pipe()
    stdout, stdout_end = os.pipe()
    stderr, stderr_end = os.pipe()
    return (stdin, stdout, stderr), (stdin_end, stdout_end, stderr_end)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


#: Where the kernel counts what it refused a control group, or killed in it: cgroup v2, then v1.
_KILLED_FOR_MEMORY = ("oom_kill", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_REFUSED_PROCESSES = ("max", "/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")


def _counted(wanted: str, *paths: str) -> int:
    """How often; 0 if there is no such count."""
    for path in paths:
        with suppress(OSError), open(path) as lines:
            for line in lines:
                name, _, count = line.partition(" ")
                if name == wanted:
                    return int(count)
    return 0


def main() -> None:
    """The container's entry point: settings and two archives on standard input, the driver on a Unix socket."""
    settings: Settings = json.loads(read_frame(0))
    warden = Warden(settings)
    warden.lay_files(read_frame(0))
    warden.unpack(read_frame(0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET_PATH)
        os.chmod(SOCKET_PATH, 0o600)
        listener.listen(1)
        readable, _, _ = select.select([listener.fileno(), 0], [], [])
        if listener.fileno() not in readable:
            return
        connection, _ = listener.accept()
    # The listener is closed before any of the student's code runs: nobody else can ever be the driver.
    warden.serve(Channel(connection), 0)


if __name__ == "__main__":
    main()
