r"""The laws of recognisers (`reply.py`), tried on one: `keeps_the_laws(form(b"OK {n}"), right=[b"OK 23\n"], ...)`.

For an author's tests and for ours, never for a grading: hypothesis, which makes up the wrong replies and cuts all of
them into pieces, is loaded when a law is tried.  What a recogniser may do with the bytes is counted, not timed, so that
the same recogniser always gets the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, SupportsIndex

from grader.protocol.reply import Complete, Decision, Incomplete, Matching, Mismatch, Reply

if TYPE_CHECKING:
    from hypothesis import strategies as st

#: What a recogniser may look at: every byte so many times, and at each time that it is asked so many bytes besides.
_LOOKS: Final = 8
_LOOKS_EACH_TIME: Final = 512
#: What a program sends that never stops: these, or the last bytes of a right reply, over and over.
_ENDLESS: Final = (b"a", b"7", b" ", b"\0", b"\n", b"\r\n", b"1\r\na\r\n", b"X: y\r\n")
_ENDLESS_PIECE_BYTES: Final = 32 * 1024
_SMALL_PIECE_BYTES: Final = 64
#: Longer ones are not cut everywhere.
_SHORT_BYTES: Final = 2_000
#: At how many places, at least, a reply is cut once, if it is longer than that many bytes.
_CUTS: Final = 16


class Decided(NamedTuple):
    """How a reply was decided: after how many bytes, and whether its end was needed."""

    decision: Decision
    after: int
    ended: bool


def keeps_the_laws(
    reply: Reply,
    right: Sequence[bytes],
    *,
    wrong: Sequence[bytes] = (),
    long: bytes = b"",
    bounded_bytes: int,
    to_the_end: bool = False,
    examples: int = 100,
) -> None:
    """Try every law on a recogniser.

    `right`: replies that it recognises.  `wrong`: some that it must not.  `long`: a right or wrong one of many bytes,
    on which the work is counted, unless the right ones are long.  `bounded_bytes`: by then it has decided, whatever
    comes.  `to_the_end`: the end of the connection, or of the datagram, is a part of the reply.  `examples`: how many
    made-up replies are tried.

    Raises:
        AssertionError: a law is broken, in a sentence.
    """
    assert reply.words, "its words are empty"
    for data in right:
        _is_incomplete_until_its_end(reply, data, to_the_end=to_the_end)
        _begins_anew(reply, data, to_the_end=to_the_end)
    for data in wrong:
        decided = decide(reply, data, [], end=True)
        assert not isinstance(decided.decision, Complete), f"it takes {data[:80]!r} for a right reply"
    _is_linear(reply, long or max(right, key=len))
    _is_bounded(reply, right, bounded_bytes)
    _decides_the_same_in_pieces(reply, [*right, *wrong], examples)


def decide(reply: Reply, data: bytes, cuts: Sequence[int], *, end: bool) -> Decided:
    """What is decided if a reply comes in pieces that end at these offsets and at its end.

    `end`: the connection is closed behind it; the last piece and the FIN come separately.

    Raises:
        AssertionError: the received bytes were changed, or a decision is not about them.
    """
    matching, received, decision = reply.begin(), bytearray(), _LACKS_ALL
    for start, stop in _spans(len(data), cuts):
        received += data[start:stop]
        decision = ask(matching, received, ended=False)
        if not isinstance(decision, Incomplete):
            return Decided(decision, stop, ended=False)
    if end:
        decision = ask(matching, received, ended=True)
    return Decided(decision, len(data), ended=end)


_LACKS_ALL: Final[Decision] = Incomplete("all of it")


def ask(matching: Matching, received: bytearray, *, ended: bool) -> Decision:
    """One question, and what every decision must be like.

    Raises:
        AssertionError: the received bytes were changed, or the decision is not about them.
    """
    before = bytes(received)
    decision = matching.match(received, ended=ended)
    assert received == before, "it has changed the bytes that were received"
    if isinstance(decision, Complete):
        assert 0 <= decision.length <= len(received), "it is complete with bytes that have not come"
    elif isinstance(decision, Mismatch):
        assert decision.at is None or 0 <= decision.at <= len(received), "the wrong byte has not come"
        assert decision.expected or decision.problem, "it says neither what was expected nor what is wrong"
    else:
        assert decision.lacking, "it does not say what is lacking"
        assert decision.needed >= 0, "it needs less than nothing"
    return decision


class AskedOnce:
    """A reply whose matchings fail when they are asked again after their decision: for who asks, the fifth law."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.words = reply.words

    def begin(self) -> _AskedOnce:
        return _AskedOnce(self._reply.begin())


class _AskedOnce:
    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._decided: Decision | None = None

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        assert self._decided is None, f"it was asked again after it had decided: {self._decided}"
        decision = self._matching.match(received, ended=ended)
        self._decided = None if isinstance(decision, Incomplete) else decision
        return decision


def _spans(length: int, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    places = [0, *sorted({cut for cut in cuts if 0 < cut < length}), length]
    return pairwise(places)


def _everywhere(data: bytes) -> Sequence[int]:
    return range(len(data)) if len(data) <= _SHORT_BYTES else range(0, len(data), max(1, len(data) // _SHORT_BYTES))


def _is_incomplete_until_its_end(reply: Reply, data: bytes, *, to_the_end: bool) -> None:
    """Laws 1 and 6."""
    matching, received = reply.begin(), bytearray()
    soonest = 0
    for start, stop in _spans(len(data), _everywhere(data)):
        received += data[start:stop]
        decision = ask(matching, received, ended=False)
        if stop < len(data) or to_the_end:
            assert isinstance(decision, Incomplete), f"{data[:stop]!r} is not all of it, and is {decision}"
            soonest = max(soonest, stop + decision.needed)
    if to_the_end:
        assert soonest <= len(data), "it says that it needs more bytes than it does"
        decision = ask(matching, received, ended=True)
    assert isinstance(decision, Complete), f"{data[:80]!r} is right, and is {decision}"
    assert decision.length == len(data), f"{data[:80]!r} is a whole reply, and {decision.length} bytes of it are"
    assert soonest <= len(data), "it says that it needs more bytes than it does"
    if not to_the_end:
        more = decide(reply, data + data, [], end=False).decision
        assert more == decision, f"with the next reply behind it, it is {more} instead of {decision}"


def _begins_anew(reply: Reply, data: bytes, *, to_the_end: bool) -> None:
    """`begin` gives a state of its own: two replies that are received at the same time don't disturb each other."""
    alone = decide(reply, data, [], end=to_the_end).decision
    assert isinstance(alone, Complete), f"{data[:80]!r} is right, and is {alone} when it is received a second time"
    first, second = reply.begin(), reply.begin()
    ask(first, bytearray(data[: len(data) // 2]), ended=False)
    assert ask(second, bytearray(data), ended=to_the_end) == alone, "a second matching is disturbed by the first"
    assert ask(first, bytearray(data), ended=to_the_end) == alone, "a first matching is disturbed by the second"


def _is_bounded(reply: Reply, right: Sequence[bytes], bounded_bytes: int) -> None:
    """Law 3."""
    for data in right:
        for tail in (*_ENDLESS, data[-_SMALL_PIECE_BYTES:]):
            for kept in {0, len(data) // 2, max(0, len(data) - 1)}:
                stream = data[:kept] + tail * (bounded_bytes // len(tail) + 1) if tail else b""
                cuts = range(0, len(stream), _ENDLESS_PIECE_BYTES)
                decision = decide(reply, stream, cuts, end=False).decision
                assert not isinstance(decision, Incomplete), (
                    f"after {len(stream)} bytes it has not decided: {data[:kept][:80]!r} and then {tail!r}, endlessly"
                )


def _is_linear(reply: Reply, data: bytes) -> None:
    """Law 4."""
    matching, received = reply.begin(), _Counted()
    calls = 0
    for start, stop in _spans(len(data), range(0, len(data), _SMALL_PIECE_BYTES)):
        received += data[start:stop]
        calls += 1
        if not isinstance(matching.match(received, ended=False), Incomplete):
            break
    allowed = _LOOKS * len(received) + _LOOKS_EACH_TIME * calls
    assert received.looked_at <= allowed, (
        f"for {len(received)} bytes in {calls} pieces it looks at {received.looked_at} bytes: more than {allowed}"
    )


def _decides_the_same_in_pieces(reply: Reply, streams: Sequence[bytes], examples: int) -> None:
    """Law 2, with replies cut once at many places (short ones at each), and with what hypothesis makes of them."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 — not installed where programs are graded
    from hypothesis import strategies as st  # noqa: PLC0415

    def is_the_same(data: bytes, places: list[int]) -> None:
        single = decide(reply, data, range(len(data)), end=True)
        cuts = [place % (len(data) + 1) for place in places]
        pieces = decide(reply, data, cuts, end=True)
        assert pieces.decision == single.decision, (
            f"{data!r} is {single.decision} byte by byte, and {pieces.decision} when cut at {sorted(set(cuts))}"
        )
        piece = next((stop for _, stop in _spans(len(data), cuts) if stop >= single.after), len(data))
        assert (pieces.after, pieces.ended) == (piece, single.ended), (
            f"{data!r} is decided after {single.after} bytes one by one, and after {pieces.after} when cut at {cuts}"
        )

    for short in {data[:_SHORT_BYTES] for data in streams}:
        for place in range(1, len(short), max(1, len(short) // _CUTS)):
            is_the_same(short, [place])
    spoilt = given(st.sampled_from(streams).flatmap(_spoilt), st.lists(st.integers(0, 1 << 20), max_size=8))
    usual = settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=[HealthCheck.differing_executors]
    )
    usual(spoilt(is_the_same))()


def _spoilt(data: bytes) -> st.SearchStrategy[bytes]:
    """A reply, or what becomes of it when something is cut out, put in, or behind it."""
    from hypothesis import strategies as st  # noqa: PLC0415

    short = data[:_SHORT_BYTES]
    offsets = st.integers(0, len(short))
    junk = st.one_of(st.binary(max_size=6), st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b":", b"0", b"\r\n\r\n"]))

    def spoil(first: int, second: int, put: bytes) -> bytes:
        start, stop = sorted((first, second))
        return short[:start] + put + short[stop:]

    return st.one_of(
        st.just(short),
        st.builds(lambda more: short + more, st.binary(max_size=20)),
        st.builds(spoil, offsets, offsets, junk),
        st.builds(lambda at, put: spoil(at, at, put), offsets, junk),
        st.builds(lambda at, put: spoil(at, min(at + 1, len(short)), put), offsets, junk),
    )


class _Counted(bytearray):
    """Received bytes that count how many of them are looked at.

    What reads them through the buffer protocol, as `re` and `memoryview` do, is not seen.
    """

    looked_at = 0

    def _look(self, count: int) -> None:
        self.looked_at += count

    def __getitem__(self, key: Any) -> Any:
        self._look(len(range(*key.indices(len(self)))) if isinstance(key, slice) else 1)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[int]:
        self._look(len(self))
        return super().__iter__()

    def __bytes__(self) -> bytes:
        self._look(len(self))
        return bytes(bytearray(self))

    def __eq__(self, other: object) -> bool:
        self._look(len(self))
        return super().__eq__(other)

    __hash__ = None


def _searching(name: str) -> Callable[..., Any]:
    """A method of bytes that looks at those between its two offsets, all of them without."""
    method = getattr(bytearray, name)

    def look(self: _Counted, wanted: Any, start: SupportsIndex | None = None, stop: SupportsIndex | None = None) -> Any:
        self._look(len(range(*slice(start, stop).indices(len(self)))))
        return method(self, wanted, start, stop)

    return look


def _whole(name: str) -> Callable[..., Any]:
    """A method of bytes that looks at all of them."""
    method = getattr(bytearray, name)

    def look(self: _Counted, *arguments: Any) -> Any:
        self._look(len(self))
        return method(self, *arguments)

    return look


for _name in ("find", "rfind", "index", "rindex", "count"):
    setattr(_Counted, _name, _searching(_name))
for _name in ("partition", "rpartition", "split", "rsplit", "splitlines", "strip", "lstrip", "rstrip", "decode"):
    setattr(_Counted, _name, _whole(_name))
for _name in ("replace", "translate", "upper", "lower", "copy", "__contains__", "__add__"):
    setattr(_Counted, _name, _whole(_name))
