"""The client asks the server."""

from __future__ import annotations

from msgspec.structs import replace
from protocol import ZONE, answers_in, resolved

from grader import Stage, UdpClients, behaviour


def _resolves(udp_clients: UdpClients, stage: Stage, *asked: tuple[str, str]) -> None:
    server = stage.launch(udp_clients.manner.own_port)
    server.wait_rest()  # it may have bound its UDP socket before it listens for TCP connections
    for name, kind in asked:
        visit = resolved(name, kind, answers_in(ZONE, name, kind))
        udp_clients.play_with(server.address, replace(visit, turns=()))


@behaviour(
    does="your client asks your server for the address of a name and for that of an alias",
    proves="the client's output has the records of the zone file",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what the client sends with what the server takes for a query, and the other way round.",
)
def test_resolves_together(udp_clients: UdpClients, stage: Stage) -> None:
    """The client and the server work together"""
    _resolves(udp_clients, stage, ("oak.example.test", "A"), ("ftp.example.test", "CNAME"))


@behaviour(
    does="your client asks your server for a name with 40 addresses",
    proves="the client's output has the records of the zone file",
    catches="TC set by the one and not looked at by the other, lengths that one of them counts differently",
    hint="Look at what both do with TC, and with the two bytes of length.",
)
def test_resolves_together_over_tcp(udp_clients: UdpClients, stage: Stage) -> None:
    """The client and the server go on over TCP"""
    _resolves(udp_clients, stage, ("many.example.test", "A"))
