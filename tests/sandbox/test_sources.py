"""Which lines are a program's own, and which of them say most."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.sandbox import sources
from grader.sandbox.sources import Files
from grader.sandbox.stacks import Frame, Stack


def test_only_files_that_were_handed_in_count(tmp_path: Path) -> None:
    for name in ("a/server.c", "site-packages/z.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files = Files(str(tmp_path))
    assert files.own("a/server.c") == str(tmp_path / "a" / "server.c")
    for other in ("", "/usr/lib/x.py", "<string>", "../x.py", f"{tmp_path}x/y.py", "site-packages/z.py", "/server.c"):
        assert files.own(other) is None


def test_a_file_is_found_by_its_name_in_its_package(tmp_path: Path) -> None:
    for name in ("src/edu/Server.java", "src/Server.java", "src/Client.java"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = Files(str(tmp_path))
    assert files.own("edu/Server.java") == str(tmp_path / "src/edu/Server.java")
    assert files.own("Client.java") == str(tmp_path / "src/Client.java")
    assert files.own("other/Nowhere.java") is None


def test_a_source_that_leads_elsewhere_or_never_ends_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        assert sources.lines_of(str(tmp_path / "link.py"), 1, 3) == []
        assert sources.lines_of(str(tmp_path / "s"), 1, 3) == []


def calling(*names: str) -> Stack:
    return Stack([*map(Frame, names), Frame("own", "s.c", len(names) + 1)])


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (calling("__libc_recv"), calling("accept4")),
        (calling("sun.nio.ch.SocketDispatcher.read0", "NioSocketImpl.park"), calling("NioSocketImpl.accept")),
        (calling("epoll_wait"), calling("__futex_abstimed_wait_common", "pthread_join")),
        (calling(), calling("select")),
        (calling("recv"), calling("java.lang.Thread.join")),
    ],
)
def test_who_waits_for_a_client_says_more_than_who_waits_for_anybody(tmp_path: Path, more: Stack, less: Stack) -> None:
    (tmp_path / "s.c").touch()
    looks = [[*sources.own_frames([less, more], Files(str(tmp_path)), ())]]
    assert sources.chosen(looks)[0] == (more.frames[-1], "")


def test_who_waits_for_other_threads_is_named_only_if_nobody_else_is() -> None:
    waits, serves = Frame("main", "s.c", 9), Frame("serve", "s.c", 4)
    joins, receives = 3, 1
    assert sources.chosen([[(joins, waits), (receives, serves)]]) == [(serves, "")]
    assert sources.chosen([[(joins, waits)]]) == [(waits, "")]


def test_of_a_running_program_the_line_counts_that_it_comes_back_to(tmp_path: Path) -> None:
    (tmp_path / "s.c").touch()
    files = Files(str(tmp_path))
    lines = (4, 5, 4, 7, 4)
    looks = [[*sources.own_frames([Stack([Frame("f", "s.c", line)], 7)], files, {7})] for line in lines]
    assert sources.chosen(looks) == [(Frame("f", "s.c", 4), "seen there in 3 of 5 looks")]


def test_nobody_is_nowhere() -> None:
    assert sources.chosen([]) == []
    assert sources.chosen([[]]) == []


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("main.handle", "handle"),
        ("edu.course.Server.serve", "Server.serve"),
        ("server::handle::h0123456789abcdef", "handle"),
        ("serve", "serve"),
        ("Server::run", "Server::run"),
        ("Server.serve", "Server.serve"),
    ],
)
def test_functions_are_named_as_their_authors_do(function: str, name: str) -> None:
    assert sources.plain(function) == name
