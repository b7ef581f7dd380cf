"""The floor of a grading: the same starts, connections and bytes by plain blocking sockets, without any check.

Run as a process of its own: `python3 floor.py PLAN FOLDER`, PLAN as made by `plan.py`, FOLDER with the program in it.
Standard library only, and nothing of the project, so that starting it costs what starting Python costs.
"""

import base64
import json
import signal
import socket
import struct
import subprocess
import sys
import time

HOST = "127.0.0.1"
PATIENCE_S = 20
LOOK_AGAIN_S = 0.001


class Floor:
    """Plays steps; the methods' names are the steps'."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.program: subprocess.Popen[bytes] | None = None
        self.holder: socket.socket | None = None
        self.port = 0
        self.clients: dict[str, socket.socket] = {}

    def build(self, argv: list[str]) -> None:
        subprocess.run(argv, cwd=self.folder, check=True, capture_output=True)

    def start(self, argv: list[str], held_port: int) -> None:
        self.end()
        if held_port:
            self.holder = socket.create_server(("", held_port))
        self.program = subprocess.Popen(
            argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start_client(self, argv: list[str], port: int) -> None:
        """A client, told where we listen; port 0: where nobody does."""
        self.end()
        if port:
            self.holder = socket.create_server(("", port))
        self.program = subprocess.Popen(
            argv,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def accept(self, who: str) -> None:
        if self.holder:
            self.clients[who], _ = self.holder.accept()
            self.clients[who].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def type(self, data: str) -> None:
        if self.program and self.program.stdin:
            self.program.stdin.write(base64.b64decode(data))

    def end_input(self) -> None:
        if self.program and self.program.stdin:
            self.program.stdin.close()

    def wait_listening(self, port: int) -> None:
        self.port = port
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.open_connection().close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(LOOK_AGAIN_S)

    def open_connection(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=PATIENCE_S)

    def connect(self, who: str) -> None:
        self.clients[who] = self.open_connection()
        self.clients[who].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, who: str, data: str) -> None:
        self.clients[who].sendall(base64.b64decode(data))

    def receive(self, who: str, size_bytes: int) -> None:
        left = size_bytes
        while left:
            chunk = self.clients[who].recv(min(left, 1 << 16))
            if not chunk:
                raise ConnectionError(f"{left} of {size_bytes} bytes are missing")
            left -= len(chunk)

    def half_close(self, who: str) -> None:
        self.clients[who].shutdown(socket.SHUT_WR)

    def read_end(self, who: str) -> None:
        while self.clients[who].recv(1 << 16):
            pass

    def close(self, who: str) -> None:
        self.clients[who].close()

    def reset(self, who: str) -> None:
        self.clients[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.clients[who].close()

    def signal(self, name: str) -> None:
        if self.program:
            self.program.send_signal(signal.Signals[name])

    def wait_end(self) -> None:
        if self.program:
            self.program.wait(PATIENCE_S)

    def end(self) -> None:
        if self.holder:
            self.holder.close()
            self.holder = None
        if self.program:
            self.program.kill()
            self.program.wait()
            self.program = None


def main() -> None:
    # Started with & by a shell it would ignore Ctrl-C, and so would the programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 — pathlib would have to be imported for it
        steps = json.load(file)
    floor = Floor(sys.argv[2])
    try:
        for name, *arguments in steps:
            getattr(floor, name)(*arguments)
    finally:
        floor.end()


if __name__ == "__main__":
    main()
