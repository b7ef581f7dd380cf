"""What only a resolver does: what it makes of an answer, and what of things that are none."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address

from messages import (
    IS_ANSWER,
    NXDOMAIN,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    REFUSED,
    SERVFAIL,
    TRUNCATED,
    Record,
)
from msgspec.structs import replace
from protocol import address_of, answer, asked_for, asks, failed, host_name, printed, resolved

from grader import Answer, Reason, Turn, UdpClients, Values, Visit, behaviour, fail

_FLAGS = IS_ANSWER | RECURSION_DESIRED | RECURSION_AVAILABLE
#: Ids that are within so many of each other can be guessed; five random ones are that once in 10^10 times.
_NEAR = 64
_RUNS = 5
#: Codes of failures, and what must be on stderr.
_FAILURES = {SERVFAIL: b"SERVFAIL", REFUSED: b"REFUSED"}
#: Of a TXT record.
_TEXT = "some words about the name"
_NO_NAMES = ("a..example.test", f"{'x' * 64}.example.test", ".".join(["label"] * 43), "")


# what it asks


@behaviour(
    does="the client is given what can't be a name: an empty label, one of 64 letters, 257 letters in all, nothing",
    proves="it has exited, and nothing was sent",
    catches="a length of 64, which is the beginning of a pointer; an empty label, which ends the name; a traceback",
    hint="Look at the length of each label, and of the whole name, before you build the query.",
)
def test_bad_names_reported(udp_clients: UdpClients) -> None:
    """Reports what is not a name"""
    for name in _NO_NAMES:
        udp_clients.play(Visit((), fill=asked_for(name, "A"), status=None))


@behaviour(
    does="the client runs five times; the first time it gets its answer only when it has asked again",
    proves="the ids are those of the queries that arrived; between the first and the second run a second has passed",
    catches="an id that is always the same, the number of the process, a counter, the time",
    hint="Draw the id from your language's random numbers{Python:  (secrets or random)}{C:  (getrandom or "
    "/dev/urandom)}{Java:  (SecureRandom)}: who can guess it can send a false answer.",
)
def test_random_ids(udp_clients: UdpClients, rng: random.Random) -> None:
    """Chooses ids that nobody can guess"""
    ids: list[int] = []
    for run in range(_RUNS):
        name = host_name(rng)
        records = [Record(name, "A", address_of(rng))]

        def says(seen: Values, there: Iterable[Record] = tuple(records)) -> bytes:
            ids.append(int.from_bytes(seen["id"]))
            return bytes(answer(seen, there))

        visit = resolved(name, "A", records, says)
        lost = [Turn(asks(name, "A"))] if run == 0 else []
        udp_clients.play(replace(visit, turns=(*lost, *visit.turns)))
    if max(ids) - min(ids) < _NEAR:
        came = ", ".join(map(str, ids))
        fail(Reason.WRONG_REQUEST, f"the ids of its queries in {_RUNS} runs are {came}: that can be guessed")


# what it prints


@behaviour(
    does="names with one and with several IPv6 addresses, some of them with many zeros",
    proves="the answer has arrived; the program has exited",
    catches="only A is known, an address of 16 bytes printed as four, bytes in the wrong order",
    hint="The data of AAAA are the 16 bytes of the address{Python: : ipaddress prints them}{C: : inet_ntop with "
    "AF_INET6 prints them}{Java: : InetAddress.getByAddress takes them}.",
)
def test_ipv6_addresses(udp_clients: UdpClients, rng: random.Random) -> None:
    """Prints IPv6 addresses"""
    for middles in ("0:0:0:0:0", "0:0:0:0:1", "0:ab:0:0:cd"), ("ffff:0:1:0:0",):
        name = host_name(rng)
        addresses = [IPv6Address(f"2001:db8:{middle}:{rng.randint(0, 9)}") for middle in middles]
        udp_clients.play(resolved(name, "AAAA", [Record(name, "AAAA", str(address)) for address in addresses]))


@behaviour(
    does="a name with three mail servers, whose preferences have one and two bytes",
    proves="the answer has arrived; the program has exited",
    catches="the preference left out or read as one byte, the name behind it read from the wrong place",
    hint="The data of MX are a number of two bytes, and then a name, which may end with a pointer.",
)
def test_mail_servers(udp_clients: UdpClients, rng: random.Random) -> None:
    """Prints mail servers with their preferences"""
    name = host_name(rng)
    hosts = [f"{rng.choice((5, 10))} mail.{name}", f"{rng.randint(257, 65000)} {host_name(rng)}", f"20 mx.{name}"]
    udp_clients.play(resolved(name, "MX", [Record(name, "MX", host) for host in hosts]))


@behaviour(
    does="the name is an alias of an alias of a name with two addresses; the type CNAME itself",
    proves="the answer has arrived; the program has exited",
    catches="only records of the name itself are printed, the first record is taken for an address, one step only",
    hint="Go through the records in their order: a CNAME of the name that you are looking for gives the next name.",
)
def test_aliases(udp_clients: UdpClients, rng: random.Random) -> None:
    """Follows aliases to the addresses"""
    name, middle, last = (host_name(rng, labels) for labels in (1, 2, 1))
    chain = [Record(name, "CNAME", middle), Record(middle, "CNAME", last)]
    udp_clients.play(resolved(name, "A", [*chain, *(Record(last, "A", address_of(rng)) for _ in range(2))]))
    udp_clients.play(resolved(name, "CNAME", chain[:1]))


@behaviour(
    does="an alias of a name which is an alias of the first one",
    proves="the answer has arrived",
    catches="an endless loop from alias to alias",
    hint="Look at each record once, in their order: then no chain of aliases goes on forever.",
)
def test_alias_circle(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ends where aliases go in a circle"""
    name, other = host_name(rng), host_name(rng)
    circle = [Record(name, "CNAME", other), Record(other, "CNAME", name)]
    udp_clients.play(replace(failed(name, "A", lambda seen: answer(seen, circle), b"NODATA"), shown=b""))


@behaviour(
    does="mail servers whose names are all written out; then more of them, with pointers to names that end with "
    "pointers, some of them to places behind byte 255",
    proves="the answer has arrived; the program has exited",
    catches="exactly two bytes taken for each name, a pointer followed once only, reading on behind the place "
    "that a pointer leads to, a place of one byte",
    hint="A name ends with a byte 0 or with a pointer. Behind a pointer the message goes on after its two bytes, "
    "wherever it points to; what it points to may end with a pointer again. The place has 14 bits.",
)
def test_pointers(udp_clients: UdpClients, rng: random.Random) -> None:
    """Reads names with pointers and without"""
    name = host_name(rng, 2)
    hosts = [host for _ in range(5) for host in _nested(host_name(rng, 3))]
    records = [Record(name, "MX", f"{10 * number} {host}") for number, host in enumerate(hosts, 1)]
    written_out = records[:3]
    udp_clients.play(resolved(name, "MX", written_out, lambda seen: answer(seen, written_out, compresses=False)))
    udp_clients.play(resolved(name, "MX", records))


def _nested(host: str) -> list[str]:
    """A name and two below it: where names are compressed, each but the first ends with a pointer to the one before."""
    return [host, f"mail.{host}", f"north.mail.{host}"]


@behaviour(
    does="an answer with records of other types and other names between those that are asked for, and with records in "
    "its authority and additional sections",
    proves="the answer has arrived; the program has exited",
    catches="every record taken for an address, records of unknown types not skipped, sections not told apart",
    hint="RDLENGTH says how long a record's data are, whatever its type: skip what you don't know. The first ANCOUNT "
    "records are the answer.",
)
def test_other_records(udp_clients: UdpClients, rng: random.Random) -> None:
    """Prints only what answers the question"""
    name, other = host_name(rng), host_name(rng)
    right = [Record(name, "A", address_of(rng)) for _ in range(2)]
    text = Record(name, "16", f"{chr(len(_TEXT))}{_TEXT}")
    odd = [text, Record(other, "A", address_of(rng)), Record(name, "65280", "")]
    mixed = [odd[0], right[0], odd[1], odd[2], right[1], Record(name, "AAAA", "2001:db8::7")]
    authority = [Record("example.test", "MX", f"5 {name}"), Record(name, "CNAME", other)]
    additional = [Record(name, "A", address_of(rng)), Record(other, "A", address_of(rng)), Record("", "41", "")]
    udp_clients.play(resolved(name, "A", right, lambda seen: answer(seen, mixed, authority, additional)))


@behaviour(
    does="an answer with RCODE 3, and answers with RCODE 2 and 5",
    proves="the answer has arrived; the program has exited",
    catches="RCODE not looked at, exit status 0, an empty output without a message, the same message for all",
    hint="The last four bits of the flags are RCODE. Unless it is 0, print its name on stderr and exit with status 1.",
)
def test_no_such_name_reported(udp_clients: UdpClients, rng: random.Random) -> None:
    """Reports what the server says instead of an answer"""
    for rcode, word in {NXDOMAIN: b"NXDOMAIN", **_FAILURES}.items():
        flags = _FLAGS | rcode
        udp_clients.play(failed(host_name(rng), "A", lambda seen, flags=flags: answer(seen, (), flags=flags), word))


@behaviour(
    does="an answer without records; one with the record of another name only; one with an alias that leads to no "
    "address",
    proves="the answer has arrived; the program has exited",
    catches="an empty output and exit status 0, NXDOMAIN reported for a name that exists",
    hint="If RCODE is 0 and you have found no record of the type, print NODATA on stderr and exit with status 1.",
)
def test_no_data_reported(udp_clients: UdpClients, rng: random.Random) -> None:
    """Reports that there is no such record"""
    name, other = host_name(rng), host_name(rng)
    for records in ((), (Record(other, "A", address_of(rng)),), (Record(name, "CNAME", other),)):
        visit = failed(name, "A", lambda seen, records=records: answer(seen, records), b"NODATA")
        udp_clients.play(replace(visit, shown=b"") if records else visit)


# over TCP


def truncated(name: str, records: Iterable[Record], *, how: Answer = Answer.WHOLE) -> Visit:
    """The answer over UDP has TC and one record, that over TCP all; it comes in that way."""
    there = [*records]
    visit: Visit = resolved(name, "A", there, lambda seen: answer(seen, there[:1], flags=_FLAGS | TRUNCATED))

    def says(seen: Values) -> bytes:
        whole = bytes(answer(seen, there))
        return struct.pack("!H", len(whole)) + whole

    return replace(visit, turns=(*visit.turns, Turn(asks(name, "A", over_tcp=True), says, how, over="tcp")))


def _addresses(count: int, name: str) -> list[Record]:
    return [Record(name, "A", f"198.18.{number // 250}.{number % 250 + 1}") for number in range(count)]


@behaviour(
    does="an answer with the bit TC and one record; over TCP the client then gets all records",
    proves="its query has arrived over TCP at the same port, with its length in front",
    catches="TC not looked at, the query sent over TCP without its length, the length printed or taken for the id",
    hint="If TC is 1, connect over TCP to the same address and port, and ask again, the query's length in two bytes "
    "in front of it. The answer begins with its length, too.",
)
def test_asks_over_tcp(udp_clients: UdpClients, rng: random.Random) -> None:
    """Asks again over TCP if an answer is truncated"""
    for count in (3, 40):
        name = host_name(rng)
        udp_clients.play(truncated(name, _addresses(count, name)))


@behaviour(
    does="an answer over TCP byte by byte",
    proves="each byte is read before the next is sent",
    catches="one recv taken for the whole answer",
    hint="Read two bytes, however they come, and then as many as they say.",
)
def test_tcp_answer_in_pieces(udp_clients: UdpClients, rng: random.Random) -> None:
    """Puts an answer over TCP together"""
    name = host_name(rng)
    udp_clients.play(truncated(name, _addresses(2, name), how=Answer.IN_BYTES))


@behaviour(
    does="an answer over TCP with 2100 records, which has more than 32768 bytes",
    proves="the answer was sent whole; the program has exited",
    catches="a buffer of fixed size, one recv taken for the whole answer, a length that is read as a signed number",
    hint="The two bytes in front say how long the answer is, up to 65535 bytes: make room for so many. They are an "
    "unsigned number: of 16 bits with a sign it would be negative here.",
)
def test_long_answer(udp_clients: UdpClients, rng: random.Random) -> None:
    """Prints a long answer completely"""
    name = host_name(rng)
    udp_clients.play(truncated(name, _addresses(2100, name)))


@behaviour(
    does="after an answer with TC nothing listens for TCP; then the connection is closed without an answer, and after "
    "half of one",
    proves="the connection was refused; half of the answer was read before the FIN",
    catches="an endless loop at the end of the connection, the truncated answer printed, exit status 0",
    hint="connect may fail, and recv returns {Python: b''}{C: 0}{Java: -1} when the connection has ended: say so on "
    "stderr and exit with status 1.",
)
def test_tcp_fails(udp_clients: UdpClients, rng: random.Random) -> None:
    """Reports that no answer comes over TCP"""
    name = host_name(rng)
    whole = truncated(name, _addresses(3, name))
    nobody = replace(whole, turns=whole.turns[:1])
    breaking = (truncated(name, _addresses(3, name), how=how) for how in (Answer.CLOSE, Answer.HALF_THEN_CLOSE))
    for visit in (nobody, *breaking):
        udp_clients.play(replace(visit, status=None, shown=printed(())))
