"""What people read about a class: nothing in a name or in what a program printed is obeyed, hidden or lost."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from grader.class_ import overview
from grader.class_.books import plain
from grader.class_.model import Class, Row
from grader.class_.points import Late, Weights, weighted
from tests.class_.made import CHECKS, MOST, class_of, report, row

HOSTILE = (
    *(
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\uff1d1+1",
        "<script>alert(1)</script>",
        '"><img src=x>',
    ),
    *("a,b;c", 'say "hi"', "line\nbreak", "\u202egnp.exe", "`code`", "[x](javascript:alert(1))", "{{ 7 * 7 }}"),
)


def cells(graded: Class) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(plain.render(graded).decode("utf-8-sig"), newline=""))]


def page(graded: Class) -> html.HtmlElement:
    return html.document_fromstring(overview.render(graded).decode())


def found(shown: html.HtmlElement, path: str) -> list[Any]:
    """What an XPath finds, elements or strings."""
    nodes: Any = shown.xpath(path)
    return [*nodes]


# the gradebook


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_no_cell_is_a_formula_and_none_is_lost(name: str) -> None:
    (line,) = cells(class_of(row("anna", report(), name=name, email=name, group=name)))
    for column in ("name", "email", "group"):
        assert not line[column].startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert line["grade"] == f"{MOST:g}"
    assert line["report"] == "anna/report.html"


def test_unjudged_points_leave_the_cell_empty() -> None:
    whole, part, nothing = cells(
        class_of(row("anna", report()), row("bob", report(unjudged=["server.coalesced"])), row("carl"))
    )
    assert (whole["grade"], part["grade"], nothing["grade"]) == (f"{MOST:g}", "", "")
    assert (part["state"], part["unjudged"]) == ("unjudged", "2")
    assert (nothing["state"], nothing["max_score"]) == ("missing", "")


def test_late_days_cost_what_the_points_say() -> None:
    late = Weights(late=Late(per_day=10, free=1, most=25))
    graded = weighted(class_of(*(row(f"s{days}", report(), late_days=days) for days in (0, 1, 1.5, 3, 9))), late, "p")
    assert [row.deducted / MOST for row in graded.rows] == pytest.approx([0, 0, 0.1, 0.2, 0.25], abs=0.01)
    assert cells(graded)[4]["grade"] == f"{MOST * 0.75:g}"


def test_nobody_has_less_than_nothing() -> None:
    late = Weights(late=Late(per_day=100))
    graded = weighted(class_of(row("anna", report(failed=[c.id for c in CHECKS]), late_days=3)), late, "p")
    assert graded.rows[0].grade == 0


# the overview


@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1)))
def test_a_name_is_text_wherever_it_is_shown(name: str) -> None:
    rows = (row("anna", report(unjudged=["server.coalesced"]), name=name, group=name), row("bob", report(), name="Bob"))
    shown = page(class_of(*rows))
    assert len(found(shown, "//script")) == 1
    assert not found(shown, "//img | //@onerror | //a[starts-with(@href, 'javascript')]")
    assert {*found(shown, "//a[contains(@href, 'report.html')]/@href")} == {"anna/report.html", "bob/report.html"}


def test_the_page_runs_its_own_script_and_nothing_else() -> None:
    source = overview.render(class_of(row("anna", report()))).decode()
    (policy,) = found(html.document_fromstring(source), "//meta[@http-equiv='Content-Security-Policy']/@content")
    script = source.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert not re.search(r"\b(https?:)?//\w", re.sub(r"<!--.*?-->|^//.*$", "", source, flags=re.MULTILINE))


def test_checks_are_there_hardest_first_with_who_failed_them() -> None:
    everybody: list[Row] = [
        row("anna", report(failed=["server.coalesced"])),
        row("bob", report(failed=["server.coalesced", "server.answers"])),
        row("carl", report(unjudged=["server.listens"])),
    ]
    shown = page(class_of(*everybody))
    ids = [cell.text_content() for cell in found(shown, "//span[@class='check-id']")]
    assert ids[0] == "server.coalesced"
    counts = [" ".join(cell.text_content().split()) for cell in found(shown, "//div[@class='counts']")]
    assert counts[0] == "1 passed2 failed"
    column = [check.id for check in CHECKS].index("server.coalesced")
    outcomes = found(shown, "//table[@id='students']/tbody/tr/@data-outcomes")
    assert [letters[column] for letters in outcomes] == ["f", "f", "p"]
    assert "?" in outcomes[2]


def test_those_whom_somebody_must_look_at_come_first() -> None:
    shown = page(class_of(row("anna", report()), row("bob", report(unjudged=["server.listens"])), row("carl")))
    first = found(shown, "//section[1]//h2/text()")
    assert first == [overview.ATTENTION["unjudged"], overview.ATTENTION["missing"]]


def test_the_same_hand_in_by_two_is_noted_and_by_a_group_is_not() -> None:
    one, two = row("anna", report()), row("bob", report())
    assert one.result
    twin = msgspec.structs.replace(two, result=one.result)
    assert "The same but for" in page(class_of(one, twin)).text_content()
    assert "The same but for" not in page(class_of(one, two)).text_content()
    grouped = [
        msgspec.structs.replace(each, student=msgspec.structs.replace(each.student, group="g")) for each in (one, twin)
    ]
    assert "The same but for" not in page(class_of(*grouped)).text_content()


def test_the_instructor_s_page_links_to_what_only_instructors_see_and_says_so() -> None:
    checks = (msgspec.structs.replace(CHECKS[0], visibility="hidden"), *CHECKS[1:])
    whole = msgspec.structs.replace(row("anna", report()), whole="instructor/anna")
    shown = page(msgspec.structs.replace(class_of(whole), checks=checks))
    assert {*found(shown, "//a[contains(@href, 'report.html')]/@href")} == {"instructor/anna/report.html"}
    assert shown.text_content().count("hidden from students") == 1


def test_a_long_list_is_folded_and_complete() -> None:
    strays = tuple(f"stray {number}" for number in range(30))
    shown = page(msgspec.structs.replace(class_of(row("anna", report())), unassigned=strays))
    assert found(shown, "//li[starts-with(text(), 'stray')]/text()") == [*strays]
    assert found(shown, "//details/summary/text()") == ["… and 24 more"]


def test_a_class_of_two_thousand_is_a_page() -> None:
    made = report(failed=["server.answers"])
    shown = page(class_of(*(row(f"s{number}", made) for number in range(2000))))
    assert len(found(shown, "//table[@id='students']/tbody/tr")) == 2000


def test_an_option_that_left_something_out_is_not_broken_in_two() -> None:
    (said,) = found(page(class_of(row("anna", report()))), "//p[starts-with(., 'Only part')]")
    narrowed = class_of().narrowed
    assert narrowed
    options = [f"--role {narrowed.role}", *(f"--only {check}" for check in narrowed.only)]
    assert [one.text_content().strip("():") for one in said.xpath("span[@class='option']")] == options
    assert f"graded ({' '.join(options)}): " in said.text_content()
