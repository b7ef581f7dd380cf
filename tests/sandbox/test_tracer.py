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
    case 'f': in_child(); pause(); break;
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
    started = warden.start(("./crash", how), ENVIRONMENT, terminal=False, followed=True)
    places = warden.crash()
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
    assert warden.crash() == ()


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
