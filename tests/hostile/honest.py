"""What every hostile program does besides: answers lines in upper case, one thread a client, until Ctrl-C."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable


def serve(answer: Callable[[bytes], bytes] = bytes.upper) -> None:
    """Serve on the port that the command line names."""
    with socket.create_server(("", int(sys.argv[1])), backlog=64) as listener:
        try:
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_answer_lines, args=(client, answer), daemon=True).start()
        except KeyboardInterrupt:
            return


def _answer_lines(client: socket.socket, answer: Callable[[bytes], bytes]) -> None:
    with client, client.makefile("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                client.sendall(answer(line))


if __name__ == "__main__":
    serve()
