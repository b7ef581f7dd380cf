"""The messages of our assignments, for a thousand seeds: no seed is luckier than another, for no program.

They keep what `grader/protocol/promises.py` says of every protocol.  Beyond that, each classic mistake is played here
as a pure function from a request to a wrong reply: for every seed some message of the check that is there to find it
tells it from the right one.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from types import SimpleNamespace

import pytest

from grader.assignment import load, names
from grader.protocol.promises import broken_promise
from grader.protocol.script import Entry, Exchange, Seeded
from grader.protocol.shapes import FORMS
from tests.authored import protocol_of

SEEDS = range(1, 1001)
#: Seeds for what is slow to look at.
FEW_SEEDS = SEEDS[::100]
ASSIGNMENTS = [name for name in names() if "server" in load(name).roles]
OVER_TCP = [name for name in ASSIGNMENTS if load(name).transport == "tcp"]
UPPERCASE = [name for name in ASSIGNMENTS if name.endswith("_uppercase")]
#: Those whose clients are typed into.
WITH_CLIENTS = [name for name in ASSIGNMENTS if b"\ndef typed(" in load(name).files["protocol.py"]]
#: Those with requests of several lines, and replies that are recognised, from a dozen files.
OF_HEADS = ["web_server", "web_server_simple"]
#: Those with commands that are answered with a code: what they are told to keep is asked for in dialogues; and those
#: with questions whose answers are in files.
OF_COMMANDS = ["dns_resolver", "file_transfer", "mailbox", "peer_to_peer"]
WITH_CONTENT = [name for name in ASSIGNMENTS if name not in OF_COMMANDS]
OF_LINES = [name for name in OVER_TCP if name not in {"tcp_sum", *OF_HEADS}]
#: More numbers than any check asks for: as many as the most clients of any handout.
NUMBERS = 512
#: Clients that show what they receive as it is, and not a number.
SHOW_TEXT = [name for name in WITH_CLIENTS if name != "tcp_sum"]
#: What `answers` sends, and what a client is typed.
FIRST = range(3)


@cache
def author(name: str) -> object:
    module = protocol_of(name)
    return SimpleNamespace(**{key: value for key, value in module.items() if key in {*FORMS, "LARGEST_BYTES"}})


@cache
def runs(name: str, seeds: range = SEEDS) -> tuple[Seeded, ...]:
    """A run for each seed, which keeps what it has said: for tests that ask for little."""
    return tuple(Seeded(author(name), seed) for seed in seeds)


def exchanges(run: Seeded) -> list[Exchange]:
    """What `answers` sends."""
    return [run.exchange(number) for number in FIRST]


def told(given: Iterable[Exchange], mistake: Callable[[bytes], bytes]) -> bool:
    """Whether a server that makes this mistake is told from a right one by one of these."""
    return any(mistake(exchange.request) != exchange.reply for exchange in given)


# for every assignment


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_promises_are_kept(name: str) -> None:
    functions = [function for function in FORMS if hasattr(author(name), function)]
    broken = [
        (seed, function, words)
        for seed in SEEDS
        for run in [Seeded(author(name), seed)]
        for function in functions
        if (words := broken_promise(run, function))
    ]
    assert broken == []


@pytest.mark.parametrize("name", WITH_CONTENT)
def test_no_table_has_the_answers(name: str) -> None:
    for function in ("exchange", "typed"):
        if hasattr(author(name), function):
            said = [getattr(run, function)(number).request for run in runs(name) for number in FIRST]
            assert len(set(said)) == len(said)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_plain_messages_are_as_long_with_every_seed(name: str) -> None:
    """So that no buffer overflows with one seed and not with another."""
    for function in ("exchange", "typed"):
        if hasattr(author(name), function):
            lengths = {tuple(len(getattr(run, function)(number).request) for number in FIRST) for run in runs(name)}
            assert len(lengths) == 1


@pytest.mark.parametrize("name", WITH_CONTENT)
def test_a_shorter_message_follows_a_longer_one(name: str) -> None:
    for run in runs(name):
        assert any(len(after.request) < len(before.request) for before, after in pairwise(exchanges(run)))


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_first_halves_of_two_clients_messages_differ(name: str) -> None:
    for run in runs(name):
        one, other = (run.exchange(number).request for number in (0, 1))
        assert one[: len(one) // 2] != other[: len(other) // 2]


@pytest.mark.parametrize("name", [name for name in WITH_CONTENT if name not in OF_HEADS])
def test_every_client_has_messages_of_its_own(name: str) -> None:
    for run in runs(name, FEW_SEEDS):
        for part in ("request", "reply"):
            said = sorted(getattr(run.exchange(number), part) for number in range(NUMBERS))
            if name in OVER_TCP:
                assert not any(after.startswith(before) for before, after in pairwise(said))
            assert len(set(said)) == NUMBERS


@pytest.mark.parametrize("name", [name for name in OVER_TCP if name not in {*OF_HEADS, "peer_to_peer"}])
def test_fifty_messages_fit_one_segment(name: str) -> None:
    for run in runs(name, FEW_SEEDS):
        assert sum(len(run.exchange(number).request) for number in range(50)) < 2048


@pytest.mark.parametrize("name", OF_LINES)
def test_a_line_ends_only_at_its_end(name: str) -> None:
    for run in runs(name):
        sized = [run.sized(1024)] if hasattr(run, "sized") else []
        for exchange in (*exchanges(run), *sized, *(run.awkward() if hasattr(run, "awkward") else ())):
            assert exchange.request.find(b"\n") == len(exchange.request) - 1


@pytest.mark.parametrize("name", OF_HEADS)
def test_a_head_ends_only_at_its_end(name: str) -> None:
    for run in runs(name, FEW_SEEDS):
        for request in (*(exchange.request for exchange in exchanges(run)), run.closing().request, *run.invalid_text()):
            assert request.find(b"\r\n\r\n") == len(request) - 4


# upper case, echoes and replies


@pytest.mark.parametrize("name", UPPERCASE)
@pytest.mark.parametrize(
    "mistake",
    [
        bytes,
        bytes.lower,
        bytes.swapcase,
        bytes.title,
        bytes.capitalize,
        lambda data: bytes(byte & ~0x20 for byte in data),
        lambda data: data.upper() + b"\0",
        lambda data: data.upper()[:-1],
    ],
)
def test_wrong_upper_case_is_found_by_the_first_answers(name: str, mistake: Callable[[bytes], bytes]) -> None:
    assert all(told(exchanges(run), mistake) for run in runs(name))


def through_text(change: Callable[[str], str], encoding: str, errors: str) -> Callable[[bytes], bytes]:
    """A server that works on text."""
    return lambda data: change(data.decode(encoding, errors)).encode(encoding, errors)


TEXT_MISTAKES: list[Callable[[bytes], bytes]] = [
    through_text(str, "utf-8", "replace"),
    through_text(str, "utf-8", "ignore"),
    through_text(str, "ascii", "ignore"),
    lambda data: data.partition(b"\0")[0],
    lambda data: data.replace(b"\0", b""),
    lambda data: data.replace(b"\r", b""),
    lambda data: data.replace(b"\x1a", b""),
    lambda data: bytes(byte & 0x7F for byte in data),
]


def with_answer(name: str, mistake: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The mistake, and then the right answer to what it made of the message."""
    answers: dict[str, Callable[[bytes], bytes]] = {
        "tcp_echo": bytes,
        "udp_reply": lambda data: b"OK..." + data,
        "tcp_uppercase": bytes.upper,
        "udp_uppercase": bytes.upper,
    }
    return lambda data: answers[name](mistake(data))


AWKWARD = [name for name in ASSIGNMENTS if hasattr(author(name), "awkward")]


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("mistake", TEXT_MISTAKES)
def test_text_handling_is_found_by_awkward_bytes(name: str, mistake: Callable[[bytes], bytes]) -> None:
    assert all(told(run.awkward(), with_answer(name, mistake)) for run in runs(name))


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize(
    "strip", [bytes.lstrip, bytes.rstrip, lambda data: data.rstrip(b" \t"), lambda data: data.rstrip(b"\r\n")]
)
def test_white_space_that_is_lost_is_found_by_awkward_bytes(name: str, strip: Callable[[bytes], bytes]) -> None:
    end = b"\n" if name in OVER_TCP else b""
    assert all(
        told(run.awkward(), with_answer(name, lambda data: strip(data.removesuffix(end)) + end)) for run in runs(name)
    )


@pytest.mark.parametrize("name", UPPERCASE)
@pytest.mark.parametrize(
    "mistake",
    [
        through_text(str.upper, "utf-8", "surrogateescape"),
        lambda data: bytes(byte - 0x20 if byte >= 0x61 else byte for byte in data),
        lambda data: bytes(byte - 0x20 if 0x60 <= byte <= 0x7A else byte for byte in data),
        lambda data: bytes(byte - 0x20 if 0x61 <= byte <= 0x7B else byte for byte in data),
        lambda data: bytes(byte - 0x20 if 0xE0 <= byte < 0xFF else byte for byte in data.upper()),
    ],
)
def test_too_much_upper_case_is_found_by_awkward_bytes(name: str, mistake: Callable[[bytes], bytes]) -> None:
    assert all(told(run.awkward(), mistake) for run in runs(name))


@pytest.mark.parametrize("name", [name for name in AWKWARD if name in OVER_TCP])
@pytest.mark.parametrize("byte", [b"\0", b"\t"])
def test_some_message_begins_with_a_byte_that_so_comes_alone_at_a_split(name: str, byte: bytes) -> None:
    assert all(any(exchange.request.startswith(byte) for exchange in run.awkward()) for run in runs(name))


# numbers

SUM_MISTAKES: dict[str, tuple[str, str]] = {
    # how the numbers are read, and how the sum is written
    "both in the machine's order": ("<{}i", "<q"),
    "numbers in the machine's order": ("<{}i", ">q"),
    "sum in the machine's order": (">{}i", "<q"),
    "numbers without a sign": (">{}I", ">q"),
}


@pytest.mark.parametrize("mistake", SUM_MISTAKES)
def test_a_wrong_order_or_sign_is_found_by_numbers(mistake: str) -> None:
    reads, writes = SUM_MISTAKES[mistake]

    def wrong(request: bytes) -> bytes:
        body = request[4:]
        return struct.pack("!I", 8) + struct.pack(writes, sum(struct.unpack(reads.format(len(body) // 4), body)))

    assert all(told(run.numbers(), wrong) for run in runs("tcp_sum"))
    if "order" in mistake:
        assert all(told(exchanges(run), wrong) for run in runs("tcp_sum"))


@pytest.mark.parametrize("bits", [16, 31, 32, 33])
def test_a_narrow_sum_is_found_by_numbers_and_harms_no_exchange(bits: int) -> None:
    def wrong(request: bytes) -> bytes:
        total = sum(struct.unpack(f"!{len(request[4:]) // 4}i", request[4:]))
        half = 1 << (bits - 1)
        return struct.pack("!Iq", 8, (total + half) % (2 * half) - half)

    assert all(told(run.numbers(), wrong) for run in runs("tcp_sum"))
    if bits >= 32:
        assert not any(told([*exchanges(run), run.sized(65_536)], wrong) for run in runs("tcp_sum", FEW_SEEDS))


def test_lengths_that_cannot_be_true_break_the_protocol() -> None:
    for run in runs("tcp_sum"):
        lengths = [struct.unpack("!I", start[:4])[0] for start in run.hostile_lengths()]
        assert all(length > 1 << 20 or length % 4 for length in lengths)
        assert any(length >= 1 << 31 and length % 4 == 0 for length in lengths)
        assert any(length < 1 << 20 for length in lengths)
        assert all(len(start) - 4 in {length, 8} for start, length in zip(run.hostile_lengths(), lengths, strict=True))


# a room

CHAT = "tcp_chat"


def test_every_ending_stands_for_one_line() -> None:
    for run in runs(CHAT):
        heard = [exchange.reply for exchange in run.line_endings()]
        assert heard == [exchange.heard for exchange in run.line_endings()]
        assert len(set(heard)) == 2, "one of them has white space before it, which stays"
        sent = [exchange.request for exchange in run.line_endings()]
        assert sum(request.endswith(b"\r\n") for request in sent) > 1
        assert any(request.rstrip(b"\n").endswith((b" ", b"\t")) for request in sent)


def test_bad_lines_end_and_what_follows_them_is_a_line_of_its_own() -> None:
    for run in runs(CHAT):
        assert all(line.find(b"\n") == len(line) - 1 for line in run.invalid_text())
        assert b"\n" not in run.unterminated().request


# datagrams


@pytest.mark.parametrize("name", [name for name in ASSIGNMENTS if name not in OVER_TCP])
def test_garbage_has_datagrams_without_a_word(name: str) -> None:
    for run in runs(name):
        assert any(datagram.isspace() for datagram in run.garbage())
        assert any(datagram and not datagram.strip(b"\0") for datagram in run.garbage())


# clients


def typed(run: Seeded) -> list[Entry]:
    return [*(run.typed(number) for number in FIRST), *run.typed_awkward()]


@pytest.mark.parametrize("name", SHOW_TEXT)
def test_lines_trip_clients(name: str) -> None:
    for run in runs(name):
        awkward = [entry.line for entry in run.typed_awkward()]
        assert any(line.startswith((b" ", b"/ping  ")) and line.endswith(b" ") for line in awkward)
        assert {2, 3, 4} <= {len(character.encode()) for line in awkward for character in line.decode()}
        assert not any(word in line for line in awkward for word in (b"b'", b'b"', b"\r"))


@pytest.mark.parametrize("name", SHOW_TEXT)
def test_a_reply_that_is_shorter_by_enough_follows_a_longer_one(name: str) -> None:
    """What is left of the longer one is seen behind the shorter: four bytes, and two under the line end."""
    for run in runs(name):
        shown = [entry.shown for entry in typed(run)]
        assert any(0 < len(after) <= len(before) - 6 for before, after in pairwise(shown))


@pytest.mark.parametrize("name", [name for name in SHOW_TEXT if name not in {"tcp_echo", "tcp_chat"}])
def test_a_client_that_prints_what_it_sends_has_shown_nothing(name: str) -> None:
    for run in runs(name):
        entries = [*typed(run), *([run.typed_sized(2048)] if hasattr(run, "typed_sized") else [])]
        assert not any(entry.shown in entry.line for entry in entries if entry.shown)


def test_what_a_sum_client_is_typed_is_a_sum_of_several_numbers() -> None:
    """So that no client has shown it that prints what it sends; single numbers are for other programs' mistakes."""
    for run in runs("tcp_sum"):
        *several, single = typed(run)
        assert not any(entry.shown in entry.line for entry in several)
        assert single.shown == single.line
        assert all(len(entry.shown) == len("1000000000") for entry in typed(run))


@pytest.mark.parametrize("name", [name for name in WITH_CLIENTS if hasattr(author(name), "leaving")])
def test_some_line_begins_like_the_one_that_ends_a_client(name: str) -> None:
    for run in runs(name):
        word = run.leaving().line
        # The echo's own check types such lines.
        assert name == "tcp_echo" or any(entry.line.startswith(word) for entry in run.typed_awkward())


def test_the_thousand_seeds_differ() -> None:
    """So that what holds for all of them was looked at a thousand times."""
    first = {random.Random(f"{seed} exchange (0,)").random() for seed in SEEDS}  # noqa: S311
    assert len(first) == len(SEEDS)
