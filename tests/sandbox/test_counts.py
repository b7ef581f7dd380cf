"""What the kernel counts of a control group, in the words of cgroup v2 and of v1."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from grader.sandbox import counts, proc
from grader.sandbox.memory import MemoryWatch

MIB: Final = 1 << 20
#: As Linux 6.1 writes them, with fewer lines.
V2: Final = {
    "memory.current": "{charged}\n",
    "memory.stat": "anon 700\nfile 33554432\nkernel 9\nsock 4\nshmem 16777216\ninactive_anon 1\nactive_anon 2\n"
    "inactive_file 8388608\nactive_file 8388608\nslab_reclaimable 1048576\nslab_unreclaimable 5\nslab 1048581\n",
    "memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n",
    "pids.max": "264\n",
    "pids.events": "max 4\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 0\n",
}
V1: Final = {
    "memory/memory.usage_in_bytes": "{charged}\n",
    "memory/memory.stat": "cache 33554432\nrss 700\nshmem 16777216\nactive_file 8388608\ninactive_file 9437184\n"
    "hierarchical_memory_limit 99\ntotal_inactive_file 9437184\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "pids/pids.max": "264\n",
    "pids/pids.events": "max 4\n",
    "cpu,cpuacct/cpuacct.usage": "2500000000\n",
}


@pytest.fixture(params=[V2, V1], ids=["v2", "v1"])
def group(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in request.param.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.format(charged=100 * MIB))
    monkeypatch.setattr(counts, "GROUP", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("group")
def test_both_versions_tell_the_same() -> None:
    assert counts.are_kept()
    assert counts.killed_for_memory() == 3
    assert counts.refused_processes() == 4
    assert counts.cpu_ns() == 2_500_000_000


@pytest.mark.parametrize("missing", ["memory.current", "memory/memory.usage_in_bytes", "pids.max", "pids/pids.max"])
def test_a_group_without_its_limits_is_none(group: Path, missing: str) -> None:
    there = (group / missing).exists()
    (group / missing).unlink(missing_ok=True)
    assert counts.are_kept() is not there


def test_where_nothing_is_counted_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "GROUP", str(tmp_path))
    assert not counts.are_kept()
    assert (counts.killed_for_memory(), counts.refused_processes(), counts.cpu_ns()) == (0, 0, 0)


@pytest.mark.usefixtures("group")
def test_what_can_be_given_back_and_the_warden_itself_are_not_the_programs() -> None:
    """Of the 100 MiB that are charged, 17 lie in files on a disk or in what the kernel remembers of folders."""
    own = proc.resident_bytes(os.getpid())
    for limit, exceeded in ((83 * MIB - own + MIB, False), (83 * MIB - own - MIB, True), (100 * MIB, False)):
        watch = MemoryWatch(limit, charged=True, places=())
        assert watch.exceeded(list) is exceeded, limit
