"""Which lines are a program's own, and which of them say most."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.link.places import FOR_ANYBODY
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
    assert sources.chosen(looks)[0][0] == more.frames[-1]


def test_who_waits_for_other_threads_is_named_only_if_nobody_else_is() -> None:
    waits, serves = Frame("main", "s.c", 9), Frame("serve", "s.c", 4)
    joins, receives = 3, 1
    assert sources.chosen([[(joins, waits), (receives, serves)]]) == [(serves, "")]
    assert sources.chosen([[(joins, waits)]]) == [(waits, "")]


def test_where_no_function_is_seen_that_is_called_its_line_tells_which(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("data = client.recv(9)\nready = select.select(all, [], [])\nturn.wait()\n")
    stacks = [Stack([Frame("f", "s.py", line)]) for line in (3, 2, 1)]
    assert [rank for rank, _ in sources.own_frames(stacks, Files(str(tmp_path)), ())] == [3, 2, 1]


def test_only_those_that_say_most_are_named() -> None:
    listens, serves, sends = Frame("main", "s.c", 9), Frame("serve", "s.c", 4), Frame("serve", "s.c", 5)
    at_the_door, with_a_client = 2, 1
    look = [(at_the_door, listens), (with_a_client, serves), (with_a_client, sends), (with_a_client, serves)]
    assert sources.chosen([look]) == [(serves, ""), (sends, "")]
    assert sources.chosen([look], "done") == [(serves, ""), (sends, "")]


def test_where_a_program_waits_for_anybody_says_nothing_of_what_it_has_done() -> None:
    at_the_door = 2
    listens = Frame("main", "s.c", 9)
    assert sources.chosen([[(at_the_door, listens)]], "done") == []
    assert sources.chosen([[(at_the_door, listens)]]) == [(listens, FOR_ANYBODY)]


def test_of_threads_that_should_be_gone_most_count() -> None:
    listens, counts = Frame("main", "s.c", 9), Frame("count", "s.c", 4)
    look = [(2, listens), (3, counts), (3, counts), (1, Frame("serve", "s.c", 6))]
    assert sources.chosen([look], "left") == [(counts, "where most of them are")]


def test_who_called_a_helper_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.py").touch()
    stack = [Frame("recv", "/usr/lib/socket.py", 5), Frame("Lines.read", "s.py", 9), Frame("Lines.read", "s.py", 12)]
    files = Files(str(tmp_path))
    look = [*sources.own_frames([Stack([*stack, Frame("serve", "s.py", 30)])], files, ())]
    assert [how for _, how in sources.chosen([look])] == ["called from line 30 in serve"]
    look = [*sources.own_frames([Stack([*stack, Frame("<module>", "s.py", 40)])], files, ())]
    assert [how for _, how in sources.chosen([look])] == [""]
    handles = [Frame("recv", "/usr/lib/socket.py", 5), Frame("handle", "s.py", 9), Frame("serve", "s.py", 12)]
    look = [*sources.own_frames([Stack(handles)], files, ())]
    assert [how for _, how in sources.chosen([look])] == [""]


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
        ("std::sys::backtrace::__rust_begin_short_backtrace::h0123456789abcdef", ""),
        ("serve", "serve"),
        ("Server::run", "Server::run"),
        ("Server.serve", "Server.serve"),
    ],
)
def test_functions_are_named_as_their_authors_do(function: str, name: str) -> None:
    assert sources.plain(function) == name
