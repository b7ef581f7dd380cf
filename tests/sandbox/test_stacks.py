"""What the tools and runtimes print of a program's stacks, and reading whatever they print."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.sandbox import stacks
from grader.sandbox.stacks import Frame, Stack

EU_STACK = """\
PID 7 - process
TID 7:
#0  0x00007f58dc1e2a3d recv
#1  0x0000555555555291 - 1 handle
    /work/server.c:5:40
#2  0x00005555555553a2 - 1 main
    /work/server.c:12:14
TID 8:
#0  0x00007f58dc1e2a3d poll
"""
JAVA = """\
2026-11-30 08:00:00
Full thread dump OpenJDK 64-Bit Server VM (17.0.15+6 mixed mode):

"main" #1 prio=5 os_prio=0 cpu=90.00ms elapsed=1.00s tid=0x00007f00 nid=0x9 runnable  [0x00007f01]
   java.lang.Thread.State: RUNNABLE
\tat sun.nio.ch.Net.accept(java.base@17.0.15/Native Method)
\tat edu.Server.main(Server.java:26)

"G1 Service" os_prio=0 cpu=0.10ms elapsed=1.00s tid=0x00007f02 nid=0xb runnable

"""
GO = """\
SIGQUIT: quit
PC=0x465080 m=0 sigcode=0

goroutine 1 [IO wait]:
runtime.gopark(0x7fa0c0e96108?, 0x18?)
\t/usr/lib/go-1.19/src/runtime/proc.go:363 +0xd6 fp=0xc00004fcc0 sp=0xc00004fca0 pc=0x437b56
internal/poll.(*pollDesc).waitRead(...)
\t/usr/lib/go-1.19/src/internal/poll/fd_poll_runtime.go:89
net.(*TCPListener).Accept(0xc0000120a8)
\t/usr/lib/go-1.19/src/net/tcpsock.go:288 +0x3d
main.main()
\t/work/server.go:42 +0x16e

goroutine 6 [running, locked to thread]:
main.handle(...)
\t/work/server.go:11
created by main.main
\t/work/server.go:46 +0x1d
"""


def test_frames_of_eu_stack_have_a_file_if_it_knows_one() -> None:
    assert [*stacks.of_eu_stack(EU_STACK)] == [
        Stack([Frame("recv"), Frame("handle", "/work/server.c", 5), Frame("main", "/work/server.c", 12)], 7),
        Stack([Frame("poll")], 8),
    ]


def test_threads_of_java_have_the_kernels_number_and_files_in_their_package() -> None:
    main, service = stacks.of_java(JAVA)
    assert (main.tid, service) == (9, Stack([], 11))
    assert main.frames[-1] == Frame("edu.Server.main", "edu/Server.java", 26)


def test_goroutines_are_told_from_what_suspends_them() -> None:
    waiting, busy = stacks.of_go(GO)
    assert [frame.function for frame in waiting.frames] == ["net.(*TCPListener).Accept", "main.main"]
    assert waiting.frames[-1] == Frame("main.main", "/work/server.go", 42)
    assert busy == Stack([Frame("main.handle", "/work/server.go", 11)], running=True)


@given(words=st.text(st.sampled_from('#0x1 -:\n\tTIDgoroutine[]()/ab.c"nid=at'), max_size=200))
def test_whatever_is_printed_is_read(words: str) -> None:
    for read in (stacks.of_eu_stack, stacks.of_java, stacks.of_go):
        assert all(frame.line >= 0 for stack in read(words) for frame in stack.frames)


def test_nonsense_from_py_spy_leaves_nothing_known() -> None:
    way = stacks.Way(lambda pid: stacks.of_py_spy('[{"frames": [{}]}]'))
    assert stacks.read(way, os.getpid()) == []


def test_a_process_that_is_gone_has_no_stacks() -> None:
    gone = 2**22 + 1
    assert stacks.way_for(gone) is None
    assert stacks.running(gone) == frozenset()


def test_who_runs_is_known() -> None:
    assert stacks.running(os.getpid()) == {os.getpid()}


@pytest.mark.parametrize(
    ("read", "begins", "words"),
    [
        (stacks.of_go, "goroutine 1 [running]:\n", "x" + "(" * 200_000 + "\n"),
        (stacks.of_go, "goroutine 1 [running]:\n", "x" + ")" * 200_000 + "\n"),
        (stacks.of_java, "", '"' + '" ' * 100_000 + "nid=\n\n"),
        (stacks.of_eu_stack, "TID 1:\n", "#0 0x1 f\n  " + ":1" * 100_000 + "x\n"),
    ],
)
def test_words_that_were_made_to_take_long_do_not(
    read: Callable[[str], Iterator[Stack]], begins: str, words: str
) -> None:
    began = time.process_time()
    assert not any(stack.frames[1:] for stack in read(begins + words))
    assert time.process_time() - began < 2  # milliseconds; minutes where each beginning looks for its own end
