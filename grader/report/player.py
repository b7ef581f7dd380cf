"""How to use this script:

    python3 replay.py PORT                              your server is running already, on that port
    python3 replay.py --run "python3 server.py {port}"  it is started first, on a free port
    python3 replay.py --run "python3 client.py {host} {port}"    your client is started, and typed to
    python3 replay.py PORT --run "python3 client.py {host} {port}"          where both of your programs talk to each
    python3 replay.py --server "python3 server.py {port}" --run "python3 client.py {host} {port}"   other: through us

With --step it waits for Enter before each step.  With --wait it waits for a program that you start later, in a
debugger say, and is patient with it.  Change STEPS as you like.

A piece counts as read when Linux says so (/proc/net/tcp): no bytes of it are left in your program's socket.  Where
there is no /proc/net/tcp the script pauses between pieces instead, which proves nothing: they may arrive together.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

#: What is known about a step: what is done, by whom, its bytes, the lengths of its pieces, and words.
Step = tuple[str, str, bytes, tuple[int, ...], str]

HOST = "127.0.0.1"
ROWS = Path("/proc/net/tcp")
UDP_ROWS = Path("/proc/net/udp")
#: How long your program may take to read a piece, or to do anything, before the next step comes all the same.
PATIENCE_S = 5.0
#: The same with --wait: whoever debugs a program takes a while.
VERY_PATIENT_S = 3600.0
#: A reply is over when nothing has come for so long; sooner if it is the last time's.
QUIET_S = 0.5
QUIET_WHEN_SAME_S = 0.1
#: Between two looks, and between two pieces where nobody can look.
LOOK_S = 0.002
PAUSE_S = 0.2
LISTENING = "0A"


class Stage:
    """Your program, and our sockets by the names that the report has for them."""

    def __init__(self, port: int, command: str, *, over_udp: bool, we_listen: bool, waits: bool = False) -> None:
        self.over_udp = over_udp
        self.waits = waits
        self.patience_s = VERY_PATIENT_S if waits else PATIENCE_S
        self.sockets: dict[str, socket.socket] = {}
        self.listener = _listening(port, over_udp=over_udp) if we_listen else None
        self.port = self.listener.getsockname()[1] if self.listener else port or free_port()
        self.program = _started(command, self.port) if command else None
        self.peer: tuple[str, int] | None = None
        if (self.program or waits) and not we_listen:
            wait_listening(self.port, self.patience_s)

    def after(self, what: str) -> None:
        """What there is to see once a step is done."""

    def end(self) -> None:
        """Close everything, and end your program."""
        for sock in filter(None, (*self.sockets.values(), self.listener)):
            sock.close()
        _end(self.program)


class Between(Stage):
    """Both of your programs: the client talks to us, and what either sends is shown and passed on."""

    def __init__(self, port: int, server: str, command: str) -> None:
        at = port or free_port()
        self.server = _started(server, at) if server else None
        wait_listening(at, PATIENCE_S)
        self.relay = Relay(at)
        super().__init__(self.relay.port, command, over_udp=False, we_listen=False)

    def after(self, what: str) -> None:
        """Until nothing has passed for a while."""
        if what == "type":
            self.relay.wait_quiet()

    def end(self) -> None:
        """The client first."""
        self.relay.wait_quiet(at_end=True)
        super().end()
        _end(self.server)
        self.relay.end()


class Relay:
    """Takes your client's connections and datagrams to your server, and shows what passes."""

    def __init__(self, port: int) -> None:
        self.server = HOST, port
        self.listener = _listening(0, over_udp=False)
        self.port: int = self.listener.getsockname()[1]
        self.datagrams = _listening(self.port, over_udp=True)
        self.open = [self.listener, self.datagrams]
        #: When something has passed last, and when it had when that was waited for; 0: never.
        self.last = self.waited_for = 0.0
        _beside(self._accept)
        _beside(self._carry)

    def wait_quiet(self, *, at_end: bool = False) -> None:
        """Until something has passed since the last time (`at_end`: ever), and then nothing for a while."""
        since, until = 0.0 if at_end else self.waited_for, time.monotonic() + PATIENCE_S
        while time.monotonic() < until and (self.last <= since or time.monotonic() - self.last < QUIET_S):
            time.sleep(LOOK_S)
        if self.last <= since:
            print(f"   nothing passed between your programs for {PATIENCE_S:.0f} s", flush=True)
        self.waited_for = self.last

    def end(self) -> None:
        """Take nothing more."""
        for sock in self.open:
            sock.close()

    def _show(self, who: str, what: str) -> None:
        self.last = time.monotonic()
        print(f"   {who} {what}", flush=True)

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            self._show("your client", "connects")
            self.open.append(client)
            try:
                server = socket.create_connection(self.server)
            except OSError as error:
                self._show("your server", f"takes no connection: {error.strerror}")
                client.close()
                continue
            self.open.append(server)
            _beside(self._pass_on, "your client", client, server)
            _beside(self._pass_on, "your server", server, client)

    def _pass_on(self, who: str, source: socket.socket, target: socket.socket) -> None:
        while part := source.recv(65_536):
            self._show(who, f"sends {_shown(part)}")
            target.sendall(part)
        self._show(who, "sends no more")
        target.shutdown(socket.SHUT_WR)

    def _carry(self) -> None:
        known: dict[tuple[str, int], socket.socket] = {}
        while True:
            data, client = self.datagrams.recvfrom(65_536)
            self._show("your client", f"sends {_shown(data)}")
            if client not in known:
                known[client] = _listening(0, over_udp=True)
                self.open.append(known[client])
                _beside(self._carry_back, known[client], client)
            known[client].sendto(data, self.server)

    def _carry_back(self, sock: socket.socket, client: tuple[str, int]) -> None:
        while True:
            data = sock.recv(65_536)
            self._show("your server", f"sends {_shown(data)}")
            self.datagrams.sendto(data, client)


def _beside(work: Callable[..., None], *about: object) -> None:
    """In a thread of its own, until a socket of it is closed or broken."""

    def until_broken() -> None:
        with contextlib.suppress(OSError):
            work(*about)

    threading.Thread(target=until_broken, daemon=True).start()


def _started(command: str, port: int) -> subprocess.Popen[bytes]:
    words = [word.replace("{port}", str(port)).replace("{host}", HOST) for word in shlex.split(command)]
    print("starting:", shlex.join(words), flush=True)
    return subprocess.Popen(words, stdin=subprocess.PIPE)


def _end(program: subprocess.Popen[bytes] | None) -> None:
    if program:
        with contextlib.suppress(OSError), program:
            program.terminate()


def wait_listening(port: int, patience_s: float) -> None:
    """Until a program is ready for clients there: listens, or takes datagrams."""
    if not ROWS.exists():
        time.sleep(1)
        return
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        streams = any(row[1].endswith(f":{port:04X}") and row[3] == LISTENING for row in _rows(ROWS))
        if streams or any(row[1].endswith(f":{port:04X}") for row in _rows(UDP_ROWS)):
            return
        time.sleep(LOOK_S)
    print(f"   your program does not listen on port {port}")


def _listening(port: int, *, over_udp: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if over_udp else socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    if not over_udp:
        sock.listen()
    return sock


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def _rows(rows: Path = ROWS) -> Iterable[list[str]]:
    """Each socket of this machine: its words 1 and 2 are its address and its peer's, 3 its state, 4 its queues."""
    return [line.split() for line in rows.read_text().splitlines()[1:]]


def unread(sock: socket.socket) -> int:
    """How many bytes that we sent your program has not read."""
    ours, theirs = sock.getsockname()[1], sock.getpeername()[1]
    waiting = 0
    for row in _rows():
        ports = tuple(int(address.rpartition(":")[2], 16) for address in row[1:3])
        to_send, to_read = (int(queue, 16) for queue in row[4].split(":"))
        if ports == (ours, theirs):
            waiting += to_send
        elif ports == (theirs, ours):
            waiting += to_read
    return waiting


def gate(sock: socket.socket, patience_s: float) -> None:
    """Until what was sent has been read."""
    if not ROWS.exists():
        time.sleep(PAUSE_S)
        return
    until = time.monotonic() + patience_s
    while waiting := unread(sock):
        if time.monotonic() > until:
            print(f"   your program has left {waiting} of these bytes unread for {patience_s:.0f} s")
            return
        time.sleep(LOOK_S)


# the steps


def connect(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del data, pieces, words
    if stage.listener is None:
        stage.sockets[who] = socket.create_connection((HOST, stage.port), stage.patience_s)
    else:
        stage.listener.settimeout(stage.patience_s if stage.program else None)
        stage.sockets[who] = stage.listener.accept()[0]


def send(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del words
    if stage.over_udp:
        _datagram_socket(stage, who).sendto(data, stage.peer or (HOST, stage.port))
        return
    sock, at = stage.sockets[who], 0
    for number, size in enumerate(pieces or (len(data),)):
        if number:
            gate(sock, stage.patience_s)
        sock.sendall(data[at : at + size])
        if pieces:
            print(f"   piece {number + 1} of {len(pieces)}: {data[at : at + size]!r}")
        at += size


def _datagram_socket(stage: Stage, who: str) -> socket.socket:
    if who not in stage.sockets:
        ours = stage.listener if stage.listener and who == "the server" else None
        stage.sockets[who] = ours or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return stage.sockets[who]


def receive(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    """Show what comes; `data` is what came the last time."""
    del pieces, words
    sock = _datagram_socket(stage, who) if stage.over_udp else stage.sockets[who]
    came = b""
    sock.settimeout(stage.patience_s)
    try:
        while True:
            if stage.over_udp:
                came, stage.peer = sock.recvfrom(65_536)
                break
            part = sock.recv(65_536)
            if not part:
                break
            came += part
            sock.settimeout(QUIET_WHEN_SAME_S if came == data else QUIET_S)
    except TimeoutError:
        pass
    sock.settimeout(stage.patience_s)
    print(f"   it sent: {_shown(came)}" if came else "   nothing came")
    if came != data:
        print(f"   in the report: {_shown(data)}" if data else "   (the report does not have all of it)")


def _shown(data: bytes) -> str:
    return repr(data) if len(data) <= 2000 else f"{data[:1000]!r} … {data[-1000:]!r} ({len(data)} bytes)"


def half_close(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del data, pieces, words
    stage.sockets[who].shutdown(socket.SHUT_WR)


def close(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del data, pieces, words
    if who in stage.sockets:
        stage.sockets.pop(who).close()


def reset(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    stage.sockets[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    close(stage, who, data, pieces, words)


def typed(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del who, pieces
    if stage.program is None or stage.program.stdin is None:
        asked = f"   type this into your client{{}} {words or repr(data)} "
        print(asked.format(":")) if stage.waits else input(asked.format(", then press Enter here:"))
    elif data:
        stage.program.stdin.write(data)
        stage.program.stdin.flush()
    else:
        stage.program.stdin.close()


def note(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    """Nothing is done: it is something that happened."""


DEEDS = {
    "connect": connect,
    "send": send,
    "receive": receive,
    "half-close": half_close,
    "close": close,
    "reset": reset,
    "type": typed,
    "note": note,
}


def play(steps: Iterable[Step], stage: Stage, *, by_step: bool) -> None:
    """Each step in turn; what your program makes impossible is said, and the next one comes."""
    for number, (what, who, data, pieces, words) in enumerate(steps, 1):
        said = f" {_shown(data)}" if data and what in {"send", "type"} else ""
        print(f"{number:>3}. {who}: {what}{said}{f'  ({words})' if words else ''}", flush=True)
        if by_step and what != "note":
            input("     Enter: ")
        try:
            DEEDS[what](stage, who, data, pieces, words)
            stage.after(what)
        except (OSError, KeyError, ValueError) as error:
            print(f"   this can't be done now: {error!r}")


def main(steps: list[Step], *, over_udp: bool, we_listen: bool, both: bool = False) -> None:
    """Read the command line and play.  `both`: your client talks to your server, through us."""
    parser = argparse.ArgumentParser(description="Plays one check's conversation once more.")
    parser.add_argument("port", nargs="?", type=int, default=0, help="the port that your server listens on")
    parser.add_argument("--run", default="", help="start your program so; {port} and {host} are filled in")
    parser.add_argument("--server", default="", help="where both play: start your server so")
    parser.add_argument("--wait", action="store_true", help="wait for your program, and be patient with it")
    parser.add_argument("--step", action="store_true", help="wait for Enter before each step")
    asked = parser.parse_args()
    if both and not (asked.port or asked.server):
        parser.error("say on which port your server is, or start it with --server")
    if not asked.port and not asked.run:
        parser.error("say on which port your program is, or start it with --run")
    if not ROWS.exists():
        print("there is no /proc/net/tcp here: the pieces are sent after pauses, which proves nothing")
    stage = (
        Between(asked.port, asked.server, asked.run)
        if both
        else Stage(asked.port, asked.run, over_udp=over_udp, we_listen=we_listen, waits=asked.wait)
    )
    if (we_listen or both) and not asked.run:
        print(f"start your client now, with {HOST} and {stage.port}")
    try:
        play(steps, stage, by_step=asked.step)
    finally:
        stage.end()
        sys.stdout.flush()
