"""The crew of a Dask cluster: its executor is like any other, and its workers do what this machine would do.

A worker gets a grading only if it has the same grader and what the sandbox needs, which each is asked when it is first
seen, those too that come later or in another's place.  There each grading is in a process of its own, as everywhere, so
that what breaks a grading doesn't break the worker; that process ends if the worker does, or when nobody waits for its
result any more.

A cluster runs whatever its clients send, so it is spoken to over TLS or on this machine only.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from grader.assignment import Assignment
from grader.class_ import work
from grader.class_.processes import Processes
from grader.class_.run import Crew
from grader.errors import CannotJudgeError, UsageError
from grader.limits import CLUSTER_ANSWER_S, CLUSTER_LOOK_S, CLUSTER_WORKERLESS_S, IMAGE_BUILD_S

_T = TypeVar("_T")
_EXTRA: Final = "pip install 'socket-grader[cluster]'"


def must_be_safe(address: str) -> None:
    """Raise UsageError if others could send work to, or read it from, a cluster at this address."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"--scheduler {address} is not an address: {error}") from error
    if parts.scheme not in {"tcp", "tls"} or not host or not port:
        raise UsageError(f"--scheduler {address} is not an address like tls://host:8786 or tcp://127.0.0.1:8786")
    if parts.scheme == "tcp" and not _is_here(host):
        raise UsageError(
            f"--scheduler {address}: use tls://, since anybody could read and change what goes over tcp://"
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def of_a_cluster(address: str, assignment: Assignment, place: work.Place, jobs: int | None) -> Iterator[Crew]:
    """As many gradings at a time as its workers have threads, or `jobs`.

    Raises:
        UsageError: it can't be spoken to safely, or the library for it is not installed.
        CannotJudgeError: it does not answer, or none of its workers can grade.
    """
    must_be_safe(address)
    try:
        import distributed  # noqa: PLC0415 — an extra of the installation
    except ImportError as error:
        raise UsageError(f"--scheduler needs a library: {_EXTRA}") from error
    if address.startswith("tls:"):
        _must_have_a_certificate(address, distributed.Security())
    try:
        client: Any = distributed.Client(address, timeout=CLUSTER_ANSWER_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise CannotJudgeError(f"no scheduler answers at {address}: {error}") from error
    with client:
        _have_strict(client)
        workers = _Workers(client, place)
        workers.fit()
        executor = _OnWorkers(client, workers, work.limit_s(assignment.limits) + IMAGE_BUILD_S)
        yield Crew(executor, jobs or workers.threads(), place, lambda _: {}, workers.still_there)


def _must_have_a_certificate(address: str, security: Any) -> None:
    """Raise UsageError if this machine's settings of Dask have none for its clients."""
    try:
        if security.get_connection_args("client")["ssl_context"] is not None:
            return
        why = "name no certificate"
    except OSError as error:
        why = f"name a certificate that can't be used ({error.strerror or error})"
    raise UsageError(f"--scheduler {address}: Dask's settings here {why} (distributed.comm.tls)")


def _have_strict(client: Any) -> None:
    """Have the scheduler be strict (CannotJudgeError: it can't be told)."""
    try:
        client.run_on_scheduler(_be_strict)
    except ImportError as error:
        raise CannotJudgeError(
            f"the scheduler has no grader ({error}): install it where the scheduler runs, too"
        ) from error


def _be_strict(dask_scheduler: Any) -> None:
    """On the scheduler: what killed a worker is not given to another, and nothing waits forever for one."""
    dask_scheduler.allowed_failures = 0
    dask_scheduler.no_workers_timeout = CLUSTER_WORKERLESS_S, IMAGE_BUILD_S


class _Workers:
    """A cluster's workers, and which of them can grade.  They come and go; each is asked once."""

    def __init__(self, client: Any, place: work.Place) -> None:
        self._client = client
        self._place = place
        self._faults: dict[str, str] = {}

    def fit(self) -> list[str]:
        """Addresses of those that can grade; waits for one to take the place of the last.

        Raises:
            CannotJudgeError: there are none; the sentence says why.
        """
        if not self._fit():
            with suppress(TimeoutError):
                self._client.wait_for_workers(1, timeout=CLUSTER_WORKERLESS_S)
        if found := self._fit():
            return found
        if not self._faults:
            raise CannotJudgeError("the cluster has no workers; start them first")
        address, fault = next(iter(self._faults.items()))
        raise CannotJudgeError(f"none of the cluster's workers can grade: {address} {fault}")

    def threads(self) -> int:
        """How many gradings they can do at a time."""
        there = self._there()
        return sum(there[address]["nthreads"] for address in self._fit())

    def still_there(self) -> None:
        """Raise CannotJudgeError if none is left."""
        self.fit()

    def _fit(self) -> list[str]:
        there = self._there()
        if new := [address for address in there if address not in self._faults]:
            told = self._client.run(_abilities, workers=new, on_error="return")
            self._faults |= {address: _fault(answer, self._place) for address, answer in told.items()}
        return [address for address in there if self._faults.get(address) == ""]

    def _there(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        return found


def _abilities() -> tuple[str, work.Abilities]:
    return _python(), work.abilities()


def _python() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def _fault(answer: Any, place: work.Place) -> str:
    """Why a worker with these abilities can't grade; empty if it can."""
    if isinstance(answer, Exception):
        return f"has no grader ({answer!r})"
    python, abilities = answer
    if python != _python():
        return f"has Python {python}, and not {_python()}"
    if abilities.sources != work.sources():
        return "has a different version of the grader"
    if place.sandbox == "docker" and not abilities.docker:
        return "has no container engine"
    return ""


class _OnWorkers(Executor):
    """A cluster's executor, on which each call runs in a process of its own, on a worker that can grade."""

    def __init__(self, client: Any, workers: _Workers, limit_s: float) -> None:
        self._inner: Executor = client.get_executor(allow_other_workers=False, pure=False, retries=0)
        self._workers = workers
        self._limit_s = limit_s

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Run `fn` on a worker (CannotJudgeError: there is none)."""
        fit = self._workers.fit()
        return self._inner.submit(apart, self._limit_s, fn, *args, **kwargs, workers=fit)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 — Executor's
        """Accept no more calls."""
        self._inner.shutdown(wait, cancel_futures=cancel_futures)


def apart(limit_s: float, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
    """On a worker: run a call in a process of its own, until it has ended or nobody wants its result."""
    executor = Processes(1, limit_s)
    future = executor.submit(fn, *args, **kwargs)
    try:
        while not wait([future], timeout=CLUSTER_LOOK_S).done:
            if not _is_wanted():
                break
    finally:
        executor.shutdown(cancel_futures=True)
    return future.result()


def _is_wanted() -> bool:
    """Whether somebody waits for the result of the task that this thread carries out."""
    from distributed import get_worker  # noqa: PLC0415 — see above

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state != "cancelled"
