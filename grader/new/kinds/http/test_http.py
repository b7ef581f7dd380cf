"""What only @NAME@ does.  A function test_x here is the check server.x; docs/authors.md says what it may ask for."""

from __future__ import annotations

from grader import Connect, Exchange, behaviour, http


@behaviour(
    does="requests for targets that don't exist, each from a client of its own",
    proves="nothing to prove",
    catches="200 for everything, an exception that closes the connection, a reply without a length",
    hint="Look at the target first: if it does not begin with /reverse/, reply with status 404.",
)
def test_not_found(connect: Connect) -> None:
    """Replies 404 to other targets"""
    for target in (b"/", b"/reverse", b"/nothing/here"):
        with connect() as client:
            client.ask(Exchange(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target, http(404)))
