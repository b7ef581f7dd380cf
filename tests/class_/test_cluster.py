"""The same class on a Dask cluster of three worker processes, one of which is killed on the way."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

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


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    small = load("tcp_uppercase")
    with (
        pytest.raises(UsageError, match=r"socket-grader\[cluster\]"),
        cluster.of_a_cluster("tcp://127.0.0.1:1", small, LOCAL, None),
    ):
        pass
