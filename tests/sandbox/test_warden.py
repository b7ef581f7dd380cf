"""What the warden says of programs that try to choose it: as descendants, and in a process namespace."""

from __future__ import annotations

import errno
import json
import mmap
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.link.channel import Channel, ChannelClosedError
from grader.sandbox import proc
from grader.sandbox.launching import fault_of_script
from grader.sandbox.memory import MemoryWatch
from grader.sandbox.procfs import text_of
from grader.wire import stillness, syscalls
from grader.wire.facts import ProcessFacts, Snapshot
from grader.wire.faults import UnprovedError
from grader.wire.kernel import machine
from grader.wire.program import Program
from grader.wire.waiting import Why
from grader.wire.warden import CannotStartError, WardenError
from tests.wire.stand import PROGRAMS, PYTHON, Stand, wait_printed, warden_process

#: Long for anything here, short for a wait that only its own end can end.
SOON_S = 5.0
#: Of a mask: signals 32 and 33, which glibc keeps for its threads and lets nobody set (nptl(7)).
GLIBCS_OWN = 0b11 << 31


#: A process namespace of its own, with its /proc; it ends with this process.
NAMESPACE = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child", "--map-root-user")


#: ... where there is one user only.
IN_NAMESPACE: dict[str, Any] = {"private_pids": True, "uid": 0, "gid": 0}


def private_allowed() -> bool:
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", params=["descendants", "namespace"])
def channel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    private: bool = request.param == "namespace"
    if private and not private_allowed():
        pytest.skip("no process namespace can be made here")
    where = {"prefix": NAMESPACE, **IN_NAMESPACE} if private else {}
    with warden_process(tmp_path_factory.mktemp("work"), **where) as (_, sock):
        yield Channel(sock)


@pytest.fixture
def stand(channel: Channel) -> Iterator[Stand]:
    stand = Stand(channel)
    yield stand
    stand.clear()


def test_a_program_takes_all_signals_whatever_started_us_ignores_or_blocks(tmp_path: Path) -> None:
    ignoring = (
        "import signal, os, sys; signal.signal(signal.SIGQUIT, signal.SIG_IGN); signal.pthread_sigmask("
        "signal.SIG_BLOCK, [signal.SIGINT, signal.SIGUSR1, signal.SIGRTMAX]); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with warden_process(tmp_path, prefix=(*PYTHON, "-c", ignoring)) as (_, sock):
        stand = Stand(Channel(sock))
        program = stand.run("cat", "/proc/self/status")
        wait_printed(program, b"SigCgt")
        masks = dict(re.findall(rb"(Sig\w+):\s*(\w+)", program.stdout.data))
        stand.clear()
    assert int(masks[b"SigIgn"], 16) & ~GLIBCS_OWN == int(masks[b"SigBlk"], 16) == 0


# Names, files and registers of every kind

WORDS = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([2**64 - 1, 2**63, 2**63 - 1, 2**32 - 1, 1 << 31, 0, 1]))
NAMES = st.one_of(
    st.binary(max_size=15),
    st.sampled_from([b"\rState:\tZ", b"\nState:\tZ\n", b"a) Z 1 (", b"\xff\xfe", b"\\", b"\x1b[2J", b"Uid:\t0\t0\t0"]),
).map(lambda raw: raw.replace(b"\0", b"?"))
FILES = st.binary(min_size=1, max_size=200).map(lambda raw: b"f" + raw.translate(None, b"\0/"))
#: Every call that sleeps, and what is no call at all.
CALLS_HERE = {getattr(call, machine()) for call in syscalls.CALLS} - {None}
NUMBERS = st.sampled_from([*sorted(CALLS_HERE), 100_000])
#: Some wait with these words as they are: no descriptors, no timeout.
SLEEPING = st.tuples(NUMBERS, WORDS, st.just(0), st.sampled_from([2**64 - 1, 2**32 - 1, 0]), WORDS, WORDS, WORDS)
CALLS = st.one_of(st.tuples(NUMBERS, *[WORDS] * 6), SLEEPING)
LOOKS = st.fixed_dictionaries({"name": NAMES, "file": FILES, "word": NAMES, "call": CALLS, "execs": st.booleans()})


class Chameleon:
    """A program that takes on one look after another."""

    def __init__(self, stand: Stand, folder: Path) -> None:
        self.stand = stand
        self.program = stand.run(*PYTHON, str(PROGRAMS / "chameleon.py"), str(folder))

    def look(self, look: dict[str, Any]) -> Snapshot:
        """Take it on; the facts once it sleeps."""
        told = {key: value.hex() if isinstance(value, bytes) else value for key, value in look.items()}
        self.program.stdout.data.clear()
        os.write(self.program.started.stdin, json.dumps(told).encode() + b"\n")
        wait_printed(self.program, b"ready")

        def sleeping() -> Snapshot | None:
            seen = self.program.snapshot()
            return seen if stillness.asleep(seen, seen) and len(seen) == 2 else None

        return self.program.wait(sleeping)


@pytest.fixture
def chameleon(stand: Stand, tmp_path: Path) -> Chameleon:
    return Chameleon(stand, tmp_path)


def child_of(seen: Snapshot, program: Program) -> ProcessFacts:
    (found,) = (process for process in seen if process.pid != program.pid)
    return found


@pytest.mark.parametrize("channel", ["namespace"], indirect=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(look=LOOKS)
def test_every_question_is_answered_whatever_the_program_looks_like(chameleon: Chameleon, look: dict[str, Any]) -> None:
    warden, program = chameleon.stand.warden, chameleon.program
    seen = chameleon.look(look)
    child = child_of(seen, program)
    assert (child.alive, child.parent, [thread.state for thread in child.threads]) == (True, program.pid, ["S"])
    assert msgspec.json.decode(msgspec.json.encode(seen), type=tuple[ProcessFacts, ...]) == seen
    if not look["execs"]:
        name = look["name"]
        assert child.name == name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").decode("utf-8", "backslashreplace")
        assert any(target.endswith("/" + text_of(look["file"])) for target in child.files.values())
    (thread,) = child.threads
    words = (*thread.arguments, *look["call"][1:])
    sockets = [(child.pid, syscalls.signed(word)) for word in words]
    assert set(warden.socket_timeouts(sockets).values()) == {None}
    assert warden.held_bytes(sockets) == 0
    sleepers = [
        (child.pid, thread.tid, thread.switches, call, arguments)
        for call in ("poll", "select", "epoll_wait")
        for arguments in (thread.arguments, tuple(look["call"][1:]))
        if arguments
    ]
    assert all(fds is None or isinstance(fds, list) for fds in warden.watched(sleepers))
    program.looks.verdict()
    program.looks.awaits(seen, {"/dev/null"})
    assert program.doing(seen)
    assert warden.freeze()
    warden.thaw()
    warden.send_signal(child.pid, 0)
    assert warden.ending(program.pid) is None


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_names_as_text_differ_as_they_did_and_are_text_anywhere(one: bytes, other: bytes) -> None:
    assert (text_of(one) == text_of(other)) == (one == other)
    assert json.loads(msgspec.json.encode(text_of(one))) == text_of(one)


FORGED = [b"\rState:\tZ", b"\rThreads:\t0", b"\rSigIgn:\tf", b"\rPPid:\t1", b") Z 0 (", b")", b"\n", b"", b"\xff\xfe"]


@pytest.mark.parametrize("channel", ["namespace"], indirect=True)
@pytest.mark.parametrize("name", FORGED)
def test_a_name_forges_nothing(chameleon: Chameleon, name: bytes) -> None:
    pause = [{"x86_64": 34, "aarch64": 73}[machine()], 0, 0, 0, 0, 0, 0]
    look = {"name": b"honest", "file": b"f", "word": b"", "call": pause, "execs": False}
    honest = child_of(chameleon.look(look), chameleon.program)
    forged = child_of(chameleon.look(look | {"name": name}), chameleon.program)
    same = ("parent", "ignored_signals", "caught_signals", "blocked_signals", "posix_timers", "alive")
    assert [getattr(forged, fact) for fact in same] == [getattr(honest, fact) for fact in same]
    assert {forged.state, honest.state} <= {"R", "S"}, "on its way into pause, or in it"
    assert len(forged.threads) == len(honest.threads) == 1
    assert len(forged.files) == len(honest.files)


def test_a_file_whose_path_is_too_long_to_be_told_is_open_all_the_same(stand: Stand, tmp_path: Path) -> None:
    deep = "import os, sys\nfor _ in range(30):\n os.mkdir('d' * 200)\n os.chdir('d' * 200)\n"
    opens = f"{deep}f = open('f', 'w')\nprint(f'ready{{f.fileno()}}!', flush=True)\nimport signal\nsignal.pause()"
    program = stand.run(*PYTHON, "-c", f"import os\nos.chdir({str(tmp_path)!r})\n{opens}")
    wait_printed(program, b"!")
    (process,) = program.snapshot()
    fd = bytes(program.stdout.data).partition(b"ready")[2].partition(b"!")[0].decode()
    assert process.files[fd] == ""


# Programs that are never seen stopped, or never seen at all


def evader(stand: Stand, way: str) -> Program:
    return stand.run_ready("evader.py", way)


@contextmanager
def unfiltered(way: str) -> Iterator[subprocess.Popen[bytes]]:
    """The same beside the warden, whose filter of system calls refuses some of it where there is one."""
    command = [*PYTHON, str(PROGRAMS / "evader.py"), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_descriptors_that_wait_in_a_unix_socket_are_seen() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        before = proc.process(os.getpid(), most_files=9999, unix=proc.unix_sockets())["waiting_files"]
        socket.send_fds(ours, [b"x"], [0, 1, 2])
        socket.send_fds(theirs, [b"x"], [0])
        seen = proc.process(os.getpid(), most_files=9999, unix=proc.unix_sockets())["waiting_files"]
        assert seen - before == 4
        assert proc.process(os.getpid(), most_files=9999)["waiting_files"] == 0, "nobody said which are Unix sockets"


@pytest.mark.parametrize("maps", [False, True])
def test_memory_without_a_name_is_resident_whether_mapped_or_not(*, maps: bool) -> None:
    def resident() -> int:
        seen: int = proc.process(os.getpid(), most_files=9999)["resident_bytes"]
        return seen

    size = 32 << 20
    before = resident()
    with os.fdopen(os.memfd_create("kept"), "w+b") as kept:
        kept.write(bytes(size))
        kept.flush()
        if maps:
            with mmap.mmap(kept.fileno(), size) as mapped:
                assert mapped.find(b"x") == -1, "every page was looked at"
                assert abs(resident() - before - size) < size / 2
        assert abs(resident() - before - size) < size / 2
    assert resident() - before < size / 2


def test_a_zombie_that_its_tracer_holds_has_ended() -> None:
    with unfiltered("traced_zombie") as process:
        pidfd = os.pidfd_open(process.pid)
        assert select.select([pidfd], [], [], SOON_S)[0], "the kernel says that it has ended"
        os.close(pidfd)
        assert process.poll() is None, "and that it can't be waited for"
        assert proc.exit_status(process.pid) == 3
        assert proc.process(process.pid, most_files=9)["state"] == "Z"


@pytest.mark.parametrize("way", ["vfork", "vfork_by_clone3"])
def test_a_wait_in_vfork_is_known_by_its_call(way: str) -> None:
    with unfiltered(way) as process:
        (thread,) = proc.process(process.pid, most_files=None)["threads"]
        assert (thread["state"], thread["in_vfork"]) == ("D", True)
        assert proc.exit_status(process.pid) is None
        assert proc.not_stopped(process.pid) == []


@pytest.mark.parametrize("way", ["vfork", "vfork_beside", "vfork_first"])
def test_a_thread_in_vfork_waits_for_its_own_child(stand: Stand, way: str) -> None:
    program = evader(stand, way)
    outcome = program.wait_still()
    assert outcome.why is Why.STILL
    assert "waiting in vfork for its child process to call exec or to exit" in outcome.doing
    with program.frozen():
        frozen = program.snapshot(files=False)
    assert {thread.state for process in frozen for thread in process.threads} == {"T", "D"}
    assert program.wait_still().why is Why.STILL


def test_a_chain_of_forks_is_seen_in_every_look_and_ended(stand: Stand) -> None:
    program = evader(stand, "chain")
    program.wait_end()
    assert all(program.remaining() for _ in range(50))
    assert not stillness.asleep(program.snapshot(), program.snapshot())
    stand.warden.end()
    assert not any(program.remaining() for _ in range(20))


@pytest.mark.parametrize("way", ["renames", "stopped_group", "daemon", "chain"])
def test_it_is_seen_running_and_then_ended(stand: Stand, way: str) -> None:
    program = evader(stand, way)
    assert program.remaining()
    began = time.monotonic()
    stand.warden.end()
    assert program.remaining() == ()
    assert time.monotonic() - began < SOON_S


def test_a_stopped_group_goes_on_only_when_somebody_lets_it(stand: Stand) -> None:
    outcome = evader(stand, "stopped_group").wait_still()
    assert (outcome.why, outcome.doing) == (Why.STILL, "4 processes stopped")


# What the kernel does not do in time


def test_what_cannot_be_ended_is_told_and_the_sandbox_goes_down(tmp_path: Path) -> None:
    if not private_allowed():
        pytest.skip("no process namespace can be made here")
    with warden_process(tmp_path, NAMESPACE, **IN_NAMESPACE, patience_s=-1) as (process, sock):
        stand = Stand(Channel(sock))
        program = evader(stand, "daemon")
        with pytest.raises(UnprovedError, match="the kernel could not stop the program in time"), program.frozen():
            pass
        with pytest.raises(WardenError, match="end: the program's processes could not be ended"):
            stand.warden.end()
        assert process.wait(SOON_S) == 0
        with pytest.raises(ChannelClosedError):
            stand.warden.snapshot()
        program.close()
        stand.table.close()
        stand._courier.close()


def test_a_warden_that_says_nothing_is_given_up_and_never_heard_again() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.settimeout(0.01)
        channel = Channel(ours)
        with pytest.raises(ChannelClosedError, match="timed out"):
            channel.receive()
        with pytest.raises(ChannelClosedError):
            channel.send({"ask": "end"})


# Memory


SHARED_MIB, CHILDREN = 48, 6


@pytest.mark.parametrize("channel", ["descendants"], indirect=True)
@pytest.mark.parametrize(("limit_mib", "exceeded"), [(30, True), (SHARED_MIB * 3, False)])
def test_what_forked_processes_share_counts_once(stand: Stand, limit_mib: int, exceeded: bool) -> None:
    shares = f"import os, signal\nkept = b'x' * ({SHARED_MIB} << 20)\nprint('ready', flush=True)\n"
    forks = f"for _ in range({CHILDREN}):\n if os.fork() == 0: signal.pause()\nsignal.pause()"
    program = stand.run(*PYTHON, "-c", shares + forks)
    program.wait(lambda: True if len(program.snapshot()) == CHILDREN + 1 else None)
    # As seen from here: the pid that its pidfd stands for, whatever namespace it is in.
    info = Path(f"/proc/self/fdinfo/{program.started.pidfd}").read_text()
    first = int(info.partition("Pid:")[2].split()[0])
    looks = MemoryWatch(limit_mib << 20, charged=False, places=())

    def pids() -> list[int]:
        return [first, *proc.descendants(first)]

    found = []
    for _ in range(3 * CHILDREN):
        looks._due = 0.0
        found.append(looks.exceeded(pids))
    assert found[-1] is exceeded
    assert sum(map(proc.resident_bytes, pids())) > SHARED_MIB * 3 << 20, "or nothing was added up"
    assert looks.exceeded(pids) is False, "it is not time to look"


def test_caches_are_empty_when_building_has_ended(stand: Stand) -> None:
    script = (
        "mkdir -p .cache/go/deep; echo x >.cache/go/deep/file; chmod 0 .cache/go/deep; ln -s .. .cache/up; echo x >kept"
    )
    program = stand.run("sh", "-c", script)
    program.wait(program.ending)
    stand.warden.remember()
    listed = stand.run("sh", "-c", "ls -A . .cache")
    listed.wait(listed.ending)
    assert bytes(listed.stdout.data).split() == [b".:", b".cache", b"kept", b".cache:"]


# scripts that can't be started


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#!/bin/sh\r\nexit 0\r\n", "first line ends with CR LF"),
        (b"#!/no/such/shell -e\nexit 0\n", "an interpreter '/no/such/shell', which does not exist"),
        (b"\xef\xbb\xbf#!/bin/sh\nexit 0\n", "begins with a byte order mark"),
        (b"exit 0\n", "neither a program nor a script whose first line names an interpreter"),
    ],
)
def test_script_that_can_not_be_started_is_told_why(stand: Stand, tmp_path: Path, content: bytes, words: str) -> None:
    script = tmp_path / "server.sh"
    script.write_bytes(content)
    script.chmod(0o755)
    with pytest.raises(CannotStartError, match=re.escape(words)):
        stand.run(str(script))


def test_a_program_that_removed_its_folder_is_told_that_it_is_gone(tmp_path: Path) -> None:
    with warden_process(tmp_path / "gone") as (_, sock):
        stand = Stand(Channel(sock))
        with pytest.raises(CannotStartError, match="the folder that it was in is gone: No such file"):
            stand.run("true")
        stand.clear()


@pytest.mark.parametrize("line", [b"", b"#!", b"#! \n", b"\x7fELF\x02", b"#!/bin/sh\n"])
def test_first_line_is_not_blamed_for_what_is_not_its_fault(line: bytes) -> None:
    assert fault_of_script(line, errno.EACCES) == ""
