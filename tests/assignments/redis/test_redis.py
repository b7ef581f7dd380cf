"""State: what one client sets, another gets."""

import random

import protocol

from grader import Connect, random_words


def test_pongs(connect: Connect) -> None:
    """Answers PING"""
    client = connect()
    client.send(protocol.command(b"PING"))
    client.expect(b"+PONG\r\n")


def test_remembers(connect: Connect, rng: random.Random) -> None:
    """Remembers what was set"""
    key, value = (random_words(rng).encode() for _ in range(2))
    first, second = connect(), connect()
    second.send(protocol.command(b"GET", key))
    second.expect(b"$-1\r\n")
    first.send(protocol.command(b"SET", key, value))
    first.expect(b"+OK\r\n")
    second.send(protocol.command(b"GET", key))
    second.expect(protocol.bulk(value))
