"""Every mistake of an assignment's author is found in one go, where it is, and before a program is built."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader import assignment, lint

OWN = '''
def test_own(connect, no_such_fixture):
    """Is ours"""

def test_needs_more(connect):
    """Needs a function"""
test_needs_more.behaviour = __import__("grader").behaviour(
    does="", proves="", catches="", hint="", says=("opcodes",)
)(lambda: None).behaviour
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of an assignment, to be spoilt."""
    return Path(shutil.copytree(assignment.folder_of("udp_reply"), tmp_path / "all" / "mine"))


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", assignment.names())
def test_ours_have_none(name: str) -> None:
    assert lint.flaws(assignment.folder_of(name)) == []


def test_all_are_found_with_their_lines(folder: Path) -> None:
    own = 'own = "1.1"\nneeds_more = "1.1"\n'
    edit(folder / "assignment.toml", "garbage_survived = ", f"{own}garbage_survivd = ")
    edit(folder / "handout.md", "- **1.1**", "- **1.9** Nobody checks this.\n- **1.1**")
    edit(folder / "protocol.py", "def oversized(", "def oversized(rng):\n    return (bytes(70_000),)\n\n\ndef older(")
    (folder / "test_own.py").write_text(OWN)
    table = (folder / "assignment.toml").read_text().splitlines()
    at = 1 + next(number for number, line in enumerate(table) if "garbage_survivd" in line)
    found = [str(flaw) for flaw in lint.flaws(folder)]
    handout = (folder / "handout.md").read_text().splitlines()
    protocol = (folder / "protocol.py").read_text().splitlines()
    new = 1 + handout.index("- **1.9** Nobody checks this.")
    oversized = 1 + protocol.index("def oversized(rng):")
    assert found == [
        "assignment.toml: check server.needs_more needs opcodes, which protocol.py does not have",
        f"assignment.toml, line {at}: there is no check server.garbage_survivd",
        f"handout.md, line {new}: requirement 1.9 of the handout has no check",
        (
            f"protocol.py, line {oversized}: oversized of protocol.py must give datagrams longer than LARGEST_BYTES, "
            "of 65507 bytes at most, but with seed 1 it does not (server.large_datagrams needs it)"
        ),
        "test_own.py, line 2: test_own asks for no_such_fixture, which is not a fixture",
    ]


@pytest.mark.parametrize(
    ("file", "content", "flaw"),
    [
        ("protocol.py", "import no_such", "protocol.py, line 1: ModuleNotFoundError: No module named 'no_such'"),
        ("protocol.py", "raise SystemExit", "protocol.py, line 1: SystemExit: "),
        ("protocol.py", "import os\nos._exit(3)", "protocol.py: it, or a file of checks, ended the process"),
        ("test_own.py", "x = (", "test_own.py, line 1: SyntaxError: '(' was never closed"),
        ("test_own.py", "\n1 / 0", "test_own.py, line 2: ZeroDivisionError: division by zero"),
        ("assignment.toml", "roles = [\ntitle", "assignment.toml, line 2: "),
        (
            "assignment.toml",
            'title = "x"\nroles = ["server"]\ntransport = "ftp"\n[checks]\n',
            "assignment.toml, line 3: ",
        ),
        ("handout.md", b"\xff", "handout.md: "),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, file: str, content: str | bytes, flaw: str) -> None:
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert str(lint.flaws(folder)[0]).startswith(flaw)


JUDGING = """

from grader import Exchange, judged


def exchange(number, rng):
    return Exchange(b"id %d" % number, judged(lambda data: f"{1 / len(data)}", "it"))
"""


def test_a_judge_that_raises_is_told_with_its_line(folder: Path) -> None:
    path = folder / "protocol.py"
    path.write_text(path.read_text() + JUDGING)
    at = 1 + path.read_text().splitlines().index("def exchange(number, rng):")
    told = "exchange of protocol.py gives a reply that raises ZeroDivisionError('division by zero') when '' comes"
    (flaw,) = map(str, lint.flaws(folder))
    assert flaw == f"protocol.py, line {at}: {told}: a program may send anything"


def test_the_command_tells_them_and_exits_with_2(folder: Path) -> None:
    assert run("lint", "udp_reply") == (0, "udp_reply: no mistakes found\n", "")
    (folder / "protocol.py").write_text("print('hello')\n1 / 0\n")
    told = "protocol.py, line 2: ZeroDivisionError: division by zero\n"
    assert run("lint", "mine", "--assignments", str(folder.parent)) == (2, told, "")


def test_checks_that_a_right_server_would_fail_are_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parent / "assignments" / "json_rpc", tmp_path / "mine"))
    edit(folder / "assignment.toml", "coalesced", 'pipelined_in_order = "2.3"\ncoalesced')
    edit(folder / "protocol.py", "response(200, string.decode())", "response(200, 0)")
    told = "sized of protocol.py must give replies half as long as their requests"
    order = 'replies in the order of their requests, but the server has replies = "in_any_order"'
    assert [flaw.what for flaw in lint.flaws(folder)] == [
        f"check server.pipelined_in_order needs {order}",
        f"{told} (server.both_directions_full needs it)",
        f"{told}, or there must be a large (server.slow_reader_gets_all needs it)",
    ]


def test_a_server_that_speaks_unasked_is_not_asked_for_more(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parent / "assignments" / "daytime", tmp_path / "mine"))
    edit(folder / "assignment.toml", 'connection = "one_request"', "")
    edit(folder / "assignment.toml", "answers", 'fragments_every_byte = "2.1"\nanswers')
    told = [flaw.what for flaw in lint.flaws(folder)]
    assert "check server.fragments_every_byte needs requests, but those of exchange are empty" in told
    only = 'only over TCP, where the server has connection = "one_request"'
    assert f"exchange of protocol.py may have an empty request {only}" in told
    assert len(told) == 3  # and closes_when_done, since no request ends the connection


VISITING = Path(__file__).parent / "assignments" / "upload"


@pytest.mark.parametrize(
    ("file", "old", "new", "flaw"),
    [
        (
            "assignment.toml",
            'connects = "1.1"\n',
            'connects = "1.1"\nsends_exactly = "1.2"\n',
            "check client.sends_exactly needs a client that is typed into, but protocol.py has visit",
        ),
        (
            "assignment.toml",
            'connects = "1.1"\n',
            'connects = "1.1"\nreplies_coalesced = "1.3"\n',
            "check client.replies_coalesced needs visit_in_turns, which protocol.py does not have",
        ),
        (
            "assignment.toml",
            '"{file}"',
            '"{fiel}"',
            "visit of protocol.py does not fill in {fiel}, which the client is given",
        ),
        (
            "protocol.py",
            "def visit(",
            "def other(",
            "[client] arguments has the unknown placeholder {file} (known: {host}, {port}, {message}, {files})",
        ),
        (
            "protocol.py",
            'says=line + b"\\n"',
            'says=line + b"\\n", how=Answer.TWICE',
            "visit of protocol.py has Answer.TWICE, which there is not over TCP",
        ),
    ],
)
def test_what_a_client_that_acts_by_itself_lacks_is_told(
    tmp_path: Path, file: str, old: str, new: str, flaw: str
) -> None:
    folder = Path(shutil.copytree(VISITING, tmp_path / "all" / "mine"))
    edit(folder / file, old, new)
    edit(folder / "protocol.py", "from grader import ", "from grader import Answer, ")
    assert flaw in [found.what for found in lint.flaws(folder)]


def test_checks_of_the_catalogue_play_no_visit_over_both_transports(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(VISITING.parent / "lookup", tmp_path / "all" / "mine"))
    edit(folder / "protocol.py", 'seen["id"] + address))', 'seen["id"] + address, over="tcp"))')
    told = "visit of protocol.py goes on over TCP, which only a visit of a check of your own may"
    assert [found.what for found in lint.flaws(folder)] == [told]
