"""Where the program is in its own source: looks at its stacks, as its own user, and never used again after them.

One that has crashed has no stack any more, and one that has done something wrong has gone on since; so it is started
once more and followed until it does so (`tracer.py`).

A program whose stacks are read from outside is stopped for that, so it can neither change what is read nor touch the
tool that reads it.  One that was running is looked at several times, and goes on in between: the line counts that it
keeps coming back to.  Everything is done by children of the warden that have become the program's user; whatever fails
there leaves nothing known, which costs nobody anything.

Standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from grader.link.settings import Settings
from grader.sandbox import stacks, tracer
from grader.sandbox.children import become, close_all_but, die_with_parent, forked, told_as
from grader.sandbox.crowd import Crowd
from grader.sandbox.deeds import Deed
from grader.sandbox.sources import About, Files, chosen, own_frames
from grader.sandbox.stacks import Frame
from grader.sandbox.tools import read_for

#: A server and the child that serves a client, and the shell that has started both.
_MOST_PROCESSES: Final = 3
#: Looks at a program that is running, and how long it runs before each but the first: many times round any loop.
_LOOKS: Final = 5
_RUNS_S: Final = 0.005
#: One look at all of its processes, and reading the lines around a place.
_LOOK_S: Final = 12.0
_TELL_S: Final = 2.0
#: A tracer has read the stack before anybody can notice a crash, and reads one more at most when it is asked.
_FOLLOWED_S: Final = 12.0
#: All that a grading spends on this: a hundred looks, and few at a program that makes each as slow as it can.
_ALL_S: Final = 20.0
#: Places that a program's own words may name: traces of a hundred threads are cut off by what is kept of them.
_MOST_NAMED: Final = 400


class Locator:
    """Of one sandbox's program."""

    def __init__(self, crowd: Crowd, settings: Settings) -> None:
        self._crowd = crowd
        self._user = settings["uid"], settings["gid"]
        self._work = settings["work"]
        #: Of the tracer: its pidfd, and where it tells what it has seen.
        self._tracer: tuple[int, int] | None = None
        self._spent_s = 0.0

    def places(self, about: About) -> dict[str, Any]:
        """The places in files of the program's own where it is now, the most telling first, each with its lines."""
        if self._spent_s > _ALL_S:
            return {"places": []}
        began = time.monotonic()
        try:
            return self._told(chosen(self._looks(), about))
        finally:
            self._spent_s += time.monotonic() - began

    def _looks(self) -> list[list[tuple[int, Frame]]]:
        pids = [*self._crowd.pids()]
        seen = self._as_user(lambda: _survey(pids), _TELL_S) or []
        stopped = any(way_stopped for _, way_stopped, _, _ in seen)
        several = any(now for *_, now in seen) and not any(ends for _, _, ends, _ in seen)
        looks: list[list[tuple[int, Frame]]] = []
        for number in range(_LOOKS if several else 1):
            if number and stacks.ends_within(seen[0][0], _RUNS_S):
                break
            if stopped and not self._crowd.freeze():
                break  # what can't be stopped is not looked at
            looks.append(self._look(seen))
            if stopped and several:
                self._crowd.thaw()
        return looks

    def follow(self, deed: Deed, pid: int) -> None:
        """Let a tracer follow a process that is about to be executed, until it crashes or does that."""
        ready, ready_end = os.pipe2(os.O_CLOEXEC)
        mouth, mouth_end = os.pipe2(os.O_CLOEXEC)

        def followed() -> None:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            close_all_but(ready_end, mouth_end)
            become(*self._user)

            def tell(places: list[dict[str, Any]]) -> None:
                with os.fdopen(mouth_end, "w") as words:
                    json.dump(places, words)

            tracer.follow(pid, self._work, deed, lambda: os.close(ready_end), tell)

        child = forked(followed)
        self._crowd.leave_out(child)
        os.close(ready_end)
        os.close(mouth_end)
        os.read(ready, 1)  # its end comes when it follows, or can't
        os.close(ready)
        self._stop_listening()
        self._tracer = os.pidfd_open(child), mouth

    def may_lose_a_child(self, pid: int) -> dict[str, Any]:
        """Whether a child process of this one may have crashed, and its stack could be read."""
        return {"may": bool(self._as_user(lambda: stacks.may_lose_a_child(pid), _TELL_S))}

    def followed(self) -> dict[str, Any]:
        """The place where the program that was followed has crashed or done what it was followed for, with its lines.

        Asked before it is ended, and it must not be used any more afterwards.
        """
        words = b""
        if self._tracer is not None:
            pidfd, mouth = self._tracer
            with suppress(ProcessLookupError):  # it has told everything
                signal.pidfd_send_signal(pidfd, tracer.ASKS)
            words = read_for(mouth, _FOLLOWED_S)
        self._stop_listening()
        try:
            return {"places": json.loads(words)}
        except ValueError:
            return {"places": []}

    def _stop_listening(self) -> None:
        for descriptor in self._tracer or ():
            os.close(descriptor)
        self._tracer = None

    def told(self, frames: list[tuple[str, str, int]]) -> dict[str, Any]:
        """The first of some places, given as function, file and line, that is in a file of the program's own."""

        def found() -> list[dict[str, Any]]:
            files = Files(self._work)
            own = (Frame(*frame) for frame in frames[:_MOST_NAMED])
            return [files.told(frame) for frame in own if files.own(frame.file)][:1]

        return {"places": self._as_user(found, _TELL_S) or []}

    def _look(self, seen: list[tuple[int, bool, bool, list[int]]]) -> list[tuple[int, Frame]]:
        def found() -> list[tuple[int, Frame]]:
            files = Files(self._work)
            return [
                one
                for pid, _, _, now in seen
                if (way := stacks.way_for(pid))
                for one in own_frames(stacks.read(way, pid), files, now)
            ]

        return [(rank, Frame(*frame)) for rank, frame in self._as_user(found, _LOOK_S) or []]

    def _told(self, places: Sequence[tuple[Frame, str]]) -> dict[str, Any]:
        if not places:
            return {"places": []}

        def told() -> list[dict[str, Any]]:
            files = Files(self._work)
            return [files.told(frame, how) for frame, how in places]

        return {"places": self._as_user(told, _TELL_S) or []}

    def _as_user(self, function: Any, within_s: float) -> Any:
        return told_as(*self._user, function, within_s)


def _survey(pids: list[int]) -> list[tuple[int, bool, bool, list[int]]]:
    """The first processes whose stacks can be read: whether stopped, whether that ends it, and who is running."""
    ways = ((pid, stacks.way_for(pid)) for pid in pids)
    return [(pid, way.stopped, way.ends, [*stacks.running(pid)]) for pid, way in ways if way][:_MOST_PROCESSES]
