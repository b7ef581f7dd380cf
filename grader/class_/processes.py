"""An executor whose calls run in processes of their own, so that what breaks one breaks no other.

It is used like any other of `concurrent.futures`; a cluster's workers use it too, for one call at a time.  A process
(`child.py`) reads calls from standard input, writes what each gave to a pipe, and is interrupted when standard input
ends (as by Ctrl-C, so that it tidies up after itself).  So nothing outlives whoever started it, even if it was killed.
A process whose call has ended well does the next one, since loading its libraries takes a tenth of the time of a short
grading; any other is replaced.  What goes through the pipes is pickled, and comes only from ourselves.
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
from typing import Any, NamedTuple, TypeVar

from grader.errors import CannotJudgeError
from grader.limits import TIDY_UP_S
from grader.link.channel import ChannelClosedError, pack, read_frame
from grader.sandbox.interpreter import python_module

_T = TypeVar("_T")


class BrokenCallError(CannotJudgeError):
    """The process of a call exited without a result, or had none within its time."""


class _Child(NamedTuple):
    """A process, and the descriptor from which its answers are read."""

    process: subprocess.Popen[bytes]
    answers: int


class Processes(Executor):
    """So many calls at a time, each in a process of its own.  `limit_s`: what a call may take in all.

    A call's future raises BrokenCallError if its process is killed or takes longer.  `shutdown(cancel_futures=True)`
    interrupts the calls that are running and waits until they have tidied up.
    """

    def __init__(self, jobs: int, limit_s: float) -> None:
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="grading")
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._lock = threading.Lock()
        self._is_closing = self._is_cancelled = False

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Run `fn`, which must be a function of a module, as its arguments and result must be picklable."""
        return self._threads.submit(self._run, pickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 — Executor's
        """Accept no more calls, and with `cancel_futures` end those that are there."""
        with self._lock:
            self._is_closing = True
            self._is_cancelled |= cancel_futures
            busy = [*self._busy] if cancel_futures else []
            idle, self._idle = self._idle, []
        for child in (*busy, *idle):
            _let_go(child.process)
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for child in idle:
            _end(child)

    def _run(self, call: bytes) -> Any:
        child = self._taken()
        is_late = threading.Event()

        def expire() -> None:
            is_late.set()
            _let_go(child.process)

        timer = threading.Timer(self._limit_s, expire)
        timer.daemon = True
        timer.start()
        answer = b""
        try:
            # It may be killed or let go of at any time.
            with suppress(BrokenPipeError, ValueError, ChannelClosedError):
                _stdin_of(child.process).write(pack(call))
                _stdin_of(child.process).flush()
                answer = read_frame(child.answers)
        finally:
            timer.cancel()
            self._put_back(child, is_good=bool(answer) and not is_late.is_set())
        return self._result(child.process, answer, in_time=not is_late.is_set())

    def _taken(self) -> _Child:
        """A process that does nothing: one that is there, or a new one."""
        with self._lock:
            if self._is_cancelled:
                raise BrokenCallError("the run was interrupted")
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    break
                _end(child)
            else:
                child = _started()
            self._busy.add(child)
        return child

    def _put_back(self, child: _Child, *, is_good: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            if is_good and not self._is_closing:
                self._idle.append(child)
                return
        _let_go(child.process)
        _end(child)

    def _result(self, process: subprocess.Popen[bytes], answer: bytes, *, in_time: bool) -> Any:
        if not answer:
            raise BrokenCallError(self._why(process, in_time=in_time))
        is_good, value = pickle.loads(answer)  # noqa: S301 — from our own process
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


def _started() -> _Child:
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [*python_module("grader.class_.child"), str(theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs,),
            start_new_session=True,  # Ctrl-C at a terminal is for the command, which then lets go of each
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return _Child(process, ours)


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


def _end(child: _Child) -> None:
    """Wait for a process that was let go of, or has died."""
    try:
        child.process.wait(TIDY_UP_S)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
    with suppress(BrokenPipeError):
        _stdin_of(child.process).close()
    os.close(child.answers)
