"""The assignment `dns_resolver` against those who know DNS: dnspython as another opinion, dig and dnsmasq as peers."""

from __future__ import annotations

import importlib
import ipaddress
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import flow
from grader.assignment import Assignment, load
from grader.model import Outcome, Role
from grader.sandbox.host import Sandbox
from grader.sandbox.local import LocalSandbox

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "assignments" / "dns_resolver"
ZONE_FILE = FOLDER / "files" / "example.zone"
GOOD = ROOT / "reference" / "dns_resolver" / "good"
RNG = random.Random(1)  # noqa: S311 — ids of test messages


@pytest.fixture(scope="module")
def author() -> tuple[Any, Any]:
    """The assignment's modules: what its messages are as bytes, and what is right."""
    names = "messages", "protocol"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        messages, protocol = map(importlib.import_module, names)
        for name in names:
            del sys.modules[name]
    return messages, protocol


# another opinion


def test_the_zone_file_is_one_for_others_too(author: tuple[Any, Any]) -> None:
    _, protocol = author
    zone = dns.zone.from_file(str(ZONE_FILE), relativize=False, check_origin=False)
    others = {
        (name.to_text(True).lower(), dns.rdatatype.to_text(data.rdtype), data.to_text().rstrip(".").lower(), ttl)
        for name, ttl, data in zone.iterate_rdatas()
    }
    assert {tuple(record) for record in protocol.ZONE} == others


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join)
DATA = st.one_of(
    st.tuples(st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(st.just("CNAME"), NAME),
    st.tuples(st.just("MX"), st.tuples(st.integers(0, 65535), NAME).map(lambda pair: f"{pair[0]} {pair[1]}")),
)


def as_we_write(data: str) -> str:
    """An address of IPv4 in one of IPv6 is written in two ways."""
    return str(ipaddress.IPv6Address(data)) if ":" in data else data.rstrip(".")


@given(asked=NAME, records=st.lists(st.tuples(NAME, DATA, st.integers(0, 2**31 - 1)), max_size=12), short=st.booleans())
def test_what_is_written_is_read_the_same_by_dnspython(
    author: tuple[Any, Any], asked: str, records: list[tuple[str, tuple[str, str], int]], short: bool
) -> None:
    messages, protocol = author
    there = [messages.Record(name, kind, data, ttl) for name, (kind, data), ttl in records]
    query = messages.query(asked, "A", RNG)
    wire = protocol.answer({"id": query[:2], "question": query[12:]}, there, compresses=short)
    ours = messages.taken_apart(wire)
    assert ours.answers == tuple(there)
    read = dns.message.from_wire(wire, one_rr_per_rrset=True)
    theirs = [
        (rrset.name.to_text(True), dns.rdatatype.to_text(rrset.rdtype), as_we_write(rrset[0].to_text()), rrset.ttl)
        for rrset in read.answer
    ]
    assert [tuple(record) for record in there] == theirs
    assert read.question[0].name.to_text(True) == asked
    again = dns.message.make_response(dns.message.from_wire(query))
    again.answer = read.answer
    assert messages.taken_apart(again.to_wire()).answers == tuple(there)


@given(data=st.binary(max_size=80))
def test_whatever_comes_is_a_message_or_none(author: tuple[Any, Any], data: bytes) -> None:
    messages, _ = author
    with suppress(messages.NotProperError):
        assert messages.taken_apart(data).id == data[:2]
    assert isinstance(messages.told(data), str)


def test_a_message_is_said_in_words(author: tuple[Any, Any]) -> None:
    messages, protocol = author
    query = b"\x12\x34" + messages.query("www.example.test", "MX", RNG)[2:]
    records = [messages.Record("www.example.test", "MX", "10 mail.example.test")]
    answer = protocol.answer({"id": query[:2], "question": query[12:]}, records)
    said = "answer 4660 (RD RA NOERROR) about www.example.test MX: www.example.test MX 10 mail.example.test"
    assert messages.told(query) == "query 4660 (RD) for www.example.test MX"
    assert messages.told(answer) == messages.told(len(answer).to_bytes(2) + answer) == said
    assert messages.told(messages.query("wWw.Example.test", "A", RNG)).endswith(" (RD) for wWw.Example.test A")
    problem = "the data of the record of 'www.example.test' go beyond the message's"
    assert messages.told(answer[:-3]) == f"no message: {problem} {len(answer) - 3} bytes"
    assert not messages.told(2 * (len(query).to_bytes(2) + query))


@given(flips=st.dictionaries(st.integers(0, 90), st.integers(0, 255), max_size=6), size=st.integers(0, 100))
def test_no_bytes_are_more_than_a_judge_can_bear(author: tuple[Any, Any], flips: dict[int, int], size: int) -> None:
    messages, protocol = author
    exchange = protocol.asking("www.example.test", "A", RNG)
    query = exchange.request
    right = protocol.answer({"id": query[:2], "question": query[12:]}, protocol.ZONE[4:6], flags=messages.IS_ANSWER)
    for judge in (exchange.reply.judge, protocol.asks("www.example.test", "A").judge):
        for whole in (query, right):
            data = bytes(flips.get(at, byte) for at, byte in enumerate(whole))[:size]
            found = judge(data)
            assert found is None or isinstance(found, str | dict)


def test_a_right_answer_of_dnspython_is_right(author: tuple[Any, Any]) -> None:
    _, protocol = author
    for name, kind in (("oak", "A"), ("web", "AAAA"), ("ftp", "A"), ("ftp", "CNAME"), ("oak", "MX"), ("shop", "A")):
        exchange = protocol.asking(f"{name}.example.test", kind, RNG)
        response = dns.message.make_response(dns.message.from_wire(exchange.request))
        wanted = [*protocol.answers_in(protocol.ZONE, f"{name}.example.test", kind)]
        lines = [f"{one.name}. {one.ttl} IN {one.kind} {one.data}{'.' * (one.kind == 'CNAME')}" for one in wanted]
        response.answer = dns.message.from_text("\n".join(("id 1", ";ANSWER", *lines)), one_rr_per_rrset=True).answer
        judge = protocol.judge_answer(exchange.request, protocol.ZONE)
        assert judge(response.to_wire()) is None
        if wanted:
            response.answer = response.answer[1:]
            assert judge(response.to_wire()).startswith("it lacks ")
        assert judge(response.to_wire()[:11]) == "it has only 11 bytes, and a header has 12"


# the right programs


@pytest.fixture(scope="module", params=["server.py", "server.c"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a right server answers from the zone file."""
    run = [sys.executable, str(GOOD / "server.py")]
    if request.param == "server.c":
        built = tmp_path_factory.mktemp("built") / "server"
        subprocess.run(["gcc", "-o", built, GOOD / "server.c"], check=True)
        run = [str(built)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    with subprocess.Popen([*run, str(number), str(ZONE_FILE)]) as server:
        try:
            wait_listening(number, server)
            yield number
        finally:
            server.terminate()


def wait_listening(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until it takes TCP connections: its UDP socket is there then, too, or soon, and clients ask again."""
    until = time.monotonic() + 20
    while server.poll() is None and time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail("the server does not listen")


def test_the_handouts_example_is_what_happens(port: int) -> None:
    handout = (FOLDER / "handout.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?ms)^```\n(\$ python3 client\.py .+?)^```", handout)
    for words, printed in re.findall(r"(?m)^\$ python3 (.+)\n((?:^[^$].*\n)+)", example):
        script, host, _, *asked = words.split()
        command = [sys.executable, str(GOOD / script), host, str(port), *asked]
        run = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert run.stdout == printed


def dig(port: int, *words: str) -> str:
    if shutil.which("dig") is None:
        pytest.skip("dig is not installed")
    command = ["dig", "@127.0.0.1", "-p", str(port), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("oak.example.test",), ["192.0.2.10"]),
        (("WWW.Example.test", "AAAA"), ["web.example.test.", "2001:db8::30", "2001:db8::31:0:0:1"]),
        (("example.test", "MX"), ["10 mail.example.test.", "20 backup.example.net."]),
        (("+tcp", "ftp.example.test", "CNAME"), ["www.example.test."]),
        (("oak.example.test", "TXT"), []),
    ],
)
def test_dig_gets_what_it_asks_for(port: int, words: tuple[str, ...], lines: list[str]) -> None:
    assert sorted(dig(port, "+short", *words).splitlines()) == sorted(lines)


def test_dig_goes_on_over_tcp(port: int) -> None:
    told = dig(port, "many.example.test")
    assert "Truncated, retrying in TCP mode" in told
    assert told.count("198.51.100.") == 40


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("nobody.example.test",), "NXDOMAIN"),
        (("www.example.net",), "REFUSED"),
        (("oak.example.test", "+opcode=2"), "NOTIMP"),
        (("oak.example.test", "MX"), "NOERROR"),
    ],
)
def test_dig_tells_why_there_is_no_answer(port: int, words: tuple[str, ...], status: str) -> None:
    told = dig(port, *words)
    assert f"status: {status}," in told
    assert "ANSWER: 0," in told
    assert "WARNING: Message has" not in told


def test_dig_sees_the_bits_of_the_header(port: int) -> None:
    assert ";; flags: qr aa rd; QUERY: 1, ANSWER: 3," in dig(port, "web.example.test")
    assert ";; flags: qr aa; QUERY: 1, ANSWER: 3," in dig(port, "web.example.test", "+norecurse")


# real programs, graded

DNSMASQ = r"""#!/bin/sh
awk '
  { name = substr($1, 1, length($1) - 1); last = $NF; sub(/\.$/, "", last) }
  /^\$ORIGIN/ { print "local=/" substr($2, 1, length($2) - 1) "/" }
  $4 == "A" || $4 == "AAAA" { print "host-record=" name "," last "," $2 }
  $4 == "CNAME" { print "cname=" name "," last "," $2 }
  $4 == "MX" { print "mx-host=" name "," last "," $5 }
' "$2" > dnsmasq.conf
exec dnsmasq --keep-in-foreground --conf-file=dnsmasq.conf --port="$1" --no-resolv --no-hosts --user= --pid-file=
"""
DIG = r"""#!/bin/sh
said=$(dig +noall +comments +answer +noedns +noadflag +time=1 +tries=3 "@$1" -p "$2" "$3" "$4") || {
  echo "dig: $said" >&2; exit 1
}
status=$(echo "$said" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p')
[ "$status" = NOERROR ] || { echo "$status" >&2; exit 1; }
echo "$said" | awk -v name="$3." -v type="$4" '
  /^;/ || $4 != type && $4 != "CNAME" || $1 != name { next }
  { line = $1 " " $4; for (i = 5; i <= NF; i++) line = line " " $i; print line }
  { if ($4 == type) found = 1; else name = $NF }
  END { if (!found) { print "NODATA" > "/dev/stderr"; exit 1 } }'
"""


class Real(NamedTuple):
    """A program that is installed, or not: how it is started, what it is graded by, and what it lacks, and why."""

    script: str
    checks: frozenset[str]
    lacks: dict[str, str]


REAL = {
    "dnsmasq": Real(
        DNSMASQ,
        frozenset(
            f"server.{name}"
            for name in (
                *("reads_its_file", "header_bits", "keeps_the_ttl", "all_records", "other_types", "follows_aliases"),
                *("names_in_any_case", "no_such_name", "no_data", "refuses_other_zones", "other_opcodes"),
                *("form_errors", "answers_queries_only", "ignores_what_follows", "truncates", "answers_over_tcp"),
                *("tcp_in_pieces", "tcp_clients_wait_for_nobody", "tcp_clients_that_leave"),
            )
        ),
        {
            "server.header_bits": "it sets RA, and is no authority for what is in its own configuration",
            "server.other_opcodes": "its RCODE is REFUSED",
            "server.form_errors": "its RCODE is REFUSED",
        },
    ),
    "dig": Real(
        DIG,
        frozenset(
            f"client.{name}"
            for name in (
                *("bad_names_reported", "mail_servers", "aliases", "alias_circle", "pointers", "other_records"),
                *("no_such_name_reported", "no_data_reported", "other_ids", "other_questions", "no_answers"),
                *("hostile_pointers", "cut_short", "asks_over_tcp", "tcp_answer_in_pieces", "tcp_fails"),
            )
        ),
        {
            "client.other_questions": "it takes an answer without a question for its own",
            "client.no_answers": "it warns of a message that is no answer, and takes it",
            "client.hostile_pointers": "it gives up at an answer that it can't read",
            "client.cut_short": "the same",
            "client.tcp_fails": "it tries once more over TCP",
        },
    ),
}


def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
    return LocalSandbox(assignment, archive)


@pytest.mark.parametrize("name", REAL)
def test_a_real_program_lacks_what_it_lacks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = REAL[name]
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    role: Role = "server" if name == "dnsmasq" else "client"
    (tmp_path / f"{role}.sh").write_text(real.script)
    (tmp_path / f"{role}.sh").chmod(0o755)
    request = flow.Request(load("dns_resolver"), 1, (role,), only=real.checks)
    report = flow.grade(tmp_path, request, in_local, lambda _: None)
    assert {check.id for check in report.checks if check.outcome is not Outcome.PASSED} == real.lacks.keys()
