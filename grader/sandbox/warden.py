"""The warden: first process of the sandbox and parent of the student's program.

It unpacks the submission, starts programs on a pseudo-terminal or pipes (`launching.py`), hands their descriptors to
the driver, and reports what the kernel knows about them (`eyes.py`, `proc.py`).  It freezes, thaws, signals, reaps and
ends them (`crowd.py`), has the places that they wrote in put back (`places.py`), and kills everything when its lifeline
ends.  It reads no checks and no expected replies, decides nothing about marks, and trusts nothing that the program
says.

Every question is answered or refused, whatever the program does, and within a bounded time.  If something can't be
ended in that time, the warden says so and exits, which ends its process namespace and everything in it.

Standard library only.  Wire format: `channel.py`; questions: the table in `Warden.__init__`.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import io
import json
import os
import select
import shutil
import signal
import socket
import tarfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from grader.link.channel import Channel, ChannelClosedError, read_frame
from grader.link.settings import SOCKET_PATH, Settings
from grader.sandbox import counts, handed, launching, users, workfolder
from grader.sandbox.children import become, done_as, forked
from grader.sandbox.clocks import Clocks
from grader.sandbox.crowd import Crowd, StillThereError, send_signal
from grader.sandbox.deeds import Deed
from grader.sandbox.eyes import Eyes
from grader.sandbox.launching import Launcher, NotStarted
from grader.sandbox.locating import Locator
from grader.sandbox.memory import MemoryWatch
from grader.sandbox.places import Places
from grader.sandbox.users import Rights

_TIOCGPTPEER = 0x5441  # ioctl_tty(2): opens a pseudo-terminal's other side, whatever this process's /dev/pts is
_PEER_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
_FIRST = -20  # setpriority(2)


class Answer(NamedTuple):
    """Fields, and descriptors that go along and are closed here afterwards."""

    fields: dict[str, Any]
    descriptors: tuple[int, ...] = ()


class Warden:
    """One sandbox's life: unpack, then answer the driver until it or the host is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._user = settings["uid"], settings["gid"]
        self._terminals: list[int] = []
        self._killed_for_memory = False
        self._memory = MemoryWatch(settings["memory_bytes"], charged=settings["own_cgroup"], places=settings["places"])
        self._oom_kills, self._refusals = counts.killed_for_memory(), counts.refused_processes()
        self._for_another = settings["uid"] != os.geteuid()
        self._rights = Rights(*self._user)
        # Without namespaces its user alone tells what is the program's, if that is no other's.
        alone = self._for_another and not settings["private_pids"]
        self._launcher = Launcher(settings)
        if settings["own_cgroup"]:
            # Within the group a program of 256 busy processes has a quarter of its time to leave, and no more.
            with suppress(PermissionError):  # an engine without root
                os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
        self._crowd = Crowd(settings, self._rights, alone=alone)
        self._places = Places(settings, self._rights, alone=alone)
        self._clocks = Clocks()
        self._eyes = eyes = Eyes(self._crowd, self._rights, self._clocks)
        self._locator = locator = Locator(self._crowd, settings)
        # A program of the same user could end PID 1 by any signal that has a handler, as SIGINT has in Python; to all
        # others from inside its namespace it is deaf (pid_namespaces(7)).
        exposed = settings["private_pids"] and not self._for_another
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, signal.SIG_DFL if exposed else self._leave)
        #: The driver's questions.  Each takes the question's fields and gives the answer's.
        self._answers: dict[str, Callable[..., Answer | dict[str, Any]]] = {
            "work_folder": self._work_folder,
            "lacking": self._lacking,
            "remember": self._remember,
            "read_file": self._read_file,
            "write_file": self._write_file,
            "places": locator.places,
            "places_told": locator.told,
            "followed": locator.followed,
            "may_lose_a_child": locator.may_lose_a_child,
            "start": self._start,
            "status": self._status,
            "refused_processes": self._refused_processes,
            "snapshot": eyes.snapshot,
            "cpu_time": eyes.cpu_time,
            "socket_timeouts": eyes.socket_timeouts,
            "small_send_buffers": eyes.small_send_buffers,
            "held_bytes": eyes.held_bytes,
            "watched": eyes.watched,
            "in_foreground": eyes.in_foreground,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "send_signal": self._send_signal,
            "end": self._end,
        }

    def _leave(self, *_: object) -> None:
        raise SystemExit(0)

    def lay_files(self, archive: bytes) -> None:
        """Lay the assignment's files (a clean tar) where its programs can read them; its folder is made if need be."""
        if self._settings["files"]:
            os.makedirs(self._settings["files"], exist_ok=True)
            _extract(archive, self._settings["files"])

    def unpack(self, archive: bytes) -> None:
        """Unpack the submission (a clean tar) into the work folder, as the program's user."""
        _, status = os.waitpid(forked(partial(self._unpack_as_user, archive)), 0)
        if status:
            raise SystemExit(f"unpacking exited with status {os.waitstatus_to_exitcode(status)}")

    def _unpack_as_user(self, archive: bytes) -> None:
        become(self._settings["uid"], self._settings["gid"])
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
                self._crowd.kill_all()

    def _answer(self, driver: Channel, question: dict[str, Any]) -> None:
        try:
            told = self._answers[question.pop("ask")](**question)
            answer = told if isinstance(told, Answer) else Answer(told)
        except StillThereError as error:
            driver.send({"error": str(error)})
            raise
        except Exception as error:  # noqa: BLE001 — refused; the next question may well be answered
            answer = Answer({"error": str(error) if isinstance(error, OSError) else repr(error), "ours": True})
        try:
            driver.send(*answer)
        finally:
            for descriptor in answer.descriptors:
                os.close(descriptor)

    def _wait(self, driver: Channel, lifeline: int) -> bool:
        """Wait until the driver asks (True) or the host is gone (False).  Reaps and watches memory meanwhile."""
        while True:
            timeout_s = self._memory.wait_s() if self._crowd.somebody() else None
            watched = [driver.fileno(), lifeline, self._crowd.fileno(), *self._clocks.filenos()]
            readable, _, _ = select.select(watched, [], [], timeout_s)
            self._crowd.notice()
            self._clocks.notice()
            with self._rights.looking():
                exceeded = self._memory.exceeded(self._crowd.pids)
            if exceeded:
                self._killed_for_memory = True
                self._crowd.kill_all()
            if lifeline in readable and not os.read(lifeline, 4096):
                return False
            if driver.fileno() in readable:
                return True

    # The answers

    def _work_folder(self) -> dict[str, Any]:
        """The files in the work folder that can be executed and begin like a program or a script."""
        with self._rights.looking():
            return {"programs": dict(workfolder.programs(self._settings["work"]))}

    def _lacking(self, commands: list[str], path: str) -> dict[str, Any]:
        """Which of these commands the program's user can't execute from any of these folders."""

        def missing() -> list[str]:
            return [command for command in commands if shutil.which(command, path=path) is None]

        found = users.answered_as(*self._user, missing) if self._for_another else missing()
        return {"lacking": found or []}

    def _remember(self) -> dict[str, Any]:
        """Building is done: every program will find the places that it can write in as they are now."""
        try:
            self._places.remember()
        except workfolder.TooMuchError as error:
            return {"error": str(error)}
        return {}

    def _read_file(self, path: str, most_bytes: int) -> dict[str, Any]:
        """The content of a file in the work folder, in base64, up to so many bytes; `none`: why it can't be had."""
        return self._with_file(lambda: handed.read(self._settings["work"], path, most_bytes))

    def _write_file(self, path: str, content: str) -> dict[str, Any]:
        """Make a file in the work folder with this content, in base64; `none`: why it can't be made."""

        def write() -> bytes:
            handed.write(self._settings["work"], path, base64.b64decode(content))
            return b""

        return self._with_file(write)

    def _with_file(self, use: Callable[[], bytes]) -> dict[str, Any]:
        """What a child does with a file as the program's user."""
        with open(os.memfd_create("grader-file"), "w+b") as told:

            def tell() -> None:
                try:
                    words = {"content": base64.b64encode(use()).decode()}
                except handed.NoFileError as error:
                    words = {"none": str(error)}
                told.write(json.dumps(words).encode())
                told.flush()

            if done_as(*self._user, tell):
                return {"none": "could not be looked at in time"}
            told.seek(0)
            answer: dict[str, Any] = json.load(told)
        return answer

    def _start(
        self,
        argv: list[str],
        *,
        terminal: bool,
        echo: bool,
        piped: bool,
        environment: dict[str, str],
        afresh: bool,
        lay: dict[str, str],
        followed: Deed | None,
    ) -> Answer:
        """Start a program on a terminal, which echoes what is typed or not, or on pipes.

        `piped`: its standard output is a pipe even if its standard input is a terminal.
        `afresh`: nothing of it runs any more, and it finds everything as it was after building.  `lay`: files that it
        finds in its folder as well, in place of its own, by name (base64).  `followed`: by a tracer, until
        it crashes or does that, so that `followed` can be asked.
        Descriptors: pidfd, stdin, stdout, stderr; a terminal's master is stdin and, unless that is a pipe, stdout, and
        its other side goes along as the fifth, opened apart from the program's own.
        """
        self._killed_for_memory = False
        self._oom_kills, self._refusals = counts.killed_for_memory(), counts.refused_processes()
        if afresh and (why := self._places.tidy()):
            return Answer({"error": why})
        for name, content in lay.items():
            if "none" in (answer := self._write_file(name, content)):
                return Answer({"error": f"the file {name!r} that it is to find {answer['none']}"})
        try:
            with users.acting_as(*self._user):  # so that the program can open them again by name, as /dev/stdin
                opened = launching.open_terminal(echo=echo, piped=piped) if terminal else launching.open_pipes()
        except OSError as error:
            if error.errno != errno.ENOSPC or afresh:  # with no other program running, the machine itself has none left
                raise
            return Answer({"error": "the running program holds all pseudo-terminals"})
        ours, theirs = opened
        # Before it runs: a program can close its terminal to all others (TIOCEXCL of ioctl_tty(2)).
        other_side = (fcntl.ioctl(ours[0], _TIOCGPTPEER, _PEER_FLAGS),) if terminal else ()
        follow = partial(self._locator.follow, followed) if followed else None
        listen = self._clocks.listen
        pid = self._launcher.launch(argv, environment, theirs, terminal=terminal, follow=follow, listen=listen)
        for descriptor in set(theirs):
            if terminal and descriptor == theirs[0]:
                self._terminals.append(descriptor)  # or it would break when the program closes its standard streams
            else:
                os.close(descriptor)
        if isinstance(pid, NotStarted):
            for descriptor in {*ours, *other_side}:
                os.close(descriptor)
            return Answer({"error": pid.why, "errno": 0, "ours": pid.ours})
        self._crowd.is_new(pid)
        # Where stdin and stdout are both the terminal, they are one descriptor, which is passed twice.
        handed = (os.pidfd_open(pid), ours[0], os.dup(ours[1]) if ours[1] == ours[0] else ours[1], ours[2])
        self._eyes.wait_shown(pid)
        return Answer({"pid": pid}, (*handed, *other_side))

    def _status(self, pid: int) -> dict[str, Any]:
        """How a process ended: `status` >= 0 exit status, < 0 minus the signal, None while it runs."""
        status = self._crowd.status(pid)
        out_of_memory = self._killed_for_memory or counts.killed_for_memory() > self._oom_kills
        return {"status": status, "out_of_memory": out_of_memory}

    def _refused_processes(self) -> dict[str, Any]:
        """Whether the program that was started last wanted more processes and threads than it may have.

        Without a count of the kernel's: whether it has as many as it may.
        """
        if self._settings["own_cgroup"]:
            return {"refused": counts.refused_processes() > self._refusals}
        return {"refused": self._launcher.is_at_its_limit}

    def _freeze(self) -> dict[str, Any]:
        """Stop every thread of the program.  Answers when all are stopped, or (`stopped`: False) can't be."""
        return {"stopped": self._crowd.freeze()}

    def _thaw(self) -> dict[str, Any]:
        """Let it continue."""
        self._crowd.thaw()
        return {}

    def _send_signal(self, pid: int, number: int) -> dict[str, Any]:
        """Send a signal to one process, or to a process group (minus its number)."""
        send_signal(pid, number)
        return {}

    def _end(self) -> dict[str, Any]:
        """End whatever is still running."""
        self._crowd.kill_all()
        self._crowd.forget()
        self._clocks.forget()
        while self._terminals:
            os.close(self._terminals.pop())
        return {}


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


def main() -> None:
    """The container's entry point: settings and two archives on standard input, the driver on a Unix socket."""
    settings: Settings = json.loads(read_frame(0))
    settings["own_cgroup"] = settings["own_cgroup"] and counts.are_kept()
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
