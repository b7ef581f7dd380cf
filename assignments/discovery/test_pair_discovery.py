"""The client finds the server."""

from __future__ import annotations

from msgspec.structs import replace
from protocol import HERE, USUAL, Found, listing, search

from grader import BROADCAST, Stage, UdpClients, behaviour


@behaviour(
    does="your client asks everybody on the loopback network, where your server is",
    proves="the client's output has a line about that server",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what the client sends with what the server takes for a query, and the answer with what the client "
    "takes for one.",
)
def test_finds_its_server(udp_clients: UdpClients, stage: Stage) -> None:
    """The client finds the server"""
    usual = Found(HERE, USUAL.port, USUAL.name)
    server = stage.launch(udp_clients.manner.own_port)
    visit = replace(search(USUAL.service, (usual,)), shown=listing((usual,)))
    udp_clients.play_with(server.address._replace(host=BROADCAST), visit)
