"""Starting a program: its standard streams, its limits, and what happens between fork and exec.

The child becomes a session of its own with the terminal as its controlling terminal, gives up every right, installs the
filter of system calls and executes the program.  If that fails it says why on a pipe that execve(2) closes: whatever
comes there is a complaint, and the end of it means that the program runs.

Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import signal
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from grader.link import hidden
from grader.link.settings import Settings
from grader.sandbox import proc, seccomp
from grader.sandbox.children import become, forked

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
#: "Yama", and anybody: where only ancestors may trace (ptrace_scope 1), its own user's tools may all the same.
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)
#: How much the kernel reads of a script's first line (BINPRM_BUF_SIZE of binfmts.h).
_LONGEST_FIRST_LINE = 256
#: The beginning of a complaint that is not about the program.
_OUR_OWN = "\0"
#: Why execve(2) may fail that no program can help: the machine has no memory, or no open files left, or can't read.
_THE_MACHINES = frozenset({errno.ENOMEM, errno.ENFILE, errno.EIO})


@dataclass(frozen=True)
class NotStarted:
    """Why a program does not run; `ours`: it is not the program's fault."""

    why: str
    ours: bool


class Launcher:
    """Starts programs; made while none runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._filters = seccomp.available()
        if self._filters:
            seccomp.translated()  # here, and not in each child
        # Programs have the priority that we had before we raised our own.
        self._priority = os.getpriority(os.PRIO_PROCESS, 0)
        self._most_processes = resource.RLIM_INFINITY  # nothing that could have been refused any was started yet

    @property
    def is_at_its_limit(self) -> bool:
        """Whether the program's user has as many processes and threads as the last program may have."""
        limited = self._most_processes != resource.RLIM_INFINITY
        return limited and proc.tasks_of(self._settings["uid"]) >= self._most_processes

    def launch(
        self,
        argv: list[str],
        environment: dict[str, str],
        stdio: tuple[int, int, int],
        *,
        terminal: bool,
        follow: Callable[[int], None] | None = None,
        listen: Callable[[int | None], None],
    ) -> int | NotStarted:
        """Execute a program with these standard streams; its pid, once it runs.

        `terminal`: standard input is one, and will control it.  `follow`: called with its pid before it is executed.
        `listen`: called before that with where its calls are told (`clocks.py`).
        """
        complaint, complaint_end = os.pipe2(os.O_CLOEXEC)
        self._most_processes = self._process_limit()
        ours, its = gate = socket.socketpair()
        waits = follow is not None
        exec_ = partial(self._exec, argv, environment, stdio, complaint_end, terminal=terminal, gate=gate, waits=waits)
        pid = forked(exec_)
        os.close(complaint_end)
        its.close()
        ready, listeners, _, _ = socket.recv_fds(ours, 1, 1)
        if ready:  # else it says on the other pipe why it can't be executed
            listen(listeners[0] if listeners else None)
            if follow:
                follow(pid)
        ours.close()
        words = b""
        while chunk := os.read(complaint, 4096):
            words += chunk
        os.close(complaint)
        if not words:
            return pid
        os.waitpid(pid, 0)
        why = words.decode(errors="replace")
        return NotStarted(why.removeprefix(_OUR_OWN), ours=why.startswith(_OUR_OWN))

    def _exec(
        self,
        argv: list[str],
        environment: dict[str, str],
        stdio: tuple[int, int, int],
        complaint: int,
        *,
        terminal: bool,
        gate: tuple[socket.socket, socket.socket],
        waits: bool,
    ) -> None:
        try:
            os.setsid()
            if terminal:
                fcntl.ioctl(stdio[0], termios.TIOCSCTTY, 0)
            for number, descriptor in enumerate(stdio):
                os.dup2(descriptor, number)
            _take_all_signals()
            signal.set_wakeup_fd(-1)
            os.umask(0o022)
            try:
                os.chdir(self._settings["work"])
            except OSError as error:  # only a program of this run can have done that
                os.write(complaint, f"the folder that it was in is gone: {error.strerror}".encode())
                return
            self._limit()
            become(self._settings["uid"], self._settings["gid"])
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _libc.prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
            if waits:
                _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # as every program is once it is executed
            # From here on others of its user may look into it, so what it is to be kept from comes before it waits.
            listener = seccomp.install_noticing() if self._filters else None
            if self._filters:
                seccomp.install()
            ours, its = gate
            ours.close()
            socket.send_fds(its, [b"r"], [] if listener is None else [listener])
            if waits:
                its.recv(1)  # the end of it, when the other side is closed
            try:
                execute(argv, environment)
            except OSError as error:
                owner = _OUR_OWN if error.errno in _THE_MACHINES else ""
                os.write(complaint, f"{owner}{argv[0]}: {_why_not_executed(argv[0], environment, error)}".encode())
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
        with suppress(PermissionError):  # we have been given a lower one meanwhile, and so has the program
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


def _take_all_signals() -> None:
    """As a program has them that is started from a terminal: what is ignored or blocked stays so when it is executed.

    CPython ignores two, a shell two of what it runs behind it (`&`), nohup one, and whoever starts the grader may block
    any.
    """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def execute(argv: list[str], environment: dict[str, str]) -> None:
    """Become the program, as os.execvpe does; if that fails, the reason is that of the file that is there.

    Os.execvpe raises what the first folder of PATH that can't be entered says, whatever is behind it.

    Raises:
        OSError: the command is nowhere, or can't be executed where it is.
    """
    reason: OSError | None = None
    for path in _places_of(argv[0], environment):
        try:
            os.execve(path, argv, environment)  # noqa: S606 — the point of this project
        except OSError as error:
            if reason is None or os.path.exists(path):
                reason = error
    if reason is not None:
        raise reason


def _places_of(name: str, environment: dict[str, str]) -> list[str]:
    """Where a command may be."""
    return [f"{folder}/{name}" for folder in environment["PATH"].split(os.pathsep)] if "/" not in name else [name]


def _why_not_executed(name: str, environment: dict[str, str], error: OSError) -> str:
    """Execvp's reason, but for a command that is nowhere: a folder of PATH that can't be entered is not its fault.

    Of a script the kernel says that it does not exist, or is no program, where something is wrong with its first line.
    """
    there = [path for path in _places_of(name, environment) if os.path.exists(path)]
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


def open_terminal(*, echo: bool, piped: bool) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """(our ends, the program's ends) of stdin, stdout, stderr: a terminal, and a pipe for stderr."""
    master, slave = os.openpty()
    errors, errors_end = os.pipe()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    if not echo:
        flags = termios.tcgetattr(slave)
        flags[1] &= ~termios.OPOST  # what it prints comes unchanged
        flags[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, flags)
    output, output_end = os.pipe() if piped else (master, slave)
    return (master, output, errors), (slave, output_end, errors_end)


def open_pipes() -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The same of three pipes."""
    stdin_end, stdin = os.pipe()
    stdout, stdout_end = os.pipe()
    stderr, stderr_end = os.pipe()
    return (stdin, stdout, stderr), (stdin_end, stdout_end, stderr_end)
