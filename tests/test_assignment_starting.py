"""What an assignment says about how its programs are named, built and started, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import examine
from grader.assignment.starting import ARGUMENTS, Starting
from grader.assignment.values import ServerSpec
from grader.assignment.words import in_words
from grader.errors import UsageError
from grader.languages import NoProgramError, recipe
from grader.model import ROLES, Role
from grader.roles import made_program
from grader.submission import Submission, take
from tests.test_languages import cc, submission_of


def handed_in(*names: str, makefile: str = "") -> Submission:
    """A submission with these files, empty but for a Makefile."""
    return submission_of({**dict.fromkeys(names, ""), **({"Makefile": makefile} if makefile else {})})


HANDOUT = "- **1.1** It listens.\n"
JAVA_MAIN = "class Main { public static void main(String[] a) { } }"
TABLE = """\
title = "Started"
roles = ["server"]
transport = "tcp"

[server]
{}

[checks.server]
listens = "1.1"
"""


def flaws_of(folder: Path, said: str) -> list[str]:
    """What is wrong with an assignment whose table says this about its server."""
    (folder / "assignment.toml").write_text(TABLE.format(said))
    (folder / "handout.md").write_text(HANDOUT)
    return [str(flaw) for flaw in examine(folder)[1]]


@pytest.mark.parametrize(
    "said",
    [
        "",
        'program = "lisod"',
        'program = ["server", "server.py"]',
        'build = "make && make install"',
        'build = ["make", "-C", "src"]',
        'arguments = ["-p", "{port}", "{{not}}", "{}", "{ a }"]',
        'arguments = []\nenvironment = { PORT = "{port}" }',
        'arguments = []\ninput = "{port}\\n"',
        "port = 12000",
        'port = 12000\narguments = ["-v"]',
        'ports = { smtp = 25, pop3 = 110 }\narguments = ["{smtp}", "{pop3}"]',
        'ports = { smtp = 25, pop3 = 110 }\narguments = ["{port}"]\nenvironment = { POP3 = "{pop3}" }',
    ],
)
def test_what_can_be_done_is_accepted(tmp_path: Path, said: str) -> None:
    assert flaws_of(tmp_path, said) == []


@pytest.mark.parametrize(
    ("said", "line", "words"),
    [
        (
            'arguments = ["{prot}", "{port}"]',
            6,
            "arguments has the unknown placeholder {prot} (known: {host}, {port},",
        ),
        ('environment = { A = "{message}" }', 6, "environment has the unknown placeholder {message} (known: {host}"),
        ('arguments = ["{port}", "{files}/a"]', 6, "arguments has {files}, but there is nothing in files/"),
        ('arguments = ["7"]', 6, "neither arguments nor environment nor input tells the server its {port}"),
        ('arguments = ["{{port}}"]', 6, "neither arguments nor environment nor input tells the server its {port}"),
        ('\nbuild = " make"', 7, "build must be a command, without white space around it"),
        ('\nbuild = ""', 7, "build must be a command"),
        ('\n\nprogram = ""', 8, "program must be a file's name, without its folder: '' is not"),
        ('arguments = "{port}"', 6, "Expected `array"),
        ("port = 0", 6, "Expected `int` >= 1"),
        ("port = 1\nports = { a = 2 }", 6, "port is for a server that always listens there"),
        ('ports = { port = 2 }\narguments = ["{port}"]', 6, "ports has the name 'port'"),
        ('ports = { SMTP = 2 }\narguments = ["{SMTP}"]', 6, "ports has the name 'SMTP'"),
        ('ports = { a = 2, b = 2 }\narguments = ["{a}{b}"]', 6, "ports has 2 twice"),
        ('arguments = ["{a}"]\nports = { a = 2, b = 3 }', 6, "nor input tells the server its {b}"),
        ('arguments = ["{b}"]\nports = { a = 2, b = 3 }', 6, "nor input tells the server its {a}"),
        (f'input = "{"x" * 4096}"', 6, "input is longer than 4095 bytes"),
        ('output = "file"', 6, "Invalid enum value 'file'"),
        ('arguments = ["{port}", "a\\u0000b"]', 6, "arguments has a NUL character"),
        ('program = "../server"', 6, "program must be a file's name, without its folder: '../server' is not"),
        ('program = "-server"', 6, "program must be a file's name"),
        ('environment = { "A=B" = "1" }', 6, "environment has 'A=B', which can't be the name of a variable"),
        ('programm = "server"', 5, "unknown field `programm`"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, said: str, line: int, words: str) -> None:
    (flaw,) = flaws_of(tmp_path, said)
    assert flaw.startswith(f"assignment.toml, line {line}: ")
    assert words in flaw


@pytest.mark.parametrize(
    ("starting", "role", "words"),
    [
        (Starting(), "server", "The server is started as `server PORT`."),
        (Starting(), "client", "The client is started as `client HOST PORT`."),
        (
            Starting(program="lisod", build="make", arguments=("{port}", "a b"), environment={"A": "{port}{{"}),
            "server",
            "The server is built by `make` and is started as `A=PORT'{' lisod PORT 'a b'`.",
        ),
        (Starting(program=("a", "b"), build=("make", "x y")), "server", "`make 'x y'` and is started as `a or b PORT`"),
        (
            ServerSpec(port=7, input="a\n", output="pipe"),
            "server",
            'started as `server`. It listens on port 7. "a\\n" is typed into it. Its standard output is a pipe.',
        ),
    ],
)
def test_people_are_told_in_a_sentence(starting: Starting, role: Role, words: str) -> None:
    assert words.replace("A=PORT'{'", "A='PORT{'") in in_words(starting, role)


# What becomes of a submission


def test_arguments_replace_the_usual_ones_in_every_language() -> None:
    asked = Starting(arguments=("{port}", "500"))
    for name in ("server.py", "server.c", "Server.java", "server.go", "server.js", "server.rb", "server.pl"):
        usual, found = (recipe(handed_in(name), "server", each) for each in (Starting(), asked))
        assert (found.run, found.arguments) == ((*usual.run[:-1], "{port}", "500"), 2)
        assert found.build == usual.build


def test_no_arguments_at_all_are_something_else_than_the_usual_ones() -> None:
    found = recipe(handed_in("client.py", "server.py"), "client", Starting(arguments=()))
    assert (found.run, found.arguments) == (("python3", "client.py"), 0)


def test_a_submissions_own_command_wins(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "grader.toml").write_text('server = { run = ["python3", "a.py", "-p", "{port}"] }')
    found = recipe(take(tmp_path), "server", Starting(program="b", build="make", arguments=("{port}", "9")))
    assert (found.run, found.build, found.arguments) == (("python3", "a.py", "-p", "{port}"), (), 0)


@pytest.mark.parametrize(
    ("names", "program", "found"),
    [
        (("echo.py", "server.py"), "echo", "echo.py"),
        (("proxy.py", "tcp_server.py"), ("gateway", "proxy"), "proxy.py"),
        (("Talker.java", "Server.java"), "talker", "Talker.java"),
        (("src/listener.c", "server.c"), "listener", "src/listener.c"),
        (("server.py", "util.py"), "listener", "server.py"),
        (("httpd.py", "web_server.py"), ("web_server", "httpd"), "web_server.py"),
    ],
)
def test_the_name_that_the_assignment_gives_comes_first(
    names: tuple[str, ...], program: str | tuple[str, ...], found: str
) -> None:
    assert recipe(handed_in(*names), "server", Starting(program=program)).program == found


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"Main.java": JAVA_MAIN, "Mailbox.java": "class Mailbox { }"}, "Main.java"),
        ({"main.py": "import mailbox\nmailbox.serve()\n", "mailbox.py": "def serve(): ...\n"}, "main.py"),
        ({"main.c": "int main(void) { }\n", "mailbox.c": "int mails(void) { return 0; }\n"}, "main.c"),
        ({"mailbox.py": "class Mailbox: ...\n"}, "mailbox.py"),
        ({"Mail.java": "class Mail { }", "Mailbox.java": "class Mailbox { }"}, "Mailbox.java"),
    ],
)
def test_what_has_that_name_is_the_program_if_it_can_be_started(texts: dict[str, str], found: str) -> None:
    assert recipe(submission_of(texts), "server", Starting(program="mailbox")).program == found


def test_of_several_programs_with_the_assignments_names_the_first_name_counts() -> None:
    made = ["httpd", "web_server", "www"]
    assert made_program(made, "server", (), ("web_server", "httpd")) == ["web_server"]
    assert made_program(made, "server", (), ("httpd", "web_server")) == ["httpd"]


def test_a_makefile_counts_that_makes_that_name() -> None:
    made = recipe(
        handed_in("echo_server.c", makefile="lisod: echo_server.c\n\tcc -o lisod echo_server.c\n"),
        "server",
        Starting(program="lisod"),
    )
    assert (made.build, made.run, made.named) == ((("make", "lisod"),), ("./server", "{port}"), ("lisod",))


def test_the_assignments_command_builds_whatever_else_there_is() -> None:
    asked = Starting(program="lisod", build="make")
    made = recipe(handed_in("lisod.c", "other.c", makefile="all:\n\tjavac X.java\n"), "server", asked)
    assert made.build == (("sh", "-c", "make"),)
    assert (made.program, made.finds, made.named) == ("lisod.c", ("lisod",), ("lisod",))
    assert "jvm" in made.families
    plain = recipe(handed_in("lisod.c"), "server", Starting(program="lisod"))
    assert plain.build == (cc("server", "lisod.c"),)


def test_what_was_built_elsewhere_is_built_again_by_the_assignments_command() -> None:
    asked = Starting(program="lisod", build=("make", "all"))
    made = recipe(handed_in("lisod.c", "lisod", makefile="all: lisod\n"), "server", asked)
    assert made.build == (("env", "MAKEFLAGS=B", "make", "all"),)


def test_what_was_looked_for_is_said_with_the_assignments_name() -> None:
    with pytest.raises(NoProgramError) as caught:
        recipe(handed_in("notes.txt"), "server", Starting(program="lisod"))
    assert "looked for lisod.py, lisod.c or a Makefile that makes 'lisod'" in str(caught.value)


def test_the_example_line_has_the_assignments_arguments() -> None:
    with pytest.raises(UsageError) as caught:
        recipe(handed_in("a.py", "b.py"), "server", Starting(arguments=("{port}", "9")))
    assert str(caught.value).endswith('server = { run = ["python3", "a.py", "{port}", "9"] }')


@pytest.mark.parametrize("role", ROLES)
def test_the_usual_arguments_are_what_every_recipe_ends_with(role: Role) -> None:
    made = recipe(handed_in(f"{role}.py"), role)
    assert made.run[-len(ARGUMENTS[role]) :] == ARGUMENTS[role]


@pytest.mark.parametrize(
    ("role", "asked", "word", "known"),
    [
        ("server", Starting(), "{prot}", "{host}, {port} and {files}"),
        ("server", Starting(), "{message}", "{host}, {port} and {files}"),
        ("client", Starting(), "{massage}", "{host}, {port}, {message} and {files}"),
        ("server", ServerSpec(ports={"smtp": 25}), "{pop3}", "{host}, {port}, {files} and {smtp}"),
    ],
)
def test_a_misspelt_placeholder_of_a_submission_is_refused(
    tmp_path: Path, role: Role, asked: Starting, word: str, known: str
) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "grader.toml").write_text(f'# ours\n[{role}]\nrun = ["python3", "a.py", "--at={word}"]')
    with pytest.raises(UsageError) as caught:
        recipe(take(tmp_path), role, asked)
    assert str(caught.value) == (
        f'grader.toml line 3: key "{role}.run" has the unknown placeholder {word} (known: {known})'
    )


def test_a_submission_may_use_the_names_of_the_ports(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "grader.toml").write_text('server = { run = ["python3", "a.py", "{smtp}", "{pop3}", "{files}/u"] }')
    found = recipe(take(tmp_path), "server", ServerSpec(ports={"smtp": 25, "pop3": 110}))
    assert found.run == ("python3", "a.py", "{smtp}", "{pop3}", "{files}/u")
