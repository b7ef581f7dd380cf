"""Which sleeping system calls return after a time."""

from __future__ import annotations

import pytest

from grader.wire.facts import ThreadFacts
from grader.wire.syscalls import waits_for_good

FOREVER = (1 << 64) - 1


def thread(call: int | None, *arguments: int) -> ThreadFacts:
    return ThreadFacts(tid=1, state="S", call=call, arguments=arguments, switches=0, ran_ns=0, waited_ns=0)


@pytest.mark.parametrize(
    ("asleep", "expected"),
    [
        (thread(0, 3, 0, 0), True),  # read
        (thread(288, 3, 0, 0, 0), True),  # accept4
        (thread(7, 0x1000, 1, FOREVER), True),  # poll without a timeout
        (thread(7, 0x1000, 1, 500), False),
        (thread(271, 0x1000, 1, 0, 0), True),  # ppoll without a timeout
        (thread(271, 0x1000, 1, 0x2000, 0), False),
        (thread(202, 0x1000, 128, 2, 0), True),  # futex
        (thread(202, 0x1000, 128, 2, 0x2000), False),
        (thread(35, 0x1000, 0), False),  # nanosleep
        (thread(7), True),  # its arguments can't be seen
        (thread(None), True),
        (thread(9999, 1), True),  # nobody knows what this is
    ],
)
def test_who_waits_for_good(asleep: ThreadFacts, *, expected: bool) -> None:
    assert waits_for_good(asleep, "x86_64") is expected
