r"""Lines as literal text with named fields: `form(b"HIGH", b"LOW", b"OK tries={n:[1-9][0-9]*}")`.

In braces is a field: a name and, behind a colon, what its bytes may be, in the part of the regular expressions that
needs no backtracking: single bytes (`a`, `.`, `[0-9a-f]`, `[^ ]`, `\d`, `\.`), each repeated by `*`, `+`, `?`, `{3}`
or `{1,5}`.  A field without a colon is one byte or more of anything but a line ending, and one without a name is not
captured.  A brace of the text itself is doubled.

How it works.  Each alternative is a row of places, one for each byte that may come: a place takes some bytes, may be
repeated, may be left out.  The state is the set of places that the last byte may have been at, a bit each in one
number, so that each byte costs one step whatever was received: a hostile reply has nothing to backtrack over.  Where
the set gets empty the longest beginning that fits has ended, and what the places before it lead to is what was expected
there.  Which place each byte was at, and so what is in the fields, is found when the line is complete, from its end
backwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, NamedTuple

from grader.limits import FORM_PLACES, LINE_BYTES
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, either, quoted

#: A field's bytes where it says nothing about them.
_ANYTHING: Final = rb"[^\r\n]+"
_BRACKETS: Final = rb"\[\^?\]?(?:\\.|[^\]\\])*\]"
_TOKEN: Final = re.compile(
    rb"(?P<brace>\{\{|\}\})"
    rb"|\{(?P<name>[A-Za-z_]\w*)?(?P<colon>:(?P<bytes>(?:\\.|" + _BRACKETS + rb"|\{[\d,]+\}|[^{}\[\\])*))?\}"
    rb"|(?P<text>[^{}]+)",
    re.DOTALL,
)
_ITEM: Final = re.compile(
    rb"(?P<set>" + _BRACKETS + rb"|\\x[0-9A-Fa-f]{2}|\\.|[^\\\[\](){}*+?|^$])"
    rb"(?P<repeated>[*+?]|\{(?P<least>\d+)(?P<range>,(?P<most>\d*))?\})?",
    re.DOTALL,
)
_REPEATED: Final = {b"": (1, 1), b"*": (0, None), b"+": (1, None), b"?": (0, 1)}


class _Place(NamedTuple):
    """One byte of an alternative.

    `takes`: the bytes that may be here.  `words`: what they are, for a student.  `field`: its number in the
    alternative; None: literal text.
    """

    takes: frozenset[int]
    words: str
    repeated: bool = False
    optional: bool = False
    field: int | None = None


#: Behind the last place of a row.
_END: Final = _Place(frozenset(), "the end")


class _Row(NamedTuple):
    """An alternative with one ending: its places, the names of its fields, and how it is shown."""

    places: tuple[_Place, ...]
    fields: tuple[str, ...]
    ending: bytes
    words: str


def form(*alternatives: bytes, ending: bytes | tuple[bytes, ...] = b"\n", at_most: int = LINE_BYTES) -> Form:
    r"""A reply that has one of these forms.

    `ending`: what each of them ends with, exactly: `b"\n"`, `b"\r\n"`, or both in a tuple where the handout allows
    both; `b""`: the end of the datagram or of the connection.  `at_most`: the longest line, its ending included.  Its
    values are the fields of the alternative that came, as bytes, and `line`, all of it without its ending.

    Raises:
        ValueError: a form can't be read, in a sentence for its author.
    """
    endings = (ending,) if isinstance(ending, bytes) else ending
    if not alternatives or not endings:
        raise ValueError("form needs an alternative and an ending")
    rows = [_row_of(alternative, end) for alternative in alternatives for end in endings]
    return Form(rows, endings, at_most)


def _row_of(template: bytes, ending: bytes) -> _Row:
    places: list[_Place] = []
    fields: list[str] = []
    words = ""
    for token in _tokens(template):
        if token.lastgroup == "text" or token["brace"]:
            text = token["text"] or token["brace"][:1]
            places += map(_literal, text)
            words += quoted(text)[1:-1]
            continue
        if token["colon"] is None and token["name"] is None:
            raise ValueError(f"the form {quoted(template)} has a field without a name and without a colon")
        name = (token["name"] or b"").decode()
        if name and name in (*fields, "line"):
            raise ValueError(f"the form {quoted(template)} can't have a field {name!r}: the name is taken")
        asked = _ANYTHING if token["colon"] is None else token["bytes"]
        places += _field(asked, len(fields), template)
        fields.append(name)
        words += f"<{name or '...'}>"
    places += map(_literal, ending)
    return _Row(tuple(places), tuple(fields), ending, f"'{words}'")


def _tokens(template: bytes) -> Iterator[re.Match[bytes]]:
    at = 0
    while at < len(template):
        token = _TOKEN.match(template, at)
        if token is None:
            raise ValueError(f"the form {quoted(template)} has a field that can't be read, at {quoted(template[at:])}")
        yield token
        at = token.end()


def _literal(byte: int) -> _Place:
    return _Place(frozenset({byte}), quoted(bytes([byte])))


def _field(asked: bytes, number: int, template: bytes) -> Iterator[_Place]:
    """The places of a field, by what its bytes may be."""
    at = 0
    while at < len(asked):
        item = _ITEM.match(asked, at)
        takes = _bytes_of(item["set"]) if item else frozenset()
        if item is None or not takes:
            raise ValueError(f"the form {quoted(template)} has a field of which {quoted(asked[at:])} can't be read")
        at = item.end()
        words = _SET_WORDS.get(item["set"]) or item["set"].decode("ascii", "backslashreplace")
        yield from _repeat(_Place(takes, words, field=number), *_how_often(item))


#: How a student reads the sets that authors write most.
_SET_WORDS: Final = {b"[0-9]": "a digit", rb"\d": "a digit", rb"[^\r\n]": "a character", b".": "a character"}


@lru_cache(maxsize=256)  # authors write few sets, and forms for each request anew
def _bytes_of(item: bytes) -> frozenset[int]:
    """What one byte of this may be, as `re` reads it."""
    try:
        takes = re.compile(item)
    except re.error:
        return frozenset()
    return frozenset(byte for byte in range(256) if takes.fullmatch(bytes([byte])))


def _how_often(item: re.Match[bytes]) -> tuple[int, int | None]:
    """(at least, at most; None: any number of times)."""
    if item["least"] is None:
        return _REPEATED[item["repeated"] or b""]
    least = min(int(item["least"]), FORM_PLACES + 1)
    if item["range"] is None:
        return least, least
    return least, min(int(item["most"]), FORM_PLACES + 1) if item["most"] else None


def _repeat(place: _Place, least: int, most: int | None) -> Iterator[_Place]:
    if most is None:
        yield from [place] * (least - 1)
        yield place._replace(repeated=True, optional=least == 0)
        return
    yield from [place] * least
    yield from [place._replace(optional=True)] * (most - least)


def _takers(places: Sequence[_Place]) -> list[int]:
    """For each byte the places that take it."""
    found = [0] * 256
    for at, place in enumerate(places):
        for byte in place.takes:
            found[byte] |= 1 << at
    return found


class Form:
    """Lines of these forms; made by `form`.

    Places are numbered through all rows, and behind each row comes one more, its end, which takes no byte.  So a set of
    places is moved on by a shift, whatever its size: no bit gets from one row into the next.
    """

    def __init__(self, rows: Sequence[_Row], endings: tuple[bytes, ...], at_most: int) -> None:
        shown = either(dict.fromkeys(row.words for row in rows))
        self.words = shown if endings == (b"",) else f"a line {shown}"
        self.at_most = at_most
        self.endings = endings
        self.to_the_end = b"" in endings
        self._places = [place for row in rows for place in (*row.places, _END)]
        self._row_of = [row for row in rows for _ in (*row.places, _END)]
        if len(self._places) > FORM_PLACES:
            raise ValueError(f"the form has more than {FORM_PLACES} places")
        self._repeated = self._set_of(lambda place: place.repeated)
        self._optional = self._set_of(lambda place: place.optional)
        self._takers = _takers(self._places)
        self._before = [*self._befores()]
        #: The ends of all rows.
        self.ends = self._set_of(lambda place: place is _END)
        #: What may come first.
        self.start = self._with_optional(((self.ends << 1) | 1) & ((1 << len(self._places)) - 1))

    @property
    def examples(self) -> tuple[bytes, ...]:
        """The shortest line of each alternative (`rehearsal.py`)."""
        rows = dict.fromkeys(self._row_of)
        return tuple(bytes(_plainest(at.takes) for at in row.places if not at.optional) for row in rows)

    def begin(self) -> _Line:
        return _Line(self)

    def _set_of(self, belongs: Callable[[_Place], bool]) -> int:
        return sum(1 << at for at, place in enumerate(self._places) if belongs(place))

    def _with_optional(self, places: int) -> int:
        """These, and what may come instead of those among them that may be left out.

        Adding a bit of a run of ones carries to the end of the run: what changes are the places up to the first one
        behind it that can't be left out.
        """
        return places | ((self._optional + (places & self._optional)) ^ self._optional)

    def taking(self, places: int, byte: int) -> int:
        """Those of the places that take this byte."""
        return places & self._takers[byte]

    def following(self, places: int) -> int:
        """What may come behind any of these places."""
        return self._with_optional(places << 1) | (places & self._repeated)

    def expected(self, next_: int) -> bytes | str:
        """What these places, or the end, expect: literal text as bytes, or words for all of it."""
        texts = {place: self._literal_from(place) for place in _numbers(next_)}
        if len(texts) == 1 and (only := next(iter(texts.values()))):
            return only
        return either(dict.fromkeys(quoted(text) if text else self._places[at].words for at, text in texts.items()))

    def _literal_from(self, place: int) -> bytes:
        literal = takewhile(lambda at: at.field is None and at is not _END, self._places[place:])
        return bytes(next(iter(at.takes)) for at in literal)

    def values(self, line: bytes) -> Mapping[str, Any]:
        """What a complete line has in its fields; a byte that could be in two of them is in the first."""
        path = self._path(line)
        row = self._row_of[path[-1]]
        found = {name: bytearray() for name in row.fields if name}
        for byte, at in zip(line, path, strict=False):
            field = self._places[at].field
            if field is not None and row.fields[field]:
                found[row.fields[field]].append(byte)
        return {name: bytes(text) for name, text in found.items()} | {"line": line[: len(line) - len(row.ending)]}

    def _path(self, line: bytes) -> list[int]:
        """For each byte of a complete line the place that it is at, and the end of its row behind them."""
        next_, at = self.start, []
        for byte in line:
            at.append(self.taking(next_, byte))
            next_ = self.following(at[-1])
        path = [_first(next_ & self.ends)]
        for places in reversed(at):
            path.append(_first(places & self._before[path[-1]]))
        return path[::-1]

    def _befores(self) -> Iterator[int]:
        """For each place the places that it may follow."""
        skipped = 0
        for at, place in enumerate(self._places):
            yield skipped | (1 << at if place.repeated else 0)
            skipped = (skipped if place.optional else 0) | (1 << at if place is not _END else 0)


class _Line:
    """One line being received: how far it was read, and what may come next."""

    def __init__(self, form_: Form) -> None:
        self._form = form_
        self._next = form_.start
        self._at = 0

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        form_ = self._form
        for byte in received[self._at : form_.at_most]:
            here = form_.taking(self._next, byte)
            if not here:
                return self._wrong(byte)
            self._next = form_.following(here)
            self._at += 1
            if self._next & form_.ends and not form_.to_the_end:
                return self._complete(received)
        if len(received) > form_.at_most:
            return Mismatch(form_.at_most, "", f"it is longer than the {form_.at_most} bytes that it may have")
        if ended and self._next & form_.ends:
            return self._complete(received)
        return Incomplete(self._lacking())

    def _complete(self, received: bytearray) -> Complete:
        return Complete(self._at, self._form.values(bytes(received[: self._at])))

    def _wrong(self, byte: int) -> Mismatch:
        expected = self._form.expected(self._next)
        return Mismatch(self._at, expected, _line_ending_fault(byte, expected))

    def _lacking(self) -> str:
        if not self._at:
            return self._form.words
        expected = self._form.expected(self._next)
        words = quoted(expected) if isinstance(expected, bytes) else expected
        return f"its line ending, {words}" if expected in self._form.endings else f"the rest of it, next {words}"


def _line_ending_fault(byte: int, expected: bytes | str) -> str:
    """What is wrong with a line that ends in another way; empty: something else is wrong."""
    if byte == 0x0D and expected == b"\n":
        return r"there is a '\r' before the '\n', which alone must end the line"
    if byte == 0x0A and expected == b"\r\n":
        return r"the line ends with '\n', and must end with '\r\n'"
    return ""


def _plainest(takes: frozenset[int]) -> int:
    """Of the bytes that a place takes a digit if it can be, a letter, or else the least."""
    return min(takes, key=lambda byte: (not chr(byte).isdecimal(), not chr(byte).isalpha(), byte))


def _first(bits: int) -> int:
    """The first place of a set, which is not empty."""
    return (bits & -bits).bit_length() - 1


def _numbers(bits: int) -> Iterator[int]:
    """The places of a set, from the first."""
    while bits:
        lowest = bits & -bits
        yield _first(lowest)
        bits ^= lowest
