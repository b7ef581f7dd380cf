"""What is the same in every assignment: what each behaviour depends on, its usual points and its usual requirement.

A prerequisite that an assignment does not list is replaced by what that one depends on (`prerequisites`), so that one
fault is not charged twice and none is overlooked.  That a server listens at all, or that a client reaches us, is a fact
that every check finds out for itself, on whatever port that is.  Nothing depends on the verdict of those checks that
fail where it is not so (`OPENERS`), but for `unknown_host_reported`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from grader.model import Transport


class Usual(NamedTuple):
    """`requirement`: a sentence for a handout.  `needs`: ids of the behaviours without which it can't be judged."""

    points: float
    requirement: str
    needs: tuple[str, ...] = ()


#: The checks that fail if a program can't be reached, or doesn't reach us; all others are skipped then.
OPENERS: Final = frozenset({"server.listens", "client.connects", "client.sends_where_told"})

#: What a client must be able to do before its server may fail: one that is typed into, or one that acts by itself.
_SHOWS: Final = ("client.prints_reply", "client.reports_result")
_EXITS: Final = ("client.eof_ends_it", "client.reports_result")

USUAL: Final[Mapping[str, Usual]] = {
    # Starting, and the first reply.
    "server.listens": Usual(2, "The server listens on the port given as its argument, on all IPv4 addresses."),
    "server.bad_arguments_reported": Usual(
        1,
        "If the port is missing or not a number from 1 to 65535, the server prints one message on stderr, without a "
        "traceback, and exits with a non-zero status.",
    ),
    "server.port_in_use_reported": Usual(
        1, "If the port is already in use, the server prints a message on stderr and exits with a non-zero status."
    ),
    "server.greets": Usual(2, "The server greets each client as soon as it connects, and sends nothing else unasked."),
    "server.answers": Usual(4, "The server answers each request within 2 seconds."),
    "server.extra_reply_bytes": Usual(1, "The server sends nothing but its replies.", ("server.answers",)),
    "server.stays_open": Usual(
        1, "The connection stays open until the client closes it.", ("server.extra_reply_bytes",)
    ),
    "server.closes_when_done": Usual(2, "The server closes the connection when it is done.", ("server.answers",)),
    # A stream of bytes.
    "server.fragments_every_byte": Usual(
        2, "A request that arrives in pieces, even byte by byte, gets the same reply.", ("server.answers",)
    ),
    "server.fragments_every_split": Usual(
        2,
        "A request that arrives in two pieces gets the same reply, wherever it is split.",
        ("server.fragments_every_byte", "server.binary_bytes", "server.closes_when_done", "server.sequential_clients"),
    ),
    "server.coalesced": Usual(2, "Requests that arrive together are all answered, in order.", ("server.answers",)),
    "server.pipelined_in_order": Usual(
        1, "However many requests arrive together, they are all answered, in order.", ("server.coalesced",)
    ),
    "server.message_and_a_half": Usual(
        3,
        "If a request arrives together with the beginning of the next one, the first is answered immediately and the "
        "second once the rest has arrived.",
        ("server.answers",),
    ),
    "server.unfinished_message_gets_no_answer": Usual(
        2, "An unfinished request gets no reply until the rest has arrived.", ("server.answers",)
    ),
    "server.unterminated_last_message": Usual(
        2, "A last request that ends with the client's side of the connection is answered too.", ("server.answers",)
    ),
    "server.line_endings": Usual(2, "A line ends with LF or with CRLF.", ("server.coalesced",)),
    "server.binary_bytes": Usual(
        2,
        "Every byte may occur in a request: NUL, carriage returns, bytes that are not text.",
        ("server.several_clients",),
    ),
    "server.utf8_split": Usual(
        2,
        "A character of several bytes may arrive in pieces.",
        ("server.sequential_clients", "server.fragments_every_byte"),
    ),
    "server.invalid_utf8_survived": Usual(
        1, "Bytes that are not UTF-8 do not stop the server.", ("server.sequential_clients",)
    ),
    "server.byte_order": Usual(3, "Numbers are in network byte order."),
    "server.long_message": Usual(2, "A request may have up to 1 MiB.", ("server.answers",)),
    "server.buffer_boundaries": Usual(
        1,
        "No length up to the longest is special, such as 1024 or 65536 bytes.",
        ("server.fragments_every_byte", "server.long_message", "server.sequential_clients"),
    ),
    "server.hostile_length": Usual(
        2, "A length above the allowed maximum does not stop the server.", ("server.sequential_clients",)
    ),
    # Writing.
    "server.slow_reader_gets_all": Usual(
        2,
        "A client that reads its replies late receives all of them.",
        ("server.coalesced", "server.message_and_a_half"),
    ),
    "server.slow_reader_blocks_no_one": Usual(
        2,
        "While one client does not read its replies, the others are served.",
        ("server.slow_reader_gets_all", "server.reset_mid_request", "server.idle_client_blocks_no_one"),
    ),
    "server.both_directions_full": Usual(
        1, "A client may send as much as the server accepts before it reads anything.", ("server.slow_reader_gets_all",)
    ),
    "server.peer_gone_mid_reply": Usual(
        1,
        "A client that leaves while the server is sending to it does not affect anyone else.",
        ("server.reset_mid_request", "server.reset_before_accept"),
    ),
    "server.reply_survives_unread_input": Usual(
        2, "What a client sends after its last request does not cost it the reply.", ("server.closes_when_done",)
    ),
    "server.half_close": Usual(
        2,
        "A client may close its side of the connection (shutdown) and still receives all its replies; then the server "
        "closes the connection.",
        ("server.answers",),
    ),
    # Many clients.
    "server.sequential_clients": Usual(
        2, "When a client has left, the next one is served, as often as one comes.", ("server.answers",)
    ),
    "server.connect_and_leave": Usual(
        1,
        "A client that connects and leaves without sending a byte does not affect anyone else.",
        ("server.sequential_clients",),
    ),
    "server.reset_mid_request": Usual(
        1,
        "A client whose connection breaks in the middle of a request (a reset) does not affect anyone else.",
        ("server.sequential_clients",),
    ),
    "server.reset_before_accept": Usual(
        1,
        "A client whose connection breaks before the server has accepted it does not affect anyone else.",
        ("server.reset_mid_request",),
    ),
    "server.idle_client_blocks_no_one": Usual(
        2, "While one client is connected and silent, the others are served.", ("server.answers",)
    ),
    "server.concurrent_clients": Usual(
        3,
        "At least 50 clients can be connected and are served at the same time.",
        ("server.idle_client_blocks_no_one", "server.sequential_clients"),
    ),
    "server.interleaved_fragments": Usual(
        2,
        "The requests of different clients are kept apart, even when they arrive alternately.",
        ("server.fragments_every_byte", "server.idle_client_blocks_no_one"),
    ),
    "server.backlog_burst": Usual(
        1,
        "Several clients may connect before the server accepts one; all of them are served.",
        ("server.sequential_clients",),
    ),
    "server.many_clients": Usual(
        2,
        "500 clients can be connected and are served at the same time.",
        ("server.concurrent_clients",),
    ),
    # Datagrams.
    "server.several_clients": Usual(
        3, "Each reply goes to the client that asked, from the port that it asked.", ("server.answers",)
    ),
    "server.boundaries": Usual(
        3, "Each datagram is one request, even when several arrive together.", ("server.several_clients",)
    ),
    "server.one_reply_each": Usual(2, "Each datagram gets exactly one reply.", ("server.several_clients",)),
    "server.empty_datagram": Usual(2, "An empty datagram is a request like any other.", ("server.several_clients",)),
    "server.large_datagrams": Usual(
        2, "A datagram may be as large as UDP allows (65507 bytes).", ("server.several_clients",)
    ),
    "server.garbage_survived": Usual(
        2, "Datagrams that make no sense do not stop the server.", ("server.several_clients",)
    ),
    "server.dead_client_survived": Usual(
        2, "A client that is gone before its reply arrives does not affect anyone else.", ("server.several_clients",)
    ),
    "server.burst": Usual(2, "50 datagrams that arrive together are all answered.", ("server.boundaries",)),
    # Stopping.
    "server.ctrl_c_stops": Usual(2, "Ctrl-C stops the server while it waits for a client."),
    "server.ctrl_c_with_client_connected": Usual(
        1, "Ctrl-C stops the server even while a client is connected, and the connection with it.", ("server.answers",)
    ),
    "server.ends_quietly": Usual(
        1,
        "Stopped by Ctrl-C, the server exits without a traceback, an error message or a crash.",
        ("server.answers", "server.ctrl_c_stops", "server.ctrl_c_with_client_connected"),
    ),
    "server.sigterm_stops": Usual(1, "SIGTERM stops the server, even while a client is connected."),
    "server.port_reuse_after_ctrl_c": Usual(
        2, "Stopped by Ctrl-C, the server can be restarted on the same port immediately.", ("server.answers",)
    ),
    "server.restart_after_ctrl_c": Usual(
        1, "Stopped by Ctrl-C, the server can be restarted on the same port immediately.", ("server.answers",)
    ),
    "server.leaves_nothing_running": Usual(
        1, "When the server has exited, no process that it started is left.", ("server.answers",)
    ),
    # Resources.
    "server.no_fd_leak": Usual(
        1,
        "The server closes the socket of each client that has left.",
        (
            "server.several_clients",
            "server.connect_and_leave",
            "server.reset_mid_request",
            "server.reset_before_accept",
            "server.peer_gone_mid_reply",
        ),
    ),
    "server.no_zombies": Usual(
        1,
        "The server reaps the child processes that it has started.",
        (
            "server.several_clients",
            "server.connect_and_leave",
            "server.reset_mid_request",
            "server.reset_before_accept",
            "server.peer_gone_mid_reply",
        ),
    ),
    "server.no_thread_leak": Usual(
        1,
        "Threads and processes that serve a client exit when it has left.",
        (
            "server.several_clients",
            "server.connect_and_leave",
            "server.reset_mid_request",
            "server.reset_before_accept",
            "server.peer_gone_mid_reply",
        ),
    ),
    "server.no_busy_loop": Usual(
        1,
        "The server uses no CPU time while nobody asks for anything.",
        ("server.answers", "server.connect_and_leave", "server.reset_mid_request"),
    ),
    "server.memory_stays_flat": Usual(
        1, "The server keeps nothing of what it has replied to.", ("server.long_message",)
    ),
    # Clients: where they connect, what they send and show.
    "client.connects": Usual(2, "The client connects to the host and port given as its arguments."),
    "client.sends_where_told": Usual(2, "The client sends to the host and port given as its arguments."),
    "client.sends_exactly": Usual(4, "The client sends each line of its standard input exactly as typed."),
    "client.prints_reply": Usual(
        4, "The client prints each reply before it waits for the next line.", ("client.sends_exactly",)
    ),
    "client.reply_in_fragments": Usual(
        2,
        "A reply that arrives in pieces is printed as if it had arrived whole.",
        _SHOWS,
    ),
    "client.replies_coalesced": Usual(
        2,
        "What arrives together with a reply is kept for the next one.",
        _SHOWS,
    ),
    "client.long_reply": Usual(2, "A reply of 1 MiB is printed whole.", _SHOWS),
    "client.large_reply": Usual(2, "A reply as large as a datagram can be is printed whole.", _SHOWS),
    "client.unasked_message_shown": Usual(
        3, "What the server sends is printed immediately, even while the user types nothing.", ("client.prints_reply",)
    ),
    # Clients that act by themselves.
    "client.sends_request": Usual(3, "The client sends what is required, and nothing else."),
    "client.reports_result": Usual(
        4,
        "The client prints and writes what is required, and exits with the status required.",
        ("client.sends_request",),
    ),
    # Clients whose server fails.
    "client.refused_reported": Usual(
        2,
        "If nothing listens there, the client prints a message on stderr and exits with a non-zero status.",
    ),
    "client.dead_port_reported": Usual(
        2,
        "If nothing listens there, the client prints a message on stderr and exits with a non-zero status.",
    ),
    # A client that ignores the host it is told can't know of one that doesn't exist: one fault, which `connects` tells.
    "client.unknown_host_reported": Usual(
        1,
        "If there is no such host, the client prints a message on stderr and exits with a non-zero status.",
        ("client.connects",),
    ),
    "client.server_closes_early": Usual(
        2,
        "If the server closes the connection before a reply is complete, the client prints a message on stderr and "
        "exits with a non-zero status.",
        _SHOWS,
    ),
    "client.server_resets": Usual(
        1,
        "If the connection breaks (a reset) before a reply is complete, the client prints a message on stderr and "
        "exits with a non-zero status.",
        _SHOWS,
    ),
    "client.silent_server": Usual(
        1,
        "The client waits for a reply as long as the connection is open.",
        _SHOWS,
    ),
    "client.lost_reply": Usual(
        3, "The client goes on with the next line if a reply does not come.", ("client.prints_reply",)
    ),
    "client.retransmits": Usual(3, "The client sends a request again if no reply comes.", _SHOWS),
    # These two don't depend on `lost_reply` and `retransmits`: a timer that whatever arrives restarts, which fails
    # those, does a client no harm here.
    "client.gives_up": Usual(2, "If no reply ever comes, the client gives up, with a message on stderr.", _SHOWS),
    "client.late_reply": Usual(
        2, "A reply that comes too late is not mistaken for the next one.", ("client.prints_reply",)
    ),
    "client.duplicate_reply": Usual(
        2, "A reply that comes twice is not mistaken for the next one.", ("client.prints_reply",)
    ),
    "client.reordered_replies": Usual(2, "Replies that arrive out of order are not confused.", ("client.late_reply",)),
    "client.foreign_reply_ignored": Usual(2, "Datagrams from anyone but the server are ignored.", _SHOWS),
    # Clients: how they exit.
    "client.eof_ends_it": Usual(1, "At the end of its input the client exits with status 0.", ("client.prints_reply",)),
    "client.quit_ends_it": Usual(1, "The quit word makes the client exit with status 0.", ("client.prints_reply",)),
    "client.ctrl_c_ends_it": Usual(1, "Ctrl-C stops the client, without a traceback.", _SHOWS),
    "client.closes_its_socket": Usual(
        1,
        "The client closes its connection when it exits, without a reset.",
        _EXITS,
    ),
    # Both programs.
    "pair.works_together": Usual(1, "Your client and your server work together."),
    "pair.works_with_others": Usual(
        1, "Your client works with another correct server, and your server with another correct client."
    ),
}

#: Checks of datagrams, and those of programs over either transport; all others are of streams.
_OVER_UDP: Final = frozenset(
    {
        *("server.several_clients", "server.boundaries", "server.one_reply_each", "server.empty_datagram"),
        *("server.large_datagrams", "server.garbage_survived", "server.dead_client_survived", "server.burst"),
        *("server.restart_after_ctrl_c", "client.sends_where_told", "client.large_reply", "client.dead_port_reported"),
        *("client.lost_reply", "client.retransmits", "client.gives_up", "client.late_reply"),
        *("client.duplicate_reply", "client.reordered_replies", "client.foreign_reply_ignored"),
    }
)
_OVER_BOTH: Final = frozenset(
    {
        *("server.listens", "server.bad_arguments_reported", "server.port_in_use_reported", "server.answers"),
        *("server.binary_bytes", "server.ctrl_c_stops", "server.ends_quietly", "server.sigterm_stops"),
        *("server.leaves_nothing_running", "server.no_fd_leak", "server.no_zombies", "server.no_thread_leak"),
        *("server.no_busy_loop", "client.sends_exactly", "client.prints_reply", "client.eof_ends_it"),
        *(
            "client.sends_request",
            "client.reports_result",
            "client.quit_ends_it",
            "client.ctrl_c_ends_it",
            "pair.works_together",
            "pair.works_with_others",
        ),
    }
)


def checks_over(transport: Transport) -> frozenset[str]:
    """The ids of the catalogue's checks over this transport."""
    streams = USUAL.keys() - _OVER_UDP
    return frozenset(streams if transport == "tcp" else _OVER_UDP | _OVER_BOTH)


def prerequisites(
    check: str, listed: Collection[str], needs_of: Callable[[str], tuple[str, ...]] | None = None
) -> tuple[str, ...]:
    """The ids among `listed` that must pass before this check is judged, each once, in the catalogue's order.

    `needs_of`: what a check depends on; by default what the catalogue says.
    """
    known = needs_of or (lambda name: USUAL[name].needs if name in USUAL else ())
    found: dict[str, None] = {}
    for needed in known(check):
        found.update(dict.fromkeys((needed,) if needed in listed else prerequisites(needed, listed, known)))
    return tuple(name for name in found if name != check)
