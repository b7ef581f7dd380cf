"""What a program may not ask the kernel for: a small deny filter, installed in it before it runs (seccomp(2)).

In a container it is added to the engine's own filter; in the local sandbox it is the only one.  Every row is a call
that no socket homework needs, and with which a program could look into others, wait where the kernel does not show it,
reach out of its network, or use budgets that the whole machine shares.  A refused call fails with EPERM, as without the
privilege; if a C library falls back to another call, with ENOSYS, as on an older kernel.

Beside what is refused there is what is *noticed*: calls that make a clock which nobody can see afterwards.  They go on
as ever, once the warden has been told (`clocks.py`).

Each filter is a program for the kernel's packet filter (linux/bpf_common.h): it sees the call's number and the values
of its arguments, never what a pointer leads to.  So nothing here can be decided by a file's name.

Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import re
import socket
import struct
from contextlib import suppress
from typing import Final, NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)

# linux/bpf_common.h
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
# struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6], little-endian on both machines.
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
# linux/seccomp.h
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
#: Without it, Linux before 5.16 slows every branch of a filtered program down (Documentation: spec_store_bypass).
_FLAG_SPEC_ALLOW = 4
_FLAG_NEW_LISTENER = 8
#: Since then, who is told of a call can let it go on.
_GOES_ON_SINCE = (5, 5)
_ALLOW, _FAIL, _TELL = 0x7FFF0000, 0x00050000, 0x7FC00000
#: x32: the 64-bit machine's calls by other numbers.
_X32_BIT = 0x40000000


class Machine(NamedTuple):
    """AUDIT_ARCH_* of linux/audit.h, the number of seccomp(2), and the calls whose numbers differ between machines."""

    arch: int
    numbers: dict[str, int]


#: Since Linux 5.1 a new call has one number on every architecture.
_SAME_EVERYWHERE: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "close_range": 436,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
#: Their order in each row of numbers below.
_NAMES: Final = (
    *("socket", "socketpair", "clone", "prctl", "mount", "umount2", "pivot_root", "ptrace", "unshare", "add_key"),
    *("request_key", "keyctl", "perf_event_open", "setns", "process_vm_readv", "process_vm_writev", "kcmp"),
    *("seccomp", "bpf", "userfaultfd", "setsockopt", "ioctl", "io_setup", "setitimer", "timerfd_settime", "alarm"),
)
_X86_64 = (
    *(41, 53, 56, 157, 165, 166, 155, 101, 272, 248),
    *(249, 250, 298, 308, 310, 311, 312),
    *(317, 321, 323, 54, 16, 206, 38, 286, 37),
)
_AARCH64 = (
    *(198, 199, 220, 167, 40, 39, 41, 117, 97, 217),
    *(218, 219, 241, 268, 270, 271, 272),
    *(277, 280, 282, 208, 29, 0, 103, 86, -1),
)
#: By what uname(2) calls the machine.
MACHINES: Final = {
    "x86_64": Machine(0xC000003E, dict(zip(_NAMES, _X86_64, strict=True)) | _SAME_EVERYWHERE),
    "aarch64": Machine(0xC00000B7, dict(zip(_NAMES, _AARCH64, strict=True)) | _SAME_EVERYWHERE),
}

#: Call -> the error that it gets, whatever its arguments.
REFUSED: Final = {
    # Looking into other processes, holding them, writing to them.
    **dict.fromkeys(("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"), errno.EPERM),
    # A thread that waits for a page may wait forever, and no signal shows it stopped.
    "userfaultfd": errno.EPERM,
    # The parts of the kernel that most escapes have used.
    **dict.fromkeys(("bpf", "perf_event_open"), errno.EPERM),
    # The kernel's own threads do its work, so that nobody can see what the program waits for.
    **dict.fromkeys(("io_uring_setup", "io_uring_enter", "io_uring_register"), errno.ENOSYS),
    # io_submit(2) can wait for a descriptor that is closed and seen nowhere.
    "io_setup": errno.ENOSYS,
    # Keys outlive processes, and each user has one budget of them on the whole machine.
    **dict.fromkeys(("add_key", "request_key", "keyctl"), errno.EPERM),
    # In its own user namespace, a program has every capability over what is in it.
    "setns": errno.EPERM,
    **dict.fromkeys(("mount", "umount2", "pivot_root", "open_tree", "move_mount", "mount_setattr"), errno.EPERM),
    **dict.fromkeys(("fsopen", "fsconfig", "fsmount", "fspick"), errno.EPERM),
    # Its flags lie behind a pointer; C libraries use clone(2) instead.
    "clone3": errno.ENOSYS,
}
#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; for unshare(2) NEWTIME as well, which is a part of
#: the signal's number in clone(2).
_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_TIME_NAMESPACE = 0x80
#: A process has one table of descriptors, which /proc shows.  A thread with another one (CLONE_FILES in unshare(2), not
#: in clone(2); CLOSE_RANGE_UNSHARE of close_range(2)) would hide there what it has open.
_CLONE_THREAD, _CLONE_FILES, _CLOSE_RANGE_UNSHARE = 0x00010000, 0x00000400, 0x2
#: getaddrinfo(3) and getifaddrs(3) ask by netlink for routes.
_NETLINK_ROUTE = 0
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
_TYPES = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)
#: Whatever suits the type, and what the internet's two kinds of sockets are called.  Go listens with MPTCP.  SCTP has
#: clocks of its own, and nobody sees its connections; the kernel loads it for whoever asks.
_PROTOCOLS = (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_UDPLITE, socket.IPPROTO_MPTCP)
_TYPE_MASK = 0xF  # SOCK_TYPE_MASK of linux/net.h: the rest are SOCK_NONBLOCK and SOCK_CLOEXEC
_PR_SET_DUMPABLE = 4
#: Of ioctl_tty(2): how a key is made a signal, or arrives at all, is the terminal's to say, and the program may say it
#: by termios(3) alone, which can be read back.  TIOCSTI types at it as we do; TIOCEXCL keeps others from opening it;
#: TIOCSETD gives it another discipline, under which nothing that is typed arrives.
_OF_TERMINALS: Final = (0x5412, 0x540C, 0x5423)
#: Level -> options by which a program's kernel drops packets without a trace, so that what arrives at a program is its
#: own to choose: a reset that is dropped never comes again (asm/socket.h, linux/in.h, in6.h and tcp.h).
_DROPPING: Final = {
    socket.SOL_SOCKET: (26, 50, 51, 52),  # SO_ATTACH_FILTER, _BPF, _REUSEPORT_CBPF, _REUSEPORT_EBPF
    socket.IPPROTO_IP: (21,),  # IP_MINTTL
    socket.IPPROTO_IPV6: (73,),  # IPV6_MINHOPCOUNT
    socket.IPPROTO_TCP: (14, 32, *range(38, 44)),  # TCP_MD5SIG, TCP_MD5SIG_EXT, TCP_AO_*
}

#: Signals at a time that no file of /proc shows, by these calls; the second has other kinds, which count CPU time.
ALARMS: Final = ("alarm", "setitimer")
_ITIMER_REAL = 0
#: Timers that belong to a descriptor.  A thread that waits for one does so even when another has closed it, and then
#: nothing shows what it waits for: SO_RCVTIMEO and SO_SNDTIMEO, by both of their numbers, and TIOCSPTLCK, without which
#: no terminal of a program's own can be opened, nor have a timeout (VTIME).
_TIMEOUT_OPTIONS: Final = (20, 21, 66, 67)
_TERMINAL_OPENED: Final = (0x40045431,)

_Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value
_INSTRUCTION = struct.Struct("=HBBI")


def available() -> bool:
    """Whether this kernel and machine support the filter."""
    action = struct.pack("=I", _FAIL)
    machine = MACHINES.get(os.uname().machine)
    return machine is not None and _libc.syscall(machine.numbers["seccomp"], _GET_ACTION_AVAIL, 0, action) == 0


@functools.cache
def translated() -> tuple[bytes, bytes]:
    """What is noticed and what is refused on this machine, as the kernel takes it: made once, for every start."""
    machine = MACHINES[os.uname().machine]
    return _assembled(noticed(machine)), _assembled(program(machine))


def _assembled(instructions: list[_Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*one) for one in instructions)


def install() -> None:
    """Refuse those calls to this process and all that it starts, for good (no_new_privs must be set).

    Raises:
        OSError: the kernel refused it.
    """
    _install(translated()[1], _FLAG_SPEC_ALLOW)


def install_noticing() -> int | None:
    """Let whoever has this descriptor be told of those calls (seccomp_unotify(2)); None: the kernel can't.

    Needs no_new_privs, and comes before `install`, which refuses it.
    """
    with suppress(OSError):
        if _release() >= _GOES_ON_SINCE:
            return _install(translated()[0], _FLAG_SPEC_ALLOW | _FLAG_NEW_LISTENER)
    return None


def _release() -> tuple[int, ...]:
    """The kernel's: its first two numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def _install(instructions: bytes, flags: int) -> int:
    code = ctypes.create_string_buffer(instructions)
    # struct sock_fprog: unsigned short len; struct sock_filter *filter.
    described = struct.pack("@HP", len(instructions) // _INSTRUCTION.size, ctypes.addressof(code))
    number = MACHINES[os.uname().machine].numbers["seccomp"]
    done: int = _libc.syscall(number, _SET_MODE_FILTER, flags, described)
    if done < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return done


def noticed(machine: Machine) -> list[_Instruction]:
    """The filter of what is noticed.  Calls of another architecture are refused by the other one."""
    number = machine.numbers
    tell = (_RETURN, 0, 0, _TELL)
    options = [_argument(2), *_one_of(_TIMEOUT_OPTIONS), (_RETURN, 0, 0, _ALLOW), tell]
    rows = [
        [(_LOAD, 0, 0, _NUMBER_AT)],
        *(_when(number[name], [tell]) for name in ("alarm", "timerfd_settime") if number[name] >= 0),
        _when(number["setitimer"], [*_unless(0, _ITIMER_REAL), tell]),
        _when(number["setsockopt"], [*_unless(1, socket.SOL_SOCKET), *options]),
        _when(number["ioctl"], [_argument(1), *_one_of(_TERMINAL_OPENED), (_RETURN, 0, 0, _ALLOW), tell]),
    ]
    return [*(one for row in rows for one in row), (_RETURN, 0, 0, _ALLOW)]


def program(machine: Machine) -> list[_Instruction]:
    """The whole filter: the architecture, then row after row, each of which ends in a verdict or falls through."""
    number = machine.numbers
    rows = [
        # The 32-bit calls of the same processor have other numbers, so that every row would mean something else.
        [(_LOAD, 0, 0, _ARCH_AT), (_JUMP_EQUAL, 1, 0, machine.arch), _failed(errno.EPERM)],
        [(_LOAD, 0, 0, _NUMBER_AT), (_JUMP_AT_LEAST, 0, 1, _X32_BIT), _failed(errno.EPERM)],
        *(_when(number[name], [_failed(error)]) for name, error in REFUSED.items()),
        _when(number["clone"], [*_refused_with_any_bit(0, _NAMESPACES), *_only_usual_threads()]),
        _when(number["unshare"], _unless_any_bit(0, _NAMESPACES | _TIME_NAMESPACE | _CLONE_FILES)),
        _when(number["close_range"], _unless_any_bit(2, _CLOSE_RANGE_UNSHARE)),
        # Else a program could hide what it does from a watcher that is no more privileged than itself.
        _when(number["prctl"], [*_unless(0, _PR_SET_DUMPABLE), _failed(errno.EPERM)]),
        # A filter with a listener: another process decides when a call goes on, as with ptrace.
        _when(number["seccomp"], [*_unless(0, _SET_MODE_FILTER), *_unless_any_bit(1, _FLAG_NEW_LISTENER)]),
        _when(number["socket"], _only_usual_sockets()),
        _when(number["socketpair"], _only_usual_sockets()),
        _when(number["setsockopt"], _only_usual_options()),
        _when(number["ioctl"], _none_of(1, _OF_TERMINALS)),
    ]
    return [*(one for row in rows for one in row), (_RETURN, 0, 0, _ALLOW)]


def _failed(error: int) -> _Instruction:
    return _RETURN, 0, 0, _FAIL | error


def _argument(index: int) -> _Instruction:
    """Load the lower half of an argument: all that an int, or the flags that are asked for here, have."""
    return _LOAD, 0, 0, _ARGUMENTS_AT + 8 * index


def _when(value: int, body: list[_Instruction]) -> list[_Instruction]:
    """Run `body`, which must end in a verdict, if that is what is loaded (a call's number); else go on behind it."""
    return [(_JUMP_EQUAL, 0, len(body), value), *body]


def _unless(index: int, value: int) -> list[_Instruction]:
    """Allow the call if that argument has a different value."""
    return [_argument(index), (_JUMP_EQUAL, 1, 0, value), (_RETURN, 0, 0, _ALLOW)]


def _refused_with_any_bit(index: int, bits: int) -> list[_Instruction]:
    """Refuse the call if that argument, which stays loaded, has one of these bits; else go on."""
    return [_argument(index), (_JUMP_ANY_BIT, 0, 1, bits), _failed(errno.EPERM)]


def _unless_any_bit(index: int, bits: int) -> list[_Instruction]:
    """Refuse the call if that argument has one of these bits, else allow it."""
    return [*_refused_with_any_bit(index, bits), (_RETURN, 0, 0, _ALLOW)]


def _only_usual_threads() -> list[_Instruction]:
    """Refuse a thread that would not share its process's descriptors, according to the flags that are loaded."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), _failed(errno.EPERM)
    return [(_JUMP_ANY_BIT, 0, 2, _CLONE_THREAD), (_JUMP_ANY_BIT, 1, 0, _CLONE_FILES), refuse, allow]


def _none_of(index: int, values: tuple[int, ...]) -> list[_Instruction]:
    """Refuse the call if that argument is one of these, else allow it."""
    return [_argument(index), *_one_of(values), (_RETURN, 0, 0, _ALLOW), _failed(errno.EPERM)]


def _only_usual_sockets() -> list[_Instruction]:
    """Refuse all but stream, datagram and seqpacket sockets of the usual families, and questions for routes."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), _failed(errno.EPERM)
    routes = _when(socket.AF_NETLINK, [_argument(2), (_JUMP_EQUAL, 0, 1, _NETLINK_ROUTE), allow, refuse])
    kinds = [_argument(1), (_AND, 0, 0, _TYPE_MASK), *_one_of(_TYPES), refuse]
    protocols = [_argument(2), *_one_of(_PROTOCOLS), _failed(errno.EPROTONOSUPPORT), allow]
    return [
        _argument(0),
        *routes,
        *_one_of(_FAMILIES),
        refuse,
        *_when(socket.AF_UNIX, [*kinds, allow]),
        *kinds,
        *protocols,
    ]


def _only_usual_options() -> list[_Instruction]:
    """Refuse what lets a socket drop packets."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), _failed(errno.EPERM)
    rows = [_when(level, [_argument(2), *_one_of(options), allow, refuse]) for level, options in _DROPPING.items()]
    return [_argument(1), *(one for row in rows for one in row), allow]


def _one_of(values: tuple[int, ...]) -> list[_Instruction]:
    """Skip the instruction behind these if the loaded value is one of them."""
    return [(_JUMP_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
