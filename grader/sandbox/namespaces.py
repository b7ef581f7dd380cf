"""The namespaces of the local sandbox: which there are, who enters them, and what is visible inside.

User and network namespaces come first, and give the right to the rest.  The kernel is asked by ctypes, since Python
knows these calls from 3.12 on.  Standard library only.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

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
)
from grader.sandbox import leftovers

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_NOATIME = 0x2, 0x4, 0x8, 0x400
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_MOUNT_ATTR_RDONLY = 0x1
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
#: Those that others enter as well: what /proc calls it -> what setns(2) calls it.  In this order, for the first is what
#: gives the right to enter the second.
_SHARED = {"user": _CLONE_NEWUSER, "net": _CLONE_NEWNET}
#: In the home of whoever installed Rust with rustup.
TOOLCHAINS = (".cargo/bin", ".rustup")
_HOSTS = "/etc/hosts"
_QUEUES = "/dev/mqueue"


def covered() -> list[str]:
    """The public folders that are covered."""
    return [folder for folder in leftovers.PUBLIC_FOLDERS if os.path.isdir(folder) and not os.path.islink(folder)]


def allowed(disk_bytes: int, disk_files: int) -> bool:
    """Try all of it in a child: half of the namespaces would not help."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            enter_user_and_network()
            unshare_the_rest()
            inner = os.fork()
            if inner == 0:
                with suppress(BaseException):
                    close_filesystem(disk_bytes, disk_files)
                    os._exit(0)
                os._exit(1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def opened_shared() -> tuple[int, ...]:
    """Descriptors of this process's user and network namespaces, by which others can enter them (`enter`)."""
    return tuple(os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in _SHARED)


def enter(descriptors: Sequence[int]) -> None:
    """Enter the namespaces of `opened_shared`, and close the descriptors."""
    for descriptor, kind in zip(descriptors, _SHARED.values(), strict=True):
        if _libc.setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(descriptor)


def cover_alone(folder: str, options: str) -> None:
    """Mount a tmpfs there that only this process, and what it starts, will see."""
    _unshare(_CLONE_NEWNS)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def unshare_the_rest() -> None:
    """The next child is the first process of a process namespace, with mounts, IPC and a host name of its own."""
    _unshare(_CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWUTS)


def _unshare(flags: int) -> None:
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def enter_user_and_network() -> None:
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


def close_filesystem(disk_bytes: int, disk_files: int) -> None:
    """Nothing can be written but a tmpfs of the allowed size, and /proc, /dev/pts and IPC are this namespace's."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _make_read_only("/")
    size = f"size={disk_bytes},nr_inodes={disk_files},mode=1777"
    for folder in covered():
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


@contextmanager
def read_only_afterwards(folder: str) -> Iterator[None]:
    """Make a folder that is a file system of its own, and that nobody can change when the block has ended."""
    os.mkdir(folder)
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV | _MS_NOATIME, "mode=0755")
    yield
    _make_read_only(folder)


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
    # No access times: they could be set to leave the next start a message.
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
