"""Our own receiver, at the other end of the sender's network, which finds fault with what a window does not allow."""

from __future__ import annotations

import time
from collections.abc import Callable

from frames import ACK, File, Frame, decoded, encoded

from grader import Reason, fail

#: What comes again sooner was not sent by a timer of half a second: half of that, as elsewhere.
_TOO_SOON_S = 0.25


def _always(_: OurReceiver) -> bool:
    return True


class OurReceiver:
    """Hears the frames of one transfer, keeps those that come early, and answers with how much has come (`Station`).

    `acknowledges`: whether it answers now; `one_by_one`: with an ACK for each frame of which the sender was not told.
    `in_peace`: whether the network brings frames in order and none twice, so that one that comes again was sent again.
    """

    def __init__(
        self,
        sent: File,
        window: int,
        acknowledges: Callable[[OurReceiver], bool] = _always,
        *,
        one_by_one: bool = False,
        in_peace: bool = True,
    ) -> None:
        self.sent = sent
        self.window = window
        self._acknowledges = acknowledges
        self._one_by_one = one_by_one
        self._in_peace = in_peace
        self._transfer = 0
        #: When each frame came first and last, by its number, and when the sender was told so.
        self._first_s: dict[int, float] = {}
        self._came_s: dict[int, float] = {}
        self._told_s: dict[int, float] = {}
        #: When one came again last because it was time.
        self._due_s = 0.0
        #: How many frames have come without a gap.
        self.here = 0
        #: How many were on their way together at most, and which came again.
        self.most_in_flight = 0
        self.again: list[int] = []

    @property
    def is_complete(self) -> bool:
        """Whether all frames have come."""
        return self.here == len(self.sent.frames)

    def __call__(self, data: bytes, at_s: float) -> tuple[bytes, ...]:
        """What is answered to a datagram that came then (FaultError: it must not come)."""
        __tracebackhide__ = True
        frame = decoded(data)
        if isinstance(frame, str):
            if self._in_peace:
                fail(Reason.WRONG_REQUEST, f"the sender has sent what is no frame: {frame}", received=data)
            return ()
        if not self._came_s:
            self._transfer = frame.transfer
        self._must_be_right(frame, data)
        self._must_fit(frame)
        if frame.number <= max(self._came_s, default=-1):
            self.again.append(frame.number)
            self._must_be_due(frame, at_s)
        self._came_s[frame.number] = at_s
        self._first_s.setdefault(frame.number, at_s)
        while self.here in self._came_s:
            self.here += 1
        self.most_in_flight = max(self.most_in_flight, len(self._came_s) - len(self._told_s))
        return self._answers() if self._acknowledges(self) else ()

    def _answers(self) -> tuple[bytes, ...]:
        """How much has come."""
        new = range(len(self._told_s), self.here)
        self._told_s.update(dict.fromkeys(new, time.time()))
        told = new if self._one_by_one and new else (self.here - 1,)
        return tuple(encoded(Frame(self._transfer, number, ACK)) for number in told)

    def _must_be_right(self, frame: Frame, data: bytes) -> None:
        """It is the file's frame with its number."""
        __tracebackhide__ = True
        frames = self.sent.sent_as(self._transfer).frames
        if frame.number >= len(frames):
            fail(Reason.EXTRA_REQUEST, f"it has sent {frame.words}; this file's last frame is {frames[-1].words}")
        if frame != (right := frames[frame.number]):
            what = f"it has sent {frame.words}; this file's frame with that number is {right.words}"
            fail(Reason.WRONG_REQUEST, what, expected=encoded(right), received=data)

    def _must_fit(self, frame: Frame) -> None:
        """The window has room for it; before ACK 0 there is none but for START."""
        __tracebackhide__ = True
        told = len(self._told_s)
        if told == 0 and frame.number > 0:
            fail(Reason.EXTRA_REQUEST, f"it has sent {frame.words}, before START was acknowledged")
        if frame.number >= told + self.window:
            what = f"it has sent {frame.words}, when the last ACK was {told - 1}: its window is {self.window}"
            fail(Reason.EXTRA_REQUEST, what)

    def _must_be_due(self, frame: Frame, at_s: float) -> None:
        """It comes again because it is time for that.

        Half a second has passed since it was sent last; if that was lost, it was before any later frame came.  Others
        may come with one that was due.  One of which the sender was told can only come while that is on its way.
        """
        __tracebackhide__ = True
        if not self._in_peace:
            return
        if (told_s := self._told_s.get(frame.number)) is not None:
            if at_s - told_s > _TOO_SOON_S:
                what = f"it has sent {frame.words} again, although ACK {len(self._told_s) - 1} had told that it is here"
                fail(Reason.EXTRA_REQUEST, what)
            return
        later = (first_s for number, first_s in self._first_s.items() if number > frame.number)
        since_s = self._came_s.get(frame.number) or min(later)
        if at_s - since_s >= _TOO_SOON_S:
            self._due_s = at_s
        elif at_s - self._due_s >= _TOO_SOON_S:
            what = f"it has sent {frame.words} again after {1000 * (at_s - since_s):.0f} ms"
            fail(Reason.EXTRA_REQUEST, what)
