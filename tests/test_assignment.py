"""Assignments as folders: what is read from them, and every disagreement between handout and checks refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader import assignment
from grader.errors import AssignmentError, UsageError
from grader.model import Requirement, parts_of

HANDOUT = """# Echo

- **1.1** The server listens
  on the `port` it is given.
- **1.2** It *answers*.

## More

- **2.1** It goes on.

Not a requirement: **3.1** this.
"""
TOML = """
title = "Echo"
roles = ["server"]
transport = "tcp"
[server]
default_port = 7
[limits]
whole_s = 5.0
[[checks]]
id = "server.listens"
points = 1
requirement = "1.1"
[[checks]]
id = "server.answers"
points = 2.5
requirement = "1.2"
needs = "server.listens"
[[checks]]
id = "server.goes_on"
points = 1
requirement = "2.1"
needs = "server.answers"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an assignment's folder; gives the folder of assignments."""

    def write(toml: str = TOML, handout: str = HANDOUT, name: str = "echo") -> Path:
        folder = tmp_path / "assignments" / name
        folder.mkdir(parents=True)
        (folder / "assignment.toml").write_text(toml)
        (folder / "handout.md").write_text(handout)
        (folder / "protocol.py").write_bytes(b"# ours\n")
        (folder / "test_own.py").write_bytes(b"raise SystemExit('imported')\n")
        (folder / "notes.txt").write_bytes(b"not Python")
        return folder.parent

    return write


def test_a_folder_becomes_a_value(write: Write) -> None:
    echo = assignment.load("echo", write())
    assert (echo.name, echo.title, echo.roles, echo.server.default_port) == ("echo", "Echo", ("server",), 7)
    assert (echo.server.listen, echo.limits.whole_s) == ("any", 5.0)
    assert [(spec.id, spec.points, spec.needs) for spec in echo.checks] == [
        ("server.listens", 1, ()),
        ("server.answers", 2.5, "server.listens"),
        ("server.goes_on", 1, "server.answers"),
    ]
    assert echo.files == {"protocol.py": b"# ours\n", "test_own.py": b"raise SystemExit('imported')\n"}


@pytest.mark.parametrize(
    ("needs", "needed"),
    [
        ('"server.answers"', ("server.answers",)),
        ('["server.answers"]', ("server.answers",)),
        ('["server.listens", "server.answers"]', ("server.listens", "server.answers")),
        ("[]", ()),
    ],
)
def test_a_check_needs_one_or_several(write: Write, needs: str, needed: tuple[str, ...]) -> None:
    toml = TOML.replace('needs = "server.answers"', f"needs = {needs}")
    echo = assignment.load("echo", write(toml))
    assert echo.spec("server.goes_on").needed == needed
    assert echo.spec("server.listens").needed == ()
    along = {other for check in needed for other in echo.with_needed(frozenset({check}))}
    assert echo.with_needed(frozenset({"server.goes_on"})) == along | {"server.goes_on"}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_both_transports_are_read(write: Write, transport: str) -> None:
    toml = TOML.replace('transport = "tcp"', f'transport = "{transport}"')
    assert assignment.load("echo", write(toml)).transport == transport


@pytest.mark.parametrize(
    ("line", "clients", "backlog"), [("", 500, 16), ("clients = 2\nbacklog = 1", 2, 1), ("clients = 5000", 5000, 16)]
)
def test_how_many_clients_are_to_be_held_is_read(write: Write, line: str, clients: int, backlog: int) -> None:
    server = assignment.load("echo", write(TOML.replace("default_port = 7", f"default_port = 7\n{line}"))).server
    assert (server.clients, server.backlog) == (clients, backlog)


def test_requirements_are_read_without_markup_and_line_ends() -> None:
    assert assignment.parse_requirements(HANDOUT) == {
        "1.1": Requirement(number="1.1", text="The server listens on the port it is given."),
        "1.2": Requirement(number="1.2", text="It answers."),
        "2.1": Requirement(number="2.1", text="It goes on."),
    }


def test_the_needed_checks_come_along_whatever_the_distance(write: Write) -> None:
    echo = assignment.load("echo", write())
    everything = frozenset({"server.listens", "server.answers", "server.goes_on"})
    assert echo.with_needed(frozenset({"server.goes_on"})) == everything
    assert echo.with_needed(frozenset({"server.answers"})) == everything - {"server.goes_on"}
    assert echo.with_needed(frozenset()) == frozenset()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"server.goes_on"', '"server.answers"', "check server.answers stands twice"),
        (
            'requirement = "2.1"',
            'requirement = "9.9"',
            "check server.goes_on names requirement 9.9, which the handout does not have",
        ),
        (
            'needs = "server.listens"',
            'needs = "server.goes_on"',
            "check server.answers needs server.goes_on, which is not before it",
        ),
        (
            'needs = "server.answers"',
            'needs = "server.goes_on"',
            "check server.goes_on needs server.goes_on, which is not before it",
        ),
        ('requirement = "2.1"', 'requirement = "1.1"', "requirement 2.1 of the handout has no check"),
        (
            'needs = "server.answers"',
            'needs = ["server.answers", "server.later"]',
            "check server.goes_on needs server.later, which is not before it",
        ),
        ('needs = "server.answers"', "needs = [1]", "Expected `str`"),
        ("default_port = 7", "default_port = 7\nclients = 1", "Expected `int` >= 2"),
        ("default_port = 7", "default_port = 7\nclients = 5001", "Expected `int` <= 5000"),
        ("default_port = 7", "default_port = 7\nbacklog = 0", "Expected `int` >= 1"),
        ("default_port = 7", "default_port = 7\nbacklog = 1001", "Expected `int` <= 1000"),
        ('title = "Echo"', "", "Object missing required field `title`"),
        ('title = "Echo"', 'titel = "Echo"', "unknown field `titel`"),
        ('transport = "tcp"', 'transport = "sctp"', "Invalid enum value 'sctp'"),
        ("points = 2.5", 'points = "many"', "Expected `float`"),
        ("title =", "title", "line 2"),
    ],
)
def test_a_fault_in_a_folder_is_refused_before_anything_runs(write: Write, old: str, new: str, words: str) -> None:
    assert old in TOML
    folder = write(TOML.replace(old, new, 1) if old != '"server.goes_on"' else TOML.replace(old, new))
    with pytest.raises(AssignmentError, match=r"^assignment echo: ") as caught:
        assignment.load("echo", folder)
    assert words in str(caught.value)


BOTH = (
    TOML.replace('roles = ["server"]', 'roles = ["server", "client"]').replace("[limits]", "[client]\n[limits]")
    + """
[[checks]]
id = "client.connects"
points = 1
requirement = "2.1"
[[checks]]
id = "pair.talk"
points = 1
requirement = "2.1"
needs = ["server.answers", "client.connects"]
"""
)


def test_an_assignment_asks_for_both_programs(write: Write) -> None:
    both = assignment.load("echo", write(BOTH))
    assert both.roles == ("server", "client")
    assert both.client == assignment.ClientSpec(silent="waits", tries=1)
    assert [spec.part for spec in both.checks] == ["server"] * 3 + ["client", "pair"]
    assert assignment.load("tcp_uppercase").client is None or "client" in assignment.load("tcp_uppercase").roles


def test_what_the_handout_says_of_a_client_is_read(write: Write) -> None:
    told = '[client]\nsilent = "gives_up"\ntries = 3\n'
    client = assignment.load("echo", write(BOTH.replace("[client]\n", told))).client
    assert client == assignment.ClientSpec(silent="gives_up", tries=3)


def test_an_assignment_may_ask_for_a_client_alone(write: Write) -> None:
    toml = BOTH.partition("[[checks]]")[0].replace('["server", "client"]', '["client"]')
    checks = "".join(
        f'[[checks]]\nid = "client.{name}"\npoints = 1\nrequirement = "{number}"\n'
        for name, number in (("connects", "1.1"), ("sends", "1.2"), ("prints", "2.1"))
    )
    assert assignment.load("echo", write(toml + checks)).roles == ("client",)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[client]\n", "", "roles asks for a client, but there is no table [client]"),
        ('["server", "client"]', '["server"]', "there is a table [client], but roles does not ask for a client"),
        ('["server", "client"]', '["server", "server"]', "roles must name a server, a client, or each once"),
        ('["server", "client"]', "[]", "roles must name a server, a client, or each once"),
        ("[client]\n", "[client]\ntries = 2\n", 'a client that is to try again must have silent = "gives_up"'),
        ("[client]\n", "[client]\ntries = 11\n", "Expected `int` <= 10"),
        ("[client]\n", "[client]\ntimeout = 1\n", "unknown field `timeout`"),
        (
            'id = "client.connects"',
            'id = "clients.connects"',
            "check clients.connects must begin with server., client. or",
        ),
        (
            '"client.connects"\npoints = 1\n',
            '"client.connects"\npoints = 1\nneeds = "server.answers"\n',
            "check client.connects needs server.answers, a check of another program",
        ),
    ],
)
def test_roles_checks_and_tables_that_do_not_fit_are_refused(write: Write, old: str, new: str, words: str) -> None:
    assert old in BOTH
    with pytest.raises(AssignmentError) as caught:
        assignment.load("echo", write(BOTH.replace(old, new)))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("client.connects", "check client.connects needs a client, which roles does not ask for"),
        ("pair.talk", "check pair.talk needs a server and a client, which roles does not ask for"),
    ],
)
def test_a_check_of_a_program_that_is_not_asked_for_is_refused(write: Write, check: str, words: str) -> None:
    more = f'[[checks]]\nid = "{check}"\npoints = 1\nrequirement = "2.1"\n'
    with pytest.raises(AssignmentError) as caught:
        assignment.load("echo", write(TOML + more))
    assert words in str(caught.value)


def test_parts_are_those_of_the_roles_and_both_together() -> None:
    assert parts_of(["server"]) == ("server",)
    assert parts_of(["client"]) == ("client",)
    assert parts_of(["client", "server"]) == ("server", "client", "pair")
    assert parts_of([]) == ()


def test_a_requirement_number_that_stands_twice_is_refused(write: Write) -> None:
    folder = write(handout=HANDOUT + "\n- **2.1** It stops.\n")
    with pytest.raises(AssignmentError, match=r"2\.1"):
        assignment.load("echo", folder)


def test_negative_points_are_refused(write: Write) -> None:
    folder = write(TOML.replace("points = 2.5", "points = -2.5"))
    with pytest.raises(AssignmentError, match="points"):
        assignment.load("echo", folder)


def test_a_folder_without_a_handout_is_refused(write: Write) -> None:
    folder = write()
    (folder / "echo" / "handout.md").unlink()
    with pytest.raises(AssignmentError, match=r"assignment echo: .*handout\.md"):
        assignment.load("echo", folder)


def test_a_handout_that_is_no_utf8_is_refused(write: Write) -> None:
    folder = write()
    (folder / "echo" / "handout.md").write_bytes(b"- **1.1** caf\xe9\n")
    with pytest.raises(AssignmentError, match="assignment echo: "):
        assignment.load("echo", folder)


@pytest.mark.parametrize("name", ["nothing", "../assignments/echo", "..", ".", "echo/", "/etc", ""])
def test_a_name_that_is_no_assignment_is_wrong_usage(write: Write, name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no assignment .*; known: echo, .*tcp_uppercase"):
        assignment.load(name, write())


def test_the_users_folder_comes_first(write: Write) -> None:
    folder = write(name="tcp_uppercase")
    assert assignment.load("tcp_uppercase", folder).title == "Echo"
    assert assignment.load("tcp_uppercase").title == "TCP upper case"


@pytest.mark.parametrize("name", assignment.names())
def test_our_assignments_can_be_loaded(name: str) -> None:
    ours = assignment.load(name)
    assert ours.checks
    assert sum(spec.points for spec in ours.checks) > 0
    assert "protocol.py" in ours.files
