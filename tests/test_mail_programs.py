"""Real mail programs: smtplib, poplib and curl as clients of our mailbox, and aiosmtpd as half of one."""

from __future__ import annotations

import importlib.util
import poplib
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import flow
from grader.assignment import Assignment, load
from grader.model import Outcome
from grader.sandbox.host import Sandbox
from grader.sandbox.local import LocalSandbox

ROOT = Path(__file__).parent.parent
USERS = ROOT / "assignments" / "mailbox" / "files" / "users.txt"
RIGHT = ROOT / "reference" / "mailbox" / "good" / "threads.py"
LETTER = b"Subject: Lunch?\r\n\r\nAt noon,\r\n.as always.\r\n"
#: In place of the SMTP half of a right program: aiosmtpd, which hands what it has received to the store.
AIOSMTPD = """
import asyncio
from aiosmtpd.smtp import SMTP

class Hands:
    def __init__(self, users, store):
        self.users, self.store = users, store

    async def handle_RCPT(self, server, session, envelope, address, options):
        user, _, domain = address.encode().partition(b"@")
        if user not in self.users or domain != DOMAIN:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        for address in envelope.rcpt_tos:
            self.store.add(address.encode().partition(b"@")[0], envelope.original_content)
        return "250 stored"

def main():
    try:
        ports = [int(word) for word in sys.argv[1:3]]
        with open(sys.argv[3], "rb") as file:
            users = dict(line.split() for line in file)
    except (IndexError, ValueError):
        sys.exit("usage: mailbox SMTP_PORT POP3_PORT USERS")
    if not all(0 < port < 65536 for port in ports):
        sys.exit("a port is a number from 1 to 65535")
    store = Store(users)
    listener = listen(ports[1])

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(Pop3, client, users, store), daemon=True).start()

    async def smtp():
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await asyncio.get_running_loop().create_server(
            lambda: SMTP(Hands(users, store), hostname="mail.test", ident=""), "0.0.0.0", ports[0], backlog=128
        )
        threading.Thread(target=accept, daemon=True).start()
        await stop.wait()

    asyncio.run(smtp())

main()
"""
#: What that lacks of the handout, and why.
LACKS = {
    "long_mail": "it refuses lines of more than 1000 bytes, as RFC 5321 (4.5.3.1.6) lets it",
}


def listens(port: str) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", int(port))) == 0


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The ports of a right mailbox that runs."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        smtp, pop3 = (str(each.getsockname()[1]) for each in (one, other))
    with subprocess.Popen([sys.executable, RIGHT, smtp, pop3, USERS], cwd=tmp_path) as program:
        until = time.monotonic() + 10
        while not all(map(listens, (smtp, pop3))):
            assert program.poll() is None
            assert time.monotonic() < until
        yield int(smtp), int(pop3)
        program.terminate()


def test_pythons_own_clients_are_served(ports: tuple[int, int]) -> None:
    with smtplib.SMTP("127.0.0.1", ports[0]) as smtp:
        refused = smtp.sendmail("friend@example.test", ["ada@mail.test", "nobody@mail.test"], LETTER)
    assert refused == {"nobody@mail.test": (550, b"no such user")}
    pop3 = poplib.POP3("127.0.0.1", ports[1])
    pop3.user("ada")
    pop3.pass_("lovelace-1815")
    assert pop3.stat() == (1, len(LETTER))
    assert b"\r\n".join([*pop3.retr(1)[1], b""]) == LETTER
    pop3.dele(1)
    pop3.quit()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_is_served(ports: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(LETTER)
    curl = ("curl", "-sS", "--max-time", "20")
    sending = ("--mail-from", "me@example.test", "--mail-rcpt", "ada@mail.test", "-T", str(tmp_path / "letter.txt"))
    subprocess.run([*curl, f"smtp://127.0.0.1:{ports[0]}", *sending], check=True)
    fetching = (*curl, "--user", "ada:lovelace-1815", f"pop3://127.0.0.1:{ports[1]}")
    assert subprocess.run([*fetching[:-1], f"{fetching[-1]}/1"], check=True, capture_output=True).stdout == LETTER
    listed = subprocess.run(fetching, check=True, capture_output=True).stdout
    assert listed == b"1 %d\r\n" % len(LETTER)


def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
    return LocalSandbox(assignment, archive)


@pytest.mark.skipif(importlib.util.find_spec("aiosmtpd") is None, reason="aiosmtpd is not installed")
def test_aiosmtpd_lacks_what_it_lacks(tmp_path: Path) -> None:
    for package in ("aiosmtpd", "public", "attr", "attrs"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(
            Path(spec.origin).parent, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "tests")
        )
    (tmp_path / "mailbox.py").write_text(RIGHT.read_text().removesuffix("main()\n") + AIOSMTPD)
    report = flow.grade(tmp_path, flow.Request(load("mailbox"), seed=1), in_local, lambda _: None)
    failed = {check.id.partition(".")[2]: check.message for check in report.checks if check.outcome is Outcome.FAILED}
    assert failed.keys() == LACKS.keys(), failed
