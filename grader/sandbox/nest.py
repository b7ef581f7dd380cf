"""The local sandbox's first process: makes the namespaces, then starts the driver and the warden in them.

What two containers do in `docker.py`, two child processes do here.  User and network namespaces come first and hold
both; then the driver starts; then a process and a mount namespace, which hold only the warden and the program, with
everything read-only but a sized tmpfs.  Where the kernel refuses any of it (tried in a throw-away child first), all of
it is left out.  Then it is only the program's user that separates it from the others (`users.py`): one of its own,
where this process is root, and else none.  The first line of standard output says which it is.

Arguments: the descriptors of the driver's standard input and output, and the driver's command; or `--probe`, to say by
the exit status whether the namespaces are allowed.
Standard input: the warden's settings and the archive as two frames, then nothing; its end is the end of the host.
Standard library only.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import stat
import struct
import sys
import tempfile
from contextlib import suppress
from typing import NamedTuple, NoReturn

from grader.link import hidden
from grader.link.channel import Channel, read_frame
from grader.link.settings import (
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
_DRIVER_SCRATCH = "/dev/shm"  # noqa: S108 — a tmpfs of the driver's own is mounted there
#: In the home of whoever installed Rust, by rustup.
_TOOLCHAINS = (".cargo/bin", ".rustup")
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
    settings: Settings = json.loads(read_frame(0))
    archive = read_frame(0)
    private = _namespaces_allowed(settings["disk_bytes"], settings["disk_files"])
    own = None if private else users.of_its_own()
    if private:
        _say(private=True, own_user=False, caches=_CACHES)
        _enter_user_and_network_namespace()
        _run(settings, archive, None)
        return
    hidden.hide()
    scratch = tempfile.mkdtemp(prefix="grader-")
    try:
        _say(private=False, own_user=own is not None, caches=os.path.join(scratch, _CACHES_NAME))
        _run(settings, archive, Plain(scratch, own))
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


def _run(settings: Settings, archive: bytes, plain: Plain | None) -> None:
    driver_end, warden_end = socket.socketpair()
    driver = _start_driver(driver_end, plain)
    driver_end.close()
    for descriptor in (1, int(sys.argv[1]), int(sys.argv[2])):
        os.close(descriptor)
    settings = _settled(settings, plain)
    if plain is None:
        _unshare(_CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWUTS)
    warden = _start_warden(warden_end, settings, archive)
    warden_end.close()
    # With PID 1 of a namespace the kernel kills all that is in it; else the warden ends the program when asked.
    _wait(driver, warden, _ending(settings))


def _ending(settings: Settings) -> signal.Signals:
    """The signal by which the warden ends, and all of the program with it."""
    return signal.SIGKILL if settings["private_pids"] else signal.SIGTERM


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


def _start_driver(channel: socket.socket, plain: Plain | None) -> int:
    """Run the driver; it writes on a tmpfs of its own, or without namespaces in a folder that only its user enters."""
    child = os.fork()
    if child == 0:
        _exec_driver(channel, plain)
    return child


def _exec_driver(channel: socket.socket, plain: Plain | None) -> NoReturn:
    job, words, *command = sys.argv[1:]
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if plain is not None:
        scratch = os.path.join(plain.scratch, "driver")
        os.mkdir(scratch, 0o700)
    else:
        _unshare(_CLONE_NEWNS)
        _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        # Not over /tmp: the grader itself may live there.
        scratch = _DRIVER_SCRATCH
        _mount("tmpfs", scratch, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64m")
    os.environ["TMPDIR"] = scratch
    os.dup2(int(job), 0)
    os.dup2(int(words), 1)
    os.set_inheritable(channel.fileno(), True)  # noqa: FBT003 — its only parameter
    os.execv(command[0], [*command, f"fd:{channel.fileno()}"])  # noqa: S606 — our own interpreter


def _start_warden(channel: socket.socket, settings: Settings, archive: bytes) -> int:
    child = os.fork()
    if child == 0:
        _run_warden(channel, settings, archive)
    return child


def _run_warden(channel: socket.socket, settings: Settings, archive: bytes) -> NoReturn:
    status = 1
    try:
        # Now, since the driver is on its way meanwhile, and before the files may be out of sight.
        from grader.sandbox.warden import Warden  # noqa: PLC0415

        _libc.prctl(_PR_SET_PDEATHSIG, _ending(settings), 0, 0, 0)
        os.setsid()
        if settings["private_pids"]:
            _close_filesystem(settings["disk_bytes"], settings["disk_files"])
            for own in (settings["work"], settings["caches"]):
                _make_own(own, settings["uid"], settings["gid"])
        warden = Warden(settings)
        warden.unpack(archive)
        warden.serve(Channel(channel), lifeline=0)
        status = 0
    finally:
        os._exit(status)


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
    toolchains = {path for name in _TOOLCHAINS if os.path.isdir(path := os.path.join(home, name))}
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
    """Until the driver has ended or the host is gone; then nobody is left."""
    pidfds = {pid: os.pidfd_open(pid) for pid in (driver, warden)}
    watched = select.poll()
    for descriptor in (0, *pidfds.values()):
        watched.register(descriptor, select.POLLIN)
    watched.poll()
    for pid in (driver, warden):
        with suppress(ProcessLookupError):
            os.kill(pid, ending)  # the driver has nothing to tidy
    for pid in (driver, warden):
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
