"""What only this server does: it loses some pings on purpose, and answers nothing else."""

from __future__ import annotations

from typing import Any

from grader import ConnectUdp, Reason, behaviour


@behaviour(
    does="pings with the numbers 5, 10 and 235, and one that is answered after each of them",
    proves="the ping has arrived at its socket, and the program rests before the next; at the end it is still, or had "
    "the time allowed for an answer",
    catches="every ping answered, every fifth datagram lost instead of every fifth number, some lost at random",
    hint="Take the number from the datagram, the second of its three words, and look whether it is a multiple of 5.",
)
def test_loses_every_fifth(connect_udp: ConnectUdp, protocol: Any) -> None:
    """Loses the pings whose number is a multiple of 5"""
    with connect_udp() as silent, connect_udp() as client:  # nothing comes to the one, not even a second copy
        for at, number in enumerate((5, 10, 235)):
            silent.send(protocol.ping(number))
            silent.expect_nothing_yet(Reason.EXTRA_REPLY, f"ping {number} was answered, although it must be lost")
            client.ask(protocol.exchange(at))
        silent.expect_nothing(Reason.EXTRA_REPLY, "a ping was answered, although it must be lost")


@behaviour(
    does="datagrams that are no pings, and then a ping",
    proves="each has arrived at its socket, and the program rests before the next; after the last it is still, or had "
    "the time allowed for an answer",
    catches="whatever comes is sent back; an error message as an answer",
    hint="Look whether a datagram has three words, PING first and a number second, before you answer it.",
)
def test_answers_pings_only(connect_udp: ConnectUdp, protocol: Any) -> None:
    """Does not answer what is no ping"""
    with connect_udp() as client:
        for datagram in protocol.garbage():
            client.send(datagram)
            client.expect_nothing_yet(Reason.EXTRA_REPLY, "it answered the last datagram, which is no ping")
        client.expect_nothing(Reason.EXTRA_REPLY, "it answered a datagram that is no ping")
        client.ask(protocol.exchange(0))
