"""The warden: first process of the sandbox and parent of the student's program.

It unpacks the submission, starts programs on a pseudo-terminal or pipes, hands their descriptors to the driver, and
tells what the kernel says of them: threads and the calls they sleep in, open files, processor time, memory.  It
freezes, thaws, signals, reaps and ends them, and it kills everything when its lifeline ends.  It reads no check and no
expected answer, decides nothing about marks, and trusts nothing that the program says.

Every process of the sandbox but itself is the program: with a process namespace of its own it is PID 1 and all the
others are seen in /proc; without, it is a child subreaper and they are its descendants.

Standard library and psutil only.  Wire format: `channel.py`; questions: `Warden.ANSWERS`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import json
import os
import pty
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tarfile
import termios
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn

from grader.sandbox import seccomp
from grader.sandbox.channel import Channel, ChannelClosedError, read_frame
from grader.sandbox.settings import SOCKET_PATH, Settings

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAP_LAST = 63
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_PIDFD_THREAD = os.O_EXCL  # pidfd_open(2), since Linux 6.9
_TIOCGPTPEER = 0x5441  # ioctl_tty(2): opens a pseudo-terminal's other side, whatever this process's /dev/pts is
_PEER_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
#: How a complaint begins that is not about the program.
_OUR_OWN = "\0"
_TICK_S = 0.1  # how often resident memory is looked at while a program runs


class Warden:
    """One sandbox's life: unpack, then answer the driver until it or the host is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._me = os.getpid()
        self._ended: dict[int, int] = {}
        self._terminals: list[int] = []
        self._killed_for_memory = False
        self._oom_kills = _oom_kills()
        self._filters = seccomp.available()
        # Orphans come to us, wherever they are in the tree; PID 1 gets them anyway.
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wakeup, wakeup_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, self._leave)

    def _leave(self, *_: object) -> None:
        raise SystemExit(0)

    def unpack(self, archive: bytes) -> None:
        """Lay the submission (a clean tar) into the work folder, as the program's user."""
        child = os.fork()
        if child == 0:
            _guarded(partial(self._unpack_as_user, archive))
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"unpacking ended with status {os.waitstatus_to_exitcode(status)}")

    def _unpack_as_user(self, archive: bytes) -> None:
        _become(self._settings["uid"], self._settings["gid"])
        os.chdir(self._settings["work"])
        # Only folders and regular files stand in it (submission.py), and this process can write nowhere else.
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if member.isdir():
                    os.makedirs(member.name, exist_ok=True)
                elif content := tar.extractfile(member):
                    os.makedirs(os.path.dirname(member.name) or ".", exist_ok=True)
                    with open(member.name, "xb") as file:
                        shutil.copyfileobj(content, file)
                    os.chmod(member.name, member.mode & 0o755)

    def serve(self, driver: Channel, lifeline: int) -> None:
        """Answer until the driver's channel or the lifeline ends; then kill everything."""
        try:
            while self._wait(driver, lifeline):
                question, descriptors = driver.receive()
                for descriptor in descriptors:
                    os.close(descriptor)
                self._answer(driver, question)
        except ChannelClosedError:
            pass  # the driver is gone: so are we
        finally:
            self.kill_all()

    def _answer(self, driver: Channel, question: dict[str, Any]) -> None:
        try:
            answer, descriptors = self.ANSWERS[question.pop("ask")](self, **question)
        except OSError as error:
            answer, descriptors = {"error": str(error), "errno": error.errno or 0}, ()
        try:
            driver.send(answer, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _wait(self, driver: Channel, lifeline: int) -> bool:
        """Until the driver asks (True) or the host is gone (False).  Reaps and watches memory meanwhile."""
        while True:
            running = any(True for _ in self.pids())
            readable, _, _ = select.select(
                [driver.fileno(), lifeline, self._wakeup], [], [], _TICK_S if running else None
            )
            if self._wakeup in readable:
                with suppress(BlockingIOError):
                    os.read(self._wakeup, 4096)
            self._reap()
            self._watch_memory()
            if lifeline in readable and not os.read(lifeline, 4096):
                return False
            if driver.fileno() in readable:
                return True

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._ended[pid] = os.waitstatus_to_exitcode(status)

    def _watch_memory(self) -> None:
        limit = self._settings["memory_bytes"]
        # Resident pages that forked processes share count in each of them, so the exact sum, which is slow, decides.
        if sum(map(_resident_bytes, self.pids())) > limit and sum(map(_own_bytes, self.pids())) > limit:
            self._killed_for_memory = True
            self.kill_all()

    def pids(self) -> Iterator[int]:
        """Every process of the program, zombies included."""
        if self._settings["private_pids"]:
            yield from (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != self._me)
        else:
            import psutil  # noqa: PLC0415 — only where there is no namespace, and it takes as long as Python itself

            yield from (child.pid for child in psutil.Process(self._me).children(recursive=True))

    def kill_all(self) -> None:
        """Kill every process of the program and reap what is ours.  Returns when none is left."""
        while any(_state(pid) not in "ZX" for pid in self.pids()):
            if self._settings["private_pids"]:
                # One call for all processes of the namespace but PID 1: nothing can fork past it.
                with suppress(ProcessLookupError):
                    os.kill(-1, signal.SIGKILL)
            else:
                for sent in (signal.SIGSTOP, signal.SIGKILL):
                    for pid in list(self.pids()):
                        _signal(pid, sent)
            self._reap()
        self._reap()

    # The answers.  Each takes the question's fields and gives the answer and the descriptors that go along.

    def start(self, argv: list[str], *, terminal: bool, echo: bool, environment: dict[str, str]) -> _Answer:
        """Start a program on a terminal, which echoes what is typed or not, or on pipes.

        Descriptors: pidfd, stdin, stdout, stderr; a terminal's master is both stdin and stdout, and its other side goes
        along as the fifth, opened apart from the program's own.
        """
        self._killed_for_memory = False
        self._oom_kills = _oom_kills()
        with _files_of(self._settings["uid"]):
            ours, theirs = _open_terminal(echo=echo) if terminal else _open_pipes()
        complaint, complaint_end = os.pipe2(os.O_CLOEXEC)
        most_processes = self._process_limit()
        pid = os.fork()
        if pid == 0:
            _guarded(partial(self._exec, argv, environment, theirs, complaint_end, most_processes, terminal=terminal))
        os.close(complaint_end)
        for descriptor in set(theirs):
            if terminal and descriptor == theirs[0]:
                self._terminals.append(descriptor)  # else it would break when the program closes its standard streams
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
        # On a terminal stdin and stdout are one descriptor; each goes along once for itself.
        handed = (os.pidfd_open(pid), ours[0], os.dup(ours[1]) if ours[1] == ours[0] else ours[1], ours[2])
        other_side = (fcntl.ioctl(ours[0], _TIOCGPTPEER, _PEER_FLAGS),) if terminal else ()
        return {"pid": pid}, (*handed, *other_side)

    def _exec(
        self,
        argv: list[str],
        environment: dict[str, str],
        stdio: tuple[int, int, int],
        complaint: int,
        most_processes: int,
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
            self._limit(most_processes)
            _become(self._settings["uid"], self._settings["gid"])
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if self._filters:
                seccomp.install()
            os.execvpe(argv[0], argv, environment)  # noqa: S606 — the point of this project
        except OSError as error:
            os.write(complaint, f"{argv[0]}: {_why_not_executed(argv[0], environment, error)}".encode())
        except Exception as error:  # noqa: BLE001 — else the program would be blamed for having ended
            os.write(complaint, f"{_OUR_OWN}{error!r}".encode())

    def _limit(self, most_processes: int) -> None:
        settings = self._settings
        wanted = {
            # None for memory: what a program maps and never uses costs nothing, and gcc's sanitizers map terabytes.
            resource.RLIMIT_NPROC: most_processes,
            resource.RLIMIT_NOFILE: settings["open_files"],
            resource.RLIMIT_FSIZE: settings["disk_bytes"],
            resource.RLIMIT_CORE: 0,
        }
        for name, value in wanted.items():
            _, hard = resource.getrlimit(name)
            finite = [limit for limit in (value, hard) if limit != resource.RLIM_INFINITY]
            capped = min(finite, default=resource.RLIM_INFINITY)
            resource.setrlimit(name, (capped, capped))
        # When memory runs out, the program goes first, never the warden.
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")

    def _process_limit(self) -> int:
        processes = self._settings["processes"]
        if processes == 0:
            return resource.RLIM_INFINITY
        if self._settings["private_pids"]:
            return processes
        import psutil  # noqa: PLC0415 — see pids()

        # Without a namespace the kernel counts all processes of this user.
        return processes + count_of(self._settings["uid"], psutil.process_iter(["uids"]))

    def status(self, pid: int) -> _Answer:
        """How a process ended: `status` >= 0 exit status, < 0 minus the signal, None while it runs."""
        self._reap()
        out_of_memory = self._killed_for_memory or _oom_kills() > self._oom_kills
        return {"status": self._ended.get(pid), "out_of_memory": out_of_memory}, ()

    def snapshot(self, *, files: bool) -> _Answer:
        """What every process of the program does now (see `wire/stillness.py` for how it is read)."""
        return {"processes": [seen for pid in self.pids() if (seen := _process(pid, files=files))]}, ()

    def socket_timeouts(self, sockets: list[tuple[int, int]]) -> _Answer:
        """SO_RCVTIMEO or SO_SNDTIMEO of the program's sockets, given as (pid, fd): True, False, or None: not known."""
        return {"timed": [_timed(pid, fd) for pid, fd in sockets]}, ()

    def watched(self, sleepers: list[tuple[int, int, int, str, list[int]]]) -> _Answer:
        """The descriptors that sleeping threads wait to read from; None: not known, or it has woken up since.

        A thread is given as (pid, tid, context switches so far, call, arguments); the call is poll, select or
        epoll_wait.
        """
        return {"watched": [_watched(*sleeper) for sleeper in sleepers]}, ()

    def freeze(self) -> _Answer:
        """Stop every thread of the program.  Answers when all are stopped."""
        while True:
            states = {pid: _thread_states(pid) for pid in self.pids()}
            if all(set(found) <= {"T", "Z", "X"} for found in states.values()):
                return {"frozen": len(states)}, ()
            for pid in states:
                _signal(pid, signal.SIGSTOP)

    def thaw(self) -> _Answer:
        """Let it go on."""
        for pid in self.pids():
            _signal(pid, signal.SIGCONT)
        return {}, ()

    def send_signal(self, pid: int, number: int) -> _Answer:
        """Send a signal to one process."""
        _signal(pid, number)
        return {}, ()

    def end(self) -> _Answer:
        """End whatever still runs."""
        self.kill_all()
        self._ended.clear()
        while self._terminals:
            os.close(self._terminals.pop())
        return {}, ()

    ANSWERS: dict[str, Callable[..., _Answer]] = {  # noqa: RUF012 — a table, never changed
        "start": start,
        "status": status,
        "snapshot": snapshot,
        "socket_timeouts": socket_timeouts,
        "watched": watched,
        "freeze": freeze,
        "thaw": thaw,
        "send_signal": send_signal,
        "end": end,
    }


_Answer = tuple[dict[str, Any], tuple[int, ...]]


def count_of(uid: int, processes: Iterable[Any]) -> int:
    """How many processes, psutil's with their `uids` read, are a user's.

    Some have ended since they were read: of them nothing more may be asked.
    """
    users = (process.info["uids"] for process in processes)
    return sum(user is not None and bool(user.real == uid) for user in users)


def _guarded(function: Callable[[], None]) -> NoReturn:
    """Run the child's side of a fork; it never returns into the warden."""
    status = 1
    try:
        function()
        status = 0
    except BaseException as error:  # noqa: BLE001 — a child must not run on as a second warden
        sys.stderr.write(f"warden: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


def _become(uid: int, gid: int) -> None:
    """Give up every privilege for good: user, groups, capabilities, and the ways to get them back."""
    for capability in range(_CAP_LAST + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused without SETPCAP: then no_new_privs covers it
    if os.getuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    if _libc.capset(header, b"\0" * 24) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _why_not_executed(name: str, environment: dict[str, str], error: OSError) -> str:
    """Execvp's reason, but for a command that is nowhere: a folder of PATH that can't be entered is not its fault."""
    folders = environment["PATH"].split(os.pathsep)
    if error.errno == errno.EACCES and "/" not in name and not any(os.path.exists(f"{f}/{name}") for f in folders):
        return os.strerror(errno.ENOENT)
    return error.strerror or str(error)


@contextmanager
def _files_of(uid: int) -> Iterator[None]:
    """What is opened meanwhile belongs to that user, so that the program can open it again by name, as /dev/stdin."""
    before = _libc.setfsuid(uid)
    try:
        yield
    finally:
        _libc.setfsuid(before)


def _open_terminal(*, echo: bool) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """(our ends, the program's ends) of stdin, stdout, stderr: a terminal, and a pipe for stderr."""
    master, slave = pty.openpty()
    errors, errors_end = os.pipe()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    if not echo:
        flags = termios.tcgetattr(slave)
        flags[1] &= ~termios.OPOST  # what it prints comes as it is
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


def _read(path: str) -> str:
    """A file of /proc; empty when its process is gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _state(pid: int) -> str:
    """One letter of proc(5), X when gone; Z only when all its threads have ended."""
    return _state_of(_living(pid)[1]) or "X"


def _living(pid: int) -> tuple[str, str]:
    """The folder of /proc that tells of its memory and files, and what `status` says there.

    A first thread that has left by pthread_exit(3) has neither any more; then it is another that still lives.
    """
    folder = f"/proc/{pid}"
    status = _read(f"{folder}/status")
    if _state_of(status) == "Z" and _field(status, "Threads") not in {"0", "1"}:
        for task in (f"{folder}/task/{tid}" for tid in _tids(pid)):
            if _state_of(of_task := _read(f"{task}/status")) not in {"", "Z", "X"}:
                return task, of_task
    return folder, status


def _resident_bytes(pid: int) -> int:
    return _resident(f"/proc/{pid}") or _resident(_living(pid)[0])


def _resident(folder: str) -> int:
    fields = _read(f"{folder}/statm").split()
    return int(fields[1]) * resource.getpagesize() if fields else 0


def _own_bytes(pid: int) -> int:
    """Resident memory, of shared pages only this process's part (PSS of proc_pid_smaps_rollup(5))."""
    kilobytes = _field(_read(f"{_living(pid)[0]}/smaps_rollup"), "Pss").split()
    return int(kilobytes[0]) * 1024 if kilobytes else _resident_bytes(pid)


def _has_posix_timers(pid: int) -> bool:
    """Whether it has timers of timer_create(2); where the kernel does not show them, it may have some."""
    try:
        with open(f"/proc/{pid}/timers") as timers:
            return bool(timers.read())
    except OSError:
        return True


def _thread_states(pid: int) -> list[str]:
    return [_state_of(status) for tid in _tids(pid) if (status := _read(f"/proc/{pid}/task/{tid}/status"))]


def _tids(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def _state_of(status: str) -> str:
    return _field(status, "State")[:1]


def _field(status: str, name: str) -> str:
    _, _, rest = status.partition(f"\n{name}:")
    return rest.partition("\n")[0].strip()


def _process(pid: int, *, files: bool) -> dict[str, Any] | None:
    """One process as facts, or None when it is gone.  `files` adds its open files."""
    folder, status = _living(pid)
    if not status:
        return None
    # A program that waits for none of its children has hundreds of zombies: nothing more is to be seen of them.
    zombie = _state_of(status) == "Z" and _field(status, "Threads") in {"0", "1"}
    seen: dict[str, Any] = {
        "pid": pid,
        "parent": int(_field(status, "PPid")),
        "name": status.partition("\n")[0].partition("\t")[2],
        "state": _state_of(status),
        "resident_bytes": 0 if zombie else _resident(folder),
        "ignored_signals": int(_field(status, "SigIgn"), 16),
        "caught_signals": int(_field(status, "SigCgt"), 16),
        "blocked_signals": int(_field(status, "SigBlk"), 16),
        "posix_timers": False if zombie else _has_posix_timers(pid),
        "threads": [] if zombie else [thread for tid in _tids(pid) if (thread := _thread(pid, tid))],
    }
    if files and not zombie:
        seen["files"] = _files(folder)
    return seen


def _thread(pid: int, tid: str) -> dict[str, Any] | None:
    task = f"/proc/{pid}/task/{tid}"
    # The call first: the kernel shows it only of a thread that is off its CPU.  The state says "sleeping" a moment too
    # early, while the thread still runs towards its sleep and does not count as switched yet.  So a thread with one
    # count in two looks has slept from the status of the first to the call of the second.
    call = _read(f"{task}/syscall").split()
    status, sched = _read(f"{task}/status"), _read(f"{task}/schedstat").split()
    if not status or not sched:
        return None
    in_call = len(call) > 3  # "running" while on a CPU, "-1 sp pc" when blocked outside a call
    return {
        "tid": int(tid),
        "state": _state_of(status),
        "call": int(call[0]) if in_call else None,
        "arguments": [int(word, 16) for word in call[1:7]] if in_call else [],
        "switches": _switches(status),
        "ran_ns": int(sched[0]),
        "waited_ns": int(sched[1]),
    }


def _switches(status: str) -> int:
    return int(_field(status, "voluntary_ctxt_switches")) + int(_field(status, "nonvoluntary_ctxt_switches"))


def _watched(pid: int, tid: int, switches: int, call: str, arguments: list[int]) -> list[int] | None:
    """What one sleeping thread waits to read from."""
    try:
        found = _WATCHED[call](f"/proc/{pid}/task/{tid}", *arguments[:2])
        # As long as it has slept all the time, its memory was what the kernel was given.
        return found if _switches(_read(f"/proc/{pid}/task/{tid}/status")) == switches else None
    except (OSError, ValueError, struct.error):
        return None


#: poll(2) has two names for the same, and epoll_ctl(2) the same bits.
_READABLE = select.POLLIN | select.POLLRDNORM


def _memory(task: str, address: int, size: int) -> bytes:
    with open(f"{task}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size)


def _polled(task: str, address: int, count: int) -> list[int]:
    """Of poll(2): an array of struct pollfd."""
    entries = struct.iter_unpack("=ihh", _memory(task, address, 8 * min(count, _MOST_WATCHED)))
    return [fd for fd, events, _ in entries if fd >= 0 and events & _READABLE]


def _selected(task: str, count: int, address: int) -> list[int]:
    """Of select(2): a set of bits, in the order of bytes that both of our architectures have."""
    count = min(count, _MOST_WATCHED)
    bits = int.from_bytes(_memory(task, address, (count + 7) // 8), "little") if address else 0
    return [fd for fd in range(count) if bits >> fd & 1]


def _epolled(task: str, epoll: int, _: int) -> list[int]:
    """Of epoll_wait(2): proc_pid_fdinfo(5) lists what is registered, and for which events."""
    lines = (line.split() for line in _read(f"{task}/fdinfo/{epoll}").splitlines() if line.startswith("tfd:"))
    return [int(words[1]) for words in lines if int(words[3], 16) & _READABLE]


_MOST_WATCHED = 4096
_WATCHED: dict[str, Callable[[str, int, int], list[int]]] = {
    "poll": _polled,
    "select": _selected,
    "epoll_wait": _epolled,
}


def _files(folder: str) -> dict[str, str]:
    """Open descriptors and what they lead to, as its `fd` has them."""
    found = {}
    with suppress(OSError):
        for fd in os.listdir(f"{folder}/fd"):
            with suppress(OSError):
                found[fd] = os.readlink(f"{folder}/fd/{fd}")
    return found


def _timed(pid: int, fd: int) -> bool | None:
    """Whether a receive or send on that socket would end by a timeout of its own."""
    _, _, tid = _living(pid)[0].partition("/task/")
    try:
        pidfd = os.pidfd_open(int(tid), _PIDFD_THREAD) if tid else os.pidfd_open(pid)
    except OSError:
        return None
    try:
        taken = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, fd, 0)
        if taken < 0:
            return None
        with socket.socket(fileno=taken) as sock:
            size = struct.calcsize("ll")
            return any(
                any(struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, option, size)))
                for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
            )
    except OSError:
        return None
    finally:
        os.close(pidfd)


#: Where the kernel counts processes killed for want of memory: cgroup v2, then v1.
_OOM_FILES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def _oom_kills() -> int:
    """Processes of this container that the kernel has killed for memory; 0 where there is no such count."""
    for path in _OOM_FILES:
        for line in _read(path).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def main() -> None:
    """The container's entry point: settings and archive on standard input, the driver on a Unix socket."""
    settings: Settings = json.loads(read_frame(0))
    warden = Warden(settings)
    warden.unpack(read_frame(0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET_PATH)
        os.chmod(SOCKET_PATH, 0o600)
        listener.listen(1)
        readable, _, _ = select.select([listener.fileno(), 0], [], [])
        if listener.fileno() not in readable:
            return
        connection, _ = listener.accept()
    # The listener is closed before anything of the student's runs: nobody else can ever be the driver.
    warden.serve(Channel(connection), 0)


if __name__ == "__main__":
    main()
