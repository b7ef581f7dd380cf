"""A transcript as a sequence diagram: who is where, and which arrow goes from whom to whom.

Values in, values out: the template draws what is laid out here.  A drawing is 360 units wide whatever is in it, since a
page that is read on a telephone must not be scaled until its letters vanish: labels are therefore above their arrows
and may be as wide as the whole drawing, and no more than `MOST_LANES` peers have a line of their own.  Everything that
is drawn is also in the transcript below the drawing, which is what a screen reader reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from grader.model import Event, EventKind
from grader.protocol.network import THE_NETWORK, Fate, OnItsWay, on_its_way
from grader.report import text, transcript
from grader.report.safe import one_line

WIDTH: Final = 360
#: From the edge to the middle of the first and the last lane: half of a name's room.
_MARGIN: Final = 44
#: The program, and so many peers as names have room beside each other.
MOST_LANES: Final = 4
#: Words begin right of the times, at 52 units; a fixed-width letter takes 6.6 of them.
_COLUMNS: Final = 46
_LABEL_LINES: Final = 2
_VERDICT_LINES: Final = 6
#: From one line of a label to the next; what an arrow takes below its label; the room between steps.
_LINE: Final = 14
_ARROW: Final = 9
_GAP: Final = 8
#: So many pieces of one message are drawn one by one; of more, the first and the last.
_PIECES: Final = transcript.MOST_PIECES_DRAWN
_FIRST_PIECES: Final = 5
#: A longer drawing is folded in its middle: these steps of its beginning and of its end are always seen.
FIRST_STEPS: Final = 10
LAST_STEPS: Final = 16

PROGRAM: Final = "program"
_OTHERS: Final = "others"
#: Who is no party of a conversation: what the grader finds is written across.
_NOBODY: Final = frozenset({"grader", ""})
_SOURCES: Final = ("the keyboard", "a pipe")
#: What the two programs of a submission are called where both are played together.
_CLIENT: Final = "your client"
_SERVER: Final = "your server"
#: A server of ours.
_FAR_END: Final = "the server"

Style = Literal["", "fin", "rst", "unread", "after"]


class Lane(NamedTuple):
    """Somebody's line: its place from the left, and the name above it."""

    x: int
    name: str


class Step(NamedTuple):
    """One line of the drawing: words, below them an arrow from one lane to another, or a dot on one (`end` None).

    `y` is where its words begin, `height` what it takes in all; `arrow_y` is the arrow's place.
    """

    y: int
    height: int
    when: str
    label: tuple[str, ...]
    arrow_y: int
    start: int | None = None
    end: int | None = None
    styles: frozenset[Style] = frozenset()
    is_verdict: bool = False

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Each line of its label with its place."""
        return [(self.y + _LINE * (number + 1) - 3, line) for number, line in enumerate(self.label)]


class Drawing(NamedTuple):
    """Steps below the names of the lanes, in a window of this height."""

    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    height: int


class Picture(NamedTuple):
    """A sequence diagram: its beginning, what is folded in its middle, and its end; the last two may be missing.

    `left_out`: how many steps of the middle are drawn nowhere.
    """

    first: Drawing
    middle: Drawing | None = None
    last: Drawing | None = None
    left_out: int = 0


class _Deed(NamedTuple):
    """A step before it has its place."""

    when: str
    label: str
    start: str = ""
    end: str = ""
    styles: frozenset[Style] = frozenset()
    is_verdict: bool = False


def picture(events: Sequence[Event], most_steps: int) -> Picture | None:
    """The diagram of a transcript, of which no more than so many steps are drawn; None if nobody talks in it."""
    deeds = [*_deeds(events)]
    if not any(deed.start and deed.end for deed in deeds):
        return None
    lanes = _lanes(deeds)
    if len(deeds) <= FIRST_STEPS + LAST_STEPS:
        return Picture(_drawing(lanes, deeds))
    middle = deeds[FIRST_STEPS:-LAST_STEPS]
    shown = middle[: max(0, most_steps - FIRST_STEPS - LAST_STEPS)]
    return Picture(
        first=_drawing(lanes, deeds[:FIRST_STEPS]),
        middle=_drawing(lanes, shown) if shown else None,
        last=_drawing(lanes, deeds[-LAST_STEPS:]),
        left_out=len(middle) - len(shown),
    )


def _drawing(lanes: tuple[Lane, ...], deeds: Iterable[_Deed]) -> Drawing:
    place = {lane.name: lane.x for lane in lanes}
    others = place.get(_OTHERS)
    steps: list[Step] = []
    y = _LINE + _GAP
    for deed in deeds:
        label = _wrapped(deed.label, _VERDICT_LINES if deed.is_verdict else _LABEL_LINES)
        start, end = (place.get(who, others) if who else None for who in (deed.start, deed.end))
        arrow_y = y + _LINE * len(label) + 4
        height = _LINE * len(label) + (_ARROW if start is not None else 2) + _GAP
        steps.append(Step(y, height, deed.when, label, arrow_y, start, end, deed.styles, deed.is_verdict))
        y += height
    return Drawing(lanes, tuple(steps), y)


def _wrapped(words: str, most_lines: int) -> tuple[str, ...]:
    """Lines that fit; what is too long ends with an ellipsis."""
    lines: list[str] = []
    rest = words
    while rest and len(lines) < most_lines:
        cut = len(rest) if len(rest) <= _COLUMNS else rest.rfind(" ", _COLUMNS // 2, _COLUMNS + 1)
        cut = _COLUMNS if cut < 0 else cut
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        lines[-1] = f"{lines[-1][: _COLUMNS - 1]}…"
    return tuple(lines) or ("",)


# who is where


def _lanes(deeds: Sequence[_Deed]) -> tuple[Lane, ...]:
    """A line for each party: who types, then the scripted clients, the program, and the scripted server beyond it.

    Of too many clients, those that do something last have lines of their own.
    """
    parties = [who for deed in deeds for who in (deed.start, deed.end) if who]
    names = [*dict.fromkeys(parties)]
    if len(names) > MOST_LANES:
        recent = [*dict.fromkeys([PROGRAM, *reversed(parties)])]
        names = [name for name in names if name in recent[: MOST_LANES - 1]] + [_OTHERS]
    names.sort(key=_rank)
    apart = (WIDTH - 2 * _MARGIN) // max(1, len(names) - 1)
    return tuple(Lane(_MARGIN + apart * number, name) for number, name in enumerate(names))


def _rank(name: str) -> int:
    known = {PROGRAM: 2, _CLIENT: 2, _OTHERS: 1, THE_NETWORK: 3, _SERVER: 5, **dict.fromkeys(_SOURCES, 0)}
    return known.get(name, 1 if name.startswith("client") else 4)


# what is drawn


def _deeds(events: Sequence[Event]) -> Iterator[_Deed]:
    verdict = next((event for event in events if event.kind is EventKind.VERDICT), None)
    unread = _unread(events, verdict.text) if verdict else {}
    there = frozenset(event.who for event in events)
    for number, event in enumerate(events):
        late = frozenset[Style]({"after"}) if verdict and event.at_ms > verdict.at_ms else frozenset[Style]()
        for deed in _deeds_of(event, there, unread.get(number, 0)):
            yield deed._replace(styles=deed.styles | late)


def _deeds_of(event: Event, there: frozenset[str], unread_bytes: int) -> Iterator[_Deed]:
    when, who = _moment(event.at_ms), one_line(event.who)
    if event.who == THE_NETWORK and (passed := on_its_way(event.text)):
        yield _on_its_way(event, when, passed, there)
    elif event.kind is EventKind.SENT and len(event.pieces) > 1 and not event.omitted_bytes:
        yield from _pieces(event, when, _peer(event, there), unread_bytes)
    elif event.kind in _ARROWS:
        out, words, style = _ARROWS[event.kind]
        peer = _peer(event, there)
        start, end = (who, peer) if out else (peer, who)
        styles = frozenset[Style]({style} if style else ()) | _if_unread(unread_bytes)
        yield _Deed(when, f"{words} {_said(event)}".strip(), start, end, styles)
    elif event.kind is EventKind.VERDICT:
        yield _Deed(when, f"Verdict: {one_line(event.text)}", is_verdict=True)
    else:
        words = transcript.what(event)
        yield _Deed(when, words, start="" if who in _NOBODY else who)


def _on_its_way(event: Event, when: str, passed: OnItsWay, there: frozenset[str]) -> _Deed:
    """An arrow to the network, and what becomes of the datagram unless it is simply passed on; or one from it."""
    ends = {"client": _CLIENT if _CLIENT in there else PROGRAM, "server": _SERVER if _SERVER in there else _FAR_END}
    fate = "" if passed.fate in {"", Fate.PASSED.value} else f"{passed.fate}:"
    what = one_line(event.means or passed.what)
    bytes_ = " ".join(part.text for part in transcript.parts(event))
    words = " ".join(filter(None, [fate, what and f"{what}:", bytes_]))
    if event.kind is EventKind.SENT:
        return _Deed(when, words, THE_NETWORK, ends[passed.to])
    styles = frozenset[Style]({"rst"} if passed.fate == Fate.LOST.value else ())
    return _Deed(when, words, ends["client" if passed.to == "server" else "server"], THE_NETWORK, styles)


def _moment(at_ms: float) -> str:
    """As exactly as there is room for it left of the words."""
    return f"{at_ms:.{2 if at_ms < 100 else 1 if at_ms < 1000 else 0}f}"


#: Whether the one who is named is where the arrow begins, the words above it, and how it is drawn.
_ARROWS: Final[dict[EventKind, tuple[bool, str, Style]]] = {
    EventKind.TYPED: (True, "typed", ""),
    EventKind.CONNECTED: (True, "connects", ""),
    EventKind.SENT: (True, "", ""),
    EventKind.RECEIVED: (False, "", ""),
    EventKind.HALF_CLOSED: (True, "FIN (sends no more, still reads)", "fin"),
    EventKind.CLOSED: (True, "FIN (closes)", "fin"),
    EventKind.RESET: (True, "RST (resets the connection)", "rst"),
    EventKind.PEER_CLOSED: (False, "FIN (the other side closes)", "fin"),
    EventKind.PEER_RESET: (False, "RST (reset by the other side)", "rst"),
}


def _peer(event: Event, there: frozenset[str]) -> str:
    """Who is at the other end of one of those that are there: a program, or the server that a program connects to."""
    if event.who in {PROGRAM, _CLIENT}:
        return _FAR_END
    ours = _SERVER if event.who.startswith("client") else _CLIENT
    return ours if ours in there else PROGRAM


def _said(event: Event) -> str:
    """The words and the bytes of an event, without its name."""
    said = one_line(event.text)
    shown = " ".join(part.text for part in transcript.parts(event)) if transcript.has_bytes(event) else ""
    size = f"({text.plural(event.size_bytes, 'byte')})" if event.omitted_bytes else ""
    means = one_line(event.means)
    return " ".join(filter(None, [means and f"{means}:", shown, size, f"({said})" if said and shown else said]))


def _pieces(event: Event, when: str, peer: str, unread_bytes: int) -> Iterator[_Deed]:
    """An arrow for each piece, or for the first and the last of many."""
    ends = [*accumulate(event.pieces)]
    pieces = [event.data[end - size : end] for end, size in zip(ends, event.pieces, strict=True)]
    last = len(pieces) - 1
    few = len(pieces) <= _PIECES
    for number in range(len(pieces)) if few else (*range(_FIRST_PIECES), last):
        if number == last and not few:
            more = last - _FIRST_PIECES
            yield _Deed("", f"… {text.plural(more, 'piece')} more, each sent once the one before had been read")
        told = f"{transcript.bytes_shown(pieces[number])}  piece {number + 1} of {len(pieces)}"
        unread = _if_unread(unread_bytes - (ends[last] - ends[number]))
        time = _moment(event.times_ms[number]) if number < len(event.times_ms) else when if number == 0 else ""
        yield _Deed(time, told, one_line(event.who), peer, unread)


_UNREAD: Final = re.compile(r"([\w ]+?) has (\d+) unread bytes?")


def _unread(events: Sequence[Event], said: str) -> dict[int, int]:
    """How many bytes at the end of which messages the program had not read at the verdict, as far as the kernel says.

    They are the end of the last message of each peer that is named.
    """
    last = {event.who: number for number, event in enumerate(events) if event.kind is EventKind.SENT}
    found = [(name.strip().removeprefix("and "), int(size)) for name, size in _UNREAD.findall(said)]
    return {last[peer]: size for peer, size in found if peer in last}


def _if_unread(unread_bytes: int) -> frozenset[Style]:
    return frozenset({"unread"} if unread_bytes > 0 else ())
