"""What brokers are for."""

from __future__ import annotations

import random

from protocol import packet, publish, subscribe, text

from grader import Connect, behaviour, random_letters


@behaviour(
    does="two clients subscribe to a topic, one to another; a message is published to the first",
    proves="nothing to prove",
    catches="messages that go to everybody, to one subscriber, or to nobody",
    hint="Keep for each topic the connections that have subscribed to it.",
)
def test_delivers(connect: Connect, rng: random.Random) -> None:
    """Delivers messages to those who have subscribed"""
    first, second, other, speaker = (connect() for _ in range(4))
    topic = b"news/" + random_letters(rng, 6)
    for client in first, second:
        client.ask(subscribe(topic, 1))
    other.ask(subscribe(topic + b"x", 1))
    speaker.ask(publish(topic, b"hello\0", 7))
    for client in first, second:
        client.expect(packet(0x30, text(topic) + b"hello\0"))
    other.send(b"\xc0\0")
    other.expect(b"\xd0\0")


@behaviour(
    does="a client whose first packet is PINGREQ",
    proves="nothing to prove",
    catches="clients that are served before they have connected",
    hint="Remember for each connection whether CONNECT has come.",
)
def test_connects_first(connect: Connect) -> None:
    """Disconnects a client that does not begin with CONNECT"""
    with connect(opens=False) as client:
        client.send(b"\xc0\0")
        client.expect_end()
