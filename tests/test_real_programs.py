"""Programs that nobody wrote for a course: netcat as a chat client, and the clients that people use for FTP.

A client that is graded gets the verdict that reading its manual page gives.  curl and ftplib are not graded: they talk
to the right server of `file_transfer`, so that what the handout requires is what real clients need.
"""

from __future__ import annotations

import ftplib
import io
import runpy
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from grader import flow
from grader.assignment import load
from grader.model import Outcome
from grader.sandbox.choose import choose

ROOT = Path(__file__).resolve().parent.parent
RIGHT = ROOT / "reference" / "file_transfer" / "good" / "threads.py"
USER, PASSWORD = "student", "sesame"
#: mawk ends a last line that has no ending; `-W interactive` lets it pass on each line when it is typed.
NETCAT = 'run = ["sh", "-c", "exec mawk -W interactive 1 | nc -N -v $0 $1", "{host}", "{port}"]'
CONTENT = bytes(range(256)) * 300


def test_netcat_is_a_chat_client_that_lacks_what_it_lacks(tmp_path: Path) -> None:
    if not all(map(shutil.which, ("nc", "mawk"))):
        pytest.skip("nc or mawk is not installed")
    (tmp_path / "grader.toml").write_text(f"[client]\n{NETCAT}\n")
    request = flow.Request(load("chat_room"), 1, ("client",))
    report = flow.grade(tmp_path, request, choose("local", lambda _: None).make, lambda _: None)
    assert report.complete
    assert {check.id for check in report.checks if check.outcome is not Outcome.PASSED} == {
        "client.no_control_characters",  # bytes go to the terminal as they come
        "client.server_closes_early",  # it goes on reading what is typed
        "client.server_resets",
    }


@pytest.fixture
def port(tmp_path: Path) -> int:
    """Where the right server of file_transfer serves an empty folder."""
    serve_forever = runpy.run_path(str(RIGHT))["serve_forever"]
    (tmp_path / "share").mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_forever, args=(listener, tmp_path / "share"), daemon=True).start()
    bound: int = listener.getsockname()[1]
    return bound  # the listener is not closed: its thread is in accept, and ends with us


def test_ftplib_gets_what_it_needs(port: int) -> None:
    with ftplib.FTP() as client:  # noqa: S321 — it is what is graded
        client.connect("127.0.0.1", port)
        with pytest.raises(ftplib.error_perm, match="530"):
            client.login(USER, "wrong")
        client.login(USER, PASSWORD)
        client.storbinary("STOR all bytes.bin", io.BytesIO(CONTENT))
        lines: list[str] = []
        client.retrlines("LIST", lines.append)
        assert [line.endswith(" all bytes.bin") for line in lines] == [True]
        pieces: list[bytes] = []
        client.retrbinary("RETR all bytes.bin", pieces.append)
        assert b"".join(pieces) == CONTENT
        with pytest.raises(ftplib.error_perm, match="55"):
            client.storbinary("STOR ../beside.bin", io.BytesIO(CONTENT))
        assert client.quit().startswith("221")


def test_ftplib_waits_for_the_server(port: int) -> None:
    with ftplib.FTP() as client:  # noqa: S321 — it is what is graded
        client.connect("127.0.0.1", port)
        client.login(USER, PASSWORD)
        client.set_pasv(False)
        client.storbinary("STOR all bytes.bin", io.BytesIO(CONTENT))
        pieces: list[bytes] = []
        client.retrbinary("RETR all bytes.bin", pieces.append)
        assert b"".join(pieces) == CONTENT


def test_curl_gets_what_it_needs(port: int, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    sent, got = tmp_path / "sent.bin", tmp_path / "got.bin"
    sent.write_bytes(CONTENT)
    url = f"ftp://127.0.0.1:{port}"
    account = ("curl", "--silent", "--show-error", "--user", f"{USER}:{PASSWORD}")
    subprocess.run([*account, "--upload-file", sent, f"{url}/"], check=True)
    subprocess.run([*account, "--output", got, f"{url}/sent.bin"], check=True)
    assert got.read_bytes() == CONTENT
    listed = subprocess.run([*account, f"{url}/"], check=True, capture_output=True, text=True)
    assert listed.stdout.endswith(" sent.bin\n")


def test_curl_says_eprt_where_it_waits_itself(port: int, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (tmp_path / "share" / "there.bin").write_bytes(CONTENT)
    got, url = tmp_path / "got.bin", f"ftp://127.0.0.1:{port}/there.bin"
    account = f"{USER}:{PASSWORD}"
    words = ["curl", "--verbose", "--user", account, "--ftp-port", "127.0.0.1", "--output", str(got), url]
    run = subprocess.run(words, check=True, capture_output=True, text=True)
    assert got.read_bytes() == CONTENT
    assert "> EPRT |1|127.0.0.1|" in run.stderr
    assert "> PORT" not in run.stderr
