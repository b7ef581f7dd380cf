"""Whether a host name exists on this machine, found out beside the program and before the program needs it.

A name server that can't be reached makes getaddrinfo(3) wait for many seconds, so a thread looks it up and is not
waited for beyond its time.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from grader.limits import LOOKUP_S

#: What socket.getaddrinfo does, as far as it is asked here: entries whose last part begins with an address, or OSError.
LookUp = Callable[[str, None], Iterable[tuple[Any, ...]]]


def must_be_unknown(name: str, look_up: LookUp = socket.getaddrinfo, within_s: float = LOOKUP_S) -> str | None:
    """None if looking the name up fails, and soon; otherwise what happened instead, as a sentence."""
    found: list[str] = []

    def look() -> None:
        try:
            addresses = {str(entry[4][0]) for entry in look_up(name, None)}
            found.append(f"the name server of this network knows {name}: {', '.join(sorted(addresses))}")
        except OSError:
            found.append("")

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(within_s)
    if not found:
        return (
            f"the name server of this network does not answer within {within_s:g} s, and no program would hear sooner"
        )
    return found[0] or None
