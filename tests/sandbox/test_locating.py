"""The line that a real program is at: blocked, spinning, with threads, in several languages, if its tool is there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from grader.sandbox import proc, stacks, tools
from grader.sandbox.children import become
from grader.sandbox.crowd import Crowd
from grader.sandbox.locating import Locator

BLOCKED = """\
import socket, sys
def handle(conn):
    print("ready", flush=True)
    conn.recv(1)
ours, theirs = socket.socketpair()
handle(ours)
"""
SPINNING = """\
def spin():
    print("ready", flush=True)
    while True:
        pass
spin()
"""
THREADS = """\
import socket, threading
def serve(conn):
    print("ready", flush=True)
    conn.recv(1)
ours, theirs = socket.socketpair()
thread = threading.Thread(target=serve, args=[ours])
thread.start()
thread.join()
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
JAVA = """\
class Server {
    static void serve() throws Exception {
        System.out.println("ready");
        System.in.read();
    }
    public static void main(String[] args) throws Exception {
        serve();
    }
}
"""
GO = """\
package main
import ("fmt"; "os")
func serve() {
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
}
func main() {
	serve()
}
"""


NODE_WAITS = """\
const net = require('net');
const server = net.createServer((socket) => {
    socket.on('data', (part) => {
        socket.write(part);
    });
    console.log('ready');
});
server.listen(0, '127.0.0.1', () => net.connect(server.address().port));
"""
NODE_LISTENS = """\
import net from 'node:net';
net.createServer((socket) => socket.end())
    .listen(0, '127.0.0.1', () => console.log('ready'));
"""
NODE_SPINS = """\
function spin() {
    for (;;) {}
}
console.log('ready');
setImmediate(spin);
"""


class OneProcess:
    """A crowd of one process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def pids(self) -> list[int]:
        return [self._pid]

    def freeze(self) -> bool:
        os.kill(self._pid, signal.SIGSTOP)
        while proc.not_stopped(self._pid):
            pass
        return True

    def thaw(self) -> None:
        os.kill(self._pid, signal.SIGCONT)


def locator(pid: int, folder: Path) -> Locator:
    settings: Any = {"uid": os.geteuid(), "gid": os.getegid(), "work": str(folder)}
    return Locator(cast("Crowd", OneProcess(pid)), settings)


@contextmanager
def running(argv: list[str], folder: Path) -> Iterator[int]:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    rights = partial(become, os.geteuid(), os.getegid())  # a program has none, and who looks at it has no more
    with subprocess.Popen(argv, cwd=folder, preexec_fn=rights, **streams) as program:  # type: ignore[call-overload]  # noqa: PLW1509
        assert program.stdout.readline() == b"ready\n"
        try:
            yield program.pid
        finally:
            program.kill()


def found(argv: list[str], folder: Path, *, spins: bool = False) -> list[tuple[str, int, str, str]]:
    with running(argv, folder) as pid:
        while not spins and stacks.running(pid):
            os.sched_yield()  # it has printed, and is about to wait
        places = locator(pid, folder).places("lacking")["places"]
    return [(place["file"], place["line"], place["function"], place["how"]) for place in places]


py_spy = pytest.mark.skipif(not tools.which("py-spy"), reason="there is no py-spy here")


@py_spy
def test_a_blocked_python_program_and_the_lines_around(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(BLOCKED)
    with running([sys.executable, "server.py"], tmp_path) as pid:
        while stacks.running(pid):
            os.sched_yield()
        (place,) = locator(pid, tmp_path).places("lacking")["places"]
    assert (place["file"], place["line"], place["function"]) == ("server.py", 4, "handle")
    assert (place["first"], place["source"]) == (3, BLOCKED.splitlines()[2:5])


@py_spy
def test_a_spinning_python_program(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SPINNING)
    ((file, line, function, how),) = found([sys.executable, "server.py"], tmp_path, spins=True)
    assert (file, function, how.split()[:2]) == ("server.py", "spin", ["seen", "there"])
    assert line in {3, 4}


@py_spy
def test_the_thread_that_waits_for_a_client_and_not_the_one_that_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(THREADS)
    assert found([sys.executable, "server.py"], tmp_path) == [("server.py", 4, "serve", "")]


@pytest.mark.skipif(not (tools.which("eu-stack") and shutil.which("cc")), reason="there is no eu-stack or no cc here")
def test_a_blocked_c_program(tmp_path: Path) -> None:
    (tmp_path / "server.c").write_text(BLOCKED_IN_C)
    subprocess.run(["cc", "-g", "-O0", "-o", "server", "server.c"], cwd=tmp_path, check=True)
    assert found(["./server"], tmp_path) == [("server.c", 4, "handle", "")]


@pytest.mark.skipif(not shutil.which("javac"), reason="there is no Java here")
def test_a_blocked_java_program(tmp_path: Path) -> None:
    (tmp_path / "Server.java").write_text(JAVA)
    subprocess.run(["javac", "Server.java"], cwd=tmp_path, check=True)
    assert found(["java", "Server"], tmp_path) == [("Server.java", 4, "Server.serve", "")]


@pytest.mark.skipif(not shutil.which("go"), reason="there is no Go here")
def test_a_blocked_go_program(tmp_path: Path) -> None:
    (tmp_path / "server.go").write_text(GO)
    subprocess.run(["go", "build", "server.go"], cwd=tmp_path, check=True)
    assert found(["./server"], tmp_path) == [("server.go", 5, "serve", "")]


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node here")
@pytest.mark.alone  # all listen on one port of this machine
@pytest.mark.parametrize(
    ("name", "text", "line", "function"),
    [
        ("server.js", NODE_WAITS, 3, "its 'data' listener"),
        ("server.mjs", NODE_LISTENS, 2, "its 'connection' listener"),
        ("server.js", NODE_SPINS, 2, "spin"),
    ],
)
def test_a_node_program(tmp_path: Path, name: str, text: str, line: int, function: str) -> None:
    (tmp_path / name).write_text(text)
    with running(["node", name], tmp_path) as pid:
        place, *_ = locator(pid, tmp_path).places("lacking")["places"]
        with Path(f"/proc/{pid}/fd/2").open("rb", buffering=0) as errors:
            os.set_blocking(errors.fileno(), False)
            assert errors.read(1) is None, "the inspector's words are on its stderr"
    assert (place["file"], place["line"], place["function"]) == (name, line, function)


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node here")
def test_a_node_program_that_catches_the_signal_itself_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text(f"process.on('SIGUSR1', () => process.exit(7));{NODE_SPINS}")
    assert found(["node", "server.js"], tmp_path, spins=True) == []


def test_a_program_that_is_gone_is_nowhere(tmp_path: Path) -> None:
    assert locator(2**22 + 1, tmp_path).places("lacking") == {"places": []}


def test_of_named_places_the_first_that_is_its_own_is_told(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(BLOCKED)
    frames = [("recv", "/usr/lib/python3/socket.py", 5), ("handle", "server.py", 4), ("<module>", "server.py", 6)]
    (place,) = locator(os.getpid(), tmp_path).told(frames)["places"]
    assert (place["file"], place["line"]) == ("server.py", 4)
