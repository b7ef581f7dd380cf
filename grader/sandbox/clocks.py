"""Whether a program has ever made a clock that nobody can see afterwards: the kernel tells us of each such call.

A process that waits for nothing but its end, by alarm(2), looks like one that waits forever; so does a thread that
waits for a timer whose descriptor another thread has closed.  But making such a clock takes a call, and a filter lets
us know of it before it goes on (`seccomp.py`; seccomp_unotify(2)).  So it is known by the time that anything can wait
for the clock, and of a program that has made none, nothing is to be feared.

What is noticed is whether, not when or how long: a program may change that, and the arguments lie in its memory.

A call waits until it is answered here, in microseconds; whoever makes them without end takes turns with the driver's
questions.  Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
from contextlib import suppress

from grader.sandbox.seccomp import ALARMS, MACHINES

#: linux/seccomp.h: ioctl numbers, struct seccomp_notif (id, pid, flags, and struct seccomp_data, which begins with the
#: call's number) and struct seccomp_notif_resp (id, value, error, flags).
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTICE, _NOTICE_BYTES = struct.Struct("=QIIi"), 80
_RESPONSE = struct.Struct("=QqiI")
_GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE, since Linux 5.5
#: So many are answered in a row.
_AT_A_TIME = 64


class Clocks:
    """Of the programs that run now."""

    def __init__(self) -> None:
        machine = MACHINES.get(os.uname().machine)
        self._alarms = {machine.numbers[name] for name in ALARMS} if machine else set()
        self._listeners: list[int] = []
        self._unheard = False
        self._alarm = self._timer = False

    def listen(self, listener: int | None) -> None:
        """A program is about to run, and its calls are told here; None: nobody tells."""
        self._unheard = self._unheard or listener is None
        if listener is not None:
            self._listeners.append(listener)

    def filenos(self) -> tuple[int, ...]:
        """Readable when `notice` has something to do."""
        return tuple(self._listeners)

    def notice(self) -> None:
        """Hear what there is to be heard, and let the callers go on."""
        for listener in self._listeners:
            poll = select.poll()
            poll.register(listener, select.POLLIN)
            for _ in range(_AT_A_TIME):
                happened = poll.poll(0)
                if not happened or not happened[0][1] & select.POLLIN:
                    break
                self._hear(listener)
        self._listeners = [listener for listener in self._listeners if not _is_over(listener)]

    def _hear(self, listener: int) -> None:
        notice = bytearray(_NOTICE_BYTES)
        with suppress(OSError):  # a signal has interrupted the call, which begins anew, or has ended the caller
            fcntl.ioctl(listener, _RECEIVE, notice)
            number, _, _, call = _NOTICE.unpack_from(notice)
            if call in self._alarms:
                self._alarm = True
            else:
                self._timer = True
            fcntl.ioctl(listener, _SEND, bytearray(_RESPONSE.pack(number, 0, 0, _GO_ON)))

    def made(self) -> dict[str, bool | None]:
        """Whether any program has set an alarm, and a timer that belongs to a descriptor; None: nobody knows."""
        self.notice()
        unknown = None if self._unheard else False
        return {"alarms": self._alarm or unknown, "timers": self._timer or unknown}

    def forget(self) -> None:
        """Nothing is left of them."""
        for listener in self._listeners:
            os.close(listener)
        self._listeners, self._unheard, self._alarm, self._timer = [], False, False, False


def _is_over(listener: int) -> bool:
    """Whether nobody is left who could call; it is closed then."""
    poll = select.poll()
    poll.register(listener, 0)
    over = any(events & select.POLLHUP for _, events in poll.poll(0))
    if over:
        os.close(listener)
    return over
