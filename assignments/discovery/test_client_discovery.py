"""What only this client does: it asks everybody, and sorts out whose answer is one."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from grader import BROADCAST, Turn, UdpClients, Values, behaviour, fail


@behaviour(
    does="the client is told 127.255.255.255, which is everybody on the loopback network; one server answers, then "
    "several",
    proves="its query has arrived at a socket that is bound to the broadcast address; on this machine broadcasts do "
    "arrive",
    catches="SO_BROADCAST not set, so that sendto fails with EACCES; a connected socket, which hears nobody but the "
    "address that it is connected to",
    hint="The kernel sends to a broadcast address only if you say that you mean it: set SO_BROADCAST{Python:  "
    "(setsockopt(SOL_SOCKET, SO_BROADCAST, 1))}{C:  (setsockopt)}{JavaScript:  (setBroadcast(true), once bound)}. "
    "Don't connect the socket: the answers come from the servers' own addresses, never from the broadcast address.",
)
def test_broadcasts(udp_clients: UdpClients, protocol: Any) -> None:
    """Finds servers whose addresses it does not know"""
    udp_clients.play(protocol.visit(0), host=BROADCAST)
    udp_clients.play(protocol.search_everywhere(), host=BROADCAST)


@behaviour(
    does="six servers answer, from four addresses; some of them differ in nothing but their address, port or name; "
    "the last answer comes a quarter of a second after the query",
    proves="all answers have arrived at its socket",
    catches="recvfrom called once, the search ended by the first answer, servers told apart by their address, port or "
    "name alone, the address that was asked listed instead of the one that has answered",
    hint="Go on receiving until the second is over: nobody knows how many servers there are. The address of each comes "
    "with its datagram, from recvfrom.",
)
def test_finds_all(udp_clients: UdpClients, protocol: Any) -> None:
    """Lists all servers that answer in time"""
    udp_clients.play(protocol.search_everywhere())


@behaviour(
    does="six servers answer, some of them two or three times",
    proves="all copies have arrived at its socket",
    catches="a line for each datagram; only copies that follow each other are noticed",
    hint="UDP may deliver a datagram twice. Remember what you have listed (address, port and name), and list nothing "
    "again.",
)
def test_lists_each_once(udp_clients: UdpClients, protocol: Any) -> None:
    """Lists each server once"""
    udp_clients.play(protocol.search_with_copies())


@behaviour(
    does="before the answer and after it come datagrams that are none: answers to another query, about another "
    "service, of another version, cut short, with a word for a port, somebody else's query, an empty one, bytes",
    proves="all of them have arrived at its socket",
    catches="whatever comes is listed; the id is not compared; a datagram that is taken apart before it is looked at",
    hint="Look at all of an answer before you believe any of it: six words, HERE, 1, your service, the id of your "
    "query, a port from 1 to 65535, a name.{Python:  decode() and int() raise ValueError.}",
)
def test_takes_answers_only(udp_clients: UdpClients, protocol: Any) -> None:
    """Lists nobody who has not answered its query"""
    udp_clients.play(protocol.search_among_others())


@behaviour(
    does="the first query is not answered in time; its answer comes when the query is sent again",
    proves="the second query has come half a second or more after the first; the answer has arrived at its socket",
    catches="another id for the second query, so that an answer to the first is lost; a socket of its own for each "
    "try; what comes in the first second thrown away",
    hint="Send the same datagram again, with the same id and from the same socket: an answer to either will do.",
)
def test_late_answers(udp_clients: UdpClients, protocol: Any) -> None:
    """Takes an answer to its first query while it waits for the second's"""
    udp_clients.play(protocol.search_with_late_answer())


@behaviour(
    does="the client is started twice; the ids of its queries are compared",
    proves="each query has arrived here",
    catches="the same id whenever it is started, so that an answer to an earlier run is taken for one to this",
    hint="Draw the id at random{Python:  (secrets.token_hex(4))}{C:  (getrandom, or rand after srand with the time and "
    "the process's number)}{Java:  (new SecureRandom())}{JavaScript:  (crypto.randomUUID(), without the hyphens)}. "
    "{C: rand without srand gives the same numbers in every run.}",
)
def test_asks_with_new_id(udp_clients: UdpClients, protocol: Any) -> None:
    """Asks with a new id each time"""
    ids: list[bytes] = []
    for number in range(2):
        visit = protocol.visit(number)
        (turn,) = visit.turns

        def says(seen: Values, turn: Turn = turn) -> Any:
            ids.append(seen["id"])
            return turn.says(seen) if callable(turn.says) else turn.says

        udp_clients.play(replace(visit, turns=(replace(turn, says=says),)))
    if len({*ids}) < len(ids):
        fail(None, f"it was started twice, and asked with the id {ids[0].decode()} both times")
