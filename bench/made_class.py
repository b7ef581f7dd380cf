"""`python -m bench.made_class`: a class without students, to try `grader class` with as many as a real one has.

    make DIR [--students N]      DIR/LAYOUT/ as each platform exports it, DIR/roster.csv, and DIR/expected.json
    compare DIR OUT...           whether everybody got the verdict that is expected, and every OUT the same gradebook

Everybody hands in a server for `tcp_uppercase`, so the class is graded with `--role server`: reference programs in all
languages and hostile ones of the tests, each with the verdict written down for it; once all are used they come again,
with a comment of the student's own.  A few hand in the same as somebody else, something that is no program, or nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from itertools import cycle, islice, product
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from grader import assignment as assignments
from grader import verify
from grader.report.json import decode
from grader.verify import Expected

_ROOT: Final = Path(__file__).resolve().parent.parent
_ASSIGNMENT: Final = "tcp_uppercase"
_LISTENS: Final = "server.listens"
#: Hostile programs, and the checks that they fail; what else they fail depends on what the others ask of them.  Not
#: `closes_stdio`: its threads' tracebacks go to whichever client has descriptor 2 by then.
_HOSTILE: Final[dict[str, tuple[str, ...]]] = {
    "never_starts": (_LISTENS,),
    "floods_output": (_LISTENS,),
    "forks_without_end": (_LISTENS,),
    "prints_traps": (_LISTENS,),
    "ignores_signals": ("server.ctrl_c_stops",),
    "leaves_daemon": ("server.leaves_nothing_running",),
    "kills_its_parent": (),
    "looks_for_its_graders": (),
    "hides_itself": (),
}
_COMMENTS: Final = {
    **dict.fromkeys((".py", ".rb", ".pl"), "#"),
    **dict.fromkeys((".c", ".cpp", ".java", ".kt", ".go", ".rs", ".js", ".ts"), "//"),
}
_FIRST: Final = ("Anna", "Bob", "Chloé", "Dmitri", "Eva", "Farid", "Grace", "Hiro", "Inés", "Jamal")
_LAST: Final = (
    "Anderson",
    "Brown",
    "Çelik",
    "Dubois",
    "Eriksen",
    "García",
    "Hoffmann",
    "Ivanova",
    "Johnson",
    "O'Brien",
)
_ONLY_WORDS: Final = {"README.md": b"It worked on my machine.\n"}

#: What is handed in, by path: the content, and whether it is executable.
Files = dict[str, bytes]


class Member(NamedTuple):
    """Somebody: what is handed in (nothing: None), and what it must get (None: it can't be used)."""

    number: int
    name: str
    files: Files | None
    expected: Expected | None

    @property
    def user(self) -> str:
        """The user name."""
        return f"u{self.number:04}"

    @property
    def platform_id(self) -> int:
        """A platform's own number."""
        return 40000 + self.number


def members(count: int) -> Iterator[Member]:
    """The class.  The last four hand in the same as the first two, only words, and nothing."""
    names = (f"{first} {last}{more}" for more in ("", *"abcdefgh") for first, last in product(_FIRST, _LAST))
    programs = [*_programs()]
    made: list[Member] = []
    for number, (name, (files, expected)) in enumerate(islice(zip(names, cycle(programs), strict=False), count - 4)):
        own = files if number < len(programs) else _with_comment(files, name)
        made.append(Member(number, name, own, expected))
    yield from made
    odd = [(made[0].files, made[0].expected), (made[1].files, made[1].expected), (_ONLY_WORDS, None), (None, None)]
    for number, (files_or_none, verdict) in enumerate(odd, start=count - 4):
        yield Member(number, f"Odd Student{number}", files_or_none, verdict)


def _programs() -> Iterator[tuple[Files, Expected]]:
    """Servers, right and wrong ones in turns, so that no part of the class is slower than another."""
    folder = _ROOT / "reference" / _ASSIGNMENT
    references = verify.load_references(folder, assignments.load(_ASSIGNMENT))
    servers = {name: verdict for name, verdict in references.verdicts.items() if verdict.role == "server"}
    for name in sorted(servers, key=lambda name: name[::-1]):
        with references.handed_in(name) as path:
            yield _files(path), servers[name]
    for name, fails in _HOSTILE.items():
        hostile = _ROOT / "tests" / "hostile"
        files = {"server.py": (hostile / f"{name}.py").read_bytes(), "honest.py": (hostile / "honest.py").read_bytes()}
        yield files, Expected(fault="hostile", fails=fails, open=True)


def _files(path: Path) -> Files:
    if path.is_file():
        return {f"server{path.suffix}": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def _with_comment(files: Files, words: str) -> Files:
    """The same program, with a comment behind its first source file."""
    name = next(name for name in files if Path(name).suffix in _COMMENTS)
    comment = f"\n{_COMMENTS[Path(name).suffix]} by {words}\n".encode()
    return {**files, name: files[name] + comment}


# layouts: what an export contains, by path


def _flat(name: Callable[[Member, str], str]) -> Callable[[Member], Files]:
    """All files in one folder; a folder is handed in as an archive."""

    def export(member: Member) -> Files:
        files = member.files or {}
        own = files if not any("/" in path for path in files) and len(files) == 1 else {"hw.zip": _zipped(files)}
        return {name(member, path): content for path, content in own.items()} if files else {}

    return export


def _folder(name: Callable[[Member], str], more: Files | None = None) -> Callable[[Member], Files]:
    """A folder for each."""

    def export(member: Member) -> Files:
        files = {**member.files, **(more or {})} if member.files else {}
        return {f"{name(member)}/{path}": content for path, content in files.items()}

    return export


def _zipped(files: Files) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def _squashed(member: Member) -> str:
    """Canvas writes the last name, the first name, and neither accents nor punctuation."""
    first, _, last = member.name.partition(" ")
    plain = unicodedata.normalize("NFKD", last + first).encode("ascii", "ignore").decode().lower()
    return "".join(filter(str.isalnum, plain))


LAYOUTS: Final[dict[str, Callable[[Member], Files]]] = {
    "canvas": _flat(lambda one, path: f"{_squashed(one)}_{one.platform_id}_{90000 + one.number}_{path}"),
    "moodle": _folder(lambda one: f"{one.name}_{one.platform_id}_assignsubmission_file_"),
    "gradescope": _folder(lambda one: f"submission_{one.platform_id}"),
    "blackboard": _flat(lambda one, path: f"Uppercase_{one.user}_attempt_2026-11-30-10-00-00_{path}"),
    "brightspace": _folder(lambda one: f"{one.platform_id}-7 - {one.name} - Nov 30, 2026 1000 AM"),
    "github": _folder(lambda one: f"uppercase-{one.user}", {".git/HEAD": b"ref: refs/heads/main\n"}),
    "folders": _folder(lambda one: one.user),
}


def _metadata(one: Member) -> str:
    return (
        f"submission_{one.platform_id}:\n  :submitters:\n  - :name: {one.name}\n    :sid: {one.user}\n"
        f"    :email: {one.user}@example.edu\n"
    )


def make(folder: Path, count: int) -> None:
    """Write the exports, the roster and what is expected."""
    everybody = [*members(count)]
    for layout, export in LAYOUTS.items():
        for one in everybody:
            for name, content in export(one).items():
                path = folder / layout / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o755 if content.startswith(b"#!") else 0o644)
    handed_in = [one for one in everybody if one.files]
    metadata = "---\n" + "".join(map(_metadata, handed_in))
    (folder / "gradescope" / "submission_metadata.yml").write_text(metadata, "utf-8")
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Name", "Username", "Email", "Canvas ID", "Participant ID"))
        for one in everybody:
            email = f"{one.user}@example.edu"
            writer.writerow((one.name, one.user, email, one.platform_id, one.platform_id))
    expected = {one.user: one.expected for one in everybody if one.expected}
    (folder / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(expected)))


def compare(folder: Path, outs: list[Path]) -> Iterator[str]:
    """What is not as it should be, in words."""
    expected = msgspec.json.decode((folder / "expected.json").read_bytes(), type=dict[str, Expected])
    for out in outs:
        for user, verdict in expected.items():
            yield from (f"{out}: {user} ({verdict.fault or 'right'}): {flip}" for flip in _flips(out / user, verdict))
        if (out / "gradebook.csv").read_bytes() != (outs[0] / "gradebook.csv").read_bytes():
            yield f"{out} has a different gradebook from {outs[0]}"


def _flips(student: Path, verdict: Expected) -> Iterator[str]:
    """How a student's report differs from the verdict."""
    path = student / "report.json"
    if path.exists():
        yield from verify.flips(assignments.load(_ASSIGNMENT), verdict, decode(path.read_bytes()))
    else:
        yield "has no report"


def main() -> None:
    """Make a class, or compare what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.made_class")
    parser.add_argument("what", choices=["make", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("outs", type=Path, nargs="*")
    parser.add_argument("--students", type=int, default=200)
    told = parser.parse_args()
    if told.what == "make":
        make(told.folder, told.students)
        return
    differences = [*compare(told.folder, told.outs)]
    for line in differences:
        click.echo(line)
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
