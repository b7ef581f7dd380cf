"""What the doctor makes of what a machine and an engine say of themselves."""

from __future__ import annotations

from typing import Any, Final

import pytest

from grader import doctor

#: An engine that can do everything, as GET /info has it.
ABLE: Final[dict[str, Any]] = {
    "ServerVersion": "20.10.24",
    "CgroupVersion": "1",
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CPUShares": True,
    "KernelMemoryTCP": True,
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"],
}


def missing(info: dict[str, Any]) -> list[str]:
    return [finding.what for finding in doctor.limits_of(info) if not finding.good]


def test_an_engine_that_can_do_everything_lacks_nothing() -> None:
    assert missing(ABLE) == []


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"MemoryLimit": False}, "memory limit"),
        ({"SwapLimit": False}, "memory limit"),
        ({"PidsLimit": False}, "process limit"),
        ({"CPUShares": False}, "CPU shares"),
        ({"KernelMemoryTCP": False}, "accounting of socket memory"),
        ({"SecurityOptions": ["name=apparmor"]}, "the engine's system call filter (seccomp)"),
        ({"SecurityOptions": None}, "the engine's system call filter (seccomp)"),
    ],
)
def test_each_thing_that_an_engine_lacks_is_named_with_its_cost(change: dict[str, Any], lacks: str) -> None:
    assert missing({**ABLE, **change}) == [lacks]
    assert all(finding.cost.endswith(".") for finding in doctor.limits_of(ABLE))


def test_cgroup_v2_counts_sockets_by_itself() -> None:
    info = {name: value for name, value in ABLE.items() if name != "KernelMemoryTCP"} | {"CgroupVersion": "2"}
    assert missing(info) == []


def test_an_engine_is_told_by_whose_it_is_and_its_cgroups() -> None:
    assert doctor.described(ABLE) == "20.10.24, as root, cgroup v1"
    rootless = {**ABLE, "CgroupVersion": "2", "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}
    assert doctor.described(rootless) == "20.10.24, rootless, cgroup v2"


def test_what_is_missing_costs_no_more_than_the_sandboxes_that_need_it() -> None:
    findings = doctor.examine()
    assert {name for finding in findings for name in finding.needed_by} == {"local", "docker"}
    assert all(finding.cost or finding.advice or finding.good or finding.needed_by for finding in findings)


def test_memory_is_short_where_a_submission_may_use_more_than_is_there() -> None:
    assert doctor.memory_finding(64 << 30).good
    assert not doctor.memory_finding(64 << 20).good


def test_a_machine_with_many_processes_for_each_core_has_no_time_to_spare() -> None:
    assert (doctor.load_finding(3.0, 2).good, doctor.load_finding(3.0, 2).advice) == (True, "")
    assert not doctor.load_finding(30.0, 2).good
    assert doctor.load_finding(30.0, 2).advice
