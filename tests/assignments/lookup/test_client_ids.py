"""Answers to other questions."""

from typing import Any

from grader import UdpClients, behaviour


@behaviour(
    does="an answer with another id comes first, then the right one",
    proves="both have arrived at its socket",
    catches="the id of an answer is not looked at",
    hint="Compare the first two bytes of each datagram with the id of your question, and receive again if they differ.",
)
def test_drops_other_ids(udp_clients: UdpClients, protocol: Any) -> None:
    """Drops answers with another id"""
    udp_clients.play(protocol.visit_other_ids())
