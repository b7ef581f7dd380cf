"""The other processor: what depends on it is tried for both, whichever of them this is.

The numbers of system calls are compared with the kernel's own headers: x86_64 has a table of its own, aarch64 that of
all newer processors (asm-generic/unistd.h).  The filter is played, instruction by instruction.
"""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path
from typing import Final

import pytest

from grader.sandbox import calls, crowd, restart, seccomp
from grader.wire.syscalls import CALLS

INCLUDE: Final = Path("/usr/include")
HEADERS: Final = {"x86_64": "x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}
DEFINED: Final = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


def names(machine: str) -> dict[int, str]:
    """The calls of a machine, by number."""
    path = INCLUDE / HEADERS[machine]
    if not path.is_file():
        pytest.skip(f"no {path} here (linux-libc-dev)")
    return {int(number): name for name, number in DEFINED.findall(path.read_text())}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_filter_has_each_call_s_own_number(machine: str) -> None:
    known = names(machine)
    numbers = seccomp.MACHINES[machine].numbers
    ours = {name: number for name, number in numbers.items() if number >= 0}
    assert {name: known.get(number) for name, number in ours.items()} == {name: name for name in ours}
    assert (numbers.keys() - ours.keys()).isdisjoint(known.values()), "calls that this machine is said not to have"


def test_a_call_that_sleeps_has_the_numbers_of_one_call_on_both() -> None:
    ours, other = names("x86_64"), names("aarch64")
    both = [(call.x86_64, call.aarch64) for call in CALLS if call.x86_64 is not None and call.aarch64 is not None]
    assert len(both) > 30
    assert [(ours[one], other[two]) for one, two in both if ours[one] != other[two]] == []


@pytest.mark.parametrize(
    ("numbers", "name"), [(calls.FUTEX, "futex"), (crowd.SYS_TGKILL, "tgkill")], ids=["futex", "tgkill"]
)
def test_a_call_of_ours_has_its_own_number(numbers: dict[str, int], name: str) -> None:
    assert {names(machine)[number] for machine, number in numbers.items()} == {name}
    assert numbers.keys() == HEADERS.keys()


@pytest.mark.parametrize("machine", HEADERS)
def test_who_waits_for_its_child_is_known(machine: str) -> None:
    assert {names(machine)[number] for number in calls.VFORKS[machine]} - {"vfork"} == {"clone", "clone3"}


def test_where_calls_can_t_begin_again_nobody_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    def traced(*_: int) -> int:
        raise AssertionError("traced")

    monkeypatch.setattr(restart, "_ptrace", traced)
    monkeypatch.setattr(restart, "_HERE", False)
    restart.restart_interrupted([1])
    monkeypatch.setattr(restart, "_HERE", True)
    with pytest.raises(AssertionError, match="traced"):
        restart.restart_interrupted([1])


# the filter


def answer(machine: seccomp.Machine, call: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter says to a call: 0 if it lets it pass, else the error (bpf(4) as far as the filter uses it)."""
    six = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=iIQ6Q", call, machine.arch if arch is None else arch, 0, *six)
    code, loaded, at = seccomp.program(machine), 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == seccomp._RETURN:
            return 0 if value == seccomp._ALLOW else value & 0xFFFF
        if operation == seccomp._LOAD:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif operation == seccomp._AND:
            loaded &= value
        else:
            holds = {
                seccomp._JUMP_EQUAL: loaded == value,
                seccomp._JUMP_AT_LEAST: loaded >= value,
                seccomp._JUMP_ANY_BIT: loaded & value != 0,
            }[operation]
            at += if_true if holds else if_false


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_the_filter_refuses_the_same_on_both(name: str) -> None:
    machine = seccomp.MACHINES[name]
    number = machine.numbers
    assert {call: answer(machine, number[call]) for call in seccomp.REFUSED} == seccomp.REFUSED
    usual = {number for number, call in names(name).items() if call not in machine.numbers}
    assert [number for number in usual if answer(machine, number)] == []
    inet, stream, datagram, raw = 2, 1, 2, 3
    assert answer(machine, number["socket"], inet, stream) == answer(machine, number["socket"], inet, datagram) == 0
    assert answer(machine, number["socket"], inet, raw) == errno.EPERM
    assert answer(machine, number["setsockopt"], 3, 0, 21) == errno.EPERM  # IP_MINTTL
    assert answer(machine, number["ioctl"], 0, 0x5412) == errno.EPERM  # TIOCSTI
    threads, vfork, new_user = 0x3D0F00, 0x4111, 0x10000011
    assert answer(machine, number["clone"], threads) == answer(machine, number["clone"], vfork) == 0
    assert answer(machine, number["clone"], new_user) == errno.EPERM


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_calls_by_another_processor_s_numbers_are_refused(name: str) -> None:
    machine = seccomp.MACHINES[name]
    i386, arm = 0x40000003, 0x40000028
    assert {answer(machine, 0, arch=other) for other in (i386, arm)} == {errno.EPERM}
