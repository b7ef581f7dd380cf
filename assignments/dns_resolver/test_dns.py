"""What only a name server does: what it finds in its zone, and what it says where it finds nothing."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from messages import (
    AUTHORITATIVE,
    FORMERR,
    HEADER_BYTES,
    IS_ANSWER,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    OPCODE,
    RCODE,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    REFUSED,
    TRUNCATED,
    UDP_BYTES,
    NotProperError,
    Record,
    query,
    taken_apart,
)
from protocol import (
    ZONE,
    address_of,
    answered,
    asking,
    host_name,
    in_words,
    judge_answer,
    words_for,
    wrong_header,
)

from grader import ConnectUdp, Exchange, Launch, Reason, Reply, Server, Stage, behaviour, judged

#: Types that are not in any zone file of this assignment: TXT, SRV, HTTPS and one without a meaning.
_OTHER_TYPES = (16, 33, 65, 700)
_OPCODES = (1, 2, 4, 5)
#: By name, the bits of a header that must be right.
_BITS = {
    "QR": IS_ANSWER,
    "AA": AUTHORITATIVE,
    "TC": TRUNCATED,
    "RD": RECURSION_DESIRED,
    "RA": RECURSION_AVAILABLE,
    **{f"{bit:#06x} of Z": bit for bit in (0x40, 0x20, 0x10)},
}
#: The bit of Z that dig sets in its queries: it would like to know whether the answer was authenticated (RFC 6840).
_FROM_DIG = 0x20
#: An OPT record, by which dig says that it takes 1232 bytes (RFC 6891).
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


@behaviour(
    does="the server is started with another zone file, for another zone, and asked about it",
    proves="nothing to prove",
    catches="answers that are written in the program, a zone's name that is written in the program",
    hint="Read the file that the second argument names: the zone's name behind $ORIGIN, and a record in each line.",
)
def test_reads_its_file(server: Server, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Reads the zone file that it is given"""
    zone = "".join(rng.choices("abcdefgh", k=9)) + ".test"
    records = [Record(f"{host_name(rng).partition('.')[0]}.{zone}", "A", address_of(rng)) for _ in range(3)]
    lines = [f"{one.name}.\t3600 IN   A  {one.data}" for one in records]
    server.write_file("other.zone", "\n".join(("; another", f"$ORIGIN {zone}.", "", *lines, "")).encode())
    client = stage.connect_udp(launch(arguments=("{port}", "other.zone")))
    for record in records:
        client.ask(answered(query(record.name, "A", rng), records))
    client.ask(asking("oak.example.test", "A", rng, REFUSED))


@behaviour(
    does="queries with and without the bit RD, and as dig sends them, about a name that there is and one that there is "
    "not",
    proves="nothing to prove",
    catches="AA left out, RD always 0 or always 1, RA set by a server that does not ask others, all bits of the query "
    "sent back",
    hint="Begin with the query's flags: keep OPCODE and RD, set QR and AA, and make everything else 0.",
)
def test_header_bits(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Sets the bits of the header"""
    with connect_udp() as client:
        for name in ("oak.example.test", "nobody.example.test"):
            for flags in (RECURSION_DESIRED, 0, RECURSION_DESIRED | _FROM_DIG):
                asked = query(name, "A", rng, flags)
                client.ask(Exchange(asked, judged(_judge_bits(asked), "the bits that requirement 2.3 names")))


def _judge_bits(asked: bytes) -> Callable[[bytes], str | None]:
    right = IS_ANSWER | AUTHORITATIVE | int.from_bytes(asked[2:4]) & RECURSION_DESIRED

    def judge(data: bytes) -> str | None:
        if len(data) < HEADER_BYTES or data[:2] != asked[:2]:
            return "it is no answer to the query"
        flags = int.from_bytes(data[2:4])
        wrong = [name for name, bit in _BITS.items() if (flags ^ right) & bit]
        return f"the bit {wrong[0]} is {int(bool(flags & _BITS[wrong[0]]))}" if wrong else None

    return judge


@behaviour(
    does="names whose records have other TTLs than most",
    proves="nothing to prove",
    catches="one TTL for all records, a TTL of 16 bits, the bytes of a TTL in the wrong order",
    hint="The TTL is the second word of a line, and has four bytes in a record.",
)
def test_keeps_the_ttl(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Sends each record with its TTL"""
    with connect_udp() as client:
        for name in ("elm.example.test", "beech.example.test", "rowan.example.test"):
            client.ask(answered(query(name, "A", rng), ZONE, ttl=True))


@behaviour(
    does="a name with three addresses",
    proves="nothing to prove",
    catches="only the first or the last of several records, the number of records not counted",
    hint="Keep a list of records for each name and type; ANCOUNT says how many records the answer has.",
)
def test_all_records(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Sends all records of a name"""
    with connect_udp() as client:
        client.ask(asking("web.example.test", "A", rng))


@behaviour(
    does="queries for the types AAAA and MX",
    proves="nothing to prove",
    catches="only A is known, an IPv6 address with :: read wrongly, MX without its preference, a mail server's name "
    "written as text",
    hint="AAAA is the 16 bytes of the address{Python: : ipaddress has them}{C: : inet_pton with AF_INET6}. MX is a "
    "number of two bytes, and then a name in labels.",
)
def test_other_types(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Answers with IPv6 addresses and mail servers"""
    with connect_udp() as client:
        for name in ("example.test", "web.example.test", "mail.example.test"):
            client.ask(asking(name, "AAAA", rng))
        client.ask(asking("example.test", "MX", rng))


@behaviour(
    does="an alias; the alias of an alias; aliases of a name in another zone and of a name without such a record; the "
    "type CNAME itself",
    proves="nothing to prove",
    catches="the CNAME without the records of the name that it stands for, these without the CNAME, one step only, an "
    "alias followed although CNAME was asked for",
    hint="While the name has a CNAME, and the query is not for CNAME, add it to the answer and go on with its target. "
    "Then add the target's records of the type.",
)
def test_follows_aliases(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Follows aliases"""
    with connect_udp() as client:
        for name, kind in (
            ("www.example.test", "A"),
            ("ftp.example.test", "A"),
            ("ftp.example.test", "AAAA"),
            ("shop.example.test", "A"),
            ("www.example.test", "MX"),
            ("ftp.example.test", "CNAME"),
        ):
            client.ask(asking(name, kind, rng))


@behaviour(
    does="names in capital and in mixed letters",
    proves="nothing to prove",
    catches="names compared byte by byte, the question sent back in small letters",
    hint="Compare names in small letters; the question in the answer is a copy of the bytes that came.",
)
def test_names_in_any_case(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Finds names in any case"""
    with connect_udp() as client:
        for name in ("OAK.EXAMPLE.TEST", "wIlLoW.eXaMpLe.TeSt", "Www.Example.test"):
            client.ask(asking(name, "A", rng))


@behaviour(
    does="names in the zone that are not in the file",
    proves="nothing to prove",
    catches="no answer, an answer without records and without NXDOMAIN, a name that only begins or ends like another",
    hint="If no record has that name, whatever its type, RCODE is 3 and there are no records.",
)
def test_no_such_name(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Says that a name does not exist"""
    with connect_udp() as client:
        for name in (host_name(rng), "oa.example.test", "roak.example.test", "a.oak.example.test"):
            client.ask(asking(name, "A", rng, NXDOMAIN))
        client.ask(asking(host_name(rng), _OTHER_TYPES[0], rng, NXDOMAIN))


@behaviour(
    does="names that are in the file, for types that they don't have, and for types that the server can't know",
    proves="nothing to prove",
    catches="NXDOMAIN for a name that exists, no answer to an unknown type, NOTIMP",
    hint="If the name has records, but none of this type, RCODE is 0 and there are no records.",
)
def test_no_data(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Tells a missing type from a missing name"""
    with connect_udp() as client:
        for kind in ("AAAA", "MX", "CNAME", *_OTHER_TYPES):
            client.ask(asking("oak.example.test", kind, rng))


@behaviour(
    does="names in other zones, one of which ends with the same letters",
    proves="nothing to prove",
    catches="NXDOMAIN for what the server can't know, a comparison that doesn't stop at a dot",
    hint="A name is in the zone if it is the zone's name, or ends with a dot and the zone's name; else RCODE is 5.",
)
def test_refuses_other_zones(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Refuses to answer about other zones"""
    with connect_udp() as client:
        for name in ("www.example.net", "test", "counterexample.test", "example.test.net"):
            client.ask(asking(name, "A", rng, REFUSED))


@behaviour(
    does="queries with other OPCODEs than 0",
    proves="nothing to prove",
    catches="every message is taken for a standard query, OPCODE 0 in the answer",
    hint="OPCODE is bits 1 to 4 of the flags; unless it is 0, answer with a header alone: RCODE 4, and that OPCODE.",
)
def test_other_opcodes(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Says which kinds of queries it does not implement"""
    with connect_udp() as client:
        for opcode in _OPCODES:
            asked = query("oak.example.test", "A", rng, opcode << 11)
            client.ask(Exchange(asked, _refusal(asked, NOTIMP)))
        client.ask(asking("oak.example.test", "A", rng))


@behaviour(
    does="queries without a question and with two; with a question that is cut short; with a name whose pointer points "
    "to itself, and one whose label is longer than the message",
    proves="nothing to prove",
    catches="an exception for each of them and no answer, an endless loop, bytes behind the message read",
    hint="Look at each length before you use it. Nothing comes before the question, so its name can't have a pointer.",
)
def test_form_errors(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Says that it can't read a query"""
    asked = query("oak.example.test", "A", rng)
    head, rest = asked[:HEADER_BYTES], asked[HEADER_BYTES:]
    none, two = (head[:4] + struct.pack("!4H", count, 0, 0, 0) for count in (0, 2))
    with connect_udp() as client:
        for wrong in (
            none,
            two + rest + rest,
            asked[:-3],
            asked[:-6],
            head,
            head + b"\xc0\x0c\0\1\0\1",
            head + b"\x3foak\0\0\1\0\1",
        ):
            client.ask(Exchange(wrong, _refusal(asked, FORMERR)))
        client.ask(asking("elm.example.test", "A", rng))


def _refusal(asked: bytes, rcode: int) -> Reply:
    def judge(data: bytes) -> str | None:
        flags = int.from_bytes(data[2:4])
        opcode = int.from_bytes(asked[2:4]) & OPCODE
        if len(data) < HEADER_BYTES or data[:2] != asked[:2] or not flags & IS_ANSWER:
            return "it is no answer to the query"
        if flags & OPCODE != opcode:
            return f"the OPCODE in its header is {(flags & OPCODE) >> 11}, not the query's {opcode >> 11}"
        return None if flags & RCODE == rcode else f"the RCODE in its header is {flags & RCODE}, not {rcode}"

    return judged(judge, f"an answer with the RCODE {rcode}")


@behaviour(
    does="answers, which nobody has asked for, and datagrams shorter than a header; then a query",
    proves="each has arrived at its socket, and the program rests before the next; after the last it is still, or had "
    "the time allowed for an answer",
    catches="answers answered: two such servers never stop; an error as the answer to a few bytes",
    hint="Send nothing if a datagram has fewer than 12 bytes, or if its bit QR is 1.",
)
def test_answers_queries_only(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Does not answer answers"""
    asked = query("oak.example.test", "A", rng)
    said = query("oak.example.test", "A", rng, IS_ANSWER)
    refused = query("oak.example.test", "A", rng, IS_ANSWER | FORMERR)
    with connect_udp() as client:
        for datagram in (said, refused, b"", asked[:2], asked[: HEADER_BYTES - 1]):
            client.send(datagram)
            client.expect_nothing_yet(Reason.EXTRA_REPLY, "it answered what is no query")
        client.expect_nothing(Reason.EXTRA_REPLY, "it answered what is no query")
        client.ask(asking("elm.example.test", "A", rng))


@behaviour(
    does="a query with an additional record behind its question, as dig sends it",
    proves="nothing to prove",
    catches="a query that must end with its question, the additional record sent back and counted",
    hint="Read the question and ignore what follows; the answer has its own counts.",
)
def test_ignores_what_follows(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Ignores what follows the question"""
    asked = query("oak.example.test", "A", rng)
    longer = asked[:10] + b"\0\1" + asked[HEADER_BYTES:] + _OPT
    with connect_udp() as client:
        client.ask(Exchange(longer, judged(judge_answer(asked, ZONE), words_for(asked))))


@behaviour(
    does="a name with so many addresses that they don't fit into 512 bytes; one with so many that they just do",
    proves="nothing to prove",
    catches="a datagram of more than 512 bytes, an answer that is cut without TC, no answer, one of 512 bytes that is "
    "cut",
    hint="Build the whole answer. If it has more than 512 bytes, send one with fewer records, or none, and the bit TC. "
    "One of 512 bytes still fits.",
)
def test_truncates(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Says that an answer does not fit into a datagram"""
    asked = query("many.example.test", "A", rng)
    with connect_udp() as client:
        client.ask(Exchange(asked, judged(_judge_truncated(asked), "an answer with TC, of 512 bytes at most")))
        client.ask(asking("p.example.test", "A", rng))


def _judge_truncated(asked: bytes) -> Callable[[bytes], str | None]:
    def judge(data: bytes) -> str | None:
        if len(data) > UDP_BYTES:
            return f"it has {len(data)} bytes, more than {UDP_BYTES}"
        try:
            message = taken_apart(data)
        except NotProperError as error:
            return str(error)
        if not message.flags & TRUNCATED:
            return "the bit TC in its header is 0, but not all records fit"
        whole = message._replace(flags=message.flags ^ TRUNCATED)
        wrong = [in_words(one) for one in message.answers if one not in ZONE]
        return wrong_header(whole, asked, NOERROR) or (
            f"it has '{wrong[0]}', which is not in the file" if wrong else None
        )

    return judge
