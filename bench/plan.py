"""What a grading did to a program, read from its evidence: starts, connections, bytes, ends.  Pure but for free ports.

`floor.py` plays it again without checks.  Bytes that the evidence left out are replaced by as many others.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Iterator

from bench import NotMeasuredError
from bench.warden import free_port
from grader.link.settings import SERVER_ADDRESS, SERVER_NAME
from grader.model import CheckResult, Event, EventKind, Outcome

#: An operation and its arguments, as JSON.
Step = list[str | int | list[str]]

_PORTS = range(1, 65536)
_SIMPLE = {
    EventKind.HALF_CLOSED: "half_close",
    EventKind.CLOSED: "close",
    EventKind.RESET: "reset",
    EventKind.PEER_CLOSED: "read_end",
}
_OUR_LEAVING = frozenset({EventKind.CLOSED, EventKind.RESET})
_SERVER = "the server"
#: Signs that something was done that the evidence leaves out, or that plain sockets can't do.
_NOT_PLAYABLE = frozenset({EventKind.NOTE, EventKind.FROZEN})


def plan_of(checks: Iterable[CheckResult]) -> list[Step]:
    """The steps of checks that all passed, in the order in which they were played, on ports that are free here.

    Raises:
        NotMeasuredError: one did not pass, or its evidence is not whole.
    """
    ports: dict[str, str] = {}
    steps: list[Step] = []
    for check in checks:
        if check.outcome is not Outcome.PASSED or any(event.kind in _NOT_PLAYABLE for event in check.evidence):
            message = f"{check.id} ({check.outcome}) can't be played again from its evidence"
            raise NotMeasuredError(message)
        steps += _client_steps(check, ports) if check.id.startswith("client.") else _steps(check, ports)
    return steps


def _steps(check: CheckResult, ports: dict[str, str]) -> Iterator[Step]:
    events = check.evidence
    left: set[str] = set()
    for place, event in enumerate(events):
        if event.kind is EventKind.STARTED:
            argv = [_moved(word, ports) for word in shlex.split(event.text)]
            refuses = _refuses(events[place + 1 :])
            held = int(argv[-1]) if refuses and argv[-1] in ports.values() else 0
            yield ["start", argv, held]
            if not refuses:
                yield ["wait_listening", int(argv[-1])]
        elif event.kind is EventKind.CONNECTED:
            left.discard(event.who)
            yield ["connect", event.who]
        elif event.kind is EventKind.SENT:
            yield from _sends(event)
        elif event.kind is EventKind.RECEIVED:
            yield ["receive", event.who, event.size_bytes]
        elif event.kind is EventKind.SIGNAL:
            yield ["signal", _signal_in(event.text)]
        elif event.kind is EventKind.EXITED:
            yield ["wait_end"]
        elif event.kind in _SIMPLE and event.who not in left:  # the server's end may come after we have closed
            left |= {event.who} if event.kind in _OUR_LEAVING else set()
            yield [_SIMPLE[event.kind], event.who]


def _client_steps(check: CheckResult, ports: dict[str, str]) -> Iterator[Step]:
    events = check.evidence
    for place, event in enumerate(events):
        if event.kind is EventKind.STARTED:
            argv = [_moved(word, ports) for word in shlex.split(event.text)]
            yield ["start_client", argv, int(argv[-1]) if _comes(events[place + 1 :]) else 0]
        elif event.kind is EventKind.CONNECTED:
            yield ["accept", _SERVER]
        elif event.kind is EventKind.TYPED:
            yield from _types(event)
        elif event.kind is EventKind.SENT:
            yield from _sends(event)
        elif event.kind is EventKind.RECEIVED:
            yield ["receive", _SERVER, event.size_bytes]
        elif event.kind is EventKind.SIGNAL:
            yield ["signal", _signal_in(event.text)]
        elif event.kind is EventKind.EXITED:
            yield ["wait_end"]
        elif event.kind in _SIMPLE and event.kind is not EventKind.PEER_CLOSED:  # it may come after we have closed
            yield [_SIMPLE[event.kind], _SERVER]


def _comes(after: tuple[Event, ...]) -> bool:
    """Whether a client that was started connected."""
    kinds = (event.kind for event in after if event.kind in {EventKind.CONNECTED, EventKind.STARTED})
    return next(kinds, None) is EventKind.CONNECTED


def _types(event: Event) -> Iterator[Step]:
    """What is typed, or the end of input."""
    if event.size_bytes:
        yield ["type", *(str(step[2]) for step in _sends(event))]
    else:
        yield ["end_input"]


def _moved(word: str, ports: dict[str, str]) -> str:
    """The port of the report's machine as one that is free on ours, its server's name by its address."""
    if word == SERVER_NAME:
        return SERVER_ADDRESS
    if word.isdecimal() and int(word) in _PORTS:
        return ports.setdefault(word, str(free_port()))
    return word


def _signal_in(text: str) -> str:
    """The signal's name, if it was sent by name; what is typed at a terminal is Ctrl-C."""
    first = text.partition(" ")[0]
    return first if first.startswith("SIG") else "SIGINT"


def _refuses(after: tuple[Event, ...]) -> bool:
    """Whether a program that was started ended without ever listening."""
    ends = (event.kind for event in after if event.kind in {EventKind.LISTENING, EventKind.EXITED})
    return next(ends, None) is EventKind.EXITED


def _sends(event: Event) -> Iterator[Step]:
    filler = b"a" * event.omitted_bytes
    data = event.data[: event.head_bytes] + filler + event.data[event.head_bytes :] if filler else event.data
    at = 0
    for length in event.pieces or (len(data),):
        yield ["send", event.who, base64.b64encode(data[at : at + length]).decode()]
        at += length
