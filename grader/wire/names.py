"""Whether a host name exists on this machine, found out beside the program and before the program needs it.

A name server that can't be reached makes getaddrinfo(3) wait for many seconds, so a thread looks it up and is not
waited for beyond its time.
"""

from __future__ import annotations

import socket
import threading

from grader.limits import LOOKUP_S


def must_be_unknown(name: str) -> str | None:
    """None if looking the name up fails, and soon; otherwise what happened instead, as a sentence."""
    found: list[str] = []

    def look() -> None:
        try:
            addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
            found.append(f"the name server of this network knows {name}: {', '.join(sorted(addresses))}")
        except OSError:
            found.append("")

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(LOOKUP_S)
    if not found:
        return (
            f"the name server of this network does not answer within {LOOKUP_S:g} s, and no program would hear sooner"
        )
    return found[0] or None
