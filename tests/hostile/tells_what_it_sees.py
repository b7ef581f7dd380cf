"""Answers every line with what it can see and do where it runs, as one line of JSON."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import socket
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission


def status(name: str) -> str:
    """A field of our /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name + ":")), "")


def writable() -> list[str]:
    """Folders outside our own in which a file can be made."""
    found = []
    for folder in ("/", "/etc", "/usr", "/opt", "/root", "/home", "/var", "/run", "/run/grader", "/sys", "/proc/sys"):
        with suppress(OSError):
            (Path(folder) / "probe").write_text("x")
            found.append(folder)
    return found


def readable() -> list[str]:
    """What nobody here should be able to read or open."""
    found = []
    for path in ("/run/grader", "/proc/1/environ", "/proc/1/mem", "/proc/1/fd", "/etc/shadow", "/var/run/docker.sock"):
        with suppress(OSError):
            next(Path(path).iterdir(), None) if Path(path).is_dir() else os.close(
                os.open(path, os.O_RDWR if "sock" in path else 0)
            )
            found.append(path)
    return found


def sockets() -> list[str]:
    """Unix sockets that take our connection: the warden's, the engine's, and every abstract name."""
    names = ["/run/grader/warden.sock", "/var/run/docker.sock"]
    names += [
        "\0" + line.split()[7][1:] for line in Path("/proc/net/unix").read_text().splitlines()[1:] if " @" in line
    ]
    found = []
    for name in names:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(name)
            found.append(name.replace("\0", "@"))
    return found


def can_reach(address: str) -> bool:
    """Whether there is a route (connecting a datagram socket sends nothing)."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return True
    return False


def finds(family: socket.AddressFamily, address: str) -> bool:
    """Whether an address is found where only families that this machine has are looked for."""
    with suppress(OSError):
        return bool(socket.getaddrinfo(address, 9, family, flags=socket.AI_ADDRCONFIG))
    return False


SEEN = {
    "uid": os.getresuid(),
    "gid": os.getresgid(),
    "groups": os.getgroups(),
    "capabilities": [status(name) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
    "no_new_privs": status("NoNewPrivs"),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "routes": [address for address in ("192.0.2.1", "172.17.0.1", "10.0.0.1") if can_reach(address)],
    "found": [finds(socket.AF_INET, "127.0.0.1"), finds(socket.AF_INET6, "::1")],
    "writable": writable(),
    "readable": readable(),
    "sockets": sockets(),
    "checks": importlib.util.find_spec("grader") is not None
    and any(Path(folder, "checks").exists() for folder in importlib.import_module("grader").__path__),
    "environment": sorted(os.environ),
    "send_buffers": [int(size) for size in Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()],
    "descriptors": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()),
    "processes": sorted(
        (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:60]
        for path in Path("/proc").iterdir()
        if path.name.isdigit()
    ),
}

honest.serve(lambda _: json.dumps(SEEN).encode() + b"\n")
