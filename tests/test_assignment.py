"""Assignments as folders: what is read from them, and every disagreement between handout and checks refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import assignment
from grader.assignment.table import line_of, requirements_of
from grader.catalogue.usual import USUAL
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
[checks.server]
listens = { requirement = "1.1", points = 1 }
answers = { requirement = "1.2", points = 2.5, needs = ["listens"] }
goes_on = { requirement = "2.1", needs = ["server.answers"] }
"""

OWN = b"raise SystemExit('imported')\n\ndef test_goes_on(): ...\n\ndef test_later(): ...\n"

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
        (folder / "test_own.py").write_bytes(OWN)
        (folder / "notes.txt").write_bytes(b"not Python")
        return folder.parent

    return write


def test_a_folder_becomes_a_value(write: Write) -> None:
    echo = assignment.load("echo", write())
    assert (echo.name, echo.title, echo.roles, echo.server.default_port) == ("echo", "Echo", ("server",), 7)
    assert (echo.server.listen, echo.limits.whole_s) == ("any", 5.0)
    assert [(spec.id, spec.points, spec.needs) for spec in echo.checks] == [
        ("server.listens", 1, ()),
        ("server.answers", 2.5, ("server.listens",)),
        ("server.goes_on", 1, ("server.answers",)),
    ]
    assert echo.files == {"protocol.py": b"# ours\n", "test_own.py": OWN}


@pytest.mark.parametrize(
    ("needs", "needed"),
    [
        ('["answers"]', ("server.answers",)),
        ('["server.answers"]', ("server.answers",)),
        ('["listens", "answers"]', ("server.listens", "server.answers")),
        ("[]", ()),
    ],
)
def test_a_check_may_need_others_by_name_or_id(write: Write, needs: str, needed: tuple[str, ...]) -> None:
    echo = assignment.load("echo", write(TOML.replace('["server.answers"]', needs)))
    assert echo.spec("server.goes_on").needs == needed
    along = {other for check in needed for other in echo.with_needed(frozenset({check}))}
    assert echo.with_needed(frozenset({"server.goes_on"})) == along | {"server.goes_on"}


def test_what_a_check_is_worth_and_needs_is_the_catalogues_unless_it_says_so(write: Write) -> None:
    toml = TOML.partition("listens =")[0] + (
        'pipelined_in_order = "1.1"\ncoalesced = "1.2"\nanswers = "2.1"\n'
        'stays_open = { requirement = "2.1", points = 0 }\n'
    )
    echo = assignment.load("echo", write(toml))
    assert [(spec.id, spec.points, spec.needs) for spec in echo.checks] == [
        ("server.answers", USUAL["server.answers"].points, ()),
        ("server.coalesced", USUAL["server.coalesced"].points, ("server.answers",)),
        ("server.pipelined_in_order", USUAL["server.pipelined_in_order"].points, ("server.coalesced",)),
        # extra_reply_bytes, which it needs, is not listed: what that one needs is.
        ("server.stays_open", 0, ("server.answers",)),
    ]


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
    assert requirements_of(HANDOUT) == {
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
        ("goes_on =", "answers =", "Cannot overwrite a value"),
        (
            'requirement = "2.1"',
            'requirement = "9.9"',
            "check server.goes_on names requirement 9.9, which the handout does not have",
        ),
        ('["listens"]', '["goes_on"]', "server.answers depends on server.goes_on, which depends on it in turn"),
        (
            '["server.answers"]',
            '["goes_on"]',
            "server.goes_on depends on server.goes_on, which depends on it in turn",
        ),
        ('requirement = "2.1"', 'requirement = "1.1"', "requirement 2.1 of the handout has no check"),
        (
            '["server.answers"]',
            '["later"]',
            "server.goes_on depends on server.later, which is not among the checks",
        ),
        ('["server.answers"]', "[1]", "Expected `str`"),
        ("goes_on =", "goes_onn =", "there is no check server.goes_onn"),
        ("goes_on =", "burst =", "there is no check server.burst over TCP"),
        ("[checks.server]", "[checks.servers]", "[checks.servers] must be [checks.server], [checks.client] or"),
        ('title = "Echo"', 'title = "Echo"\ndrop = []', "drop is for an assignment that extends another"),
        ("default_port = 7", "default_port = 7\nclients = 1", "Expected `int` >= 2"),
        ("whole_s = 5.0", "reply_s = 0.1", "Expected `float` >= 0.5"),
        ("whole_s = 5.0", "reply_s = 31", "Expected `float` <= 30"),
        ("whole_s = 5.0", "repply_s = 3", "unknown field `repply_s`"),
        ("whole_s = 5.0", "tasks = { anyhow = 9 }", "missing required field `for_each`"),
        ("whole_s = 5.0", "tasks = { anyhow = 0, for_each = 1 }", "Expected `int` >= 1"),
        ("default_port = 7", "default_port = 7\nclients = 5001", "Expected `int` <= 5000"),
        ("default_port = 7", "default_port = 7\nbacklog = 0", "Expected `int` >= 1"),
        ("default_port = 7", "default_port = 7\nbacklog = 1001", "Expected `int` <= 1000"),
        ('title = "Echo"', "", "Object missing required field `title`"),
        ('title = "Echo"', 'titel = "Echo"', "unknown field `titel`"),
        ('transport = "tcp"', 'transport = "sctp"', "Invalid enum value 'sctp'"),
        ("points = 2.5", 'points = "many"', "points"),
        ("title =", "title", "line 2"),
    ],
)
def test_a_fault_in_a_folder_is_refused_before_anything_runs(write: Write, old: str, new: str, words: str) -> None:
    assert old in TOML
    folder = write(TOML.replace(old, new))
    with pytest.raises(AssignmentError, match=r"^assignment echo: ") as caught:
        assignment.load("echo", folder)
    assert words in str(caught.value)


BOTH = (
    TOML.replace('roles = ["server"]', 'roles = ["server", "client"]').replace("[limits]", "[client]\n[limits]")
    + """
[checks.client]
connects = { requirement = "2.1", points = 1 }
[checks.pair]
works_together = { requirement = "2.1", needs = ["server.answers", "client.connects"] }
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


def test_an_assignment_may_ask_for_a_client_alone_and_say_nothing_of_a_server(write: Write) -> None:
    toml = """
title = "Client"
roles = ["client"]
transport = "tcp"
[client]
[checks.client]
connects = "1.1"
sends_exactly = "1.2"
prints_reply = "2.1"
"""
    asked = assignment.load("echo", write(toml))
    assert (asked.roles, asked.server) == (("client",), assignment.ServerSpec())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[client]\n", "", "roles asks for a client, but there is no table [client]"),
        ('["server", "client"]', '["server"]', "there is a table [client], but roles does not ask for a client"),
        ('["server", "client"]', '["server", "server"]', "roles must name a server, a client, or each once"),
        ('["server", "client"]', "[]", "roles must name a server, a client, or each once"),
        ("[client]\n", "[client]\ntries = 2\n", 'a client that has to try again must have silent = "gives_up"'),
        ("[client]\n", "[client]\ntries = 11\n", "Expected `int` <= 10"),
        ("[client]\n", "[client]\ntimeout = 1\n", "unknown field `timeout`"),
        (
            'connects = { requirement = "2.1", points = 1 }',
            'connects = { requirement = "2.1", needs = ["server.answers"] }',
            "check client.connects depends on server.answers, a check of another program",
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
        ("pair.works_together", "check pair.works_together needs a server and a client, which roles does not ask for"),
    ],
)
def test_a_check_of_a_program_that_is_not_asked_for_is_refused(write: Write, check: str, words: str) -> None:
    part, name = check.split(".")
    with pytest.raises(AssignmentError) as caught:
        assignment.load("echo", write(f'{TOML}[checks.{part}]\n{name} = "2.1"\n'))
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


@pytest.mark.parametrize("name", ["nothing", "..", ".", "/etc", ""])
def test_a_name_that_is_no_assignment_is_wrong_usage(write: Write, name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no assignment .*; known: .*\becho, .*tcp_uppercase"):
        assignment.load(name, write())


@pytest.mark.parametrize(
    ("name", "meant"), [("ecko", "echo"), ("echo/", "echo"), ("tcp_upercase", "tcp_uppercase"), ("tcp-sum", "tcp_sum")]
)
def test_a_name_that_is_almost_an_assignment_s_says_which(write: Write, name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"there is no assignment .*; did you mean '{meant}'\?$"):
        assignment.load(name, write())


def test_a_path_leads_to_no_assignment(write: Write) -> None:
    with pytest.raises(UsageError, match="there is no assignment"):
        assignment.load("../assignments/echo", write())


def test_the_users_folder_comes_first(write: Write) -> None:
    folder = write(name="tcp_uppercase")
    assert assignment.load("tcp_uppercase", folder).title == "Echo"
    assert assignment.load("tcp_uppercase").title == "TCP upper case"


VARIANT = """
extends = "echo"
title = "Echo, the first week"
drop = ["server.goes_on", "pair.works_together"]
[server]
clients = 9
[limits]
processes = 70
[points.server]
answers = 8
listens = 0
"""


@pytest.fixture
def write_variant(write: Write) -> Write:
    """Writes a variant beside the assignment that it extends; gives the folder of assignments."""

    def write_variant(toml: str = VARIANT, parent: str = BOTH) -> Path:
        folder = write(parent)
        (folder / "short").mkdir()
        (folder / "short" / "assignment.toml").write_text(toml)
        return folder

    return write_variant


def test_a_variant_has_what_its_parent_has_but_for_what_it_says(write_variant: Write) -> None:
    folder = write_variant()
    short, echo = assignment.load("short", folder), assignment.load("echo", folder)
    assert (short.name, short.title, short.extends) == ("short", "Echo, the first week", ("echo",))
    assert [(spec.id, spec.points) for spec in short.checks] == [
        ("server.listens", 0),
        ("server.answers", 8),
        ("client.connects", 1),
    ]
    assert (short.server.clients, short.server.default_port, short.limits.processes) == (9, 7, 70)
    assert (short.limits.whole_s, short.files, short.requirements) == (5.0, echo.files, echo.requirements)


def test_a_variant_without_a_role_has_none_of_its_checks(write_variant: Write) -> None:
    short = assignment.load("short", write_variant('extends = "echo"\nroles = ["server"]\n'))
    assert {spec.part for spec in short.checks} == {"server"}
    assert short.client is None


def test_a_variant_may_have_files_checks_and_a_handout_of_its_own(write_variant: Write) -> None:
    folder = write_variant('extends = "echo"\ndrop = ["server.goes_on"]\n[checks.server]\nis_new = "9.1"\n')
    (folder / "short" / "protocol.py").write_bytes(b"# its own\n")
    (folder / "short" / "test_new.py").write_bytes(b"def test_is_new(): ...\n")
    (folder / "short" / "handout.md").write_text(HANDOUT + "\n- **9.1** It is new.\n")
    short = assignment.load("short", folder)
    assert short.requirements["9.1"].text == "It is new."
    assert (short.files["protocol.py"], short.files["test_own.py"]) == (b"# its own\n", OWN)
    assert short.spec("server.is_new").points == 1


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('extends = "short"\n', "line 1: extends goes in a circle: short -> short"),
        ('title = "x"\nextends = "no_such"\n', "line 2: extends: there is no assignment 'no_such'"),
        ('extends = "echo"\ndrop = ["server.nope"]\n', "line 2: drop names server.nope, which echo does not have"),
        (
            'extends = "echo"\n[points.server]\nanswers = 1\nnope = 2\n',
            "line 4: points names server.nope, which is not among the checks",
        ),
        ('extends = "echo"\n[points.server]\nanswers = -1\n', "Expected `float` >= 0"),
        ('extends = "echo"\ndrop = ["server.answers"]\n', "depends on server.answers, which is not among the checks"),
    ],
)
def test_a_variants_mistakes_are_told_with_their_line(write_variant: Write, toml: str, words: str) -> None:
    folder = write_variant(toml)
    _, flaws = assignment.examine(folder / "short", folder)
    assert any(words in str(flaw) for flaw in flaws), [str(flaw) for flaw in flaws]


def test_all_mistakes_are_found_in_one_go(write: Write) -> None:
    toml = TOML.replace("goes_on =", "goes_onn =").replace('"1.2"', '"9.9"')
    folder = write(toml)
    _, flaws = assignment.examine(folder / "echo")
    lines = toml.splitlines()
    numbers = {word: next(at for at, line in enumerate(lines, 1) if word in line) for word in ("goes_onn", "answers =")}
    assert [str(flaw) for flaw in flaws] == [
        (
            f"assignment.toml, line {numbers['answers =']}: "
            "check server.answers names requirement 9.9, which the handout does not have"
        ),
        f"assignment.toml, line {numbers['goes_onn']}: there is no check server.goes_onn",
        "handout.md, line 5: requirement 1.2 of the handout has no check",
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a",), 1), (("b", "c"), 3), (("b", "d", "e"), 4), (("b", "nope"), 2), (("f", "g", "h"), 6), (("nope",), None)],
)
def test_a_line_is_found_by_its_keys(path: tuple[str, ...], line: int | None) -> None:
    assert line_of("a = 1\n[b]\nc = 2\nd.e = 3\n[f.g]\nh = 4\n", path) == line


@pytest.mark.parametrize("name", assignment.names())
def test_our_assignments_can_be_loaded(name: str) -> None:
    ours = assignment.load(name)
    assert ours.checks
    assert sum(spec.points for spec in ours.checks) > 0
    assert "protocol.py" in ours.files


# libraries

IMAGE = 'packages = ["python3-twisted=22.4.0-4"]\npip = ["websockets[all]>=13.1"]\nnpm = ["ws@8", "@scope/part"]'
PLAIN = st.from_regex(r"[\w.,@/=<>~!+:^*-]+", fullmatch=True)


def test_libraries_are_read(write: Write) -> None:
    allowed = assignment.load("echo", write(f"{TOML}[image]\n{IMAGE}\n")).image
    assert allowed.names == ("python3-twisted=22.4.0-4", "websockets[all]>=13.1", "ws@8", "@scope/part")
    assert allowed
    assert not assignment.Libraries()


@given(st.sampled_from(["packages", "pip", "npm"]), st.one_of(PLAIN, st.text()))
def test_a_library_is_a_name_and_neither_an_option_nor_a_command(tool: str, name: str) -> None:
    table = msgspec.json.encode({tool: [name]})
    try:
        msgspec.json.decode(table, type=assignment.Libraries)
    except msgspec.ValidationError:
        return
    assert re.fullmatch(r"[@\w].*", name, re.ASCII)
    assert not set(name) & set(" \t\n\0\"'`$&|;()\\#%{}?")


@pytest.mark.parametrize("name", ["--index-url=x", "-r", "a b", "a;b", "$(id)", "a\n", "", "../x", "https://x/y.whl"])
@pytest.mark.parametrize("tool", ["packages", "pip", "npm"])
def test_words_that_are_no_names_are_refused(write: Write, tool: str, name: str) -> None:
    with pytest.raises(AssignmentError, match=tool):
        assignment.load("echo", write(f"{TOML}[image]\n{tool} = {json.dumps([name])}\n"))
