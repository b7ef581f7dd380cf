"""The local sandbox's first process: makes the namespaces, then starts the driver and the warden in them.

What two containers do in `docker.py`, two child processes do here.  User and network namespaces hold both; a process
and a mount namespace hold only the warden and the program, with everything read-only but a sized tmpfs.  Where the
kernel refuses any of it (tried in a throw-away child first), all of it is left out.  Then it is only the program's user
that separates it from the others (`users.py`): one of its own, where this process is root, and else none.  The first
line of standard output says which it is.

Who waits for whom.  Most of a short grading is the loading of the driver's libraries, so the driver starts before
anything else, and before anybody knows what is to be graded.  Meanwhile the host takes the submission and this process
makes the namespaces; the driver enters them once it has loaded what it needs, and the warden, which lives in them from
its first moment, reads from the host what it is to unpack.  Both are forks of this process instead of interpreters of
their own: it holds nothing but the standard library and is never told anything, so neither finds in its memory what is
the other's.

Arguments: the descriptors of the driver's standard input and output, and the module whose `main` is the driver; or
`--probe`, to say by the exit status whether the namespaces are allowed.
Standard input: the warden's settings and the archive as two frames, then nothing; its end is the end of the host, and
may come at any moment.
Standard library only.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from grader.link import hidden
from grader.link.channel import Channel, read_frame
from grader.link.settings import (
    CONNECTION_BUCKETS,
    IPC_SETTINGS,
    MACHINE_ADDRESS,
    MACHINE_NAME,
    NETWORK_SETTINGS,
    SERVER_ADDRESS,
    SERVER_NAME,
    TERMINALS,
    UNPRIVILEGED_ID,
    Settings,
)
from grader.sandbox import leftovers, users

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_NOATIME = 0x2, 0x4, 0x8, 0x400
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_MOUNT_ATTR_RDONLY = 0x1
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_PR_SET_PDEATHSIG = 1
#: Enough to try mounting with.
_PROBE_DISK_BYTES = 1 << 20
#: Those that the driver enters: what /proc calls it -> what setns(2) calls it.  In this order, for the first is what
#: gives the right to enter the second.
_DRIVERS_NAMESPACES = {"user": _CLONE_NEWUSER, "net": _CLONE_NEWNET}
#: A tmpfs of the driver's own is mounted there, and not over /tmp: the grader itself may live below that.
_DRIVER_SCRATCH = "/dev/shm"  # noqa: S108 — see above
#: In the home of whoever installed Rust, by rustup.
TOOLCHAINS = (".cargo/bin", ".rustup")
_HOSTS = "/etc/hosts"
_QUEUES = "/dev/mqueue"
_WORK = "/tmp/work"  # noqa: S108 — a tmpfs of the sandbox's own
_WORK_NAME = "work"
_CACHES = "/tmp/.cache"  # noqa: S108 — the same tmpfs
_CACHES_NAME = "cache"
#: Removing 20 000 files takes half a second.
_TIDY_S = 10.0


def main() -> None:
    """Run the sandbox until the driver has ended or the host is gone."""
    if sys.argv[1:] == ["--probe"]:
        sys.exit(0 if _namespaces_allowed(_PROBE_DISK_BYTES, _PROBE_DISK_BYTES) else 1)
    driver = _start_driver()
    private = _namespaces_allowed(_PROBE_DISK_BYTES, _PROBE_DISK_BYTES)
    own = None if private else users.of_its_own()
    if private:
        _say(private=True, own_user=False, caches=_CACHES)
        _enter_user_and_network_namespace()
        _run(driver, None)
        return
    hidden.hide()
    scratch = tempfile.mkdtemp(prefix="grader-")
    try:
        _say(private=False, own_user=own is not None, caches=os.path.join(scratch, _CACHES_NAME))
        _run(driver, Plain(scratch, own))
    finally:
        if own is not None:
            users.kill_all_of(own, own)
            users.done_as(own, own, lambda: _tidy(own, scratch), _TIDY_S)
        leftovers.remove_tree(scratch)


def _say(**facts: object) -> None:
    """What the host has to know of what was made."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Plain(NamedTuple):
    """What a run without namespaces has: its folder, and the program's own user (None: the program runs as we do)."""

    scratch: str
    own_user: int | None


def _tidy(uid: int, scratch: str) -> None:
    """As the user that only one program had: remove what it has left."""
    for name in (_WORK_NAME, _CACHES_NAME):
        own = os.path.join(scratch, name)
        leftovers.remove_tree(own)
        with suppress(OSError):
            os.chmod(own, 0o755)  # noqa: S103 — it is empty: a root without DAC_OVERRIDE has to see that to remove it
    leftovers.remove(uid)
    leftovers.remove_files(leftovers.public_files(uid))


class Driver(NamedTuple):
    """The driver's process, by which channel it hears where it is to live, and the warden's end of theirs."""

    pid: int
    place: Channel
    to_warden: socket.socket


def _run(driver: Driver, plain: Plain | None) -> None:
    os.close(1)
    _place(driver, plain)
    if plain is None:
        _unshare(_CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWUTS)
    # With PID 1 of a namespace the kernel kills all that is in it; else the warden ends the program when asked.
    ending = signal.SIGKILL if plain is None else signal.SIGTERM
    warden = _forked(lambda: _run_warden(driver.to_warden, plain, ending))
    driver.to_warden.close()
    _wait(driver.pid, warden, ending)


def _forked(run: Callable[[], int]) -> int:
    """Run something in a child of its own, which ends with what it gives or, when it breaks, says why."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = run()
        except BaseException:  # noqa: BLE001 — a child must not run on as a second nest
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    return child


def _settled(settings: Settings, plain: Plain | None) -> Settings:
    """The settings with what only this process knows: the user, the work folder, the namespaces."""
    # What lies in the machine's own public folders is everybody's.
    if plain is None:
        as_nobody = os.geteuid() == 0 and users.exists(UNPRIVILEGED_ID)
        uid, gid = (UNPRIVILEGED_ID, UNPRIVILEGED_ID) if as_nobody else (os.geteuid(), os.getegid())
        places = {"work": _WORK, "caches": _CACHES, "places": _covered()}
        return {**settings, **places, "uid": uid, "gid": gid, "private_pids": True}  # type: ignore[typeddict-item]
    uid, gid = (os.geteuid(), os.getegid()) if plain.own_user is None else (plain.own_user, plain.own_user)
    work, caches = (os.path.join(plain.scratch, name) for name in (_WORK_NAME, _CACHES_NAME))
    os.chmod(plain.scratch, 0o711)  # noqa: S103 — the program has to reach its folders below, not to list this one
    for own in (work, caches):
        _make_own(own, uid, gid)
    places = {"work": work, "caches": caches, "places": [work, caches]}
    return {**settings, **places, "uid": uid, "gid": gid, "private_pids": False}  # type: ignore[typeddict-item]


def _covered() -> list[str]:
    """The public folders that are covered."""
    return [folder for folder in leftovers.PUBLIC_FOLDERS if os.path.isdir(folder) and not os.path.islink(folder)]


def _make_own(path: str, uid: int, gid: int) -> None:
    """A folder of the program's user."""
    os.mkdir(path)
    os.chown(path, uid, gid)


def _namespaces_allowed(disk_bytes: int, disk_files: int) -> bool:
    """Try the whole of it in a child: half a namespace helps nobody."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            _enter_user_and_network_namespace()
            _unshare(_CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWUTS)
            inner = os.fork()
            if inner == 0:
                with suppress(BaseException):
                    _close_filesystem(disk_bytes, disk_files)
                    os._exit(0)
                os._exit(1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _unshare(flags: int) -> None:
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _enter_user_and_network_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        _be_mapped_by_child()
    else:
        _unshare(_CLONE_NEWUSER)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1")
        _write("/proc/self/gid_map", f"0 {gid} 1")
    _unshare(_CLONE_NEWNET)
    # What is set here holds for namespaces that are made from this one.
    with suppress(FileNotFoundError):  # before Linux 6.1 there is one table for all
        _write("/proc/sys/net/ipv4/tcp_child_ehash_entries", str(CONNECTION_BUCKETS))
        _unshare(_CLONE_NEWNET)
    _bring_loopback_up()
    for name, value in NETWORK_SETTINGS.items():
        _write(f"/proc/sys/{name.replace('.', '/')}", value)


def _be_mapped_by_child() -> None:
    """As root, keep every user: only a process of the outer namespace may write such a map."""
    unshared, unshared_end = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.read(unshared, 1)
            for table in ("uid_map", "gid_map"):
                _write(f"/proc/{parent}/{table}", f"0 0 {UNPRIVILEGED_ID + 1}")
            os._exit(0)
        os._exit(1)
    try:
        _unshare(_CLONE_NEWUSER)
    finally:
        os.write(unshared_end, b"x")
        status = os.waitpid(child, 0)[1]
        os.close(unshared)
        os.close(unshared_end)
    if status:
        raise OSError(0, "the user map was refused")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _bring_loopback_up() -> None:
    with socket.socket() as sock:
        request = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(sock, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def _start_driver() -> Driver:
    place, place_end = socket.socketpair()
    channel, channel_end = socket.socketpair()

    def run() -> int:
        place_end.close()
        channel_end.close()  # else it would not see the warden's end
        return _run_driver(Channel(place), channel)

    pid = _forked(run)
    for its_own in (place, channel):
        its_own.close()
    for descriptor in _drivers_streams():
        os.close(descriptor)
    return Driver(pid, Channel(place_end), channel_end)


def _drivers_streams() -> tuple[int, int]:
    return int(sys.argv[1]), int(sys.argv[2])


def _run_driver(place: Channel, channel: socket.socket) -> int:
    """Be the driver."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number, descriptor in enumerate(_drivers_streams()):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Nothing that loading makes is garbage, and looking for it takes a tenth of the time.
    gc.disable()
    driver = importlib.import_module(sys.argv[3])
    gc.freeze()
    gc.enable()
    _take_place(place)
    status: int = driver.main(f"fd:{channel.fileno()}")
    return status


def _place(driver: Driver, plain: Plain | None) -> None:
    """Tell the driver where it is to live: in this process's namespaces, or in a folder that only its user enters."""
    if plain is None:
        namespaces = tuple(os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in _DRIVERS_NAMESPACES)
        driver.place.send({"scratch": _DRIVER_SCRATCH}, namespaces)
        for descriptor in namespaces:
            os.close(descriptor)
    else:
        driver.place.send({"scratch": os.path.join(plain.scratch, "driver")})
    driver.place.close()


def _take_place(place: Channel) -> None:
    """Go and live there, and write nowhere else."""
    told, namespaces = place.receive()
    place.close()
    for descriptor, kind in zip(namespaces, _DRIVERS_NAMESPACES.values(), strict=False):
        if _libc.setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(descriptor)
    scratch = told["scratch"]
    if namespaces:
        _unshare(_CLONE_NEWNS)
        _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        _mount("tmpfs", scratch, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64m")
    else:
        os.mkdir(scratch, 0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch


def _run_warden(channel: socket.socket, plain: Plain | None, ending: signal.Signals) -> int:
    """Be the warden."""
    # Now, since the driver is on its way meanwhile, and before the files may be out of sight.
    from grader.sandbox.warden import Warden  # noqa: PLC0415

    _libc.prctl(_PR_SET_PDEATHSIG, ending, 0, 0, 0)
    os.setsid()
    settings = _settled(json.loads(read_frame(0)), plain)
    if settings["private_pids"]:
        _close_filesystem(settings["disk_bytes"], settings["disk_files"])
        for own in (settings["work"], settings["caches"]):
            _make_own(own, settings["uid"], settings["gid"])
    warden = Warden(settings)
    warden.unpack(read_frame(0))
    warden.serve(Channel(channel), lifeline=0)
    return 0


def _close_filesystem(disk_bytes: int, disk_files: int) -> None:
    """Nothing can be written but a tmpfs of the allowed size, and /proc, /dev/pts and IPC are this namespace's."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _make_read_only("/")
    size = f"size={disk_bytes},nr_inodes={disk_files},mode=1777"
    for folder in _covered():
        _cover(folder, size, _interpreter_folders())
    _show_toolchains()
    _name_the_hosts()
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, f"max={TERMINALS},ptmxmode=0666,mode=0620")
    _bound_ipc()


def _bound_ipc() -> None:
    """Small shared memory and queues; where queues can't be listed, none, since nobody could remove them."""
    settings = dict(IPC_SETTINGS)
    if os.path.isdir(_QUEUES):
        _mount("mqueue", _QUEUES, "mqueue", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    else:
        settings["fs.mqueue.queues_max"] = "0"
    for name, value in settings.items():
        with suppress(OSError):  # before Linux 5.19 only the machine's root may
            _write(f"/proc/sys/{name.replace('.', '/')}", value)


def _make_read_only(path: str) -> None:
    """What is mounted there, and on all folders below."""
    attributes = struct.pack("=QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    if _libc.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, attributes, len(attributes)) != 0:
        raise OSError(ctypes.get_errno(), "mount_setattr")


def _name_the_hosts() -> None:
    """The machine's table of hosts with two names more, the server's and this namespace's own, laid over its own."""
    socket.sethostname(MACHINE_NAME)
    with open(_HOSTS, "rb") as file:
        table = file.read().rstrip()
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(table + f"\n{SERVER_ADDRESS} {SERVER_NAME}\n{MACHINE_ADDRESS} {MACHINE_NAME}\n".encode())
        copy.flush()
        os.fchmod(copy.fileno(), 0o444)
        _mount(copy.name, _HOSTS, None, _MS_BIND)
    _make_read_only(_HOSTS)


def _show_toolchains() -> None:
    """Where root's home is closed to others, nothing but the toolchains that were installed there is to be seen in it.

    rustup puts them nowhere else, and the program's user could not reach them.
    """
    home = os.path.realpath(os.path.expanduser("~"))
    toolchains = {path for name in TOOLCHAINS if os.path.isdir(path := os.path.join(home, name))}
    if os.geteuid() == 0 and toolchains and not os.stat(home).st_mode & stat.S_IXOTH:
        _cover(home, "mode=0755", toolchains | _interpreter_folders())
        _make_read_only(home)


def _cover(folder: str, options: str, shown: set[str]) -> None:
    """Mount an empty tmpfs there; the folders below it that are to be shown stay in their place, read-only."""
    kept = {path: os.open(path, os.O_PATH) for path in shown if path.startswith(folder + "/")}
    # No time of reading: it could be set to tell the next start something.
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV | _MS_NOATIME, options)
    for path, descriptor in kept.items():
        os.makedirs(path)
        _mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        os.close(descriptor)


def _interpreter_folders() -> set[str]:
    return {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded = kind.encode() if kind else None
    if _libc.mount(source.encode(), target.encode(), encoded, flags, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def _wait(driver: int, warden: int, ending: signal.Signals) -> None:
    """Until one of both has ended or the host is gone; then nobody is left."""
    watched = select.poll()
    watched.register(0, 0)  # what comes is the warden's to read; poll(2) tells its end (POLLHUP) in any case
    for pid in (driver, warden):
        watched.register(os.pidfd_open(pid), select.POLLIN)
    watched.poll()
    for pid in (driver, warden):
        with suppress(ProcessLookupError):
            os.kill(pid, ending)  # the driver has nothing to tidy
    for pid in (driver, warden):
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
