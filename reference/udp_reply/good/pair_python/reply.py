"""What the answer to a datagram is: the server sends it, and the client compares with it what comes."""

LARGEST = 65535  # bytes: no UDP datagram is longer


def reply_to(datagram: bytes) -> bytes:
    return b"OK..." + datagram
