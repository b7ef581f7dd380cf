"""What kinds of assignments can be begun with: which checks each has, in which sections of its handout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from grader.model import Part, Role, Transport


class Section(NamedTuple):
    """A section of a handout: its heading, whose checks it is about, and their names, one for each requirement."""

    heading: str
    part: Part
    checks: tuple[str, ...]


class Kind(NamedTuple):
    """`summary`: what its messages are.  `table`: more lines of its table, between the transport and the checks.

    `says`: the handout's requirements for some checks, by name: in other words than the catalogue's, or for those that
    only this kind has, in its `test_*.py`.
    """

    summary: str
    roles: tuple[Role, ...]
    transport: Transport
    sections: tuple[Section, ...]
    table: str = ""
    says: Mapping[str, str] = {}


_STARTING: Final = Section("Starting", "server", ("listens", "bad_arguments_reported", "port_in_use_reported"))
_STREAM: Final = ("fragments_every_byte", "fragments_every_split", "coalesced", "message_and_a_half")
_CLIENTS: Final = (
    *("sequential_clients", "idle_client_blocks_no_one", "concurrent_clients", "interleaved_fragments"),
    *("half_close", "stays_open", "connect_and_leave", "reset_mid_request"),
)
_STOPPING: Final = Section(
    "Stopping", "server", ("ctrl_c_stops", "ctrl_c_with_client_connected", "ends_quietly", "port_reuse_after_ctrl_c")
)
_RESOURCES: Final = Section("Resources", "server", ("no_fd_leak", "no_thread_leak", "no_busy_loop"))

KINDS: Final[Mapping[str, Kind]] = {
    "line": Kind(
        "a TCP server for lines of text",
        ("server",),
        "tcp",
        (
            _STARTING,
            Section("Replying", "server", ("answers", "extra_reply_bytes", "long_message")),
            Section("A stream of bytes", "server", (*_STREAM, "unfinished_message_gets_no_answer")),
            Section("Several clients", "server", _CLIENTS),
            _STOPPING,
            _RESOURCES,
        ),
    ),
    "frame": Kind(
        "a TCP server for binary messages with a length in front",
        ("server",),
        "tcp",
        (
            _STARTING,
            Section("Replying", "server", ("answers", "extra_reply_bytes", "long_message", "hostile_length")),
            Section("A stream of bytes", "server", (*_STREAM, "unfinished_message_gets_no_answer")),
            Section("Several clients", "server", _CLIENTS),
            _STOPPING,
            _RESOURCES,
        ),
    ),
    "http": Kind(
        "an HTTP server, with a check of its own",
        ("server",),
        "tcp",
        (
            _STARTING,
            Section("Replying", "server", ("answers", "not_found", "extra_reply_bytes")),
            Section("A stream of bytes", "server", _STREAM),
            Section("Several clients", "server", (*_CLIENTS, "closes_when_done")),
            _STOPPING,
            _RESOURCES,
        ),
        "[server]\ndefault_port = 8080\n\n",
        {
            "not_found": "The reply to a request for any other target has the status 404.",
            "stays_open": "The connection stays open for more requests until the client closes it, or asks for that.",
            "closes_when_done": "After the reply to a request with the header `Connection: close` the server closes "
            "the connection.",
        },
    ),
    "dialogue": Kind(
        "a TCP server for lines of text, with a greeting and state in each connection",
        ("server",),
        "tcp",
        (
            _STARTING,
            Section("Replying", "server", ("greets", "answers", "extra_reply_bytes")),
            Section(
                "A stream of bytes",
                "server",
                ("fragments_every_byte", "fragments_every_split", "unfinished_message_gets_no_answer"),
            ),
            Section("Several clients", "server", _CLIENTS),
            _STOPPING,
            _RESOURCES,
        ),
    ),
    "datagram": Kind(
        "a UDP server",
        ("server",),
        "udp",
        (
            _STARTING,
            Section(
                "Replying",
                "server",
                ("answers", "binary_bytes", "several_clients", "one_reply_each", "boundaries", "empty_datagram"),
            ),
            Section("Large and many", "server", ("large_datagrams", "burst", "dead_client_survived")),
            Section("Stopping", "server", ("ctrl_c_stops", "ends_quietly", "restart_after_ctrl_c")),
            Section("Resources", "server", ("no_fd_leak", "no_busy_loop")),
        ),
    ),
    "client": Kind(
        "a TCP client into which lines are typed",
        ("client",),
        "tcp",
        (
            Section("Connecting", "client", ("connects", "refused_reported", "unknown_host_reported")),
            Section("Asking", "client", ("sends_exactly",)),
            Section("Printing", "client", ("prints_reply", "reply_in_fragments", "replies_coalesced", "long_reply")),
            Section("When the server fails", "client", ("silent_server", "server_closes_early", "server_resets")),
            Section("Leaving", "client", ("eof_ends_it", "ctrl_c_ends_it", "closes_its_socket")),
        ),
        '[client]\nsilent = "waits"                         # it waits for a reply as long as it takes\n\n',
    ),
    "visit": Kind(
        "a TCP client that is told everything when it is started, and acts by itself",
        ("client",),
        "tcp",
        (
            Section("Connecting", "client", ("connects", "refused_reported", "unknown_host_reported")),
            Section("Sending", "client", ("sends_request",)),
            Section("Printing", "client", ("reports_result", "reply_in_fragments", "long_reply")),
            Section("When the server fails", "client", ("silent_server", "server_closes_early", "server_resets")),
            Section("Leaving", "client", ("ctrl_c_ends_it", "closes_its_socket")),
        ),
        '[client]\narguments = ["{host}", "{port}", "{file}"]   # protocol.py says what {file} is\n'
        'silent = "waits"                         # it waits for a reply as long as it takes\n\n',
        {
            "sends_request": "The client sends the length and the bytes of the file, and nothing else. A file may be "
            "empty, and have bytes of every kind.",
            "reports_result": "The client prints the reply and exits with status 0.",
        },
    ),
}
