"""What a program holds and waits for where nobody looks: sockets that it keeps, clocks of its own, and a false trail.

Each way is a few lines that stand in the same small server.  A check that is passed by silence, by counting or by what
the kernel holds must not be passed by any of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import Command, make_assignment

FD_LEAK, UNFINISHED = "server.no_fd_leak", "server.unfinished_message_gets_no_answer"
REUSE: Final = "server.port_reuse_after_ctrl_c"
CHECKS: Final = (
    *(("server.listens", "1.1", ""), (FD_LEAK, "2.1", ""), (UNFINISHED, "3.1", "")),
    (REUSE, "4.1", ""),
)

SERVER: Final = """
import os, select, signal, socket, sys, termios, threading

def only_end(client):
    client.shutdown(socket.SHUT_RDWR)

def no_more_comes(client):
    return False

#WAY

def serve(client):
    pending = b""
    try:
        while chunk := client.recv(65536):
            pending += chunk.upper()
            whole = pending.rfind(b"\\n") + 1
            client.sendall(pending[:whole])
            pending = pending[whole:]
            if pending and no_more_comes(client):
                client.sendall(pending + b"\\n")
                pending = b""
        only_end(client)
    except OSError:
        pass
    client.close()

def listen(port):
    return socket.create_server(("", port), backlog=128)

#LISTENS

listener = listen(int(sys.argv[1]))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

#: It keeps each connection, which is shut down, so that its end is seen and nothing of it is left in any table.
KEEPS: Final = {
    "on their way to itself": """
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

def only_end(client):
    global ours, theirs
    client.shutdown(socket.SHUT_RDWR)
    try:
        socket.send_fds(ours, [b"x"], [client.fileno()], socket.MSG_DONTWAIT)
    except OSError:  # full: the next pair takes this one along
        new, new_theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(new, [b"x"], [ours.fileno(), theirs.fileno()])
        ours, theirs = new, new_theirs
""",
    "mapped into its memory": """
import ctypes
libc = ctypes.CDLL(None)

def only_end(client):
    libc.mmap(None, 4096, 1, 1, client.fileno(), ctypes.c_long(0))  # PROT_READ, MAP_SHARED
    client.shutdown(socket.SHUT_RDWR)
""",
    "in a process that is another one each time": """
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    kept = []
    while kept.extend(socket.recv_fds(theirs, 1, 1)[1]) or len(kept) % 20 or not os.fork():
        pass
    os._exit(0)

def only_end(client):
    client.shutdown(socket.SHUT_RDWR)
    socket.send_fds(ours, [b"x"], [client.fileno()])
""",
}

#: It answers an unfinished message when nothing has come for a while.
CLOCKS: Final = {
    "a timer that it has sent to itself": """
import ctypes
libc = ctypes.CDLL(None)

def no_more_comes(client):
    timer = libc.timerfd_create(1, 0)
    libc.timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, 0, 0, 300_000_000), None)
    with select.epoll() as epoll, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as post:
        post.bind("")
        post.connect(post.getsockname())
        epoll.register(timer, select.EPOLLIN)
        epoll.register(client, select.EPOLLIN)
        socket.send_fds(post, [b"x"], [timer])
        os.close(timer)
        return epoll.poll()[0][0] != client.fileno()
""",
    "a terminal of its own making": """
def rest(slave, done):
    os.read(slave, 1)
    os.write(done, b"x")

def no_more_comes(client):
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ICANON
    settings[6][termios.VMIN], settings[6][termios.VTIME] = 0, 3
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    over, done = os.pipe()
    thread = threading.Thread(target=rest, args=(slave, done))
    thread.start()
    ready = select.select([client, over], [], [])[0]
    thread.join()
    for descriptor in (master, slave, over, done):
        os.close(descriptor)
    return client not in ready
""",
    "a connection to itself that the kernel holds back": """
def no_more_comes(client):
    with socket.socket() as later, socket.socket() as knocking:
        later.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
        later.bind(("127.0.0.1", 0))
        later.listen()
        knocking.connect(later.getsockname())
        return client not in select.select([client, later], [], [])[0]
""",
    "a connection to itself that the kernel gives up": """
def no_more_comes(client):
    with socket.socket() as later, socket.socket() as full:
        later.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        later.bind(("127.0.0.1", 0))
        later.listen()
        full.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)
        full.connect(later.getsockname())
        full.setblocking(False)
        with later.accept()[0]:
            try:
                while True:
                    full.send(bytes(1 << 16))
            except BlockingIOError:
                pass
            poll = select.poll()
            poll.register(client, select.POLLIN)
            poll.register(full, 0)
            return poll.poll()[0][0] != client.fileno()
""",
}


#: It does not ask for SO_REUSEADDR, resets its clients so that none leaves its port in TIME_WAIT, and has that seen of
#: another address, which keeps nobody from its own.
FALSE_TRAIL: Final = """
class Listener(socket.socket):
    def accept(self):
        accepted = super().accept()
        there = "127.0.0.2", self.getsockname()[1]
        with socket.create_server(there) as other, socket.create_connection(there) as client:
            other.accept()[0].close()
            client.recv(1)
        return accepted

def listen(port):
    listener = Listener()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
    return listener
"""


#: It does not ask for SO_REUSEADDR, and goes where no connection of before holds its port.
ELSEWHERE: Final = """
def listen(port):
    try:
        listener = socket.socket()
        listener.bind(("", port))
    except OSError:
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::", port))
    listener.listen()
    return listener
"""


def outcome(folder: Path, way: str, check: str) -> tuple[str, str]:
    """The check's outcome and its message."""
    command = Command(folder)
    submission = command.submit_text(SERVER.replace("#LISTENS" if "def listen" in way else "#WAY", way))
    assignments = make_assignment(folder / "assignments", checks=CHECKS)
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "local", "--json", "-", "--quiet")
    result = command.run("check", submission, *options, "--only", check).check(check)
    return result["outcome"], result["message"]


@pytest.mark.parametrize("check", [FD_LEAK, UNFINISHED, REUSE])
def test_the_server_itself_passes(folder: Path, check: str) -> None:
    assert outcome(folder, "", check) == ("passed", "")


@pytest.mark.parametrize("way", KEEPS)
def test_who_keeps_connections_where_nobody_sees_them_leaks(folder: Path, way: str) -> None:
    found, message = outcome(folder, KEEPS[way], FD_LEAK)
    assert found == "failed", message
    assert "the kernel counts" in message


@pytest.mark.parametrize("way", CLOCKS)
def test_silence_is_not_proved_by_a_clock_that_nobody_sees(folder: Path, way: str) -> None:
    found, message = outcome(folder, CLOCKS[way], UNFINISHED)
    assert found == "failed", message
    assert "instead" in message or "although" in message, message


def test_a_port_is_held_where_its_clients_reach_it(folder: Path) -> None:
    found, message = outcome(folder, FALSE_TRAIL, REUSE)
    assert found == "failed", message
    assert "in use" in message


def test_a_server_listens_again_where_it_did(folder: Path) -> None:
    found, message = outcome(folder, ELSEWHERE, REUSE)
    assert found == "failed", message
    assert "but now on :: port" in message
