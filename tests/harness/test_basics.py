"""What holds of a check that has failed."""

from __future__ import annotations

from grader.harness.basics import Basics
from grader.protocol.script import Entry

SENDS, SHOWS, REPORTS = "client.sends_exactly", "client.prints_reply", "client.reports_result"
UNUSUAL = (Entry(b" x ", b" x \n", b" X \n", b" X "),)


class Script:
    """Has one unusual line."""

    def typed_awkward(self) -> tuple[Entry, ...]:
        return UNUSUAL


def test_a_check_holds_with_plain_lines_until_all_of_it_does() -> None:
    basics = Basics()
    assert not basics.suffice(SENDS)
    basics.hold(SENDS)
    assert basics.suffice(SENDS)
    basics.all_held(SENDS)
    assert not basics.suffice(SENDS)


def test_that_a_client_only_waits_for_the_end_is_a_guess_until_another_check_has_passed() -> None:
    wrong, right = Basics(), Basics()
    for basics in (wrong, right):
        before = basics.hangs_up
        basics.may_hold_if_hung_up(REPORTS)
        assert (before, basics.hangs_up, basics.suffice(REPORTS)) == (False, True, True)
    wrong.tried(REPORTS, well=False)
    assert not wrong.suffice(REPORTS)
    right.tried(REPORTS, well=True)
    right.tried(REPORTS, well=False)
    assert right.suffice(REPORTS)


def test_what_was_seen_to_hold_is_no_guess() -> None:
    basics = Basics()
    basics.hold(SENDS)
    basics.tried(SENDS, well=False)
    assert basics.suffice(SENDS)


def test_unusual_lines_are_left_out_where_another_check_has_failed_with_them() -> None:
    basics, script = Basics(), Script()
    basics.hold("server.several_clients")
    assert basics.unusual(script) == UNUSUAL  # type: ignore[arg-type]  # all that it asks of a script
    basics.hold(SHOWS)
    assert basics.unusual(script, SHOWS) == UNUSUAL  # type: ignore[arg-type]
    assert basics.unusual(script) == ()  # type: ignore[arg-type]
    basics.hold(SENDS)
    assert basics.unusual(script, SHOWS) == ()  # type: ignore[arg-type]
