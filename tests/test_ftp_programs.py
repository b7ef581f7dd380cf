"""FTP servers that people use: our right clients fetch and store files with them, and one of them is graded.

vsftpd runs here as whoever runs the tests, so it knows no accounts; it is only used, and not graded.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
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

GOOD = Path(__file__).parent.parent / "reference" / "file_transfer" / "good"
CONTENT = bytes(range(256)) * 300
PYFTPDLIB = """
import logging, os, sys
sys.path.append({packages!r})
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

try:
    port, folder = int(sys.argv[1]), sys.argv[2]
except (IndexError, ValueError):
    sys.exit("usage: server PORT FOLDER")
if not 0 < port < 65536:
    sys.exit("a port is a number from 1 to 65535")
os.makedirs(folder, exist_ok=True)
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user("student", "sesame", folder, perm="elradfmw")
FTPHandler.banner = "ready"
FTPHandler.auth_failed_timeout = 0
logging.basicConfig(level=logging.ERROR)
try:
    server = FTPServer(("", port), FTPHandler)
except OSError as error:
    sys.exit(str(error))
server.serve_forever()
"""
VSFTPD = """
listen=YES
listen_port={port}
listen_address=127.0.0.1
background=NO
run_as_launching_user=YES
ftp_username={user}
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_root={root}
secure_chroot_dir={root}
seccomp_sandbox=NO
"""
#: What pyftpdlib lacks of the handout, and why.
LACKS = {
    "mistakes_are_answered": "a transfer without PASV before it is answered with 150, and waits for a PASV after it",
    "broken_transfers": "a data connection that is reset while a file comes is taken for its end, with 226",
}


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def running(argv: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server, and where it listens, until it is no longer used."""
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            until = time.monotonic() + 10
            while not listens(port):
                assert program.poll() is None
                assert time.monotonic() < until
            yield port
        finally:
            program.terminate()


@pytest.fixture
def port() -> int:
    """A free one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bound: int = listener.getsockname()[1]
    return bound


@pytest.fixture
def pyftpdlib(tmp_path: Path) -> Path:
    """A program that serves with it."""
    found = importlib.util.find_spec("pyftpdlib")
    if found is None or found.origin is None:
        pytest.skip("pyftpdlib is not installed")
    server = tmp_path / "server.py"
    server.write_text(PYFTPDLIB.format(packages=str(Path(found.origin).parent.parent)))
    return server


@pytest.fixture(params=["client.py", "client.c"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """How a right client is started."""
    source = GOOD / request.param
    if source.suffix == ".py":
        return [sys.executable, str(source)]
    if shutil.which("cc") is None:
        pytest.skip("no cc")
    subprocess.run(["cc", "-o", tmp_path / "client", source], check=True)
    return [str(tmp_path / "client")]


def must_work_with(port: int, client: list[str], account: tuple[str, str], folder: Path, name: str) -> None:
    """Our client stores a file there, lists, fetches and deletes it, and is told what goes wrong."""

    def run(command: str, what: str, password: str = account[1]) -> subprocess.CompletedProcess[bytes]:
        words = [*client, "127.0.0.1", str(port), account[0], password, command, what]
        return subprocess.run(words, cwd=folder, check=False, capture_output=True, timeout=30)

    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(CONTENT)
    assert run("put", name).returncode == 0
    (folder / name).write_bytes(b"old")
    assert run("get", name).returncode == 0
    assert (folder / name).read_bytes() == CONTENT
    assert run("list", "listing.txt").returncode == 0
    assert (folder / "listing.txt").read_bytes().splitlines()[0].endswith(name.partition("/")[0].encode())
    assert run("delete", name).stdout.startswith(b"250 ")
    gone = run("get", name)
    assert (gone.returncode, b"550" in gone.stderr) == (1, True)
    assert (folder / name).read_bytes() == CONTENT


def test_our_clients_work_with_pyftpdlib(pyftpdlib: Path, port: int, client: list[str], tmp_path: Path) -> None:
    for served in running([sys.executable, str(pyftpdlib), str(port), str(tmp_path / "share")], port, tmp_path):
        must_work_with(served, client, ("student", "sesame"), tmp_path, "two words.bin")


def test_our_clients_work_with_vsftpd(
    port: int, client: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    if shutil.which("vsftpd") is None:
        pytest.skip("vsftpd is not installed")
    root, user = tmp_path / "root", pwd.getpwuid(os.getuid()).pw_name
    (root / "incoming").mkdir(parents=True)
    root.chmod(0o555)  # it serves no folder in which everybody may write
    (tmp_path / "vsftpd.conf").write_text(VSFTPD.format(port=port, user=user, root=root).lstrip())
    for served in running(["vsftpd", str(tmp_path / "vsftpd.conf")], port, tmp_path):
        must_work_with(served, client, ("anonymous", "guest"), tmp_path, "incoming/a.bin")
    root.chmod(0o755)


def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
    return LocalSandbox(assignment, archive)


def test_pyftpdlib_lacks_what_it_lacks(pyftpdlib: Path) -> None:
    request = flow.Request(load("file_transfer"), 1, ("server",))
    report = flow.grade(pyftpdlib, request, in_local, lambda _: None)
    failed = {check.id.partition(".")[2]: check.message for check in report.checks if check.outcome is Outcome.FAILED}
    assert failed.keys() == LACKS.keys(), failed
