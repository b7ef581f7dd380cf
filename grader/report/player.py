"""How to use this script:

    python3 replay.py PORT                              your server is running already, on that port
    python3 replay.py --run "python3 server.py {port}"  it is started first, on a free port
    python3 replay.py --run "python3 client.py {host} {port}"    your client is started, and typed to

With --step it waits for Enter before each step.  With --wait it waits for a program that you start later, in a
debugger say, and is patient with it.  Change STEPS as you like.

A piece counts as read when Linux says so (/proc/net/tcp): no bytes of it are left in your program's socket.  Where
there is no /proc/net/tcp the script pauses between pieces instead, which proves nothing: they may arrive together.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import select
import shlex
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
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
        #: The ports of a program that listens on several, by those that it had in the report, in the order of use.
        self.ports: dict[str, int] = {}
        self.further = [free_port() for _ in further_ports(command)]
        self.waits = waits
        self.patience_s = VERY_PATIENT_S if waits else PATIENCE_S
        self.sockets: dict[str, socket.socket] = {}
        self.listener = listening(port, over_udp=over_udp) if we_listen else None
        self.port = self.listener.getsockname()[1] if self.listener else port or free_port()
        self.program = started(command, self.port, self.further) if command else None
        self.peer: tuple[str, int] | None = None
        #: Bytes that a client has chosen anew, such as an id: where they are, those in the report, and those now.
        self.anew: list[tuple[int, bytes, bytes]] = []
        #: What has been sent something last.
        self.last: socket.socket | None = None
        if (self.program or waits) and not we_listen:
            wait_listening(self.port, self.patience_s)

    def before(self, what: str) -> None:
        """What there is to wait for before a step."""

    def after(self, what: str) -> None:
        """What there is to see once a step is done."""

    def end(self) -> None:
        """Close everything, and end your program."""
        for sock in filter(None, (*self.sockets.values(), self.listener)):
            sock.close()
        end(self.program)


def further_ports(command: str) -> list[str]:
    """The places in a command for ports besides the usual one."""
    return [*dict.fromkeys(re.findall(r"{port:\w+}", command))]


def started(command: str, port: int, further: Iterable[int] = ()) -> subprocess.Popen[bytes]:
    """Start a program, with its ports filled in."""
    filling = {"{port}": port, "{host}": HOST, **dict(zip(further_ports(command), further, strict=False))}
    words = shlex.split(command)
    for place, value in filling.items():
        words = [word.replace(place, str(value)) for word in words]
    print("starting:", shlex.join(words), flush=True)
    return subprocess.Popen(words, stdin=subprocess.PIPE)


def end(program: subprocess.Popen[bytes] | None) -> None:
    """End a program, once it has had a while to print what it was told last."""
    if program:
        with contextlib.suppress(OSError), program:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(QUIET_S)
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


def listening(port: int, *, over_udp: bool) -> socket.socket:
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


def settle(stage: Stage) -> None:
    """Until the last message has been read, or a while has passed: so that two don't arrive together."""
    patience_s = stage.patience_s if stage.waits else QUIET_S
    with contextlib.suppress(OSError):  # that connection is gone
        if stage.last is not None and ROWS.exists():
            until = time.monotonic() + patience_s
            while unread(stage.last) and time.monotonic() < until:
                time.sleep(LOOK_S)
        elif stage.last is not None:
            time.sleep(PAUSE_S)


# the steps


def connect(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del data, pieces
    if stage.listener is None:
        if words not in stage.ports:
            stage.ports[words] = stage.further.pop(0) if stage.ports and stage.further else stage.port
        stage.sockets[who] = socket.create_connection((HOST, stage.ports[words]), stage.patience_s)
    else:
        stage.listener.settimeout(stage.patience_s if stage.program else None)
        stage.sockets[who] = stage.listener.accept()[0]


def send(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    del words
    if stage.over_udp:
        _datagram_socket(stage, who).sendto(_with_new(stage, data), stage.peer or (HOST, stage.port))
        return
    settle(stage)
    stage.last = sock = stage.sockets[who]
    at = 0
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
    if stage.over_udp:
        stage.anew = _differing(data, came)
    same = "   (as in the report)" if came == data else ""
    print(f"   it sent: {shown(came)}{same}" if came else "   nothing came")
    if came != data:
        print(f"   in the report: {shown(data)}" if data else "   (the report does not have all of it)")


def shown(data: bytes) -> str:
    return repr(data) if len(data) <= 2000 else f"{data[:1000]!r} … {data[-1000:]!r} ({len(data)} bytes)"


def _differing(before: bytes, now: bytes) -> list[tuple[int, bytes, bytes]]:
    """The stretches that differ between two datagrams of the same length."""
    if len(before) != len(now):
        return []
    places = [at for at in range(len(now)) if before[at] != now[at]]
    starts = [at for at in places if at - 1 not in places]
    ends = [at + 1 for at in places if at + 1 not in places]
    return [(start, before[start:end], now[start:end]) for start, end in zip(starts, ends, strict=True)]


def _with_new(stage: Stage, data: bytes) -> bytes:
    """An answer that has the client's new bytes where it had those of the report."""
    for at, before, now in stage.anew:
        if data[at : at + len(before)] == before:
            data = data[:at] + now + data[at + len(now) :]
    return data


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


def verdict(stage: Stage, who: str, data: bytes, pieces: tuple[int, ...], words: str) -> None:
    """Show what has come to anybody meanwhile: a reply that was awaited in vain, or more than was awaited.

    `data`: what was required then; empty if the report doesn't have it.
    """
    del who, pieces, words
    ours = {sock: name for name, sock in stage.sockets.items()}
    ready = select.select([*ours], [], [], QUIET_S)[0]
    for sock in ready:
        print(f"   now {ours[sock]}: {_come(sock)}")
    if stage.last in ours and stage.last not in ready:
        print(f"   now {ours[stage.last]}: nothing has come")
    if data:
        print(f"   required: {shown(data)}")


def _come(sock: socket.socket) -> str:
    came = b""
    sock.settimeout(QUIET_S)
    try:
        while part := sock.recv(65_536):
            came += part
    except TimeoutError:
        return f"it sent {shown(came)}"
    except OSError as error:
        return f"{shown(came)}, and then {error.strerror}"
    return f"it sent {shown(came)}, and no more will come" if came else "your program has closed its side"


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
    "verdict": verdict,
    "note": note,
}
#: Steps in which nothing is done to your program.
WORDS_ONLY = frozenset({"note", "verdict"})


def play(steps: Iterable[Step], stage: Stage, *, by_step: bool) -> None:
    """Each step in turn; what your program makes impossible is said, and the next one comes."""
    for number, (what, who, data, pieces, words) in enumerate(steps, 1):
        said = f" {shown(data)}" if data and what in {"send", "type"} else ""
        stage.before(what)
        # Your program has another port now.
        known = f"{words} in the report" if what == "connect" and words else words
        done = words if what in WORDS_ONLY else f"{who}: {what}{said}{f'  ({known})' if known else ''}"
        print(f"{number:>3}. {done}", flush=True)
        if by_step and what not in WORDS_ONLY:
            input("     Enter: ")
        try:
            DEEDS[what](stage, who, data, pieces, words)
            stage.after(what)
        except (OSError, KeyError, ValueError) as error:
            print(f"   this can't be done now: {_why(error)}")


def _why(error: OSError | KeyError | ValueError) -> str:
    if isinstance(error, KeyError):
        return "there is no connection"
    return (isinstance(error, OSError) and error.strerror) or str(error)


def options() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser(description="Plays one check's conversation once more.")
    parser.add_argument("port", nargs="?", type=int, default=0, help="the port that your server listens on")
    parser.add_argument("--run", default="", help="start your program so; {port} and {host} are filled in")
    parser.add_argument("--wait", action="store_true", help="wait for your program, and be patient with it")
    parser.add_argument("--step", action="store_true", help="wait for Enter before each step")
    return parser


def main(steps: list[Step], *, over_udp: bool, we_listen: bool) -> None:
    """Read the command line and play."""
    asked = (parser := options()).parse_args()
    if not asked.port and not asked.run:
        parser.error("say on which port your program is, or start it with --run")
    stage = Stage(asked.port, asked.run, over_udp=over_udp, we_listen=we_listen, waits=asked.wait)
    play_to_its_end(steps, stage, by_step=asked.step, starts_client=we_listen and not asked.run)


def play_to_its_end(steps: list[Step], stage: Stage, *, by_step: bool, starts_client: bool) -> None:
    """... and end the programs that were started.  `starts_client`: whether whoever watches has to."""
    if not ROWS.exists():
        print("there is no /proc/net/tcp here: the pieces are sent after pauses, which proves nothing")
    if starts_client:
        print(f"start your client now, with {HOST} and {stage.port}")
    try:
        play(steps, stage, by_step=by_step)
    finally:
        stage.end()
        if stage.waits:
            print("the conversation is over")
        sys.stdout.flush()
