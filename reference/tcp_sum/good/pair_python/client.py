"""TCP sum client, the other half of the pair: lines are read by input().

Usage: python3 client.py HOST PORT
"""

import socket
import struct
import sys

from frames import FrameError, receive_sum, send_numbers


def converse(server: socket.socket) -> None:
    while True:
        try:
            send_numbers(server, [int(word) for word in input("numbers: ").split()])
        except (ValueError, struct.error) as error:
            print(f"not sent: {error}", file=sys.stderr)
            continue
        print("sum:", receive_sum(server), flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as server:
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, FrameError) as error:
        print(f"client.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
