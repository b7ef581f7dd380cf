"""pytest hooks: which checks are played in which order, and what their results mean.

One rule for all: `FaultError` is the student's, `UnprovedError` is nobody's; anything else that is raised is the
author's if it comes from one of the assignment's files, otherwise ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from _pytest.runner import runtestprotocol

from grader.assignment import CheckSpec
from grader.assignment.faults import PROTOCOL
from grader.catalogue import Behaviour, behaviour_of, part_of_module, title_of
from grader.catalogue.usual import OPENERS
from grader.driver.author import check_files, load
from grader.driver.verdicts import (
    KNOWN_AT,
    PrerequisiteError,
    compared_in,
    fault_of,
    place_of,
    row_for,
    verdict_without_play,
)
from grader.errors import Reason
from grader.harness import expect
from grader.harness.deeds import deed_shown_again, places_of
from grader.harness.stage import Stage
from grader.job import Checked, Job, Word
from grader.limits import LAST_CHECK_S
from grader.link.channel import ChannelClosedError
from grader.model import CheckResult, Event, EventKind, Outcome, Part, part_of
from grader.protocol.describing import described, describer
from grader.wire.budget import Budget
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.kernel import CpuWaits
from grader.wire.warden import WardenError

#: Checks that are played once more to find out where the program crashes, or does what it fails for: often one line.
_MOST_FOLLOWED = 3
#: ... if that took no longer (s), unless it has crashed.
_LONGEST_FOLLOWED_S = 2.0

_WHOSE_TIME: dict[Part, str] = {
    "server": "all checks of the server",
    "client": "all checks of the client",
    "pair": "all checks of both programs together",
}


class Referee:
    """Turns the way each check ends into a result and reports it."""

    def __init__(
        self, job: Job, parts: tuple[Part, ...], stage: Stage, folder: Path, say: Callable[[Word], None]
    ) -> None:
        self._job = job
        self._parts = parts
        self._chosen = frozenset(check for check in job.chosen if part_of(check) in parts)
        self._folder = folder
        self._describe = describer(load(folder, PROTOCOL))
        self._stage = stage
        self._say = say
        self._results: dict[str, CheckResult] = {}
        #: By check: what the program did that may be worth another play, in the first ones.
        self._deeds: dict[str, _Deed] = {}
        #: By check: what did not pass of all that it depends on, where enough of that held (`Basics`).
        self._tried: dict[str, CheckResult] = {}
        #: What the check that failed last has failed for.
        self._fault: FaultError | None = None
        #: Whether the check that was played last has failed with a server that others had used, and that exited.
        self._wore_out = False
        self._never_listened: FaultError | None = None
        #: Whether a check fails, or has failed, by a program that can't be reached; all others are skipped for that.
        self._told = not OPENERS.isdisjoint(job.chosen)
        #: When the time of each part's checks is used up; one that takes too long takes nothing from the others.
        self._deadlines: dict[Part, float] = {}
        limits = job.assignment.limits
        waited_s = CpuWaits()
        self._budgets = {part: Budget(limits.whole_s, waited_s, limits) for part in parts}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """The checks are in files that are known and loaded; pytest would go through all the others next to them."""
        files = check_files(self._folder, self._job.assignment, self._parts)
        modules = [pytest.Module.from_parent(session, path=path) for path in files]
        session.items = [item for module in modules for item in session.genitems(module)]
        self._arrange(session.items)
        session.testscollected = len(session.items)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
        """Nothing is made of a check that is not chosen."""
        if name.startswith("test_") and _id(collector, name) not in self._chosen:
            return []
        return None

    def _arrange(self, items: list[pytest.Item]) -> None:
        """Put the checks in order: a server's, then a client's, then those of both.

        In each group, those that share a server come first, so that it is not started again for each.
        """
        found = {self.id_of(item): item for item in items}
        sharing = frozenset(check for check, item in found.items() if _shares_the_server(item))
        items[:] = [found[check] for part in self._parts for check in self._order(part, sharing)]

    def _order(self, part: Part, sharing: frozenset[str]) -> list[str]:
        chosen = frozenset(check for check in self._chosen if part_of(check) == part)
        return playing_order(self._job.assignment.checks, chosen, sharing)

    def id_of(self, item: pytest.Item) -> str:
        """A check's id: its part, which its file determines, and its function's name without `test_`."""
        return _id(item, item.name)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """One check from start to result; no program outlives the last check of its part.

        What could not be judged is played once more, by itself: what was in its way may be gone.  So is a check in
        which a server exited that earlier ones had used: it may be their doing, or that of time.
        """
        part = _part(item)
        self._deadlines.setdefault(part, time.monotonic() + self._job.assignment.limits.whole_s)
        self._play(item, nextitem)
        if self._may_be_judged_yet(item) and _tidy(item.session, self._stage.end_program):
            self._play(item, nextitem, "it could not be judged before, and is played once more, by itself")
        elif self._wore_out and self._has_time(item) and _tidy(item.session, self._stage.end_program):
            self._play_afresh(item, nextitem)
        if self.id_of(item) in self._deeds:
            self._look_where_it_was_done(item, nextitem)
        self._say(Checked(self._results[self.id_of(item)]))
        if nextitem is not None and _part(nextitem) != part:
            _tidy(item.session, self._stage.end_program)
        return True

    def _deadline(self, part: Part) -> float:
        """When its checks must have ended (time.monotonic), with what is given back so far."""
        return self._deadlines[part] + self._budgets[part].given_back_s

    def _play(self, item: pytest.Item, nextitem: pytest.Item | None, note: str = "") -> None:
        part = _part(item)
        self._stage.begin(self._deadline(part) + LAST_CHECK_S, self._budgets[part], pair=part == "pair")
        if note:
            self._stage.transcript.add(EventKind.NOTE, "grader", note)
        runtestprotocol(item, nextitem=nextitem, log=False)

    def _play_afresh(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Play a check once more with a new server; if that can be judged, it is the verdict."""
        check_id = self.id_of(item)
        result, deed = self._results[check_id], self._deeds.pop(check_id, None)
        note = "the server exited, which earlier checks had used; the check is played once more with a new one"
        self._play(item, nextitem, note)
        match self._results[check_id].outcome:
            case Outcome.PASSED:
                _tidy(item.session, self._stage.share_no_more)
            case Outcome.FAILED:
                pass
            case _:
                self._results[check_id] = result
                if deed:
                    self._deeds[check_id] = deed

    def _look_where_it_was_done(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Play a check once more with a program that is followed; its message then says where it does what is wrong."""
        check_id, deadline = self.id_of(item), self._deadline(_part(item))
        result, deed = self._results[check_id], self._deeds[check_id]
        if result.duration_s > _LONGEST_FOLLOWED_S and deed.kind != "crash":
            return
        if item.session.shouldstop or time.monotonic() > deadline or not _tidy(item.session, self._stage.end_program):
            return
        with self._stage.programs.following(deed.kind):
            self._stage.greeting.hear_again(deed.fault)
            self._stage.begin(deadline + LAST_CHECK_S, pair=_part(item) == "pair")
            runtestprotocol(item, nextitem=nextitem, log=False)
            _tidy(item.session, self._stage.end_program)
        self._deeds[check_id] = deed
        again = self._fault
        if again and again is not deed.fault and deed_shown_again(deed.kind, deed.fault, again):
            fault = replace(deed.fault, places=places_of(deed.kind, deed.fault, again))
            message = expect.explain(fault, deed.events, deed.voices, self._describe)
            result = msgspec.structs.replace(result, message=message, place=place_of(fault))
        self._results[check_id] = result

    def _may_be_judged_yet(self, item: pytest.Item) -> bool:
        """Whether only the machine was at fault, and there is time."""
        result = self._results.get(self.id_of(item))
        return result is not None and result.outcome is Outcome.INCONCLUSIVE and self._has_time(item)

    def _has_time(self, item: pytest.Item) -> bool:
        """Whether a check may be played once more."""
        return not item.session.shouldstop and time.monotonic() < self._deadline(_part(item))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what can't be judged before anything is started."""
        if time.monotonic() > self._deadline(_part(item)):
            whole_s = self._job.assignment.limits.whole_s
            what = f"the {whole_s:.0f} s for {_WHOSE_TIME[_part(item)]} were used up before"
            raise self._budgets[_part(item)].out_of_time(what)
        for check in self._job.assignment.spec(self.id_of(item)).needs:
            if (needed := self._results.get(check)) and needed.outcome is Outcome.PASSED:
                needed = self._tried.get(check)
            elif needed and not self._stage.basics.suffice(check):
                raise PrerequisiteError(needed)
            if needed:
                self._tried[self.id_of(item)] = needed
        if fault := self._budgets[_part(item)].exceeded:
            raise fault
        if self._never_listened and _part(item) == "server":
            raise NotStartedError(self._never_listened)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take the verdict from the phase in which it was reached: the setup, or the check itself."""
        report = yield
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            error: BaseException | None = call.excinfo.value if call.excinfo else None
            if (needed := self._tried.get(self.id_of(item))) and not isinstance(error, PrerequisiteError):
                self._stage.basics.tried(needed.id, well=error is None)
                if isinstance(error, FaultError | UnprovedError):
                    error = PrerequisiteError(needed)  # which may be why
            result = self._result(item, error, call.duration)
            self._results[result.id] = result
            # What was not played leaves the program as it was.
            self._wore_out = result.outcome is Outcome.FAILED and self._stage.wore_out()
            as_it_was = isinstance(error, PrerequisiteError) or result.outcome is Outcome.PASSED
            _tidy(item.session, lambda: self._stage.finish(passed=as_it_was))
        return report

    def _result(self, item: pytest.Item, error: BaseException | None, duration_s: float) -> CheckResult:
        check_id = self.id_of(item)
        spec = self._job.assignment.spec(check_id)
        function = item.obj  # type: ignore[attr-defined]  # every item here is a function
        outcome, reason, message = self._verdict(check_id, error)
        row = behaviour_of(function)
        return CheckResult(
            id=check_id,
            title=title_of(function),
            requirement=self._job.assignment.requirements[spec.requirement],
            outcome=outcome,
            points=spec.points if outcome is Outcome.PASSED else 0,
            max_points=spec.points,
            reason=reason,
            message=message,
            hint=self._hint(check_id, row, reason, error) if row and reason and outcome is Outcome.FAILED else "",
            duration_s=round(duration_s, 6),
            evidence=described(
                self._evidence(error, message) if outcome in KNOWN_AT else self._stage.transcript.events,
                self._describe,
            ),
            compared=compared_in(error),
            place=place_of(error),
            depends_on=error.needed.id if isinstance(error, PrerequisiteError) else "",
        )

    def _evidence(self, error: BaseException | None, message: str) -> tuple[Event, ...]:
        """The transcript, and in it the moment of the verdict, if anything has happened at all."""
        fault, events = fault_of(error), self._stage.transcript.events
        if fault is None or not events:
            return events
        doing = f" The program: {fault.doing}." if fault.doing else ""
        return self._stage.transcript.with_verdict(fault.at_s, f"{message.partition(chr(10))[0]}{doing}")

    def _hint(self, check_id: str, row: Behaviour, reason: Reason, error: BaseException | None) -> str:
        """The hint: a missing module before anything else, since nothing else can be at fault then."""
        part = part_of(check_id)
        written = {command.language for role, command in self._job.commands.items() if part in {role, "pair"}}
        language = written.pop() if len(written) == 1 else ""
        there = None if self._job.own_image else self._job.assignment.image.names
        voices = self._stage.programs.voices("")
        missing = (expect.missing_module(voice.complained, there) for voice in voices)
        return next(filter(None, missing), "") or row_for(row, check_id, error).hint_for(
            reason, language, expect.what_to_read(voices)
        )

    def _verdict(self, check_id: str, error: BaseException | None) -> tuple[Outcome, Reason | None, str]:
        if error is None:
            return Outcome.PASSED, None, ""
        if isinstance(error, NotStartedError) and (check_id in OPENERS or not self._told):
            self._told = True
            if part_of(check_id) == "server":
                self._never_listened = error.fault
            error = error.fault
        if isinstance(error, FaultError | UnprovedError):
            programs = self._stage.programs
            error = programs.behind(error)
            seen = error.seen if isinstance(error, FaultError) else None
            voices = programs.voices(error.doing, seen)  # before it is stopped, and its debugger says something
            error = programs.located(error)
            outcome = Outcome.FAILED if isinstance(error, FaultError) else Outcome.INCONCLUSIVE
            events = described(self._stage.transcript.events, self._describe)
            known = check_id in self._deeds or len(self._deeds) < _MOST_FOLLOWED
            if isinstance(error, FaultError):
                self._fault = error
                if known and (kind := programs.deed_behind(error)):
                    self._deeds[check_id] = _Deed(kind, error, events, voices)
            return outcome, error.reason, expect.explain(error, events, voices, self._describe)
        return verdict_without_play(error, self._folder)


class _Deed(NamedTuple):
    """What the message is made of of a check in which the program crashed or did something else, and what."""

    kind: str
    fault: FaultError
    events: tuple[Event, ...]
    voices: tuple[expect.Voice, ...]


def _tidy(session: pytest.Session, tidy: Callable[[], None]) -> bool:
    """Whether it could be done.  Otherwise nothing more can be played, and the verdicts reached so far still count."""
    try:
        tidy()
    except (ChannelClosedError, WardenError):
        session.shouldstop = "the sandbox is gone"
        return False
    return True


def playing_order(checks: tuple[CheckSpec, ...], chosen: frozenset[str], sharing: frozenset[str]) -> list[str]:
    """The chosen checks in the assignment's order, but those that share a server before those that start their own.

    A check comes after those that it depends on.
    """
    order: list[str] = []
    for now in (sharing, chosen):
        for spec in checks:
            ready = all(needed in order or needed not in chosen for needed in spec.needs)
            if spec.id in chosen & now and spec.id not in order and ready:
                order.append(spec.id)
    return order


def _id(node: pytest.Item | pytest.Collector, name: str) -> str:
    return f"{_part(node)}.{name.removeprefix('test_')}"


def _part(node: pytest.Item | pytest.Collector) -> Part:
    return part_of_module(node.module.__name__)  # type: ignore[union-attr]  # every node here is of a module


def _shares_the_server(item: pytest.Item) -> bool:
    return "server" in item.fixturenames  # type: ignore[attr-defined]  # every item here is a function
