"""Fault: a worker of its pool ends with the first client that leaves before it has got its answers."""

import queue
import socket
import sys
import threading

MAX_LINE = 1024 * 1024  # bytes, the LF not counted
WORKERS = 70
CHUNK = 4 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted


def receive(client: socket.socket) -> bytes:
    """The next bytes; none when the client has ended its side, or is gone."""
    try:
        return client.recv(CHUNK)
    except OSError:
        return b""


def answer_lines(client: socket.socket) -> None:
    """Answer every whole line until the client ends its side; what follows the last LF gets no answer."""
    pending = bytearray()
    while chunk := receive(client):
        pending += chunk
        # Only the new bytes can hold the end of a line: searching all of `pending` again would be quadratic.
        end = pending.rfind(b"\n", len(pending) - len(chunk)) + 1
        if end:
            client.sendall(pending[:end].upper())  # upper() of bytes changes a-z and nothing else
            del pending[:end]
        if len(pending) > MAX_LINE:
            return


def work(clients: queue.Queue[socket.socket]) -> None:
    while True:
        with clients.get() as client:
            answer_lines(client)


def serve_forever(listener: socket.socket) -> None:
    clients: queue.Queue[socket.socket] = queue.Queue()
    # Daemon threads don't keep the program alive after Ctrl-C; the kernel then closes their sockets.
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(clients,), daemon=True).start()
    while True:
        clients.put(listener.accept()[0])


def open_listener(port: int) -> socket.socket:
    """A socket that listens on every IPv4 address.  Raises OSError, for example when the port is in use."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of an earlier run, still in TIME_WAIT, must not keep us from the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: pool_loses_workers.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"pool_loses_workers.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
