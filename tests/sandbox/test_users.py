"""Users separate what no namespace does: an id of its own for each program, and a warden that looks with its rights.

A root without CAP_SYS_PTRACE, as in most containers, is made here by taking that capability from the warden.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import Reason
from grader.link.channel import Channel
from grader.sandbox import leftovers, nest, users
from grader.wire.faults import FaultError
from grader.wire.waiting import Why
from tests.wire.stand import Stand, warden_process

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a program another user")
#: Whatever these tests start runs as it, and nobody else does: they end everything of this user, so another run of them
#: on this machine has another one.  systemd's list of users and groups leaves these numbers unused.
SOMEBODY = 60_578 + os.getpid() % 606
#: An interpreter that every user can start.
PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@given(
    st.lists(st.tuples(st.integers(0, 1 << 32), st.integers(0, 1 << 32), st.integers(1, 1 << 20)), max_size=5),
    st.integers(0, 1 << 33),
)
def test_an_id_exists_when_a_line_of_the_map_has_it(lines: list[tuple[int, int, int]], identity: int) -> None:
    table = "".join(f"{inside:>10} {outside:>10} {count:>10}\n" for inside, outside, count in lines)
    known = any(inside <= identity < inside + count for inside, _, count in lines)
    assert users.is_mapped(identity, table) == known


@needs_root
def test_a_user_of_its_own_is_nobody_else_s() -> None:
    found = users.of_its_own()
    assert found is not None
    assert users.exists(found)
    assert not [path for path in Path("/proc").iterdir() if path.name.isdigit() and _runs_as(path, found)]


def test_without_the_right_to_separate_there_is_none() -> None:
    shown = "from grader.sandbox import users; print(users.of_its_own())"
    command = [sys.executable, "-c", shown]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-kill", *command]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "None\n"


# Looking


@pytest.fixture(scope="module")
def blind() -> Iterator[Channel]:
    """To a warden that is root and has no CAP_SYS_PTRACE; its programs run as SOMEBODY."""
    taken = ("setpriv", "--bounding-set=-sys_ptrace,-dac_read_search,-dac_override")
    # A folder that every user may enter, unlike pytest's.
    with warden_process(Path("/"), taken, uid=SOMEBODY, gid=SOMEBODY) as (_, sock):
        yield Channel(sock)


@pytest.fixture
def stand(blind: Channel) -> Iterator[Stand]:
    """Where programs run."""
    stand = Stand(blind)
    yield stand
    stand.clear()


LISTENS = "import socket; s = socket.create_server(('127.0.0.1', 0)); print('ready', flush=True); s.accept()"


@needs_root
def test_a_warden_without_ptrace_sees_what_another_user_s_program_waits_for(stand: Stand) -> None:
    program = stand.run(*PYTHON, LISTENS)
    outcome = program.wait_still()
    assert outcome.why is Why.STILL, "the call, the file behind it and its timeout were seen"
    assert "blocked in accept" in outcome.doing


@needs_root
def test_a_socket_of_another_user_s_program_is_given_a_small_buffer(stand: Stand) -> None:
    told = "import os, socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.fileno(), flush=True);"
    told += "input(); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), flush=True)"
    program = stand.run(*PYTHON, told)
    program.wait_still()
    fd = int(program.stdout.data)
    assert stand.warden.small_send_buffers([(program.pid, fd)])
    assert not stand.warden.small_send_buffers([(program.pid, fd), (program.pid, 1)]), "standard output is no socket"
    os.write(program.started.stdin, b"\n")
    program.wait_end()
    assert int(program.stdout.data.split()[1]) <= 4608, "SOCK_MIN_SNDBUF"


@needs_root
def test_a_program_that_its_user_can_t_read_hides(stand: Stand, tmp_path: Path) -> None:
    # Under a folder of pytest's no other user may enter.
    unreadable = Path("/var/tmp") / f"unreadable-{os.getpid()}"
    unreadable.write_bytes(Path("/bin/sleep").read_bytes())
    unreadable.chmod(0o711)
    try:
        program = stand.run(str(unreadable), "100")
        with pytest.raises(FaultError) as caught:
            program.snapshot()
    finally:
        unreadable.unlink()
    assert caught.value.reason is Reason.HIDDEN


# Children that act as somebody


@needs_root
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_child_that_is_kept_from_answering_is_given_up(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_ANSWER_S", 0.05)
    before = psutil.Process().children()
    assert users.answered_as(SOMEBODY, SOMEBODY, lambda: os.kill(os.getpid(), number)) is None
    assert psutil.Process().children() == before


@needs_root
def test_a_child_answers_with_its_user_s_rights() -> None:
    assert users.answered_as(SOMEBODY, SOMEBODY, os.getresuid) == [SOMEBODY, 0, 0]


@needs_root
def test_what_is_opened_acting_as_somebody_is_that_user_s(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with users.acting_as(SOMEBODY, SOMEBODY):
        pipe = os.pipe()
    assert [(os.fstat(end).st_uid, os.fstat(end).st_gid) for end in pipe] == [(SOMEBODY, SOMEBODY)] * 2
    for end in pipe:
        os.close(end)
    (tmp_path / "after").touch()
    assert (tmp_path / "after").stat().st_uid == 0


@needs_root
def test_everybody_of_a_user_is_killed_even_one_that_never_stops_forking() -> None:
    chain = "import os\nwhile True:\n    if os.fork():\n        os._exit(0)\n"
    ours, theirs = os.pipe()
    started = [_start_as_somebody(chain, theirs), _start_as_somebody(chain, theirs)]
    os.close(theirs)
    sleeper = _start_as_somebody("import time; time.sleep(100)")
    for process in started:
        process.wait(10)  # the first of each chain has ended: others run on
    users.kill_all_of(SOMEBODY, SOMEBODY)
    assert sleeper.wait(10) == -signal.SIGKILL
    # Each of a chain has the pipe open, so its end says that all are dead; looks at /proc may come between two.
    assert select.select([ours], [], [], 10)[0]
    os.close(ours)


@needs_root
def test_what_a_user_left_in_public_folders_is_removed_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, kept = folder / "scratch" / "work", folder / "kept"
    (work / "locked" / "inside").mkdir(parents=True)
    kept.mkdir()
    (kept / "file").touch()
    left = [folder / "left", folder / "tree", folder / "link"]
    left[0].touch()
    (left[1] / "inside").mkdir(parents=True)
    left[2].symlink_to(kept)
    for path in (work, work / "locked", work / "locked" / "inside", *left, left[1] / "inside"):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    for path in (work / "locked", left[1]):
        path.chmod(0)
    monkeypatch.setattr(leftovers, "PUBLIC_FOLDERS", (str(folder),))
    users.done_as(SOMEBODY, SOMEBODY, lambda: nest._tidy(SOMEBODY, str(work.parent)))
    assert list(work.iterdir()) == []
    assert sorted(folder.iterdir()) == [kept, work.parent]
    assert list(kept.iterdir()) == [kept / "file"]


def _start_as_somebody(code: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PYTHON, code], stdout=stdout, user=SOMEBODY, group=SOMEBODY, extra_groups=[])


def _runs_as(process: Path, user: int) -> bool:
    try:
        lines = (process / "status").read_bytes().split(b"\n")
    except OSError:
        return False
    # As bytes, since a name may hold what ends a line of text: only a newline is written as an escape.
    fields = dict(line.split(b":\t", 1) for line in lines if line)
    return int(fields[b"Uid"].split()[0]) == user and fields[b"State"][:1] not in {b"Z", b"X"}
