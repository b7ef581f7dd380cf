"""What this machine can do: facts, and what to do where one is missing."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass

from grader.errors import CannotJudgeError
from grader.sandbox.host import python_module


@dataclass(frozen=True)
class Finding:
    """One fact.  `needed_by`: the sandboxes that can't do without it."""

    what: str
    good: bool
    found: str
    advice: str = ""
    needed_by: frozenset[str] = frozenset()


_LOCAL = frozenset({"local"})
_DOCKER = frozenset({"docker"})


def examine() -> list[Finding]:
    """Look at everything that a grading may need."""
    return [_system(), _python(), _sock_diag(), _namespaces(), *(_tool(name) for name in _TOOLS), *_engine()]


def _system() -> Finding:
    good = sys.platform == "linux"
    advice = "" if good else "The local sandbox needs Linux; use --sandbox docker."
    return Finding("system", good, f"{platform.system()} {platform.release()}", advice, _LOCAL)


def _python() -> Finding:
    return Finding("Python", good=True, found=platform.python_version())


def _sock_diag() -> Finding:
    try:
        from grader.wire.kernel import SocketTable, TcpState  # noqa: PLC0415 — Linux only

        table = SocketTable()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            seen = any(row.local.port == listener.getsockname()[1] for row in table.dump(TcpState.LISTEN))
        table.close()
    except (OSError, AttributeError) as error:
        return Finding("socket facts from the kernel (sock_diag)", good=False, found=str(error), needed_by=_LOCAL)
    return Finding("socket facts from the kernel (sock_diag)", seen, "they work" if seen else "wrong", needed_by=_LOCAL)


def _namespaces() -> Finding:
    probe = subprocess.run(
        [*python_module("grader.sandbox.nest"), "--probe"], check=False, capture_output=True, cwd="/"
    )
    if probe.returncode == 0:
        return Finding("private namespaces for the local sandbox", good=True, found="allowed")
    advice = (
        "The local sandbox works without them, but ports and leftovers of other programs are then seen too. "
        "See sysctl user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns."
    )
    return Finding("private namespaces for the local sandbox", good=False, found="refused", advice=advice)


_TOOLS = {
    "python3": "Install Python to grade Python programs locally.",
    "cc": "Install gcc and the C library's headers (Debian: build-essential) to grade C programs locally.",
    "make": "Install make to grade submissions with a Makefile locally.",
}


def _tool(name: str) -> Finding:
    path = shutil.which(name)
    return Finding(f"{name} for the local sandbox", path is not None, path or "missing", "" if path else _TOOLS[name])


def _engine() -> list[Finding]:
    from grader.sandbox import engine  # noqa: PLC0415 — slow to import, and not needed for the rest

    what = "container engine"
    try:
        client = engine.connect()
        missing = engine.missing_images(client)
    except CannotJudgeError as error:
        advice = "Start Docker, or use --sandbox local for your own programs."
        return [Finding(what, good=False, found=str(error), advice=advice, needed_by=_DOCKER)]
    return [
        Finding(what, good=True, found=str(client.version().get("Version", "answers")), needed_by=_DOCKER),
        Finding(
            "images",
            not missing,
            ", ".join(missing) + " missing" if missing else "built",
            "grader image build" if missing else "",
        ),
    ]
