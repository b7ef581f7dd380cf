"""Running the real command, and finding what it leaves behind.

Every command gets a mark of its own: in its environment (which the grader's processes inherit) and in the file name of
the submission (which the program's processes carry in their arguments).  A process that carries it belongs to the run,
whoever its parent is by now.  Containers and volumes are known by their owner's label, which names the command's pid.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from grader.assignment import load

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = ROOT / "tests" / "hostile"
REFERENCE = ROOT / "reference" / "tcp_uppercase"
RIGHT = REFERENCE / "good" / "threads.py"
UPPERCASE = load("tcp_uppercase")
#: Any command here ends within it, or hangs.
PATIENCE_S = 60.0
#: After the host's end nothing of a run may be there for longer.  It takes under three seconds, on a busy machine more.
TIDY_S = 15.0
#: Where a program could have left a file.
_PLACES = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/root", "/opt", "/home", str(ROOT))

_CHECKS = (
    ("server.listens", "1.1", ""),
    ("server.answers", "2.1", ""),
    ("server.ctrl_c_stops", "3.1", ""),
    ("server.leaves_nothing_running", "3.2", "server.answers"),
)


def make_assignment(
    folder: Path, limits: Mapping[str, float] | None = None, checks: Sequence[tuple[str, str, str]] = _CHECKS
) -> Path:
    """An assignment `small` below `folder`: upper case, few checks of a point each, and limits of its own."""
    small = folder / "small"
    small.mkdir(parents=True)
    shutil.copy(ROOT / "assignments" / "tcp_uppercase" / "protocol.py", small)
    lines = ['title = "Small"', 'roles = ["server"]', 'transport = "tcp"']
    for check, requirement, needs in checks:
        needed = f'["{needs}"]' if needs else "[]"
        lines += [f'checks.{check} = {{ requirement = "{requirement}", points = 1, needs = {needed} }}']
    lines += ["[limits]", *(f"{name} = {value}" for name, value in (limits or {}).items())]
    (small / "assignment.toml").write_text("\n".join(lines) + "\n")
    numbers = dict.fromkeys(requirement for _, requirement, _ in checks)
    (small / "handout.md").write_text("# Small\n\n" + "\n".join(f"- **{n}** Requirement {n}." for n in numbers) + "\n")
    return folder


@dataclass(frozen=True)
class Ended:
    """What a command gave.  `took_s`: wall time."""

    code: int
    out: str
    err: str
    took_s: float

    def report(self) -> dict[str, Any]:
        """Standard output as a report, when it was asked for by `--json -`."""
        report: dict[str, Any] = json.loads(self.out)
        return report

    def outcomes(self) -> dict[str, str]:
        """Each check's outcome, by id."""
        return {check["id"]: check["outcome"] for check in self.report()["checks"]}

    def check(self, check_id: str) -> dict[str, Any]:
        """One check's result."""
        found: dict[str, Any] = next(check for check in self.report()["checks"] if check["id"] == check_id)
        return found


@dataclass
class Command:
    """One run of the command, in a folder of its own, with a mark of its own."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    python: str = sys.executable
    mark: str = field(default_factory=lambda: f"mark{secrets.token_hex(6)}")
    process: subprocess.Popen[str] | None = None

    @property
    def scratch(self) -> Path:
        """Where the command's temporary files go: empty again when it has ended."""
        path = self.folder / "scratch"
        path.mkdir(exist_ok=True)
        path.chmod(0o1777)
        return path

    def submit(self, program: Path, *more: Path, name: str = "server") -> Path:
        """A submission folder with this program as the server (its file name carries the mark) and more files."""
        folder = self.folder / f"submission-{self.mark}"
        folder.mkdir()
        shutil.copy(program, folder / f"{name}_{self.mark}{program.suffix}")
        for path in more:
            shutil.copy(path, folder)
        return folder

    def submit_text(self, text: str, suffix: str = ".py", **files: str) -> Path:
        """A submission whose server is this text; `files` by name with `_` for the dot."""
        folder = self.folder / f"submission-{self.mark}"
        folder.mkdir()
        (folder / f"server_{self.mark}{suffix}").write_text(text)
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_text(content.replace("MARK", self.mark))
        return folder

    def start(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start it; its output goes to files, so that it never waits for us."""
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
        environment = {**kept, "TMPDIR": str(self.scratch), "GRADER_TEST_MARK": self.mark, **self.environment}
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                # Who starts the tests in the background may have let them ignore Ctrl-C.
                ["env", "--default-signal=INT", *self.prefix, self.python, "-m", "grader", *map(str, arguments)],
                cwd=cwd or self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
            )
        return self.process

    def run(self, *arguments: str | Path, patience_s: float = PATIENCE_S, cwd: Path | None = None) -> Ended:
        """Run it to its end."""
        began = time.monotonic()
        process = self.start(*arguments, cwd=cwd)
        try:
            code = process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        took_s = time.monotonic() - began
        out, err = ((self.folder / name).read_bytes().decode() for name in ("out", "err"))
        return Ended(code, out, err, took_s)

    # What belongs to it

    def processes(self) -> list[str]:
        """Its processes but the command itself: pid and words."""
        own = self.process.pid if self.process and self.process.poll() is None else 0
        return [f"{pid} {words}" for pid, words in _marked(self.mark.encode()) if pid not in {own, os.getpid()}]

    def engine_things(self, client: docker.DockerClient) -> list[str]:
        """Its containers and volumes."""
        assert self.process is not None
        api = client.api
        things = [*api.containers(all=True, filters={"label": "grader.run"})]
        things += api.volumes(filters={"label": "grader.run"})["Volumes"] or []
        pid = str(self.process.pid)
        return [str(t.get("Names") or t.get("Name")) for t in things if _owner_pid(t["Labels"]) == pid]

    def files(self) -> list[str]:
        """Files it has left: anything in its scratch folder, anything that carries the mark elsewhere."""
        left = [str(path) for path in self.scratch.iterdir()]
        for folder in (Path(name) for name in _PLACES):
            left += [str(path) for path in folder.glob(f"*{self.mark}*")]
        return left

    def left_behind(self, client: docker.DockerClient | None = None) -> list[str]:
        """Everything of it that is still there."""
        return [*self.processes(), *self.files(), *(self.engine_things(client) if client else ())]


#: Whether it starts once more matters too: setpriv starts it with rights that it then gives up.
_TRY_INTERPRETER = """
import subprocess, sys
import click, docker, msgspec, pytest, rich, grader
subprocess.run([sys.executable, "-c", ""], check=True)
"""
_REFUSE_NAMESPACES = """
import os, pathlib, sys
from grader.sandbox import namespaces
namespaces.enter_user_and_network()
pathlib.Path("/proc/sys/user/max_user_namespaces").write_text("0")
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class User:
    """How to run the command as somebody who is not root.  `prefix`: put before the command."""

    prefix: tuple[str, ...]
    python: str
    environment: dict[str, str]

    def refused_namespaces(self) -> User:
        """The same user where the kernel refuses every namespace, as it does in most containers and on some laptops."""
        # In a namespace of our own, since the limit is one for the whole of it, and its network is nobody else's.
        prefix = (sys.executable, "-c", _REFUSE_NAMESPACES, *self.prefix)
        return User(prefix, self.python, self.environment)

    def can(self, *command: str) -> bool:
        """Whether a command works for that user."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run([*self.prefix, *command], env=environment, capture_output=True, check=False)
        return done.returncode == 0

    def command(self, folder: Path) -> Command:
        """A command in `folder` that this user runs."""
        return Command(folder, environment=self.environment, prefix=self.prefix, python=self.python)


def ordinary_user() -> User | None:
    """Ourselves, or `nobody` when we are root; None when `nobody` has no interpreter here that could run the grader."""
    if os.geteuid() != 0:
        return User((), sys.executable, {})
    nobody = pwd.getpwnam("nobody")
    prefix = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_uid}", "--clear-groups")
    # Ours may be where only root may go; another of the same version can use the same packages.
    packages = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        user = User(prefix, python, {"PYTHONPATH": os.pathsep.join(packages), "HOME": "/nonexistent"})
        if user.can(python, "-c", _TRY_INTERPRETER):
            return user
    return None


def wait_until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> bool:
    """Look until something holds; False when it does not within the time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.01)  # /proc and the engine tell nobody when they change
    return True


def assert_nothing_left(command: Command, client: docker.DockerClient | None = None) -> None:
    """Within TIDY_S nothing of the run may be there."""
    gone = wait_until(lambda: not command.left_behind(client), TIDY_S)
    assert gone, command.left_behind(client)


def _owner_pid(labels: dict[str, str]) -> str:
    """From `host:pid:started`."""
    return labels["grader.owner"].rsplit(":", 2)[1]


def _marked(mark: bytes) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            if (mark in words or mark in (entry / "environ").read_bytes()) and _alive(entry):
                yield int(entry.name), words.replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue


def _alive(entry: Path) -> bool:
    # As bytes: in text a carriage return in its name would begin a line.
    return b"\nState:\tZ" not in (entry / "status").read_bytes()
