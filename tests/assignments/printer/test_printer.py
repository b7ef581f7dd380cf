"""What it prints is what it was sent."""

import random

from grader import Connect, Server, every_byte, random_letters


def test_prints_what_it_gets(server: Server, connect: Connect, rng: random.Random) -> None:
    """Prints what a client sends, in whatever pieces it comes"""
    line = random_letters(rng, 60) + b"\n"
    client = connect()
    client.send(line, pieces=20)
    server.expect_printed(line)


def test_prints_binary(server: Server, connect: Connect, rng: random.Random) -> None:
    """Prints all bytes unchanged, also more than a buffer of them"""
    data = every_byte(rng) + random_letters(rng, 70_000)
    client = connect()
    client.send(data)
    server.expect_printed(data)


def test_serves_the_next(server: Server, connect: Connect, rng: random.Random) -> None:
    """Serves one client after another"""
    lines = [random_letters(rng, 20) + b"\n" for _ in range(3)]
    for line in lines:
        client = connect()
        client.send_and_half_close(line)
        client.expect_end()
    server.expect_printed(b"".join(lines))
