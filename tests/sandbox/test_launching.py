"""Programs are started whatever has become of our own priority meanwhile, or it is told why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from grader.link.settings import Settings
from grader.sandbox.children import forked
from grader.sandbox.launching import Launcher, NotStarted, execute

_LATER_NICENESS = 5


def settings() -> Settings:
    """Of a sandbox for the user that we are."""
    return Settings(
        uid=os.getuid() or 65534,
        gid=os.getgid() or 65534,
        work="/",
        places=[],
        caches="",
        files="",
        private_pids=False,
        own_cgroup=True,
        memory_bytes=1 << 30,
        processes=100,
        open_files=100,
        disk_bytes=1 << 30,
        disk_files=100,
        patience_s=10.0,
    )


def test_a_program_is_started_when_we_were_given_a_lower_priority_meanwhile() -> None:
    """Somebody calls renice(1) for a class that is being graded; an ordinary user may not take that back."""
    said, say = os.pipe()

    def launch() -> None:
        asked = settings()
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(asked["gid"], asked["gid"], asked["gid"])
            os.setresuid(asked["uid"], asked["uid"], asked["uid"])
        launcher = Launcher(asked)
        os.nice(_LATER_NICENESS)
        started = launcher.launch(["true"], {"PATH": os.defpath}, (0, 1, 2), terminal=False, listen=lambda _: None)
        words = started.why if isinstance(started, NotStarted) else "it runs"
        os.write(say, words.encode())

    pid = forked(launch)
    os.close(say)
    os.waitpid(pid, 0)
    with os.fdopen(said) as file:
        assert file.read() == "it runs"


def _file(path: Path, mode: int) -> str:
    path.parent.mkdir()
    path.write_bytes(b"\0 no program")
    path.chmod(mode)
    return str(path.parent)


def test_a_folder_that_comes_first_does_not_hide_why_the_command_could_not_be_executed(tmp_path: Path) -> None:
    folders = [_file(tmp_path / "first" / "tool", 0o644), _file(tmp_path / "second" / "tool", 0o755)]
    with pytest.raises(OSError, match="Exec format error") as raised:
        execute(["tool"], {"PATH": ":".join([*folders, str(tmp_path / "third")])})
    assert raised.value.errno == errno.ENOEXEC


def test_a_command_that_is_nowhere_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        execute(["no-such-tool"], {"PATH": f"{tmp_path}/one:{tmp_path}/two"})
