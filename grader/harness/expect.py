"""The words for students: from facts to the four parts of a message.

What was sent, what was received with a caret under the first difference, what the program was doing, what it printed.
The requirement's text and the hint are added to the message in the report.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from grader.catalogue import READ_NOTHING, READ_WHY, READ_WORDS
from grader.errors import REASONS, Reason
from grader.model import Event, EventKind
from grader.protocol.describing import Describe, no_words
from grader.protocol.network import THE_NETWORK, on_its_way
from grader.wire.faults import FaultError, Place, UnprovedError
from grader.wire.keyboard import Keyboard
from grader.wire.tcp_server import THE_SERVER
from grader.wire.traces import shows_traceback
from grader.wire.transcript import pointed, shown, side_by_side

#: Lines of the program's own words in a message: the end of a traceback, which is what people read.
_PRINTED_LINES = 12
_PRINTED_CHARACTERS = 200
#: A tab in them is shown as a terminal would, narrowly: each line of a Java program's trace begins with one.
_TAB_COLUMNS = 4
#: How a frame begins in a trace of Java's and of Node.js's, whose first line names what went wrong.
_FRAME = ("\tat ", "    at ")
_HEADS_SHOWN = 4
#: How many messages are shown, the last ones, and more as long as all of them together fit in a few lines.
_SENT_SHOWN = 4
_MOST_SENT_SHOWN = 12
_SENT_CHARACTERS = 600
_TYPED_SHOWN = 2
_PIECES_SHOWN = 24
_SHOWN_BYTES = 160


class Voice(NamedTuple):
    """A program: who it is ("program", or "your server" if there are two), and what it was doing, in words.

    `printed`, `complained`: what is on its standard output and on its stderr.
    """

    name: str
    doing: str
    printed: bytes = b""
    complained: bytes = b""


def explain(
    fault: FaultError | UnprovedError,
    events: tuple[Event, ...],
    voices: Sequence[Voice],
    describe: Describe = no_words,
) -> str:
    """The message of a check that did not pass, several lines of plain text.  `describe`: messages in words."""
    doing = [line for voice in voices for line in _doing(voice)]
    said = [line for voice in voices for line in _said_by(voice, alone=len(voices) == 1)]
    places = fault.places or () if isinstance(fault, FaultError) else ()
    where = [line for place in places for line in _placed(place)]
    answered = fault.answered if isinstance(fault, FaultError) else ""
    came = [*_came(fault), *_in_words(fault, describe)]
    return "\n".join([_sentence(fault.what), *_sent(events, answered), *came, *doing, *where, *said])


def _placed(place: Place) -> list[str]:
    """Where in its source it was, and that line between those around it."""
    lines = enumerate(map(printable, place.source), place.first)
    how = f" ({printable(place.how)})" if place.how else ""
    function = f", in {printable(place.function)}" if place.function else ""
    return [
        f"in its source: {printable(place.file)}, line {place.line}{function}{how}",
        *(f"  {'>' if number == place.line else ' '} {number:>4}  {line}".rstrip() for number, line in lines),
    ]


def _name(voice: Voice) -> str:
    return "the program" if voice.name == "program" else voice.name


def _doing(voice: Voice) -> list[str]:
    return [f"{_name(voice)}: {voice.doing}"] if voice.doing else []


def _said_by(voice: Voice, *, alone: bool) -> list[str]:
    it = "it" if alone else _name(voice)
    return [
        *_printed(f"{it} printed:", voice.printed),
        *_printed(f"{it} printed on stderr:", voice.complained),
    ]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", ":")) else ".")


def _sent(events: tuple[Event, ...], dialogue_of: str = "") -> list[str]:
    """What was sent, or how the program was started.

    `dialogue_of`: the client of which only is told what it sent, and what it was answered before the last time.
    """
    if dialogue_of:
        return _dialogue(events, dialogue_of)
    started = [place for place, event in enumerate(events) if event.kind is EventKind.STARTED]
    last = {events[place].who: events[place].text for place in started}
    begun = [f"{'' if who == 'program' else f'{who} '}started as: {words}" for who, words in last.items()]
    run = events[started[-1] if started else 0 :]
    if any(event.who == THE_NETWORK for event in events):
        # What has become of each datagram, whoever has sent it.
        passed = tuple(event for event in events if event.who == THE_NETWORK)
        return begun + _last_said(passed, frozenset({EventKind.RECEIVED}))
    if any(event.kind is EventKind.TYPED for event in events):
        # A client: each of its runs is a conversation of its own, and what was typed into it is where it begins.
        return begun + _last_said(run)
    if any(event.who == THE_SERVER for event in events):
        # One that acts by itself: what it is started with is where its conversation begins.
        return begun + _last_said(_without_the_last_heard(run), _SAID | {EventKind.RECEIVED})
    return _last_said(events) or begun


def _without_the_last_heard(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """What was received last is told as what was received."""
    last = max((place for place, event in enumerate(events) if event.kind is EventKind.SENT), default=0)
    return tuple(event for at, event in enumerate(events) if event.kind is not EventKind.RECEIVED or at < last)


def _dialogue(events: tuple[Event, ...], client: str) -> list[str]:
    """What one client sent, and between that what it received: what is right depends on it."""
    others = {event.who for event in events if event.kind is EventKind.SENT} - {client}
    own = tuple(event for event in events if event.who == client)
    beside = ["(what other clients said meanwhile is left out; an HTML report shows all)"] if others else []
    return beside + _last_said(_without_the_last_heard(own), _SAID | {EventKind.RECEIVED})


def _last_said(events: tuple[Event, ...], kinds: frozenset[EventKind] | None = None) -> list[str]:
    """What was sent and typed last, what was typed last however long ago, and what may have ended the program.

    `kinds`: the events that are told, if others than usual.  It begins by saying how much is left out.
    """
    said = [place for place, event in enumerate(events) if event.kind in (kinds or _SAID)]
    lines = [_deed(events[place]) for place in said]
    typed = [place for place in said if events[place].kind is EventKind.TYPED]
    needed = {*typed[-_TYPED_SHOWN:], *_fatal(events)}
    first = _first_shown(lines)
    kept = [line for number, line in enumerate(lines) if number >= first or said[number] in needed]
    left_out = len(said) - len(kept)
    told = (
        [f"({left_out} earlier message{'s' * (left_out != 1)} left out; an HTML report shows all)"] if left_out else []
    )
    return told + kept


def _first_shown(lines: list[str]) -> int:
    """The first of the last lines that are shown."""
    first, room = len(lines), _SENT_CHARACTERS
    while first > 0 and len(lines) - first < _MOST_SENT_SHOWN:
        room -= len(lines[first - 1])
        if room < 0 and len(lines) - first >= _SENT_SHOWN:
            break
        first -= 1
    return first


def _fatal(events: tuple[Event, ...]) -> list[int]:
    """Where the message that may have ended it was sent: after its last sign of life, before its end was noticed."""
    ends = [place for place, event in enumerate(events) if event.kind is EventKind.EXITED]
    if not ends:
        return []
    alive = max((place for place in range(ends[-1]) if events[place].kind is EventKind.RECEIVED), default=-1)
    return [place for place in range(alive + 1, ends[-1]) if events[place].kind in _SAID][-_MOST_SENT_SHOWN:]


#: What is done to a program that it may not survive, and in which words if it is not a message.
_SAID = frozenset({EventKind.SENT, EventKind.TYPED, EventKind.RESET, EventKind.HALF_CLOSED})
_LEAVING = {EventKind.RESET: "reset the connection", EventKind.HALF_CLOSED: "closed its side of the connection"}


def _deed(event: Event) -> str:
    means = f"{printable(event.means)}: " if event.means else ""
    if event.kind in _LEAVING:
        return f"{event.who} {_LEAVING[event.kind]}{f' ({event.text})' if event.text else ''}"
    if event.who == THE_NETWORK and (passed := on_its_way(event.text)):
        what = printable(event.means or passed.what) or split(replace(event, text=""))
        return f"to the {passed.to}, {passed.fate}: {what}"
    if event.kind is EventKind.RECEIVED:
        return f"{event.who} received: {means}{split(event)}"
    if event.kind is EventKind.SENT:
        return f"{event.who} sent: {means}{split(event)}"
    return f"{'typed' if event.who == Keyboard.AT_TERMINAL else 'through a pipe'}: {split(event)}"


def split(event: Event) -> str:
    """What was sent, with a bar where one piece was read before the next was sent."""
    if event.size_bytes > _SHOWN_BYTES:
        head, tail = event.data[: _SHOWN_BYTES // 2], event.data[-_SHOWN_BYTES // 4 :]
        how = f" in {len(event.pieces)} pieces" if event.pieces else ""
        return f"{shown(head)} … {shown(tail)} ({event.size_bytes} bytes{how})"
    if not event.pieces:
        words = f" ({event.text})" if event.text else ""
        return f"{shown(event.data)}{words}" if event.data or not event.text else event.text
    parts, at = [], 0
    for length in event.pieces[:_PIECES_SHOWN]:
        parts.append(shown(event.data[at : at + length]))
        at += length
    rest = f" | … {len(event.pieces) - _PIECES_SHOWN} more" if len(event.pieces) > _PIECES_SHOWN else ""
    return " | ".join(parts) + rest + "   (each sent once the one before had been read)"


def _came(fault: FaultError | UnprovedError) -> list[str]:
    if isinstance(fault, UnprovedError) or fault.received is None:
        return []
    if not fault.expected:
        return [f"received: {_some(fault.received)}"] if fault.received else []
    if isinstance(fault.expected, str):
        return _recognised(fault, fault.expected, fault.received)
    if not fault.received:
        return [f"expected: {_some(fault.expected)}", "received: nothing"]
    return side_by_side(fault.expected, fault.received)


#: What has come then is what a program has printed or written, which is no message of the protocol.
_NO_MESSAGES: Final = frozenset(
    {
        *(Reason.NOT_SHOWN, Reason.SHOWN_ON_STDERR, Reason.NOT_FLUSHED, Reason.BYTES_SHOWN, Reason.WRONG_SHOWN),
        *(Reason.NOT_WRITTEN, Reason.SILENT, Reason.EXIT_STATUS),
    }
)


def _in_words(fault: FaultError | UnprovedError, describe: Describe) -> list[str]:
    """What the bytes mean that were expected and received, if the assignment says that."""
    if isinstance(fault, UnprovedError) or fault.reason in _NO_MESSAGES:
        return []
    told = {"expected": fault.expected, "received": fault.received}
    means = {name: describe(data) for name, data in told.items() if isinstance(data, bytes) and data}
    return [f"in words, {name}: {printable(words)}" for name, words in means.items() if words]


def _recognised(fault: FaultError, expected: str, received: bytes) -> list[str]:
    """What was expected in words, and what came, with a caret where it went wrong."""
    lines = [f"expected: {printable(expected)}"]
    if fault.at is not None:
        here = f" expected here: {printable(fault.here)}" if fault.here else ""
        line, caret = pointed("received", received, fault.at)
        return [*lines, line, caret + here]
    lines.append(f"received: {_some(received) if received else 'nothing'}")
    return [*lines, f"lacking: {printable(fault.lacking)}"] if fault.lacking else lines


def _some(data: bytes) -> str:
    return shown(data[:_SHOWN_BYTES]) + ("…" if len(data) > _SHOWN_BYTES else "")


def _printed(label: str, printed: bytes) -> list[str]:
    """The end of what was printed, and before it the lines at the start of a trace that is told from its cause on."""
    lines = printed.decode("utf-8", "backslashreplace").splitlines()
    if not any(line.strip() for line in lines):
        return []
    first = max(0, len(lines) - _PRINTED_LINES)
    heads = [place for place in range(first) if _heads_a_trace(lines, place)][-_HEADS_SHOWN:]
    words, next_ = [label], 0
    for place in (*heads, *range(first, len(lines))):
        if place > next_:
            words.append(f"  … {place - next_} line{'s' * (place - next_ > 1)} left out")
        words.append(f"  {printable(_shortened(lines[place].expandtabs(_TAB_COLUMNS)))}")
        next_ = place + 1
    return words


def _heads_a_trace(lines: list[str], place: int) -> bool:
    """Whether a line names an exception as Java and Node.js do: frames follow it, and none of its kind comes before."""
    return lines[place + 1].startswith(_FRAME) and not lines[place].startswith(_FRAME)


def what_to_read(voices: Sequence[Voice]) -> str:
    """What a hint says of what programs have printed, one of which has crashed."""
    printed = b"\n".join(words for voice in voices for words in (voice.printed, voice.complained))
    if shows_traceback(printed):
        return READ_WHY
    return READ_WORDS if printed.strip() else READ_NOTHING


#: How a program that has not found a module ends its words, the line among its last that names it, and what is there of
#: its language in any case.  The forms are the interpreters', and the name has no blank in it and is no path.
_NO_MODULE: Final = (
    (
        re.compile(r"ModuleNotFoundError: "),
        re.compile(r"ModuleNotFoundError: No module named '([^\s']+)'"),
        "Python's standard library",
    ),
    (
        re.compile(r"Node\.js v[\d.]+$"),
        re.compile(r"Error(?: \[ERR_MODULE_NOT_FOUND\])?: Cannot find (?:module|package) '([^\s'./][^\s']*)'"),
        "what Node.js itself brings",
    ),
    (
        re.compile(r"\s*from .*[`']<main>'$|.*\(LoadError\)$"),
        re.compile(r".*: cannot load such file -- ([^\s./][^\s]*) \(LoadError\)$"),
        "Ruby's standard library",
    ),
    (
        re.compile(r"BEGIN failed--compilation aborted at "),
        re.compile(r"Can't locate [^\s]+ in @INC \(you may need to install the ([^\s]+) module\)"),
        "Perl's own modules",
    ),
)
#: Lines of the trace that Node.js prints behind the name.
_TRACE_LINES = 40


def missing_module(complained: bytes, libraries: Sequence[str] | None = ()) -> str:
    """What to do about a module that a program did not find; empty if that has not ended it.

    `libraries`: what is available besides what its language brings; None: nobody knows.
    """
    lines = complained.decode("utf-8", "backslashreplace").strip().splitlines()[-_TRACE_LINES:]
    for ending, naming, usual in _NO_MODULE:
        found = [name[1] for line in lines if (name := naming.match(line))] if lines and ending.match(lines[-1]) else []
        if found:
            more = f", {', '.join(libraries)}" if libraries else ""
            there = f": only {usual}{more} and what was handed in are available" if libraries is not None else ""
            return (
                f"There is no module {printable(found[-1])} where programs are graded{there}. If it is your own file, "
                "hand it in together with the program; if it is a package, do without it."
            )
    return ""


def _shortened(line: str) -> str:
    """A line of a readable length; the transcript has all of it."""
    if len(line) <= _PRINTED_CHARACTERS:
        return line
    kept = _PRINTED_CHARACTERS // 2
    return f"{line[:kept]} … {line[-kept:]} ({len(line)} characters)"


def printable(line: str) -> str:
    """A line without control characters: they are escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def because(needed: str, fault: FaultError | None = None) -> str:
    """Why a check was skipped."""
    why = f": {REASONS[fault.reason]}" if fault else ""
    return f"skipped: depends on {needed}{why}"
