"""What a program was doing, in words: recorded facts on one side, the sentence on the other."""

from __future__ import annotations

import socket

import msgspec
import pytest

from grader.wire.diagnosis import Conversation, describe
from grader.wire.facts import ProcessFacts, ThreadFacts
from grader.wire.kernel import SocketRow, TcpState
from tests.wire.facts import (
    ACCEPT,
    FIRST,
    FOR_EVER_MS,
    FUTEX,
    LISTENER,
    LISTENS,
    MACHINE,
    NANOSLEEP,
    PAUSE,
    POINTER,
    POLL,
    READ,
    RECV,
    SECOND,
    SEND,
    WAIT4,
    process,
    row,
    sockets,
    thread,
)


def told(
    *threads: ThreadFacts,
    rows: tuple[SocketRow, ...] = (),
    ours: tuple[Conversation, ...] = (),
    cpu_share: float | None = None,
    more: tuple[ProcessFacts, ...] = (),
    files: dict[str, str] | None = None,
) -> str:
    """What is said of a process with these threads; `more`: other processes of the same program."""
    return describe((process(*threads, files=files), *more), sockets(*rows), ours, MACHINE, cpu_share)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (thread(RECV, 4), "blocked in recv on client A's connection"),
        (thread(SEND, 4), "blocked in send on client A's connection"),
        (thread(ACCEPT, 3), "blocked in accept, waiting for the next client"),
        (thread(275, 4, 0, 5), "blocked in splice on client A's connection"),
        (thread(READ, 0), "blocked in read on its standard input"),
        (thread(READ, 5), "blocked in read"),
        (thread(POLL, POINTER, 1, FOR_EVER_MS), "blocked in poll"),
        (thread(POLL, POINTER, 1, 500), "blocked in poll with a timeout of its own"),
        (thread(FUTEX, POINTER), "blocked in a wait for another thread"),
        (thread(WAIT4), "blocked in a wait for a child process"),
        (thread(NANOSLEEP), "sleeping on its own timer"),
        (thread(219), "in a wait with a timeout"),
        (thread(4242), "in a system call"),
        (thread(None, state="R"), "running"),
        (thread(None), "running"),
        (thread(None, state="T"), "stopped"),
        (thread(None, state="D"), "waiting for a disk or a device"),
    ],
)
def test_what_a_thread_does_in_words(one: ThreadFacts, words: str) -> None:
    client_a = Conversation("client A", row(FIRST))
    assert told(one, rows=(LISTENS, row(FIRST)), ours=(client_a,)) == words


@pytest.mark.parametrize("state", ["S", "Z"])
def test_of_a_first_thread_that_has_left_nothing_is_said(state: str) -> None:
    seen = process(thread(None, state="Z"), thread(PAUSE, tid=11), state=state)
    assert describe((seen,), {}, (), MACHINE) == "blocked in pause"


def test_of_many_threads_those_that_say_most_come_first() -> None:
    ours = (Conversation("client A", row(FIRST)),)
    idle = [thread(FUTEX, POINTER, tid=20 + number) for number in range(9)]
    seen = (*idle, thread(ACCEPT, 3, tid=11), thread(RECV, 4, tid=12), thread(None, state="R", tid=13))
    assert told(*seen, rows=(LISTENS, row(FIRST)), ours=ours).split("; ") == [
        "running",
        "blocked in recv on client A's connection",
        "blocked in accept, waiting for the next client",
        "9 threads blocked in a wait for another thread",
    ]


def test_a_connection_that_is_not_ours_has_no_name() -> None:
    assert told(thread(RECV, 4), rows=(row(FIRST),)) == "blocked in recv on a connection"


def test_a_socket_that_is_in_no_table_may_be_of_any_kind() -> None:
    assert told(thread(RECV, 4)) == "blocked in recv on a socket"


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (row(SECOND), ""),
        (row(SECOND, unread=1), "client B has 1 unread byte"),
        (row(SECOND, unread=4), "client B has 4 unread bytes"),
        (row(0, unread=4), "client B has 4 unread bytes and was never accepted"),
        (row(0), "client B was never accepted"),
        (row(SECOND, state=TcpState.CLOSE_WAIT, unread=1), "client B has closed its side, which was not read yet"),
        (
            row(SECOND, state=TcpState.CLOSE_WAIT, unread=3),
            "client B has 2 unread bytes and has closed its side, which was not read yet",
        ),
        (row(0, state=TcpState.CLOSE_WAIT, unread=3), "client B has 2 unread bytes and was never accepted"),
        (
            row(SECOND, state=TcpState.CLOSE_WAIT),
            "client B has closed its side, and the program keeps its own open",
        ),
        (row(SECOND, state=TcpState.FIN_WAIT2, unread=3), ""),
        (None, ""),
    ],
)
def test_what_a_conversation_is_in_words(there: SocketRow | None, words: str) -> None:
    alone = told(thread(PAUSE), ours=(Conversation("client B", there),))
    assert alone == "; ".join(filter(None, ["blocked in pause", words]))


def test_equal_threads_of_several_processes_are_counted_as_processes() -> None:
    accepts = [process(thread(ACCEPT, 3, tid=pid), pid=pid) for pid in (10, 20, 30)]
    receives = process(thread(RECV, 4, tid=40), thread(RECV, 4, tid=41), pid=40)
    words = describe((*accepts, receives), sockets(LISTENS, row(FIRST)), (), MACHINE)
    assert (
        words == "3 processes blocked in accept, waiting for the next client; 2 threads blocked in recv on a connection"
    )


def test_equal_threads_are_counted() -> None:
    receivers = [thread(RECV, 4, tid=tid) for tid in range(10, 13)]
    words = told(*receivers, thread(ACCEPT, 3, tid=20), rows=(LISTENS, row(FIRST)))
    assert words == "3 threads blocked in recv on a connection; blocked in accept, waiting for the next client"


def test_the_handouts_example_sentence() -> None:
    ours = Conversation("client A", row(FIRST)), Conversation("client B", row(0, unread=4))
    words = told(thread(RECV, 4), rows=(row(FIRST),), ours=ours)
    assert words == "blocked in recv on client A's connection; client B has 4 unread bytes and was never accepted"


def zombie(pid: int) -> ProcessFacts:
    """An ended child that nobody has waited for."""
    return process(thread(None, tid=pid, state="Z"), pid=pid, state="Z", files={})


def test_a_program_of_zombies_has_ended() -> None:
    ours = (Conversation("client A", row(FIRST, unread=2)),)
    assert describe((zombie(20), zombie(21)), {}, ours, MACHINE) == "the program has exited"
    assert describe((), {}, (), MACHINE) == "the program has exited"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "running"),
        (0.0, "running"),
        (0.79, "running"),
        (0.8, "spinning (80% of a CPU)"),
        (0.998, "spinning (100% of a CPU)"),
        (1.97, "spinning (197% of a CPU)"),
    ],
)
def test_what_was_always_on_a_cpu_spins(share: float | None, words: str) -> None:
    assert told(thread(None, state="R"), cpu_share=share) == words
    # Only what runs can spin.
    assert told(thread(PAUSE), cpu_share=share) == "blocked in pause"
    assert told(thread(None, state="R"), thread(PAUSE, tid=11), cpu_share=share) == f"{words}; blocked in pause"


@pytest.mark.parametrize(
    ("children", "words"),
    [(0, ""), (1, "1 exited child process not reaped"), (3, "3 exited child processes not reaped")],
)
def test_zombies_beside_a_living_process_are_counted(children: int, words: str) -> None:
    said = told(thread(PAUSE), more=tuple(zombie(20 + number) for number in range(children)))
    assert said == "; ".join(filter(None, ["blocked in pause", words]))


def many(names: str, unread: int = 0) -> tuple[Conversation, ...]:
    """Clients of whom the same is true, on sockets of their own."""
    return tuple(Conversation(f"client {name}", row(200 + ord(name), unread=unread)) for name in names)


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (many("A", unread=4), "client A has 4 unread bytes"),
        (many("AB", unread=4), "each of 2 clients (client A to client B) has 4 unread bytes"),
        (many("ABCD", unread=4), "each of 4 clients (client A to client D) has 4 unread bytes"),
        (
            (*many("AB", unread=4), *many("C", unread=1)),
            "each of 2 clients (client A to client B) has 4 unread bytes; client C has 1 unread byte",
        ),
        (
            (*many("A", unread=4), *many("B"), *many("C", unread=4)),
            "each of 2 clients (client A to client C) has 4 unread bytes",
        ),
    ],
)
def test_clients_of_whom_the_same_is_to_be_said_stand_together(ours: tuple[Conversation, ...], words: str) -> None:
    assert told(thread(PAUSE), ours=ours) == f"blocked in pause; {words}"


def queue(waiting: int) -> SocketRow:
    """The listening socket with so many connections to accept."""
    return row(LISTENER, state=TcpState.LISTEN, unread=waiting)


@pytest.mark.parametrize(
    ("waiting", "ours", "words"),
    [
        (0, (), ""),
        (1, (), "1 more connection never accepted"),
        (7, (), "7 more connections never accepted"),
        # Who was spoken of is not counted again.
        (1, (Conversation("client A", row(0)),), "client A was never accepted"),
        (3, (Conversation("client A", row(0)),), "client A was never accepted; 2 more connections never accepted"),
        (2, (Conversation("client A", row(FIRST)),), "2 more connections never accepted"),
    ],
)
def test_connections_in_the_accept_queue_are_counted(waiting: int, ours: tuple[Conversation, ...], words: str) -> None:
    said = told(thread(PAUSE), rows=(queue(waiting),), ours=ours)
    assert said == "; ".join(filter(None, ["blocked in pause", words]))


def test_somebody_elses_listener_is_not_the_programs() -> None:
    assert told(thread(PAUSE), rows=(queue(7),), files={"0": "/dev/pts/3"}) == "blocked in pause"


LEFT = row(FIRST, state=TcpState.CLOSE_WAIT)
CLIENT, LISTENING_ONLY = {"4": f"socket:[{FIRST}]"}, {"3": f"socket:[{LISTENER}]"}


@pytest.mark.parametrize(
    ("parents", "children", "where"),
    [
        (CLIENT, (), ""),
        (CLIENT, (LISTENING_ONLY,), ", in the parent process"),
        (LISTENING_ONLY, (CLIENT, LISTENING_ONLY), ", in a child process"),
        (LISTENING_ONLY, (CLIENT, CLIENT), ", in 2 child processes"),
        (CLIENT, (CLIENT, LISTENING_ONLY), ", in 2 processes"),
        (LISTENING_ONLY, (LISTENING_ONLY,), ""),  # it was closed between the snapshot and the rows
    ],
)
def test_of_several_processes_it_is_said_which_keep_a_connection(
    parents: dict[str, str], children: tuple[dict[str, str], ...], where: str
) -> None:
    forked = tuple(
        msgspec.structs.replace(process(thread(PAUSE), files=files, pid=11 + place), parent=10)
        for place, files in enumerate(children)
    )
    said = told(thread(PAUSE), rows=(LEFT,), ours=(Conversation("client A", LEFT),), files=parents, more=forked)
    assert said.split("; ")[1] == f"client A has closed its side, and the program keeps its own open{where}"


@pytest.mark.parametrize(
    ("rows", "ours", "words"),
    [
        ((LEFT,), (), "1 connection still open that the other side has closed (CLOSE_WAIT)"),
        (
            (LEFT, row(SECOND, state=TcpState.CLOSE_WAIT)),
            (),
            "2 connections still open that the other side has closed (CLOSE_WAIT)",
        ),
        # One whose client is still ours has been told of by name.
        (
            (LEFT,),
            (Conversation("client A", LEFT),),
            "client A has closed its side, and the program keeps its own open",
        ),
        ((row(FIRST),), (), ""),
        ((row(999, state=TcpState.CLOSE_WAIT),), (), ""),  # no file of the program leads to it
    ],
)
def test_connections_of_clients_that_have_left_are_counted(
    rows: tuple[SocketRow, ...], ours: tuple[Conversation, ...], words: str
) -> None:
    files = {"4": f"socket:[{FIRST}]", "6": f"socket:[{SECOND}]"}
    said = told(thread(PAUSE), rows=rows, ours=ours, files=files)
    assert said == "; ".join(filter(None, ["blocked in pause", words]))


@pytest.mark.parametrize(
    ("unread", "call", "words"),
    [
        (0, RECV, "blocked in recv, waiting for a datagram"),
        (768, PAUSE, "blocked in pause; datagrams are waiting unread"),
        # Whoever sleeps in a receive has nothing to read: what fills the queue are errors (IP_RECVERR).
        (768, RECV, "blocked in recv, waiting for a datagram"),
    ],
)
def test_a_datagram_socket_has_no_connections(unread: int, call: int, words: str) -> None:
    bound = row(FIRST, state=TcpState.CLOSE, unread=unread, protocol=socket.IPPROTO_UDP)
    assert told(thread(call, 4), rows=(bound,)) == words


def test_datagrams_in_somebody_elses_socket_are_not_the_programs() -> None:
    theirs = row(SECOND, state=TcpState.CLOSE, unread=768, protocol=socket.IPPROTO_UDP)
    assert told(thread(PAUSE), rows=(theirs,)) == "blocked in pause"


def test_facts_stand_in_one_order() -> None:
    left = row(SECOND, state=TcpState.CLOSE_WAIT)
    files = {"3": f"socket:[{LISTENER}]", "4": f"socket:[{FIRST}]", "6": f"socket:[{SECOND}]"}
    ours = (Conversation("client A", row(FIRST, unread=2)),)
    said = told(
        thread(RECV, 6), rows=(queue(1), row(FIRST), left), ours=ours, files=files, more=(zombie(20), zombie(21))
    )
    assert said.split("; ") == [
        "blocked in recv on a connection",
        "client A has 2 unread bytes",
        "1 more connection never accepted",
        "1 connection still open that the other side has closed (CLOSE_WAIT)",
        "2 exited child processes not reaped",
    ]
