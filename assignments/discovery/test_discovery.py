"""What only this server does: it hears broadcasts, answers what is for it, and shares its port with others."""

from __future__ import annotations

import random
from typing import Any

from protocol import USUAL, new_id, other_offer, query

from grader import ConnectUdp, Launch, Reason, Server, Stage, behaviour, fail


@behaviour(
    does="another server is started with another service, port and name, and asked for them, and for the usual ones",
    proves="the datagram has arrived at its socket",
    catches="service, port or name written into the program",
    hint="Take all four from the arguments{Python: : sys.argv[1] to sys.argv[4]}{C: : argv[1] to argv[4]}{Java: : "
    "args[0] to args[3]}.",
)
def test_says_what_it_was_given(launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Answers with the service, port and name that it was given"""
    offer, query_id = other_offer(rng), new_id(rng)
    server = launch(arguments=("{port}", offer.service, str(offer.port), offer.name))
    with stage.connect_udp(server) as client, stage.connect_udp(server) as other:
        client.send(query(offer.service, query_id))
        client.expect(offer.answer_to(query_id))
        other.send(query(USUAL.service, query_id))
        other.expect_nothing(Reason.EXTRA_REPLY, f"it offers {offer.service}, but answered a query for printer")


@behaviour(
    does="queries that are sent to 127.255.255.255, which is everybody on the loopback network",
    proves="the datagram has arrived at its socket; on this machine broadcasts do arrive",
    catches="a socket that is bound to 127.0.0.1, which hears no broadcast",
    hint="A socket hears broadcasts if it is bound to all addresses{Python: : bind(('', port))}{C: : INADDR_ANY}{Java: "
    ": new DatagramSocket(port)}. Answer the address that recvfrom gives you, not the broadcast address.",
)
def test_answers_broadcasts(connect_udp: ConnectUdp, protocol: Any) -> None:
    """Answers a query that was sent to everybody"""
    with connect_udp(broadcast=True) as first, connect_udp(broadcast=True) as second:
        for number, client in enumerate((first, second, first)):
            client.ask(protocol.exchange(number))


@behaviour(
    does="datagrams that look like a query for its service and are none, and then a query",
    proves="each has arrived at its socket, and the program rests before the next; after the last it is still, or had "
    "the time allowed for an answer",
    catches="an answer to whatever comes, or to whatever begins with FIND; an error message as an answer; servers that "
    "answer each other forever",
    hint="Split the datagram into words, and compare: there are four, the first is FIND, the second 1, and the third "
    "your service. If not, be silent: everybody on the network hears a query, and if all whom it isn't for answered "
    "it, nobody could be found any more.",
)
def test_answers_queries_only(connect_udp: ConnectUdp, protocol: Any) -> None:
    """Is silent if it was not asked"""
    with connect_udp() as client:
        for what, datagram in protocol.not_queries():
            client.send(datagram)
            client.expect_nothing_yet(Reason.EXTRA_REPLY, f"it answered {what}")
        client.expect_nothing(Reason.EXTRA_REPLY, "it answered something that is no query for its service")
        client.ask(protocol.exchange(0))


@behaviour(
    does="the same query three times",
    proves="each has arrived at its socket",
    catches="ids that are remembered, so that a client whose answer got lost gets none",
    hint="A client asks again because your answer may have been lost: answer every query, even if you know its id.",
)
def test_answers_again(connect_udp: ConnectUdp, protocol: Any) -> None:
    """Answers a query that comes again"""
    with connect_udp() as client:
        for _ in range(3):
            client.ask(protocol.exchange(0))


@behaviour(
    does="a second server of yours is started on the same port, with another service; then both are asked by "
    "broadcast, in turn",
    proves="both are bound to the port; the datagram has arrived at both sockets",
    catches="bind without SO_REUSEADDR, so that only one program of a machine can be found",
    hint="Set SO_REUSEADDR before bind{Python: : setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)}{Java: : new "
    "DatagramSocket(null), setReuseAddress(true), bind}: then several sockets share the port, and each gets its own "
    "copy of a broadcast.",
)
def test_shares_its_port(server: Server, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Shares its port with other servers on the machine"""
    offer = other_offer(rng)
    beside = launch(arguments=("{port}", offer.service, str(offer.port), offer.name), port=server.port)
    if beside.port != server.port:
        fail(None, f"a second server was given port {server.port}, but listens on port {beside.port}")
    for _ in range(2):
        for asked, there in (USUAL, server), (offer, beside):
            query_id = new_id(rng)
            with stage.connect_udp(there, broadcast=True) as client:
                client.send(query(asked.service, query_id))
                client.expect(asked.answer_to(query_id))
