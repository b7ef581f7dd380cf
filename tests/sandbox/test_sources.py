"""Where a program is in its own source, found with the tools themselves where they are installed, and their words."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.sandbox import sources
from grader.sandbox.sources import Frame

STACK = """\
PID 7 - process
TID 7:
#0  0x00007f58dc1e2a3d recv
#1  0x0000555555555291 - 1 handle
    /work/server.c:5:40
#2  0x00005555555553a2 - 1 main
    /work/server.c:12:14
TID 8:
#0  0x00007f58dc1e2a3d poll
"""
BLOCKED = """\
import socket, sys
def handle(conn):
    print("ready", flush=True)
    conn.recv(1)
ours, theirs = socket.socketpair()
handle(ours)
"""
BLOCKED_IN_C = """\
#include <unistd.h>
static void handle(void) {
    char byte;
    while (read(0, &byte, 1) == 1) {}
}
int main(void) {
    write(1, "ready\\n", 6);
    handle();
}
"""


def test_frames_of_eu_stack_are_those_with_a_source() -> None:
    _, first, second = sources._of_eu_stack(STACK)
    assert first == [Frame("/work/server.c", 5, "handle"), Frame("/work/server.c", 12, "main")]
    assert second == []


@given(words=st.text(st.sampled_from("#0x1 -:\n\tTID/ab.c"), max_size=200))
def test_whatever_a_tool_prints_is_read(words: str) -> None:
    assert all(frame.line >= 0 for stack in sources._of_eu_stack(words) for frame in stack)


def found(argv: list[str], folder: Path) -> list[dict[str, object]]:
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        try:
            return sources.places([program.pid], str(folder))
        finally:
            program.kill()


@pytest.mark.skipif(not sources._which("py-spy"), reason="there is no py-spy here")
def test_the_line_of_a_blocked_python_program(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(BLOCKED)
    (place,) = found([sys.executable, "server.py"], tmp_path)
    assert (place["file"], place["line"], place["function"]) == ("server.py", 4, "handle")
    assert (place["first"], place["source"]) == (3, BLOCKED.splitlines()[2:5])


@pytest.mark.skipif(not (sources._which("eu-stack") and shutil.which("cc")), reason="there is no eu-stack here")
def test_the_line_of_a_blocked_c_program(tmp_path: Path) -> None:
    (tmp_path / "server.c").write_text(BLOCKED_IN_C)
    subprocess.run(["cc", "-g", "-O0", "-o", "server", "server.c"], cwd=tmp_path, check=True)
    (place,) = found(["./server"], tmp_path)
    assert (place["file"], place["line"], place["function"]) == ("server.c", 4, "handle")


def test_a_process_that_is_gone_is_nowhere(tmp_path: Path) -> None:
    assert sources.places([2**22 + 1], str(tmp_path)) == []


def test_only_files_that_were_handed_in_count(tmp_path: Path) -> None:
    work = str(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "server.c").touch()
    assert sources._is_own(Frame("a/server.c", 1, "f"), work)
    for other in ("/usr/lib/x.py", "<string>", "../x.py", f"{work}x/y.py", f"{work}/v/site-packages/z.py"):
        assert not sources._is_own(Frame(other, 1, "f"), work)


def test_a_source_that_leads_elsewhere_or_never_ends_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        assert sources._lines(str(tmp_path / "link.py"), 1, 3) == []
        assert sources._lines(str(tmp_path / "s"), 1, 3) == []
