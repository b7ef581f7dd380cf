"""Each call in a process of its own: what breaks one breaks no other, and none outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from grader.class_.processes import BrokenCallError, Processes
from grader.errors import UsageError
from tests.class_ import calls
from tests.cli.command import ROOT, wait_until


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes(2, limit_s=30) as executor:
        yield executor


def test_results_come_back_whatever_they_are(processes: Processes) -> None:
    assert processes.submit(pow, 2, 10).result() == 1024
    assert processes.submit(bytes, 3).result() == b"\0\0\0"


def test_calls_are_in_processes_of_their_own_and_one_that_ended_well_is_used_again(tmp_path: Path) -> None:
    with Processes(2, limit_s=30) as executor:
        both = [executor.submit(calls.meet, str(tmp_path), 2) for _ in range(2)]
        pids = {future.result() for future in both}
        assert len(pids - {os.getpid()}) == 2
        assert executor.submit(os.getpid).result() in pids
        with pytest.raises(BrokenCallError):
            executor.submit(signal.raise_signal, signal.SIGKILL).result()
        assert [executor.submit(abs, -1).result() for _ in range(3)] == [1, 1, 1]
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_one_that_died_while_it_did_nothing_costs_nobody(processes: Processes) -> None:
    idle = psutil.Process(processes.submit(os.getpid).result())
    idle.kill()
    os.waitid(os.P_PID, idle.pid, os.WEXITED | os.WNOWAIT)  # a zombie's other threads may still be exiting
    assert processes.submit(abs, -1).result() == 1


def test_what_ends_one_ends_no_other(processes: Processes) -> None:
    killed = processes.submit(signal.raise_signal, signal.SIGKILL)
    left = processes.submit(os._exit, 5)
    good = processes.submit(abs, -1)
    with pytest.raises(BrokenCallError, match=r"was killed \(SIGKILL"):
        killed.result()
    with pytest.raises(BrokenCallError, match="exited with status 5"):
        left.result()
    assert good.result() == 1


def test_errors_of_ours_arrive_as_they_are_and_others_in_a_sentence(processes: Processes) -> None:
    with pytest.raises(UsageError, match=r"^no such thing$"):
        processes.submit(calls.refuse, "no such thing").result()
    with pytest.raises(BrokenCallError, match="internal error: ZeroDivisionError"):
        processes.submit(divmod, 1, 0).result()


def test_who_takes_too_long_is_ended(tmp_path: Path) -> None:
    with Processes(1, limit_s=0.5) as executor:
        future = executor.submit(calls.wait_forever, str(tmp_path))
        with pytest.raises(BrokenCallError, match=r"had not finished after 0\.5 s"):
            future.result()
    assert (tmp_path / "tidied").exists()


def test_cancelled_they_tidy_up_before_it_returns(tmp_path: Path) -> None:
    executor = Processes(1, limit_s=30)
    running = executor.submit(calls.wait_forever, str(tmp_path))
    queued = executor.submit(calls.wait_forever, str(tmp_path))
    assert wait_until((tmp_path / "began").exists)
    executor.shutdown(cancel_futures=True)
    assert (tmp_path / "tidied").exists()
    with pytest.raises(BrokenCallError):
        running.result()
    assert queued.cancelled()


def test_killed_it_leaves_nobody(tmp_path: Path) -> None:
    host = subprocess.Popen([sys.executable, "-m", "tests.class_.calls", str(tmp_path)], cwd=ROOT)
    assert wait_until((tmp_path / "began").exists)
    child = psutil.Process(int((tmp_path / "began").read_text()))
    host.kill()
    host.wait()
    assert wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert (tmp_path / "tidied").exists()
