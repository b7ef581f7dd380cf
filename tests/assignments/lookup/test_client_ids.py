"""Answers to other questions."""

from typing import Any

from grader import Fate, Network, UdpClients, behaviour, fates


@behaviour(
    does="an answer with another id comes first, then the right one",
    proves="both have arrived at its socket",
    catches="the id of an answer is not looked at",
    hint="Compare the first two bytes of each datagram with the id of your question, and receive again if they differ.",
)
def test_drops_other_ids(udp_clients: UdpClients, protocol: Any) -> None:
    """Drops answers with another id"""
    udp_clients.play(protocol.visit_other_ids())


@behaviour(
    does="the first question is lost, and the first answer comes twice",
    proves="both go through our hands",
    catches="an answer that is waited for without asking again",
    hint="Ask again when no answer has come in time.",
)
def test_asks_over_a_bad_network(udp_clients: UdpClients, protocol: Any) -> None:
    """Gets its answer over a network that loses its first question"""
    visit = protocol.visit(0)

    def server(question: bytes, _: float) -> list[bytes]:
        return [visit.turns[0].says({"id": question[:2]})]

    network = Network(fates(to_server={0: Fate.LOST}, to_client={0: Fate.TWICE}))
    udp_clients.play_through(network, server, visit)
