"""Each hand-in is graded once, no more at a time than there are workers; what breaks costs only itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from grader.class_.files import FILES, Written
from grader.class_.model import HandIn, Row, Student
from grader.class_.outfolder import OutFolder
from grader.class_.processes import BrokenCallError
from grader.class_.run import Crew, Finished, Run, TriedAgain, Untidy
from grader.errors import AssignmentError, CannotJudgeError
from grader.model import Event, EventKind, Report
from tests.class_.made import CHECKS, MOST, REQUEST, Scripted, hand_in, report

ALL = tuple(check.id for check in CHECKS)
TRANSCRIPTS = "report.transcripts.json"
SECRET = "a secret message"  # noqa: S105 — no password


@pytest.fixture
def out(tmp_path: Path) -> Iterator[OutFolder]:
    with OutFolder.held(tmp_path / "out") as folder:
        yield folder


def run_of(crew: Crew, out: OutFolder) -> Run:
    return Run(REQUEST, CHECKS, crew, out, Written(out, REQUEST.assignment.visibility))


def events(crew: Crew, out: OutFolder, hand_ins: tuple[HandIn, ...]) -> tuple[dict[str, Row], list[str]]:
    """The rows by student, and what was told, in its order."""
    rows: dict[str, Row] = {}
    told: list[str] = []
    for event in run_of(crew, out).rows(hand_ins):
        if isinstance(event, TriedAgain):
            told.append(f"again {event.count}")
        elif isinstance(event, Untidy):
            told.append(event.words)
        else:
            rows |= {row.student.key: row for row in event.rows}
            told.append(f"{event.rows[0].student.key}{' kept' if event.was_kept else ''}")
    return rows, told


def test_no_more_at_a_time_than_there_are_workers(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: report(), until=3)
    found = hand_in(tmp_path / "in", {f"s{number}": f"# {number}" for number in range(7)})
    rows, _ = events(executor.crew(3), out, found.hand_ins)
    assert executor.most == 3
    assert {row.grade for row in rows.values()} == {MOST}
    assert sorted(rows) == [f"s{number}" for number in range(7)]


def test_one_more_waits_so_that_no_core_idles_while_reports_are_written(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: report(), until=4)
    found = hand_in(tmp_path / "in", {f"s{number}": f"# {number}" for number in range(7)})
    rows, _ = events(replace(executor.crew(3), ahead=1), out, found.hand_ins)
    assert executor.most == 4
    assert len(rows) == 7


def test_everybody_gets_every_file_and_the_result_is_kept(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: report(failed=["server.answers"]))
    found = hand_in(tmp_path / "in", {"anna": "# a", "bob": "# b"})
    events(executor.crew(), out, found.hand_ins)
    for student in ("anna", "bob"):
        assert {path.name for path in (out.path / student).iterdir()} == FILES.keys() - {TRANSCRIPTS}
    rows, told = events(executor.crew(), out, found.hand_ins)
    assert told == ["anna kept", "bob kept"]
    assert len(executor.asked) == 2
    assert rows["anna"].result
    assert rows["anna"].result.outcomes["server.answers"] == "failed"


def test_the_same_hand_in_is_graded_once(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: report())
    found = hand_in(tmp_path / "in", {"anna": "# same", "bob": "# same", "carl": "#   same", "dora": "# same"})
    rows, _ = events(executor.crew(9), out, found.hand_ins)
    assert sorted(executor.asked) == ["#   same", "# same"]
    results = [row.result for row in rows.values() if row.result]
    assert len({result.kept_as for result in results}) == 2
    assert len({result.alike for result in results}) == 1, "white space makes no difference"
    named = msgspec.json.decode((out.path / "bob" / "report.json").read_bytes())["submission"]["name"]
    assert named == "bob"


def test_a_broken_one_costs_only_itself_and_is_tried_again_alone(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda text: BrokenCallError("it was killed") if text == "# bad" else report())
    found = hand_in(tmp_path / "in", {"anna": "# bad", "bob": "# b", "carl": "# c"})
    rows, told = events(executor.crew(), out, found.hand_ins)
    assert told[-2:] == ["again 1", "anna"]
    assert executor.asked.count("# bad") == 2
    assert [rows[key].state for key in ("anna", "bob", "carl")] == ["unjudged", "graded", "graded"]
    assert rows["anna"].grade is None
    assert rows["anna"].result
    assert rows["anna"].result.unjudged == rows["anna"].result.max_score == MOST
    assert "it was killed" in (out.path / "anna" / "report.html").read_text()


def test_what_is_better_alone_counts(tmp_path: Path, out: OutFolder) -> None:
    tries: list[str] = []

    def answer(text: str) -> Report:
        tries.append(text)
        return report(unjudged=["server.coalesced"] if tries.count(text) == 1 and text == "# a" else [])

    found = hand_in(tmp_path / "in", {"anna": "# a", "bob": "# b"})
    rows, _ = events(Scripted(answer).crew(), out, found.hand_ins)
    assert rows["anna"].state == "graded"
    assert rows["anna"].grade == MOST


def test_any_error_of_an_executor_is_no_verdict(tmp_path: Path, out: OutFolder) -> None:
    found = hand_in(tmp_path / "in", {"anna": "# a"})
    rows, _ = events(Scripted(lambda _: MemoryError("worker")).crew(), out, found.hand_ins)
    assert rows["anna"].state == "unjudged"


def test_when_the_place_is_gone_the_run_ends_and_nobody_is_blamed(tmp_path: Path, out: OutFolder) -> None:
    def gone() -> None:
        raise CannotJudgeError("no engine answers")

    executor = Scripted(lambda text: CannotJudgeError("no engine") if text == "# b" else report())
    found = hand_in(tmp_path / "in", {"anna": "# a", "bob": "# b", "carl": "# c"})
    with pytest.raises(CannotJudgeError, match="no engine answers"):
        events(executor.crew(1, gone), out, found.hand_ins)
    rows, told = events(Scripted(lambda _: report()).crew(), out, found.hand_ins)
    assert told[0] == "anna kept"
    assert {row.grade for row in rows.values()} == {MOST}


def test_who_handed_in_nothing_has_a_row_and_what_can_t_be_used_a_report(tmp_path: Path, out: OutFolder) -> None:
    found = hand_in(tmp_path / "in", {"anna": "# a"})
    (tmp_path / "in" / "empty").mkdir()
    (tmp_path / "in" / "broken.zip").write_bytes(b"PK\3\4 no archive")
    (tmp_path / "in" / "pipe").mkdir()
    again = hand_in(tmp_path / "in", {})
    nobody = HandIn((Student(key="nobody"),), ())
    rows, _ = events(Scripted(lambda _: report()).crew(), out, (*again.hand_ins, nobody))
    unusable = dict.fromkeys(["empty", "broken", "pipe"], "unusable")
    assert {key: row.state for key, row in rows.items()} == {"anna": "graded", "nobody": "missing", **unusable}
    assert rows["broken"].grade == 0
    assert rows["broken"].result
    assert rows["broken"].result.max_score == MOST, "the same for everybody"
    assert rows["nobody"].grade is None
    assert len(found.hand_ins) == 1


def test_a_group_has_a_row_for_each_of_its_members(tmp_path: Path, out: OutFolder) -> None:
    (one,) = hand_in(tmp_path / "in", {"team": "# a"}).hand_ins
    both = msgspec.structs.replace(one, students=(Student(key="anna", group="1"), Student(key="bob", group="1")))
    (event,) = run_of(Scripted(lambda _: report()).crew(), out).rows([both])
    assert isinstance(event, Finished)
    assert [(row.student.key, row.folder, row.grade) for row in event.rows] == [
        ("anna", "anna", MOST),
        ("bob", "anna", MOST),
    ]


def test_a_changed_hand_in_is_graded_anew(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: report())
    events(executor.crew(), out, hand_in(tmp_path / "in", {"anna": "# a", "bob": "# b"}).hand_ins)
    _, told = events(executor.crew(), out, hand_in(tmp_path / "in", {"anna": "# changed"}).hand_ins)
    assert told == ["bob kept", "anna"]


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"])
def test_a_damaged_result_is_no_result(tmp_path: Path, out: OutFolder, damage: bytes) -> None:
    executor = Scripted(lambda _: report())
    found = hand_in(tmp_path / "in", {"anna": "# a"})
    events(executor.crew(), out, found.hand_ins)
    (kept,) = (out.path / ".grader" / "kept").iterdir()
    kept.write_bytes(damage)
    _, told = events(executor.crew(), out, found.hand_ins)
    assert told == ["anna"]


def test_a_report_that_can_t_be_made_costs_only_that_file(
    tmp_path: Path, out: OutFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FILES, "feedback.md", lambda _: 1 / 0)
    rows, _ = events(Scripted(lambda _: report()).crew(), out, hand_in(tmp_path / "in", {"anna": "# a"}).hand_ins)
    assert rows["anna"].grade == MOST
    assert "feedback.md could not be written" in rows["anna"].notes[0]


def test_what_students_may_not_see_is_in_a_folder_of_the_instructor_s(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda text: changed("server.coalesced", visibility="hidden" if "h" in text else "visible"))
    found = hand_in(tmp_path / "in", {"anna": "# h", "bob": "# b"})
    rows, _ = events(executor.crew(), out, found.hand_ins)
    assert (rows["anna"].folder, rows["anna"].whole, rows["bob"].whole) == ("anna", "instructor/anna", "")
    assert SECRET in (out.path / "instructor" / "anna" / "report.html").read_text()
    assert not [path for path in (out.path / "anna").iterdir() if SECRET in path.read_text()]
    assert not (out.path / "instructor" / "bob").exists()
    assert SECRET in (out.path / "bob" / "report.html").read_text()

    found = hand_in(tmp_path / "in", {"anna": "# now like bob's"})
    rows, _ = events(executor.crew(), out, found.hand_ins)
    assert rows["anna"].whole == ""
    assert not (out.path / "instructor" / "anna").exists()


def test_long_transcripts_are_beside_the_report_as_long_as_there_are_any(tmp_path: Path, out: OutFolder) -> None:
    long = Event(at_ms=0, who="client A", kind=EventKind.SENT, size_bytes=99999, data=b"x" * 99999)
    executor = Scripted(lambda text: changed("server.answers", evidence=(long,) if "long" in text else ()))
    file = out.path / "anna" / TRANSCRIPTS
    events(executor.crew(), out, hand_in(tmp_path / "in", {"anna": "# long"}).hand_ins)
    assert "server.answers" in file.read_text()
    events(executor.crew(), out, hand_in(tmp_path / "in", {"anna": "# short"}).hand_ins)
    assert not file.exists()


def changed(check: str, **changes: object) -> Report:
    """A report in which a check failed with a message that nobody should read by accident, and is like this."""
    made = report(failed=[check])
    checks = (
        msgspec.structs.replace(one, message=SECRET, **changes) if one.id == check else one for one in made.checks
    )
    return msgspec.structs.replace(made, checks=tuple(checks))


def test_what_could_not_be_tidied_up_is_told_and_changes_no_verdict(tmp_path: Path, out: OutFolder) -> None:
    rows, told = events(Scripted(lambda _: report()).crew(), out, hand_in(tmp_path / "in", {"a": "# untidy"}).hand_ins)
    assert told == ["untidy", "a"]
    assert rows["a"].grade == MOST


def test_a_language_without_an_image_costs_only_who_uses_it(tmp_path: Path, out: OutFolder) -> None:
    def images(families: frozenset[str]) -> dict[str, str]:
        if "ruby" in families:
            raise CannotJudgeError("can't build an image for Ruby")
        return {}

    (tmp_path / "in" / "bob").mkdir(parents=True)
    (tmp_path / "in" / "bob" / "server.rb").write_text("# b")
    found = hand_in(tmp_path / "in", {"anna": "# a", "carl": "# c"})
    rows, _ = events(replace(Scripted(lambda _: report()).crew(), images=images), out, found.hand_ins)
    assert {key: row.state for key, row in rows.items()} == {"anna": "graded", "bob": "unjudged", "carl": "graded"}
    assert "an image for Ruby" in (out.path / "bob" / "report.html").read_text()


def test_an_assignment_s_mistake_ends_the_run(tmp_path: Path, out: OutFolder) -> None:
    executor = Scripted(lambda _: AssignmentError("assignment x: a mistake"))
    with pytest.raises(AssignmentError, match="a mistake"):
        events(executor.crew(1), out, hand_in(tmp_path / "in", {"anna": "# a", "bob": "# b"}).hand_ins)
    assert executor.asked == ["# a"]
