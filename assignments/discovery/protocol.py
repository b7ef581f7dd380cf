"""What a query is and what a server answers, and what a client must list of what it was answered."""

from __future__ import annotations

import random
import re
import string
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from grader import (
    Answer,
    Exchange,
    OtherServer,
    Reply,
    Turn,
    Values,
    Visit,
    every_byte,
    judged,
    not_utf8,
    random_blanks,
    random_letters,
)

#: Where our server is, from which the client gets its first answer.
HERE = "127.0.0.1"
#: Other machines, as far as the client can tell.
_ELSEWHERE = ("127.0.0.2", "127.0.0.4", "127.0.5.5")
_ID_CHARACTERS = string.ascii_letters + string.digits
_ID = re.compile(rb"[A-Za-z0-9]{8,32}")
#: A line of the client's that lists a server.
_LISTED = re.compile(r"(\d+\.\d+\.\d+\.\d+) (\d+) (\S+)\s*")


# the server


class Offer(NamedTuple):
    """A service, as the server that has it describes it."""

    service: str
    port: int
    name: str

    def answer_to(self, query_id: bytes) -> bytes:
        """What it answers to a query of this id."""
        return b"HERE 1 %b %b %d %b" % (self.service.encode(), query_id, self.port, self.name.encode())


#: The server as assignment.toml has it started.
USUAL = Offer("printer", 9100, "kitchen")


def query(service: str, query_id: bytes) -> bytes:
    """A client's question."""
    return b"FIND 1 %b %b" % (service.encode(), query_id)


def exchange(number: int, rng: random.Random) -> Exchange:
    """A query for the usual server's service."""
    query_id = (b"%d" % number + new_id(rng, 32))[: (12, 32, 8, 16)[number % 4]]
    return Exchange(query(USUAL.service, query_id), USUAL.answer_to(query_id))


def new_id(rng: random.Random, length: int = 8) -> bytes:
    """Letters and digits."""
    return "".join(rng.choices(_ID_CHARACTERS, k=length)).encode()


def other_offer(rng: random.Random) -> Offer:
    """A server that nobody has heard of."""
    return Offer(_name(rng), rng.randint(1025, 65535), _name(rng))


def _name(rng: random.Random) -> str:
    return f"{random_letters(rng, 6).decode().lower()}-{rng.randint(1, 99)}"


def not_queries(rng: random.Random) -> tuple[tuple[str, bytes], ...]:
    """What a server must not answer, each with what it is."""
    query_id, service = new_id(rng), USUAL.service
    return (
        ("a query for another service", query(_name(rng), query_id)),
        ("a query for a service whose name is the beginning of its own", query(service[:-2], query_id)),
        ("a query for a service whose name begins as its own", query(f"{service}s", query_id)),
        ("a query for a service that differs in a capital letter", query(service.capitalize(), query_id)),
        ("a query of version 2", query(service, query_id).replace(b" 1 ", b" 2 ", 1)),
        ("a query without an id", b"FIND 1 %b" % service.encode()),
        ("a query with a word more", query(service, query_id) + b" please"),
        ("another server's answer", Offer(service, 9200, _name(rng)).answer_to(query_id)),
        ("a query in small letters", query(service, query_id).lower()),
        ("an empty datagram", b""),
    )


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """What is no query."""
    return (
        *(datagram for _, datagram in not_queries(rng)),
        b"FIND",
        b"hello, " + random_letters(rng, 8),
        b"FIND 1 printer " + not_utf8(rng),
        every_byte(rng),
        b"\0" * rng.randint(2, 64),
        random_blanks(rng),
    )


# the client


class Found(NamedTuple):
    """A server that the client finds: its address, and what is in its answer."""

    host: str
    port: int
    name: str

    @property
    def line(self) -> str:
        """What the client must print about it."""
        return f"{self.host} {self.port} {self.name}"


def visit(number: int, rng: random.Random) -> Visit:  # noqa: ARG001 — they differ by what is drawn
    """A search that one server answers."""
    return search(_name(rng), (found(rng),))


def found(rng: random.Random, host: str = HERE) -> Found:
    """Some server, at that address."""
    return Found(host, rng.randint(1025, 65535), _name(rng))


def search(service: str, servers: Collection[Found], how: Answer = Answer.WHOLE) -> Visit:
    """A search that these servers answer, the last of them in that way."""

    def says(seen: Values) -> tuple[bytes | OtherServer, ...]:
        return tuple(answer(service, server, seen["id"]) for server in servers)

    return Visit((Turn(question(service), says, how),), fill={"service": service}, shown=listing(servers))


def question(service: str) -> Reply:
    """The client's query for a service, whatever its id."""
    head = query(service, b"")

    def judge(data: bytes) -> str | Mapping[str, bytes]:
        if not data.startswith(head):
            return f"it does not begin with {head.decode()!r}"
        if not _ID.fullmatch(data, len(head)):
            return f"behind the service is {data[len(head) :]!r}, which is no id of 8 to 32 letters and digits"
        return {"id": data[len(head) :]}

    right, *wrong = (head + each for each in (b"k7Xw02pQ", b"", b"short", b"k7Xw02pQ\n", b"k7Xw02pQ 1"))
    return judged(judge, f"{head.decode()!r} and an id", examples=(right,), wrong=wrong)


def answer(service: str, server: Found, query_id: bytes) -> bytes | OtherServer:
    """What that server answers."""
    words = Offer(service, server.port, server.name).answer_to(query_id)
    return words if server.host == HERE else OtherServer(server.host, words)


def listing(servers: Collection[Found]) -> Reply:
    """An output in which each of these servers has a line, and nobody else has one."""
    wanted = [server.line for server in servers]

    def judge(output: bytes) -> str | None:
        lines = output.decode("utf-8", "replace").splitlines()
        listed = Counter(line.strip() for line in lines if _LISTED.fullmatch(line))
        if missing := [line for line in wanted if line not in listed]:
            return f"there is no line {missing[0]!r}, although this server has answered in time"
        if others := [line for line in listed if line not in wanted]:
            return f"the line {others[0]!r} is about a server that has not answered its query"
        twice = [line for line, times in listed.items() if times > 1]
        return f"the line {twice[0]!r} is there {listed[twice[0]]} times" if twice else None

    right = "\n".join(["asking", *wanted[::-1], ""]).encode()
    words = "a line for each server, such as " + " and ".join(map(repr, wanted))
    return judged(judge, words, examples=(right,), wrong=(b"", right + right, right + b"127.0.0.1 1 impostor\n"))


def everywhere(rng: random.Random) -> tuple[Found, ...]:
    """Servers at several addresses; the last is ours.  Some differ only in address, in port or in name."""
    first, other, another = found(rng), found(rng, _ELSEWHERE[0]), found(rng, _ELSEWHERE[2])
    same_elsewhere, same_name = other._replace(host=_ELSEWHERE[1]), other._replace(port=other.port - 1)
    return (first, other, same_elsewhere, another, same_name, first._replace(name=_name(rng)))


def search_everywhere(rng: random.Random) -> Visit:
    """Several servers answer, the last of them a quarter of a second later."""
    return search(_name(rng), everywhere(rng), Answer.DELAYED)


def search_with_copies(rng: random.Random) -> Visit:
    """Some answers come twice, one of them later than others."""
    service, servers = _name(rng), everywhere(rng)

    def says(seen: Values) -> tuple[bytes | OtherServer, ...]:
        first, *others = (answer(service, server, seen["id"]) for server in servers)
        return first, first, *others[:2], others[0], others[1], first, *others[2:]

    turn = Turn(question(service), says, Answer.TWICE)
    return Visit((turn,), fill={"service": service}, shown=listing(servers))


def search_among_others(rng: random.Random) -> Visit:
    """Before the answer to it comes what is none, and behind that, too, from the server and from elsewhere."""
    service, server = _name(rng), found(rng)

    def says(seen: Values) -> tuple[bytes | OtherServer, ...]:
        words = not_answers(service, seen["id"], rng)
        elsewhere = [OtherServer(_ELSEWHERE[0], each) for each in words[1::3]]
        return *words, answer(service, server, seen["id"]), *elsewhere, words[1]

    return Visit((Turn(question(service), says),), fill={"service": service}, shown=listing((server,)))


def not_answers(service: str, query_id: bytes, rng: random.Random) -> tuple[bytes, ...]:
    """What is no answer to that query; where it could be listed, its name says why it must not."""
    other_id = (b"b" if query_id.startswith(b"a") else b"a") + query_id[1:]

    def impostor(name: str, service: str = service, query_id: bytes = query_id) -> bytes:
        return Offer(service, 9100, name).answer_to(query_id)

    return (
        b"",
        impostor("other-id", query_id=other_id),
        impostor("other-service", service=_name(rng)),
        impostor("version-2").replace(b" 1 ", b" 2 ", 1),
        impostor("name").removesuffix(b" name"),
        impostor("one-word-more") + b" really",
        impostor("port-is-a-word").replace(b"9100", b"http"),
        impostor("large-port").replace(b"9100", b"70000"),
        query(service, query_id),
        b"hello, " + random_letters(rng, 8),
        not_utf8(rng),
    )


def search_with_late_answer(rng: random.Random) -> Visit:
    """Nothing comes for the first query in time; its answer comes when the second has come, which another answers."""
    service, late, other = _name(rng), found(rng), found(rng, _ELSEWHERE[0])
    first = Turn(question(service), lambda seen: (answer(service, late, seen["id"]),), Answer.BEFORE_THE_NEXT)
    second = Turn(question(service), lambda seen: (answer(service, other, seen["id"]),))
    return Visit((first, second), fill={"service": service}, shown=listing((late, other)))
