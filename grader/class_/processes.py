"""An executor that runs each call in a process of its own, so that what breaks one breaks no other.

It is used like any other of `concurrent.futures`; a cluster's workers use it too, for one call at a time.  A call's
process (`child.py`) reads the call from standard input, writes what it gave to a pipe, and is interrupted when standard
input ends (as by Ctrl-C, so that it tidies up after itself).  So nothing outlives whoever started it, even if that was
killed.  What goes through the pipes is pickled, and comes only from ourselves.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from grader.errors import CannotJudgeError
from grader.limits import TIDY_UP_S
from grader.link.channel import pack
from grader.sandbox.interpreter import python_module

_T = TypeVar("_T")


class BrokenCallError(CannotJudgeError):
    """The process of a call exited without a result, or had none within its time."""


class Processes(Executor):
    """So many calls at a time, each in a process of its own.  `limit_s`: what a call may take in all.

    A call's future raises BrokenCallError if its process is killed or takes longer.  `shutdown(cancel_futures=True)`
    interrupts the calls that are running and waits until they have tidied up.
    """

    def __init__(self, jobs: int, limit_s: float) -> None:
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="grading")
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Run `fn`, which must be a function of a module, as its arguments and result must be picklable."""
        return self._threads.submit(self._run, pickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 — Executor's
        """Accept no more calls, and with `cancel_futures` end those that are there."""
        if cancel_futures:
            with self._lock:
                self._ended = True
                running = [*self._running]
            for process in running:
                _let_go(process)
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _run(self, call: bytes) -> Any:
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as words:
            try:
                process = self._started(theirs)
            finally:
                os.close(theirs)
            is_late = threading.Event()

            def expire() -> None:
                is_late.set()
                _let_go(process)

            timer = threading.Timer(self._limit_s, expire)
            timer.daemon = True
            timer.start()
            try:
                with suppress(BrokenPipeError, ValueError):  # it was killed, or let go of, before it had read its call
                    _stdin_of(process).write(pack(call))
                    _stdin_of(process).flush()
                answer = words.read()
            finally:
                timer.cancel()
                _end(process)
                with self._lock:
                    self._running.discard(process)
        return self._result(process, answer, in_time=not is_late.is_set())

    def _started(self, answers: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise BrokenCallError("the run was interrupted")
            process = subprocess.Popen(
                [*python_module("grader.class_.child"), str(answers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(answers,),
                start_new_session=True,  # Ctrl-C at a terminal is for the command, which then lets go of each
            )
            self._running.add(process)
        return process

    def _result(self, process: subprocess.Popen[bytes], answer: bytes, *, in_time: bool) -> Any:
        try:
            is_good, value = pickle.loads(answer)  # noqa: S301 — from our own process
        except (EOFError, pickle.UnpicklingError):
            raise BrokenCallError(self._why(process, in_time=in_time)) from None
        if not is_good:
            if not in_time:
                raise BrokenCallError(self._why(process, in_time=in_time))
            raise value
        return value

    def _why(self, process: subprocess.Popen[bytes], *, in_time: bool) -> str:
        if not in_time:
            return f"the grading had not finished after {self._limit_s:g} s"
        if process.returncode < 0:
            return f"the process of the grading was killed ({signal.Signals(-process.returncode).name})"
        return f"the process of the grading exited with status {process.returncode}"


def _stdin_of(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdin is not None  # noqa: S101 — asked for a pipe
    return process.stdin


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Have a process tidy up and exit; one that doesn't is killed, and what it leaves behind ends with it."""
    timer = threading.Timer(TIDY_UP_S, process.kill)
    timer.daemon = True
    timer.start()
    with suppress(BrokenPipeError):
        _stdin_of(process).close()  # waits for whoever is writing to it, if the process reads nothing


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has answered, or never will."""
    try:
        process.wait(TIDY_UP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(BrokenPipeError):
        _stdin_of(process).close()
