"""A connected socket: the kernel drops strangers' datagrams, and tells when nobody receives.  Reads standard input."""

import socket
import sys
import time


def answer_to(sock, message):
    """The answer to a message; datagrams that answer earlier ones are dropped.

    Raises OSError when none comes in a second (TimeoutError), or when nobody receives (ConnectionRefusedError).
    """
    sock.send(message)
    give_up_at = time.monotonic() + 1
    while True:
        sock.settimeout(max(0.001, give_up_at - time.monotonic()))
        answer = sock.recv(65536)
        if answer == b"OK..." + message:
            return answer


def main():
    _, host, port = sys.argv
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, proto) as sock:
        sock.connect(address)
        for line in sys.stdin:
            message = line.rstrip("\n")
            if message == "quit":
                break
            try:
                print(answer_to(sock, message.encode()).decode(), flush=True)
            except OSError as error:
                print(f"no answer: {error}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except ValueError:
        sys.exit("usage: client.py HOST PORT")
    except OSError as error:
        sys.exit(f"client: {error}")
    except KeyboardInterrupt:
        sys.exit(1)
