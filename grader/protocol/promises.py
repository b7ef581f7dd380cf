"""What the functions of an assignment's `protocol.py` promise the checks, and what is wrong with one that breaks it.

A promise is what `script.py` says about a function, as a pure function from the protocol in one run to whether it
holds.  An author hears of a broken one before a program is started: the run's own seed is tried, and some more, so that
no verdict depends on the seed.  The tests try a thousand.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

from grader.limits import MOST_UDP_BYTES
from grader.protocol import visits
from grader.protocol.reply import Reply
from grader.protocol.script import ClientProtocol, DatagramProtocol, Entry, Exchange, Seeded, StreamProtocol
from grader.protocol.shapes import CONSTANTS, FORMS, SIZES, UNIT_BYTES, Form, Promise
from grader.protocol.visit import Visit, outline

#: How many seeds an author's functions are tried with, the run's own the first.
_SEEDS = 3
#: The longest message may be a mebibyte, and to make it takes as long as all the others; every grading waits for that.
_SEEDS_OF = {"longest": 1}
#: What is asked of a function of numbers: those of the first checks, one of a crowd and one of many clients.
_NUMBERS = (*range(8), 49, 499)
#: How many lines are typed in any check.
_TYPED = 3
#: ... and of counts, those of the checks.
_COUNTS = (2, 5, 50)
#: Of long data so many bytes come nowhere again.
_BLOCK_BYTES = 64
#: A short request, which fits any buffer: a line, or the head of an HTTP request.
_SHORT_BYTES = 1024


def faults_of(protocol: object, functions: Iterable[str], seed: int = 1) -> Iterator[str]:
    """What is wrong with a protocol's functions of these names, a sentence each.

    `protocol`: the author's module, whose functions take a random source last.  `seed`: the run's.
    """
    for name in functions:
        if not hasattr(protocol, name):
            yield f"protocol.py has no {name}"
        elif fault := _fault_of(protocol, name, seed):
            yield f"{name} of protocol.py {fault}"


def optional(protocol: object) -> tuple[str, ...]:
    """The functions that it has though no check needs them: a check looks whether they are there."""
    return tuple(
        name for name in ("greeting", "opening", "longest", "dialogue", "unfinished") if hasattr(protocol, name)
    )


def lines_of(error: BaseException, of: Callable[[str], bool]) -> list[int]:
    """The lines at which an exception has passed through files for which `of` is true, the innermost last."""
    return [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if of(frame.filename)]


def _fault_of(protocol: object, name: str, seed: int) -> str | None:
    """What is wrong with one function, following its name."""
    if name in CONSTANTS:
        return _misfit(getattr(protocol, name), CONSTANTS[name])
    if name not in FORMS:  # one that the assignment's own checks use
        return None
    if not _takes_what_it_must(getattr(protocol, name), name):
        return f"must be a function {_signature(name)}, where rng is the run's random source"
    faults = (_fault_with(protocol, name, tried) for tried in range(seed, seed + _SEEDS_OF.get(name, _SEEDS)))
    return next(filter(None, faults), None)


def _fault_with(protocol: object, name: str, seed: int) -> str | None:
    """What is wrong with what it gives in a run with this seed."""
    said = Seeded(protocol, seed)
    try:
        given, again = (_all_of(run, name) for run in (said, Seeded(protocol, seed)))
        if misfit := next(filter(None, (_misfit(each, FORMS[name]) for each in given)), None):
            return misfit
        if _compared(given) != _compared(again):
            return "gives something different for the same seed: it must draw from rng alone"
        if broken := broken_promise(said, name):
            return f"must give {broken}, but with seed {seed} it does not"
    except Exception as error:  # noqa: BLE001 — whatever an author's function raises is told to its author
        at = lines_of(error, lambda file: file == getattr(protocol, "__file__", None))
        return f"raises {error!r}{f' in line {at[-1]}' if at else ''}"
    return None


def _compared(given: Any) -> Any:
    """What is the same for the same seed: of recognisers, which may be functions, their words."""
    if isinstance(given, list | tuple):
        return [_compared(each) for each in given]
    if isinstance(given, Exchange) and not isinstance(given.reply, bytes):
        return given.request, given.reply.words, given.heard
    if isinstance(given, Reply):
        return given.words
    return outline(given) if isinstance(given, Visit) else given


def broken_promise(protocol: Seeded, name: str) -> str | None:
    """The first promise of a function that does not hold in this run, in words; None: all hold."""
    return next((promise.words for promise in PROMISES.get(name, ()) if not promise.holds(protocol)), None)


def _takes_what_it_must(member: object, name: str) -> bool:
    if not callable(member):
        return False
    try:
        inspect.signature(member).bind(*_asked(name)[0], None)
    except TypeError:
        return False
    return True


def _signature(name: str) -> str:
    parameters = (_ASKED[name][0],) if name in _ASKED else ()
    return f"{name}({', '.join((*parameters, 'rng'))})"


def _asked(name: str) -> list[tuple[object, ...]]:
    """The arguments that a function is tried with, except for the random source."""
    return [(value,) for value in _ASKED[name][1]] if name in _ASKED else [()]


def _all_of(protocol: Seeded, name: str) -> list[Any]:
    """What a function gives for each of them; of a dialogue, whose exchanges depend on a server, the first."""
    given = [getattr(protocol, name)(*arguments) for arguments in _asked(name)]
    return [next(each, None) if isinstance(each, Generator) else each for each in given]


def _misfit(given: object, form: Form) -> str | None:
    return None if form.fits(given) else f"must give {form.words}, not {str(given)[:60]!r}"


#: What those functions take that take more than a random source, and what they are tried with.
_ASKED: dict[str, tuple[str, Sequence[int]]] = {
    "exchange": ("number", _NUMBERS),
    "dialogue": ("number", range(8)),
    "opening": ("number", range(8)),
    "pipelined": ("count", _COUNTS),
    "large": ("size_bytes", SIZES),
    "sized": ("size_bytes", SIZES),
    "typed": ("number", range(_TYPED)),
    "typed_sized": ("size_bytes", SIZES),
    "visit": ("number", visits.NUMBERS),
    "visit_sized": ("size_bytes", SIZES),
}


# promises


def _requests_differ(protocol: StreamProtocol) -> bool:
    exchanges = [protocol.exchange(number) for number in _NUMBERS]
    exact = all(isinstance(exchange.reply, bytes) for exchange in exchanges)
    unasked = not any(exchange.request for exchange in exchanges)
    return unasked or not exact or len({exchange.request for exchange in exchanges}) == len(exchanges)


def _openings_differ(protocol: StreamProtocol) -> bool:
    return len({protocol.opening(number).request for number in _NUMBERS}) == len(_NUMBERS)


def _none_closes(protocol: StreamProtocol) -> bool:
    closing = getattr(protocol, "closing", None)
    return closing is None or all(closing().request not in protocol.exchange(number).request for number in _NUMBERS)


def _awkward_is_no_text(protocol: StreamProtocol) -> bool:
    return not all(_is_utf8(exchange.request) for exchange in protocol.awkward())


def _awkward_has_a_nul(protocol: StreamProtocol) -> bool:
    """With more after it than NULs and a line ending."""
    return any(exchange.request.partition(b"\0")[2].strip(b"\0\r\n") for exchange in protocol.awkward())


def _awkward_does_not_close(protocol: StreamProtocol) -> bool:
    closing = getattr(protocol, "closing", None)
    return closing is None or all(closing().request not in exchange.request for exchange in protocol.awkward())


def _sized_is_as_long_as_asked(protocol: StreamProtocol | DatagramProtocol) -> bool:
    largest: int | None = getattr(protocol, "LARGEST_BYTES", None)
    if largest is None:
        return all(0 <= size - len(protocol.sized(size).request) <= UNIT_BYTES for size in SIZES)
    asked = (*(size for size in SIZES if size < largest), largest)
    return all(len(protocol.sized(size).request) == size for size in asked)


def _pipelined_are_as_many_as_asked(protocol: StreamProtocol) -> bool:
    return all(len(protocol.pipelined(count)) == count for count in _COUNTS)


def _large_is_as_long_as_asked(protocol: StreamProtocol) -> bool:
    asked = ((size, protocol.large(size).reply) for size in SIZES)
    return all(len(reply) >= size for size, reply in asked if isinstance(reply, bytes))


def _large_asks_little(protocol: StreamProtocol) -> bool:
    return all(len(protocol.large(size).request) <= _SHORT_BYTES for size in SIZES)


def _sized_repeats_nothing(protocol: StreamProtocol) -> bool:
    return all(_repeats_nothing(protocol.sized(size).request) for size in SIZES)


def _unterminated_is_something(protocol: StreamProtocol) -> bool:
    return bool(protocol.unterminated().request)


def _text_is_utf8(protocol: StreamProtocol) -> bool:
    return all(_is_utf8(exchange.request) for exchange in protocol.text())


def _text_can_be_cut(protocol: StreamProtocol) -> bool:
    return all(_widths(exchange.request) - {1} for exchange in protocol.text())


def _text_has_every_width(protocol: StreamProtocol) -> bool:
    return {2, 3, 4} <= _widths(b"".join(exchange.request for exchange in protocol.text()))


def _invalid_text_is_invalid(protocol: StreamProtocol) -> bool:
    messages = protocol.invalid_text()
    return bool(messages) and not any(map(_is_utf8, messages))


def _ends_differ(protocol: StreamProtocol) -> bool:
    requests = [exchange.request for exchange in protocol.line_endings()]
    return len(requests) > 1 and len(set(requests)) == len(requests)


def _lengths_are_there(protocol: StreamProtocol) -> bool:
    starts = protocol.hostile_lengths()
    return bool(starts) and all(starts)


def _empty_is_empty(protocol: DatagramProtocol) -> bool:
    return not protocol.empty().request


def _oversized_is_too_large(protocol: DatagramProtocol) -> bool:
    least: int = getattr(protocol, "LARGEST_BYTES", 0)
    return all(least < len(datagram) <= MOST_UDP_BYTES for datagram in protocol.oversized())


def _garbage_is_no_text(protocol: DatagramProtocol) -> bool:
    return not all(map(_is_utf8, protocol.garbage()))


def _typed_is_told_apart(protocol: ClientProtocol) -> bool:
    return _none_stands_in_another(protocol.typed(number).shown for number in range(_TYPED))


def _typed_stays(protocol: ClientProtocol) -> bool:
    return _none_leaves(protocol, (protocol.typed(number) for number in range(_TYPED)))


def _awkward_lines_are_text(protocol: ClientProtocol) -> bool:
    return all(_is_utf8(entry.line) and b"\n" not in entry.line for entry in protocol.typed_awkward())


def _awkward_replies_can_be_cut(protocol: ClientProtocol) -> bool:
    """In the middle of a character.  Where what is shown is not part of the reply, replies are binary."""
    entries = protocol.typed_awkward()
    is_text = any(entry.shown and entry.shown in entry.reply for entry in entries)
    return not is_text or any(_widths(entry.reply) - {1} for entry in entries)


def _awkward_lines_are_told_apart(protocol: ClientProtocol) -> bool:
    plain = [protocol.typed(number) for number in range(_TYPED)] if hasattr(protocol, "typed") else []
    return _none_stands_in_another(entry.shown for entry in (*plain, *protocol.typed_awkward()))


def _awkward_lines_stay(protocol: ClientProtocol) -> bool:
    return _none_leaves(protocol, protocol.typed_awkward())


def _typed_is_as_long_as_asked(protocol: ClientProtocol) -> bool:
    return all(abs(size - len(protocol.typed_sized(size).reply)) <= UNIT_BYTES for size in SIZES)


def _typed_repeats_nothing(protocol: ClientProtocol) -> bool:
    return all(_repeats_nothing(protocol.typed_sized(size).shown) for size in SIZES)


def _leaving_is_a_line(protocol: ClientProtocol) -> bool:
    return b"\n" not in protocol.leaving().line


def _unasked_is_no_reply(protocol: ClientProtocol) -> bool:
    said = protocol.unasked()
    plain = [protocol.typed(number) for number in range(_TYPED)] if hasattr(protocol, "typed") else []
    return bool(said.reply and said.shown) and not any(said.shown in entry.shown for entry in plain)


def _none_stands_in_another(shown: Iterable[bytes]) -> bool:
    some = list(filter(None, shown))
    return not any(one in other for at, one in enumerate(some) for other in some[:at] + some[at + 1 :])


def _none_leaves(protocol: ClientProtocol, entries: Iterable[Entry]) -> bool:
    leaving = getattr(protocol, "leaving", None)
    return leaving is None or all(entry.line != leaving().line for entry in entries)


def _repeats_nothing(data: bytes) -> bool:
    blocks = [data[at : at + _BLOCK_BYTES] for at in range(0, len(data), _BLOCK_BYTES)]
    return len(set(blocks)) == len(blocks)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _widths(data: bytes) -> set[int]:
    """How many bytes the characters of a text have."""
    return {len(character.encode()) for character in data.decode()}


_NO_END = "lines of which none is the one that makes the client exit"
#: By function, what it promises besides its form.  Each is said in `script.py`, where a check's author reads it.
PROMISES: dict[str, tuple[Promise, ...]] = {
    "exchange": (
        Promise("requests that are all different", _requests_differ),
        Promise("requests that do not contain the one of closing", _none_closes),
    ),
    "opening": (Promise("requests that are all different", _openings_differ),),
    "awkward": (
        Promise("a request that is not UTF-8", _awkward_is_no_text),
        Promise("a request with a NUL and something after it", _awkward_has_a_nul),
        Promise("requests that do not contain the one of closing", _awkward_does_not_close),
    ),
    "sized": (
        Promise("a request that is as long as asked for", _sized_is_as_long_as_asked),
        Promise(f"a request in which no {_BLOCK_BYTES} bytes come twice", _sized_repeats_nothing),
    ),
    "pipelined": (Promise("as many exchanges as asked for", _pipelined_are_as_many_as_asked),),
    "large": (
        Promise("a reply that is as long as asked for", _large_is_as_long_as_asked),
        Promise(f"a request of {_SHORT_BYTES} bytes at most", _large_asks_little),
    ),
    "unterminated": (Promise("a request that is not empty", _unterminated_is_something),),
    "text": (
        Promise("requests in UTF-8", _text_is_utf8),
        Promise("requests that each have a multi-byte character", _text_can_be_cut),
        Promise("requests with characters of two, three and four bytes", _text_has_every_width),
    ),
    "invalid_text": (Promise("messages of which none is UTF-8", _invalid_text_is_invalid),),
    "line_endings": (Promise("several requests, all different", _ends_differ),),
    "hostile_lengths": (Promise("starts of messages that are not empty", _lengths_are_there),),
    "empty": (Promise("an empty request", _empty_is_empty),),
    "oversized": (
        Promise(f"datagrams longer than LARGEST_BYTES, of {MOST_UDP_BYTES} bytes at most", _oversized_is_too_large),
    ),
    "garbage": (Promise("a datagram that is not UTF-8", _garbage_is_no_text),),
    "typed": (
        Promise("lines whose shown is not part of another's", _typed_is_told_apart),
        Promise(_NO_END, _typed_stays),
    ),
    "typed_awkward": (
        Promise("lines in UTF-8 without a line ending", _awkward_lines_are_text),
        Promise("a reply with a multi-byte character, if replies are text", _awkward_replies_can_be_cut),
        Promise("lines whose shown is not part of another's, nor of one of typed", _awkward_lines_are_told_apart),
        Promise(_NO_END, _awkward_lines_stay),
    ),
    "typed_sized": (
        Promise("a reply that is as long as asked for", _typed_is_as_long_as_asked),
        Promise(f"what is shown so that no {_BLOCK_BYTES} bytes of it come twice", _typed_repeats_nothing),
    ),
    "leaving": (Promise("a line without a line ending", _leaving_is_a_line),),
    "unasked": (Promise("something to show that is not part of any shown of typed", _unasked_is_no_reply),),
    **visits.PROMISES,
}
