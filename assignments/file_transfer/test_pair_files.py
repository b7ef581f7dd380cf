"""The client and the server work together."""

from __future__ import annotations

import random

from protocol import PASSWORD, USER, told

from grader import Stage, TcpClients, Visit, behaviour, every_byte, fail


@behaviour(
    does="your client sends a file to your server, fetches it again, and asks for one that is not there",
    proves="the client has exited each time; the files on both sides are read",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what each of them sends with what the other one waits for.",
)
def test_together(tcp_clients: TcpClients, stage: Stage, rng: random.Random) -> None:
    """The client and the server work together"""
    content, user, password = every_byte(rng), USER.decode(), PASSWORD.decode()
    server = stage.launch(tcp_clients.manner.own_port)
    put = Visit((), told("put", "a b.bin", user, password), {"a b.bin": content})
    tcp_clients.play_with(server.address, put)
    if (stored := server.read_file("share/a b.bin")) != content:
        fail(
            None, "the server has stored something else than the client was to send", expected=content, received=stored
        )
    get = Visit((), told("get", "a b.bin", user, password), {"a b.bin": b"old"}, written={"a b.bin": content})
    tcp_clients.play_with(server.address, get)
    missing = Visit((), told("get", "no.bin", user, password), status=None, written={"no.bin": None})
    tcp_clients.play_with(server.address, missing)
