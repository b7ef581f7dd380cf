"""The same class on a Dask cluster of three worker processes, one of which is killed on the way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import dask
import distributed
import psutil
import pytest

from grader import flow
from grader.assignment import load
from grader.class_ import cluster, work
from grader.class_.crew import of_this_machine
from grader.class_.files import Written
from grader.class_.outfolder import OutFolder
from grader.class_.run import Crew, Finished, Run, TriedAgain
from grader.class_.summary import checks_of
from grader.errors import CannotJudgeError, UsageError
from grader.sandbox.choose import Needs
from tests.class_ import calls
from tests.class_.made import hand_in
from tests.cli.command import REFERENCE, RIGHT, ROOT, make_assignment, wait_until

LOCAL = work.Place("local")


#: Its client leaves sockets to be collected, which fails whatever test is running then.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class Workers(NamedTuple):
    """A cluster: where its scheduler is, and the process that has the workers as children."""

    address: str
    process: psutil.Process


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    command = [sys.executable, "-m", "tests.class_.cluster_here"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("tcp://127.0.0.1:")
        yield Workers(address, psutil.Process(process.pid))
        process.stdin.close()


def rows_of(
    crew: Crew, request: flow.Request, out: Path, programs: dict[str, str]
) -> tuple[dict[str, float | None], int]:
    """Everybody's grade, and how many were tried again."""
    grades: dict[str, float | None] = {}
    again = 0
    with OutFolder.held(out) as folder:
        run = Run(request, checks_of(request), crew, folder, Written(folder, request.assignment.visibility))
        for event in run.rows(hand_in(out.parent / "in", programs).hand_ins):
            if isinstance(event, Finished):
                grades |= {row.student.key: row.grade for row in event.rows}
            else:
                assert isinstance(event, TriedAgain)
                again = event.count
    return grades, again


def test_the_gradebook_is_the_same_although_a_worker_is_killed(workers: Workers, folder: Path) -> None:
    small = load("small", make_assignment(folder / "assignments"))
    request = flow.Request(small, 5)
    wrong = (REFERENCE / "broken" / "never_answers.py").read_text()
    programs = {f"s{number}": f"{(RIGHT.read_text(), wrong)[number % 2]}\n# {number}\n" for number in range(5)}
    with of_this_machine(small, LOCAL, LOCAL.choice(Needs(small)), 1) as crew:
        expected, _ = rows_of(crew, request, folder / "here", programs)
    assert {*expected.values()} == {2, 4}
    with cluster.of_a_cluster(workers.address, small, LOCAL, None) as crew:
        assert crew.jobs == 3
        kill_one_that_grades(workers)
        assert rows_of(crew, request, folder / "there", programs) == (expected, 1)


def kill_one_that_grades(workers: Workers) -> None:
    """Kill a worker as soon as it has begun with a grading."""

    def busy() -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [worker for worker in workers.process.children() if any(map(grades, worker.children()))]
        return []

    def kill() -> None:
        assert wait_until(busy)
        busy()[0].kill()

    threading.Thread(target=kill, daemon=True).start()


def grades(process: psutil.Process) -> bool:
    """Whether it is a grading's."""
    return "grader.class_.child" in " ".join(process.cmdline())


def test_what_nobody_waits_for_any_more_ends(workers: Workers, tmp_path: Path) -> None:
    with distributed.Client(workers.address, set_as_default=False) as client:
        future = client.submit(cluster.apart, 60.0, calls.wait_forever, str(tmp_path), pure=False)
        assert wait_until((tmp_path / "began").exists)
        del future
    assert wait_until((tmp_path / "tidied").exists)


def test_only_workers_with_the_same_grader_get_work(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "sources", lambda: "another version")
    small = load("tcp_uppercase")
    with (
        pytest.raises(
            CannotJudgeError, match=r"none of the cluster's workers can grade: tcp.* has a different version"
        ),
        cluster.of_a_cluster(workers.address, small, LOCAL, None),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://10.0.0.1:8786", "use tls://"),
        ("tcp://example.org:8786", "use tls://"),
        ("8786", "is not an address like"),
        ("http://127.0.0.1:8786", "is not an address like"),
        ("tcp://127.0.0.1:port", "is not an address"),
        ("tcp://127.0.0.1", "is not an address like"),
    ],
)
def test_work_goes_over_tls_or_stays_here(address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        cluster.must_be_safe(address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:1", "tls://a.b:8786"])
def test_what_is_safe_is_accepted(address: str) -> None:
    cluster.must_be_safe(address)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "name no certificate"),
        (
            dict.fromkeys(("ca-file", "client.cert", "client.key"), "/nowhere.pem"),
            r"name a certificate that can't be used \(No such file or directory\)",
        ),
    ],
)
def test_without_a_certificate_it_says_where_to_name_one(settings: dict[str, str], words: str) -> None:
    with (
        dask.config.set({f"distributed.comm.tls.{name}": value for name, value in settings.items()}),
        pytest.raises(UsageError, match=rf"tls://a\.b:1: Dask's settings here {words} .*distributed\.comm\.tls"),
        cluster.of_a_cluster("tls://a.b:1", load("tcp_uppercase"), LOCAL, None),
    ):
        pass


class WithoutAGrader:
    """A client of a scheduler that can't load what it is asked to run."""

    def run_on_scheduler(self, _: object) -> None:
        raise ModuleNotFoundError("No module named 'grader'")


def test_a_scheduler_without_a_grader_is_named_as_that() -> None:
    with pytest.raises(CannotJudgeError, match=r"the scheduler has no grader .*install it where the scheduler runs"):
        cluster._have_strict(WithoutAGrader())


#: Slurm, as far as a script needs it that submits jobs.
SBATCH = """#!/bin/sh
cp "$1" "$JOBS/$$.sh" && echo "Submitted batch job $$"
"""


def test_the_page_s_script_for_slurm_asks_for_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "instructors.md").read_text()
    (typed,) = re.findall(r"```\n(mkdir [^`]*)```", page)
    (settings,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    jobs, tools, config = (tmp_path / name for name in ("jobs", "bin", "config"))
    for folder in (jobs, tools, config):
        folder.mkdir()
    (tools / "sbatch").write_text(SBATCH)
    (tools / "scancel").write_text("#!/bin/sh\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (config / "distributed.yaml").write_text(settings.replace("/home/jdoe", str(tmp_path)))
    own = {"HOME": str(tmp_path), "DASK_CONFIG": str(config), "JOBS": str(jobs)}
    environment = {**os.environ, **own, "PATH": f"{tools}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-ec", typed], env=environment, check=True, stderr=subprocess.DEVNULL)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        wait_until(lambda: len([*jobs.iterdir()]) == 5 or process.poll() is not None, 30)
        address = os.read(process.stdout.fileno(), 100).decode()
        process.stdin.write(b"\n")
    written = [path.read_text() for path in jobs.iterdir()]
    assert len(written) == 5
    assert address.startswith("tls://")
    for words in (
        address,
        "--cpus-per-task=4",
        "--mem=8G",
        "-t 04:00:00",
        "--nthreads 1",
        "--nworkers 4",
        "--tls-cert",
    ):
        assert all(words in one for one in written)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    small = load("tcp_uppercase")
    with (
        pytest.raises(UsageError, match=r"socket-grader\[cluster\]"),
        cluster.of_a_cluster("tcp://127.0.0.1:1", small, LOCAL, None),
    ):
        pass
