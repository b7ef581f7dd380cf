"""What may be shown of text that others wrote."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.limits import MOST_MARKS
from grader.report import safe
from tests.report.commands import READERS, obeyed
from tests.report.examples import texts

#: Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt), which Python does not have.
IGNORABLE = (
    *(0x00AD, 0x034F, 0x061C, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x115F, 0x1161), *range(0x17B4, 0x17B6), *range(0x180B, 0x1810), *range(0x200B, 0x2010)),
    *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
)
#: What shows nothing either, in any usual font.
BLANK = (0x2800, 0x13441, 0x13442, 0x16FE4, 0x1D159)


def test_every_code_point_is_seen_or_escaped() -> None:
    others = [chr(code) for code in range(0x110000) if chr(code) != "\n"]
    shown = safe.visible("\n".join(others)).split("\n")
    escaped = {ord(char) for char, words in zip(others, shown, strict=True) if words != char}
    unseen = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    obeyed_or_unseen = {code for code in range(0x110000) if unicodedata.category(chr(code)) in unseen}
    assert escaped == (obeyed_or_unseen | {*IGNORABLE, *BLANK}) - {*map(ord, "\n\t ")}


@given(raw=texts)
def test_visible_text_is_safe_and_complete(raw: str) -> None:
    shown = safe.visible(raw)
    shown.encode("utf-8")
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert len(shown) >= len(raw)
    assert safe.visible(shown) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\r\nb", "a\\r\nb"),
        ("\x9b", r"\x9b"),
        ("\ud800", r"\ud800"),
        ("\u202e", r"\u202e"),
        ("\U0001ffff", r"\U0001ffff"),
        ("a\xa0b", r"a\xa0b"),
        ("\tä中😀\u200d\n", "\tä中😀\\u200d\n"),
    ],
)
def test_visible_escapes_what_would_be_obeyed_or_not_seen(raw: str, shown: str) -> None:
    assert safe.visible(raw) == shown


@pytest.mark.parametrize(
    "words",
    [
        "naïve café „Grüße“ €",
        unicodedata.normalize("NFD", "Tiếng Việt Nguyễn"),
        "Ελληνικά Русский Ўзбек",
        "שָׁלוֹם עֲלֵיכֶ֑ם",
        "السَّلَامُ عَلَيْكُمْ",
        "ภาษาไทย ที่นี่",
        "हिन्दी क्षत्रिय বাংলা தமிழ்",
        "བོད་སྐད་ རྒྱུ",
        "မြို့ ညွှန်",
        "中文、日本語ひらがな 한국어",
        "😀👍🏽🇩🇪✓✗ ∀x∈S → │ ½",
    ],
)
def test_ordinary_text_of_any_script_stays_as_it_is(words: str) -> None:
    assert safe.visible(words) == words


def test_piles_of_marks_are_cut_down() -> None:
    pile = "".join(map(chr, range(0x300, 0x300 + MOST_MARKS + 2)))
    assert safe.visible(f"a{pile}b") == f"a{pile[:-2]}\\u0304\\u0305b"
    assert safe.visible(f"a{pile[:-2]}") == f"a{pile[:-2]}"


@given(st.text("\u0301\u20dd\ufe0fa \n", max_size=40))
def test_no_letter_carries_more_marks_than_writing_needs(raw: str) -> None:
    longest = max(map(len, safe.visible(raw).replace("a", " ").replace("\n", " ").split(" ")))
    assert longest <= MOST_MARKS or "\\" in safe.visible(raw)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("   ::set-output name=a::b", r"   \x3a:set-output name=a::b"),
        ("std::vector ::x", "std::vector ::x"),
        ("a ##[error]x", r"a \x23#[error]x"),
        ("###[error]x", r"#\x23#[error]x"),
        ("##vso[task.setvariable]1 ##teamcity[x]", r"\x23#vso[task.setvariable]1 \x23#teamcity[x]"),
        ("## Heading [1]", "## Heading [1]"),
        ("section_start:1:x section_end:2:x", r"section_start\x3a1:x section_end\x3a2:x"),
        ("travis_fold:start:x", r"travis_fold\x3astart:x"),
        ("--- x", r"\x2d-- x"),
        ("+++", r"\x2b++"),
        ("^^^ +++", r"\x5e^^ +++"),
        ("-----", "-----"),
    ],
)
def test_a_command_is_shown_and_not_obeyed(line: str, shown: str) -> None:
    assert safe.printed(line) == shown


_WORDS = ["::", "#", "##[", "##vso[", "##TeamCity[", "section_start:1:", "travis_time:", "---", "+++", "~~~", "^^^"]
_hostile = st.lists(st.sampled_from([*_WORDS, "a", " ", "\xa0", "\t", "\n", "\r", "\u2028", "\x1b[0m"])).map("".join)


@given(_hostile)
def test_no_printed_line_is_a_command(raw: str) -> None:
    assert obeyed(safe.printed(raw)) == []
    assert safe.printed(safe.printed(raw)) == safe.printed(raw)


@given(_hostile)
def test_no_line_of_markup_is_a_command_and_it_says_the_same(raw: str) -> None:
    element = ET.Element("a", {"b": safe.visible(raw)})
    element.text = safe.visible(raw)
    markup = ET.tostring(element, encoding="unicode")
    assert obeyed(safe.in_markup(markup)) == []
    again = ET.fromstring(safe.in_markup(markup))  # noqa: S314 — our own
    assert (again.text or "", again.attrib) == (element.text, element.attrib)


def test_the_readers_do_obey() -> None:
    lines = ["::x::", "##[x]", "##vso[x]", "##teamcity[x]", "section_end:1:", "travis_fold:x", "--- x"]
    assert [obeyed(line)[0].partition(":")[0] for line in lines] == [*READERS][:2] + [*READERS][2:]
