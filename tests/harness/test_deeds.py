"""What a program has done to be at fault, by the reason, by what is known already, and by whether it has exited."""

from __future__ import annotations

import pytest

from grader.errors import Reason
from grader.harness.deeds import deed_of, deed_shown_again, places_of
from grader.link.places import FOR_ANYBODY
from grader.wire.faults import FaultError, Place
from grader.wire.process import FROM_ITS_TRACE

HERE = Place("s.c", 9, "serve")
HELPS = Place("s.py", 9, "read_line", how="called from line 20 in serve")
AT_THE_DOOR = Place("s.c", 30, "serve_forever", how=FOR_ANYBODY)
TRACED = Place("s.py", 9, "serve", how=FROM_ITS_TRACE)


def fault(reason: Reason, *places: Place) -> FaultError:
    return FaultError(reason, "it did something", places=places)


@pytest.mark.parametrize(
    ("reason", "places", "exited", "deed"),
    [
        (Reason.WRONG_ADDRESS, (), False, "bind"),
        (Reason.OTHER_PORT, (HERE,), False, "connect"),
        (Reason.CLOSED_EARLY, (HERE,), False, "close"),
        (Reason.CLOSED_EARLY, (TRACED,), False, ""),
        (Reason.WRONG_REPLY, (), False, "send"),
        (Reason.WRONG_REPLY, (HERE,), False, ""),
        (Reason.WRONG_REPLY, (HELPS,), False, "send"),
        (Reason.EXTRA_REPLY, (HERE,), False, "send"),
        (Reason.SHOWN_ON_STDERR, (HERE,), False, "complain"),
        (Reason.NO_REPLY, (AT_THE_DOOR,), False, "receive"),
        (Reason.NO_REPLY, (HERE,), False, ""),
        (Reason.NOT_CLOSED, (AT_THE_DOOR,), False, ""),
        (Reason.WRONG_SHOWN, (), True, "print"),
        (Reason.EXITED, (), True, "exit"),
        (Reason.EXITED, (TRACED,), True, ""),
        (Reason.GAVE_UP_EARLY, (), False, ""),
        (Reason.NO_REPLY, (), False, ""),
    ],
)
def test_what_it_has_done(reason: Reason, places: tuple[Place, ...], exited: bool, deed: str) -> None:
    assert deed_of(fault(reason, *places), exited=exited) == deed


def test_who_has_not_read_what_came_is_where_it_should_not_be() -> None:
    for left_unread in (False, True):
        error = FaultError(Reason.NOT_SHOWN, "it did not print it", places=(HERE,), left_unread=left_unread)
        assert deed_of(error, exited=False) == ("" if left_unread else "print")


@pytest.mark.parametrize(
    ("deed", "before", "again", "shown"),
    [
        ("send", Reason.WRONG_REPLY, Reason.WRONG_REPLY, True),
        ("send", Reason.WRONG_REPLY, Reason.NO_REPLY, False),
        ("close", Reason.RESET, Reason.CLOSED_EARLY, True),
        ("crash", Reason.CRASHED, Reason.NO_REPLY, True),
    ],
)
def test_another_fault_shows_it_only_if_it_is_the_same(deed: str, before: Reason, again: Reason, shown: bool) -> None:
    assert deed_shown_again(deed, fault(before), fault(again, HERE)) is shown
    assert not deed_shown_again(deed, fault(before), fault(again))


def test_where_it_sent_comes_before_where_it_went_on_to_read() -> None:
    before, again = fault(Reason.WRONG_REPLY, HELPS), fault(Reason.WRONG_REPLY, HERE)
    assert places_of("send", before, again) == (HERE, HELPS)
    assert places_of("receive", before, again) == (HERE,)
