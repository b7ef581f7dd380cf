"""What the command says about itself, and what a shell is offered: examples that work, names that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.shell_completion import BashComplete

from grader.assignment import load, names
from grader.cli import grader

EXAMPLE = re.compile(r"^  grader (.+)$", re.MULTILINE)


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


EXAMPLES = [
    (words, command, shlex.split(line))
    for words, command in commands(grader)
    for line in EXAMPLE.findall(command.epilog or "")
]


def test_an_empty_name_is_not_the_folder_one_is_in() -> None:
    with pytest.raises(click.BadParameter, match="its name is empty"):
        grader.main(["check", "", "--assignment", "tcp_echo"], standalone_mode=False)


@pytest.mark.parametrize(("mistyped", "words"), [("chek", "; did you mean 'check'?"), ("frobnicate", ".")])
def test_a_command_that_does_not_exist_is_taken_for_the_one_that_was_meant(mistyped: str, words: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        grader.main([mistyped, "folder"], standalone_mode=False)
    assert caught.value.message == f"No such command {mistyped!r}{words}"


@pytest.mark.parametrize(("words", "command", "line"), EXAMPLES, ids=["-".join(line) for *_, line in EXAMPLES])
def test_the_examples_in_the_help_are_commands_that_exist(
    words: tuple[str, ...], command: click.Command, line: list[str]
) -> None:
    assert tuple(line[: len(words)]) == words
    command.make_context(words[-1], line[len(words) :])


def test_every_command_has_examples() -> None:
    assert {words for words, *_ in EXAMPLES} == {words for words, _ in commands(grader)}


def offered(line: str) -> list[str]:
    """What a shell is offered at the end of a line."""
    *words, incomplete = line.split(" ")
    completer = BashComplete(grader, {}, "grader", "_GRADER_COMPLETE")
    return [item.value for item in completer.get_completions(words, incomplete)]


def test_a_shell_is_offered_names_that_exist() -> None:
    assert offered("check --assignment ") == names()
    assert offered("list tcp_u") == ["tcp_uppercase"]
    ids = [spec.id for spec in load("tcp_sum").checks if spec.id.startswith("server.fr")]
    assert offered("check . --assignment tcp_sum --only server.fr") == ids != []
    assert offered("check --assignment no_such --only ") == []
    assert "--junitxml" in offered("check --j")
    assert offered("export gradescope tcp_u") == ["tcp_uppercase"]
    assert offered("explain server.coa") == ["server.coalesced"]
