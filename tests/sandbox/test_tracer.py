"""Where a program crashes that is followed: at start, in a child, by its own signals; and one that doesn't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.link.channel import Channel
from grader.sandbox import deeds as deeds_
from grader.sandbox import tools
from grader.wire.faults import Place
from grader.wire.warden import WardenClient
from tests.cli.command import Command, make_assignment
from tests.wire.stand import ENVIRONMENT, warden_process

pytestmark = pytest.mark.skipif(
    not (tools.which("eu-stack") and shutil.which("cc")), reason="no eu-stack or no cc here"
)

PROGRAM = """\
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static int parse(const char *s) { return atoi(s); }
static void *in_thread(void *p) {
    *(volatile int *)p = 7;
    return p;
}
static void in_child(void) {
    if (fork() == 0)
        abort();
    wait(0);
}
int main(int n, char **v) {
    pthread_t t;
    switch (v[1][0]) {
    case 's': return parse(v[2]);
    case 't': pthread_create(&t, 0, in_thread, 0); pthread_join(t, 0); break;
    case 'c': in_child(); break;
    case 'f': in_child(); write(1, "x", 1); pause(); break;
    case 'h': signal(SIGABRT, SIG_IGN); raise(SIGABRT); break;
    case 'z': raise(SIGSTOP); break;
    }
    return n > 99;
}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    (folder / "crash.c").write_text(PROGRAM)
    subprocess.run(["cc", "-g", "-O1", "-pthread", "-o", "crash", "crash.c"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def warden(work: Path) -> Iterator[WardenClient]:
    with warden_process(work) as (_, sock):
        yield WardenClient(Channel(sock))


def crash(warden: WardenClient, how: str, *, ends: bool = True) -> tuple[tuple[Place, ...], int | None]:
    started = warden.start(("./crash", how), ENVIRONMENT, terminal=False, followed="crash")
    if how != "z":
        os.read(started.stdout, 1)  # a byte, or the end of it: nobody asks before there is anything to be noticed
    places = warden.followed()
    status = None
    while ends and (ending := warden.ending(started.pid)) is None:
        os.sched_yield()
    if ends:
        assert ending is not None
        status = ending.status
    for descriptor in (started.pidfd, started.stdin, started.stdout, started.stderr):
        os.close(descriptor)
    warden.end()
    return places, status


@pytest.mark.parametrize(
    ("how", "line", "function", "status"),
    [("s", 6, "parse", -11), ("t", 8, "in_thread", -11), ("c", 13, "in_child", 0)],
)
def test_the_line_that_a_program_crashes_at(
    warden: WardenClient, how: str, line: int, function: str, status: int
) -> None:
    (place,), ended = crash(warden, how)
    whose = "its child process" if how == "c" else "it"
    assert (place.file, place.line, place.function, place.how) == ("crash.c", line, function, f"where {whose} crashed")
    assert ended == status


def test_a_signal_that_is_ignored_is_no_crash(warden: WardenClient) -> None:
    assert crash(warden, "h") == ((), 0)


def test_a_program_that_stops_itself_is_not_waited_for(warden: WardenClient) -> None:
    assert crash(warden, "z", ends=False) == ((), None)


def test_nobody_was_followed(warden: WardenClient) -> None:
    assert warden.followed() == ()


def test_a_child_crashes_and_its_parent_goes_on(warden: WardenClient) -> None:
    (place,), _ = crash(warden, "f", ends=False)
    assert (place.line, place.how) == (13, "where its child process crashed")


@pytest.mark.parametrize(("argv", "may"), [(("./crash", "f"), True), ((sys.executable, "-c", "input()"), False)])
def test_who_may_lose_a_child(warden: WardenClient, argv: tuple[str, ...], may: bool) -> None:
    started = warden.start(argv, ENVIRONMENT, terminal=False)
    assert warden.may_lose_a_child(started.pid) is may
    for descriptor in (started.pidfd, started.stdin, started.stdout, started.stderr):
        os.close(descriptor)
    warden.end()


DOES_C = """\
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static int pair[2];
static void hears(void) {
    char byte;
    recv(pair[0], &byte, 1, 0);
}
static void closes(void) {
    close(pair[1]);
}
static void sends(void) {
    send(pair[0], "x", 1, 0);
}
static void *in_thread(void *nothing) {
    hears();
    closes();
    return nothing;
}
int main(int count, char **words) {
    pthread_t thread;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    send(pair[1], "abc", 3, 0);
    for (const char *deed = words[1]; *deed; deed++)
        switch (*deed) {
        case 'h': hears(); break;
        case 'c': closes(); break;
        case 's': sends(); break;
        case 'p': puts("done"); break;
        case 'f': fflush(stdout); break;
        case 't': pthread_create(&thread, 0, in_thread, 0); pthread_join(thread, 0); break;
        case 'e': exit(3);
        case 'i': read(0, words, 0); break;
        case 'l': closes(); write(1, "x", 1); getchar(); break;
        }
    return 4 + count - 2;
}
"""
DOES_PYTHON = """\
import socket, sys
ours, theirs = socket.socketpair()
theirs.send(b"abc")
def hears():
    ours.recv(1)
def closes():
    theirs.close()
def sends():
    ours.send(b"x")
def prints():
    print("done", flush=True)
def complains():
    print("done", file=sys.stderr)
deeds = {"h": hears, "c": closes, "s": sends, "p": prints, "o": complains, "e": lambda: sys.exit(3)}
for deed in sys.argv[1]:
    deeds[deed]()
sys.exit(4)
"""


@pytest.fixture(scope="module")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WardenClient]:
    folder = tmp_path_factory.mktemp("deeds")
    (folder / "does.c").write_text(DOES_C)
    (folder / "does.py").write_text(DOES_PYTHON)
    subprocess.run(["cc", "-g", "-O0", "-pthread", "-o", "does", "does.c"], cwd=folder, check=True)
    with warden_process(folder) as (_, sock):
        yield WardenClient(Channel(sock))


def followed(warden: WardenClient, argv: tuple[str, ...], deed: str) -> tuple[list[tuple[str, str]], int | None]:
    started = warden.start(argv, ENVIRONMENT, terminal=False, followed=deed)
    os.read(started.stdout, 1)
    places = warden.followed()
    ending = warden.ending(started.pid)
    for descriptor in (started.pidfd, started.stdin, started.stdout, started.stderr):
        os.close(descriptor)
    warden.end()
    return [(place.function, place.how.partition(", called")[0]) for place in places], ending.status if ending else None


BEFORE_INPUT = "where it last read its input"
BEFORE_EXIT, BEFORE_CLOSE = deeds_.BEFORE["exit"], deeds_.BEFORE["close"]
EXIT, CLOSE, SEND, RECEIVE, PRINT, COMPLAIN = (
    deeds_.WORDS[kind] for kind in ("exit", "close", "send", "receive", "print", "complain")
)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="threads are put back on x86-64 only")
@pytest.mark.parametrize(
    ("does", "deed", "places"),
    [
        ("hs", "exit", [("sends", BEFORE_EXIT)]),
        ("he", "exit", [("main", EXIT), ("hears", BEFORE_EXIT)]),
        ("hie", "exit", [("main", EXIT), ("hears", BEFORE_EXIT)]),
        ("hch", "close", [("hears", BEFORE_CLOSE), ("closes", CLOSE)]),
        ("hl", "close", [("hears", BEFORE_CLOSE), ("closes", CLOSE)]),
        ("hic", "close", [("main", BEFORE_INPUT), ("closes", CLOSE)]),
        ("t", "close", [("hears", BEFORE_CLOSE), ("closes", CLOSE)]),
        ("pfh", "print", [("main", PRINT)]),
        ("sh", "send", [("sends", SEND)]),
        ("hs", "receive", [("hears", RECEIVE)]),
        ("h", "bind", []),
    ],
)
def test_where_a_compiled_program_does_it(
    deeds: WardenClient, does: str, deed: str, places: list[tuple[str, str]]
) -> None:
    seen, status = followed(deeds, ("./does", does), deed)
    assert seen == places
    assert status in {None, 3, 4}, "it does not exit as it does by itself"


@pytest.mark.skipif(not tools.which("py-spy"), reason="there is no py-spy here")
@pytest.mark.parametrize(
    ("does", "deed", "places"),
    [
        ("h", "exit", [("hears", BEFORE_EXIT)]),
        ("hc", "close", [("hears", BEFORE_CLOSE), ("closes", CLOSE)]),
        ("sh", "send", [("sends", SEND)]),
        ("ph", "print", [("prints", PRINT)]),
        ("opo", "print", [("prints", PRINT)]),
        ("oh", "print", [("complains", COMPLAIN)]),
        ("op", "complain", [("complains", COMPLAIN)]),
        ("hs", "receive", [("hears", RECEIVE)]),
        ("h" + "s" * 17, "send", []),
    ],
)
def test_where_a_python_program_does_it(
    deeds: WardenClient, does: str, deed: str, places: list[tuple[str, str]]
) -> None:
    seen, _ = followed(deeds, (sys.executable, "does.py", does), deed)
    assert seen == places


FORKS = """\
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static void serve(int client) {
    char byte;
    if (read(client, &byte, 1) == 1)
        abort();
}
int main(int count, char **words) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(atoi(words[count - 1]))};
    int listener = socket(AF_INET, SOCK_STREAM, 0), client;
    signal(SIGCHLD, SIG_IGN);
    bind(listener, (struct sockaddr *)&own, sizeof own);
    listen(listener, 5);
    for (; (client = accept(listener, 0, 0)) >= 0; close(client))
        if (fork() == 0) {
            serve(client);
            _exit(0);
        }
}
"""


def test_the_line_at_which_the_child_of_a_forking_server_crashes(folder: Path) -> None:
    command = Command(folder)
    submission = command.submit_text(FORKS, ".c")
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--only", "answers", "--json", "-", "--quiet")
    check = command.run("check", submission, *options, "--sandbox", "local").check("server.answers")
    assert check["reason"] in {"reset", "closed_early"}
    assert ", in serve (where its child process crashed)\n" in check["message"]
    assert check["place"]["line"] == 9
