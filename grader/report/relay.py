"""Where both of your programs talk to each other, through us:

    python3 replay.py PORT --run "python3 client.py {host} {port}"                   your server is running already
    python3 replay.py --server "python3 server.py {port}" --run "python3 client.py {host} {port}"

What passes is shown.  Where the check had a network between them that lost datagrams, so does this one: FATES says what
becomes of each, in the order in which they come, for the server and for the client.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from grader.report.player import (
    HOST,
    LOOK_S,
    PATIENCE_S,
    QUIET_S,
    VERY_PATIENT_S,
    Stage,
    Step,
    end,
    free_port,
    listening,
    options,
    play_to_its_end,
    shown,
    started,
    wait_listening,
)

#: What becomes of datagrams, by whom they are for, in order.
Fates = Mapping[str, Sequence[str]]
PASSED = "passed on"
LOST = "lost"
TWICE = "passed on twice"
CHANGED = "passed on with one bit changed"
LATE = "held back until another one has passed"


class Between(Stage):
    """Both of your programs: the client talks to us, and what either sends is shown and passed on."""

    def __init__(self, asked: argparse.Namespace, fates: Fates) -> None:
        port = asked.port or free_port()
        self.server = started(asked.server, port) if asked.server else None
        wait_listening(port, VERY_PATIENT_S if asked.wait else PATIENCE_S)
        self.relay = Relay(asked.at, port, fates)
        self.has_typed = False
        super().__init__(self.relay.port, asked.run, over_udp=False, we_listen=False, waits=asked.wait)

    def before(self, what: str) -> None:
        """The verdict is about what they have done by themselves."""
        if what == "verdict":
            self._wait_done()

    def after(self, what: str) -> None:
        """Until nothing has passed for a while."""
        if what == "type":
            self.has_typed = True
            self.relay.wait_quiet(self.patience_s)

    def end(self) -> None:
        """The client first."""
        self._wait_done()
        super().end()
        end(self.server)
        self.relay.end()

    def _wait_done(self) -> None:
        """Until nothing passes any more, and a client that nothing is typed into has exited."""
        self.relay.wait_quiet(self.patience_s, at_end=True)
        if self.program and not self.has_typed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.program.wait(2 * self.patience_s)


class Relay:
    """Takes your client's connections and datagrams to your server, and shows what passes."""

    def __init__(self, at: int, port: int, fates: Fates) -> None:
        self.fates = {to: iter(words) for to, words in fates.items()}
        self.held: dict[str, list[bytes]] = {"server": [], "client": []}
        self.server = HOST, port
        self.listener = listening(at, over_udp=False)
        self.port: int = self.listener.getsockname()[1]
        self.datagrams = listening(self.port, over_udp=True)
        self.open = [self.listener, self.datagrams]
        #: When something has passed last, and when it had when that was waited for; 0: never.
        self.last = self.waited_for = 0.0
        beside(self._accept)
        beside(self._carry)

    def wait_quiet(self, patience_s: float, *, at_end: bool = False) -> None:
        """Until something has passed since the last time (`at_end`: ever), and then nothing for a while."""
        since, until = 0.0 if at_end else self.waited_for, time.monotonic() + patience_s
        while time.monotonic() < until and (self.last <= since or time.monotonic() - self.last < QUIET_S):
            time.sleep(LOOK_S)
        if self.last <= since:
            print(f"   nothing passed between your programs for {patience_s:.0f} s", flush=True)
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
            beside(self._pass_on, "your client", client, server)
            beside(self._pass_on, "your server", server, client)

    def _pass_on(self, who: str, source: socket.socket, target: socket.socket) -> None:
        while part := source.recv(65_536):
            self._show(who, f"sends {shown(part)}")
            target.sendall(part)
        self._show(who, "sends no more")
        target.shutdown(socket.SHUT_WR)

    def _through(self, who: str, to: str, data: bytes) -> list[bytes]:
        """What comes out of the network when this has come into it."""
        fate = next(self.fates.get(to, iter(())), PASSED)
        self._show(who, f"sends {shown(data)}{f'  ({fate})' if fate != PASSED else ''}")
        if fate == LATE:
            self.held[to].append(data)
        if fate in {LATE, LOST}:
            return []
        changed = (
            data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :] if data else b"\0"
        )
        passed = {TWICE: [data, data], CHANGED: [changed]}.get(fate, [data])
        held, self.held[to] = self.held[to], []
        return [*passed, *held]

    def _carry(self) -> None:
        known: dict[tuple[str, int], socket.socket] = {}
        while True:
            data, client = self.datagrams.recvfrom(65_536)
            passed = self._through("your client", "server", data)
            if client not in known:
                known[client] = listening(0, over_udp=True)
                self.open.append(known[client])
                beside(self._carry_back, known[client], client)
            for each in passed:
                known[client].sendto(each, self.server)

    def _carry_back(self, sock: socket.socket, client: tuple[str, int]) -> None:
        while True:
            for each in self._through("your server", "client", sock.recv(65_536)):
                self.datagrams.sendto(each, client)


def beside(work: Callable[..., None], *about: object) -> None:
    """In a thread of its own, until a socket of it is closed or broken."""

    def until_broken() -> None:
        with contextlib.suppress(OSError):
            work(*about)

    threading.Thread(target=until_broken, daemon=True).start()


def main_between(steps: list[Step], fates: Fates) -> None:
    """Read the command line and play."""
    parser = options()
    parser.add_argument("--server", default="", help="start your server so")
    parser.add_argument("--at", type=int, default=0, metavar="PORT", help="where your client finds us")
    asked = parser.parse_args()
    if not (asked.port or asked.server):
        parser.error("say on which port your server is, or start it with --server")
    stage = Between(asked, fates)
    play_to_its_end(steps, stage, by_step=asked.step, starts_client=not asked.run)
