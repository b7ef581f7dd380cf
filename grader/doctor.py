"""What this machine can do, what is lost if something is missing, and what to do about it.

Each finding is about one thing and has at most two sentences.  A sandbox works if everything that it can't do without
(`needed_by`) is there; whatever else is missing costs some protection or some time, and the finding says which.
"""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from grader import assignment as assignments
from grader.errors import CannotJudgeError, GraderError
from grader.families import BASE, FAMILIES
from grader.limits import CACHE_BYTES, SandboxLimits
from grader.sandbox import here, users
from grader.sandbox.interpreter import python_module


@dataclass(frozen=True)
class Finding:
    """One fact.  `cost`: what is lost without it.  `needed_by`: the sandboxes that can't do without it."""

    what: str
    good: bool
    found: str
    cost: str = ""
    advice: str = ""
    needed_by: frozenset[str] = frozenset()


_LOCAL = frozenset({"local"})
_DOCKER = frozenset({"docker"})


def examine() -> list[Finding]:
    """Look at everything that a grading may need."""
    system = _system()
    kernel = _linux() if system.good else []
    room = [
        memory_finding(psutil.virtual_memory().available),
        load_finding(psutil.getloadavg()[0], psutil.cpu_count() or 1),
    ]
    return [system, _python(), *_container(), *room, *kernel, *_toolchains(), *_libraries(), *_engine()]


def _system() -> Finding:
    good = sys.platform == "linux"
    advice = "" if good else "The local sandbox needs Linux; use --sandbox docker."
    return Finding("system", good, f"{platform.system()} {platform.release()}", advice=advice, needed_by=_LOCAL)


def _python() -> Finding:
    return Finding("Python", good=True, found=platform.python_version())


#: What engines leave in their containers: Docker, Podman.
_TRACES: tuple[Path, ...] = (Path("/.dockerenv"), Path("/run/.containerenv"))


def _container() -> list[Finding]:
    """Who protects whom, if the grader itself is in a container."""
    if not any(path.exists() for path in _TRACES):
        return []
    words = (
        "the container protects the machine from programs, as far as it has no privileges and no network, but not "
        "what is mounted into it; see SECURITY.md"
    )
    return [Finding("the grader itself is in a container", good=True, found=words)]


def memory_finding(available_bytes: int) -> Finding:
    """Whether a submission can use all the memory that its limits allow without taking it from others."""
    limits = SandboxLimits()
    most = limits.memory_bytes + limits.disk_bytes + CACHE_BYTES  # what lies in a tmpfs is memory, too
    return Finding(
        "memory",
        available_bytes >= most,
        f"{available_bytes >> 20} MiB available; a submission may use {most >> 20}",
        cost="A program that stays within its limits may be killed because memory runs out, and lose points for it.",
        advice="" if available_bytes >= most else "Close other programs.",
    )


def load_finding(load: float, cores: int) -> Finding:
    """Whether there is time for a program to run.  `load`: processes that want a CPU, the last minute's mean."""
    enough = load < 4 * cores
    return Finding(
        "CPU time",
        enough,
        f"{cores} cores, {load:.1f} processes want to run",
        cost="Grading takes longer, and a check that the machine has no time for can't be judged.",
        advice="" if enough else "Wait until other work is done.",
    )


# The local sandbox


def _linux() -> list[Finding]:
    namespaces = _namespaces()
    return [
        _sock_diag(),
        namespaces,
        *([] if namespaces.good else _without_namespaces()),
        _filter(),
        _memory_count(),
    ]


def _sock_diag() -> Finding:
    what = "socket information from the kernel (sock_diag)"
    try:
        from grader.wire.kernel import SocketTable, TcpState  # noqa: PLC0415 — Linux only

        table = SocketTable()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            seen = any(row.local.port == listener.getsockname()[1] for row in table.dump(TcpState.LISTEN))
        table.close()
    except (OSError, AttributeError) as error:
        return Finding(what, good=False, found=str(error), needed_by=_LOCAL)
    return Finding(what, seen, "works" if seen else "wrong", needed_by=_LOCAL)


def _namespaces() -> Finding:
    what = "private namespaces for the local sandbox"
    probe = subprocess.run(
        [*python_module("grader.sandbox.nest"), "--probe"], check=False, capture_output=True, cwd="/"
    )
    if probe.returncode == 0:
        return Finding(what, good=True, found="allowed")
    return Finding(
        what,
        good=False,
        found="refused",
        cost="The program uses this machine's network and sees its files and processes; see SECURITY.md.",
        advice="See sysctl user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns; in a container, "
        "the engine refuses them.",
    )


def _without_namespaces() -> list[Finding]:
    """What matters only without namespaces."""
    own_user = users.of_its_own() is not None
    clears = users.holds(users.CAP_NET_ADMIN)
    takes = _takes_sockets()
    return [
        Finding(
            "a separate user for each program",
            own_user,
            "possible, as root" if own_user else "only root can do this",
            cost="A program can kill the grader, read its files and change its reports: marks are not protected.",
        ),
        Finding(
            "clearing TIME_WAIT rows (NET_ADMIN)",
            clears,
            "allowed" if clears else "refused",
            cost="Some checks of a server that always uses the same port can't be judged.",
        ),
        Finding(
            "looking at a program's sockets (pidfd_getfd)",
            takes,
            "allowed" if takes else "refused",
            cost="The grader takes seconds to be sure of a silence, and can't make send buffers small: a server that "
            "blocks in send for one client, and keeps all others waiting, may pass.",
        ),
    ]


def _takes_sockets() -> bool:
    from grader.sandbox import taken  # noqa: PLC0415 — Linux only

    return taken.gives_sockets()


def _filter() -> Finding:
    from grader.sandbox import seccomp  # noqa: PLC0415 — Linux only

    good = seccomp.available()
    return Finding(
        "a system call filter (seccomp)",
        good,
        "works" if good else "not on this kernel or machine",
        cost="A program can trace others, open raw sockets and hide what it waits for.",
    )


#: What a kernel with that version of cgroups has there.
_CGROUPS: Mapping[str, Path] = {
    "v2": Path("/sys/fs/cgroup/cgroup.controllers"),
    "v1": Path("/sys/fs/cgroup/memory"),
}


def _memory_count() -> Finding:
    found = next((version for version, path in _CGROUPS.items() if path.exists()), None)
    return Finding(
        "cgroups",
        found is not None,
        found or "none",
        cost="A program that the kernel kills because it is out of memory looks like one that crashed.",
    )


def _toolchains() -> list[Finding]:
    """What programs are built and run with: each command of `base`, since each is for another language; families."""
    base = [_toolchain(word, [word], here.way_out(BASE)) for word in FAMILIES[BASE].commands]
    return base + [
        _toolchain(family.title, [*family.commands], here.way_out(family.name))
        for family in FAMILIES.values()
        if family.name != BASE
    ]


def _toolchain(what: str, commands: list[str], advice: str) -> Finding:
    paths = {word: here.has(word) for word in commands}
    lacking = [word for word, path in paths.items() if not path]
    found = f"no {' and no '.join(lacking)}" if lacking else ", ".join(paths.values())
    advice = _sentence(advice) if lacking else ""
    return Finding(f"{what} for the local sandbox", not lacking, found, advice=advice)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _libraries() -> list[Finding]:
    """The libraries that assignments allow besides the standard ones."""
    found = []
    for name in assignments.names():
        try:
            allowed = assignments.load(name).image
        except GraderError:  # for lint to report, and for its author to fix
            continue
        if allowed:
            missing = here.missing_libraries(allowed)
            what = f"libraries of {name} for the local sandbox"
            words = f"no {', '.join(missing)}" if missing else "installed"
            found.append(Finding(what, not missing, words, cost="Programs that use them fail here."))
    return found


# The docker sandbox


def _engine() -> list[Finding]:
    from grader.sandbox import engine  # noqa: PLC0415 — slow to import, and not needed for the rest
    from grader.sandbox.images import Images, use  # noqa: PLC0415 — likewise

    what = "container engine"
    try:
        client = engine.connect()
        built = Images(client, lambda _: None).built()
        with engine.in_one_sentence("asking the engine what it can do"):
            info = client.info()
    except CannotJudgeError as error:
        advice = "Start Docker, or use --sandbox local for your own programs."
        return [Finding(what, good=False, found=str(error), advice=advice, needed_by=_DOCKER)]
    return [
        Finding(what, good=True, found=described(info), needed_by=_DOCKER),
        *limits_of(info),
        images_finding([(use(image), image.size_bytes) for image in built]),
    ]


def images_finding(built: Iterable[tuple[str, int]]) -> Finding:
    """Which images there are, each as its purpose and size in bytes; others are built when they are needed."""
    listed = [f"{what} {size >> 20} MiB" for what, size in sorted(built)]
    advice = "" if listed else "They are built when first needed, or now by: grader image build."
    return Finding("images", bool(listed), "; ".join(listed) or "none yet", advice=advice)


def described(info: Mapping[str, Any]) -> str:
    """An engine in a few words, from its own description (GET /info of its API)."""
    whose = "rootless" if _has_option(info, "rootless") else "as root"
    return f"{info.get('ServerVersion', 'version unknown')}, {whose}, cgroup v{info.get('CgroupVersion', '1')}"


def limits_of(info: Mapping[str, Any]) -> list[Finding]:
    """What the engine can keep a program from doing, from its own description."""
    return [
        Finding(what, good := has(info), "works" if good else "missing", cost=cost, advice="" if good else _DELEGATION)
        for what, has, cost in _LIMITS
    ]


def _has_option(info: Mapping[str, Any], name: str) -> bool:
    return any(option.split(",")[0] == f"name={name}" for option in info.get("SecurityOptions") or ())


def _says(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda info: all(info.get(name) for name in names)


def _charges_sockets(info: Mapping[str, Any]) -> bool:
    return info.get("CgroupVersion") == "2" or bool(info.get("KernelMemoryTCP"))


_DELEGATION = (
    "A rootless engine needs cgroup v2 with the cpu, memory and pids controllers delegated to its user; see its manual."
)
#: What a container can be kept from doing, how the engine says so, and what is lost if it can't.
_LIMITS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool], str], ...] = (
    ("memory limit", _says("MemoryLimit", "SwapLimit"), "A program can use up this machine's memory."),
    ("process limit", _says("PidsLimit"), "A fork bomb can bring this machine down."),
    ("CPU shares", _says("CPUShares"), "A busy program can slow down its own grading and others."),
    (
        "accounting of socket memory",
        _charges_sockets,
        "Data in a program's socket buffers is not counted as its memory.",
    ),
    (
        "the engine's system call filter (seccomp)",
        lambda info: _has_option(info, "seccomp"),
        "Only the grader's own filter keeps a program from the kernel's less common calls.",
    ),
)
