"""What a program is started with."""

from __future__ import annotations

import json

import pytest

from grader.harness.starting import as_usual, with_arguments, with_port
from grader.job import Command
from grader.submission import parse_config

FILLING = {"host": "127.0.0.1", "files": "/files"}


@pytest.mark.parametrize(
    ("run", "arguments", "argv"),
    [
        (("./server", "{port}"), ("abc",), ("./server", "abc")),
        (("./server", "{port}"), (), ("./server",)),
        (("./server",), ("1", "2"), ("./server", "1", "2")),
        (("./server", "-h", "{host}", "{port}", "-v"), ("x",), ("./server", "-h", "127.0.0.1", "x", "-v")),
        (("./server", "--port={port}", "-v"), ("x",), ("./server", "--port=x", "-v")),
        (("sh", "-c", "exec ./server {port}"), ("x",), ("sh", "-c", "exec ./server x")),
        (("sh", "-c", "exec ./server {port}"), (), ("sh", "-c", "exec ./server ")),
        (("python3", "a{{0}}.py", "{port}"), ("x",), ("python3", "a{0}.py", "x")),
    ],
)
def test_arguments_stand_in_place_of_the_port(
    run: tuple[str, ...], arguments: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    assert with_port(Command((), run), {}, arguments, FILLING) == (argv, {})


@pytest.mark.parametrize("word", ["f() { ./server; }", "{print $1}", "{"])
def test_braces_that_a_submission_may_use_are_left_alone(word: str) -> None:
    start = parse_config(f"[server]\nrun = {json.dumps(['sh', '-c', word, '{host}'])}".encode()).server
    assert start is not None
    assert with_port(Command((), start.run), {}, (), FILLING).argv == ("sh", "-c", word, "127.0.0.1")


ASKED = Command((), ("./lisod", "{port}", "{files}/www", "500"), arguments=3)
VARIABLES = {"WORDS": "{files}/words", "AT": ":{port}"}


def test_the_assignments_arguments_and_variables_are_filled_in() -> None:
    argv, environment = as_usual(ASKED.run, VARIABLES, {**FILLING, "port": "7"})
    assert argv == ("./lisod", "7", "/files/www", "500")
    assert environment == {"WORDS": "/files/words", "AT": ":7"}


def test_without_any_argument_all_of_the_assignments_are_missing() -> None:
    assert with_port(ASKED, VARIABLES, (), FILLING) == (("./lisod",), {"WORDS": "/files/words"})


def test_a_bad_port_stands_wherever_the_port_does() -> None:
    argv, environment = with_port(ASKED, VARIABLES, ("abc",), FILLING)
    assert argv == ("./lisod", "abc", "/files/www", "500")
    assert environment["AT"] == ":abc"


def test_a_port_that_is_a_variable_is_no_argument() -> None:
    command = Command((), ("./server",))
    assert with_port(command, {"PORT": "{port}"}, ("abc",), FILLING) == (("./server",), {"PORT": "abc"})
    assert with_port(command, {"PORT": "{port}"}, (), FILLING) == (("./server",), {})


def test_the_main_port_has_a_name_of_its_own() -> None:
    command = Command((), ("./mailbox", "{smtp}", "{pop3}"), arguments=2)
    filling = {**FILLING, "pop3": "110"}
    assert with_port(command, {}, ("abc",), filling, main=("port", "smtp")).argv == ("./mailbox", "abc", "110")
    assert with_port(command, {}, (), filling, main=("port", "smtp")).argv == ("./mailbox",)


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (ASKED, ("./lisod", "-v", "{port}")),
        (Command((), ("python3", "server.py", "{port}")), ("python3", "server.py", "-v", "{port}")),
        (Command((), ("./server", "-q", "--port={port}")), ("./server", "-q", "-v", "{port}")),
    ],
)
def test_other_arguments_stand_for_the_usual_ones(command: Command, argv: tuple[str, ...]) -> None:
    assert with_arguments(command, ("-v", "{port}")) == argv
