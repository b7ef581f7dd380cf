"""The local sandbox's processes start before the command line is understood; not used, none of them is left."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.cli import check
from grader.sandbox.begun import SANDBOX_VARIABLE, Nest, begun, wants_local
from tests.cli.command import RIGHT, Command, assert_nothing_left, wait_until

NEST = "grader.sandbox.nest"
LOCAL = ("--assignment", "tcp_uppercase", "--sandbox", "local")


@given(
    st.lists(st.sampled_from(["--sandbox", "local", "--sandbox=local", "docker", "--quiet", "s"]), max_size=5),
    st.sampled_from(["", "auto", "docker", "local"]),
)
def test_what_is_begun_is_what_the_command_will_want(arguments: list[str], variable: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SANDBOX_VARIABLE, variable)
        try:
            context = check.command.make_context("check", [*arguments])
        except click.ClickException:
            return
        twice = " ".join(arguments).count("--sandbox") > 1
        assert wants_local(["check", *arguments]) == (context.params["wanted"] == "local") or twice


@pytest.mark.parametrize("arguments", [[], ["check", "s"], ["verify", "--sandbox", "local"], ["check", "--sandbox"]])
def test_nothing_begins_that_may_not_be_used(arguments: list[str]) -> None:
    with begun(arguments) as nest:
        assert nest is None


def test_unused_it_ends_and_nobody_is_left() -> None:
    with Nest():
        (own,) = (child for child in psutil.Process().children() if NEST in " ".join(child.cmdline()))
        # The driver and the warden, wherever they have come to.
        assert wait_until(lambda: len(own.children()) == 2)
        started = [own, *own.children()]
    assert not any(process.is_running() for process in started)


def test_killed_it_takes_its_children_along() -> None:
    with Nest():
        (own,) = (child for child in psutil.Process().children() if NEST in " ".join(child.cmdline()))
        assert wait_until(lambda: len(own.children()) == 2)
        children = own.children()
        own.kill()
        assert wait_until(lambda: not any(process.is_running() for process in children), 10)


def test_where_it_can_t_be_started_nobody_hears_of_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with begun(["check", "--sandbox", "local"]) as nest:
        assert nest is None


def test_wrong_usage_leaves_nothing(folder: Path) -> None:
    command = Command(folder)
    ended = command.run("check", folder / "nothing", *LOCAL)
    assert ended.code == 2
    assert ended.err.startswith("grader: ")
    assert_nothing_left(command)


def test_ctrl_c_before_the_command_is_loaded_is_3_and_leaves_nothing(folder: Path) -> None:
    command = Command(folder)
    process = command.start("check", RIGHT, *LOCAL)
    assert wait_until(lambda: any(NEST in words for words in command.processes()))
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 3
    assert (folder / "err").read_text().splitlines()[-1] == "grader: interrupted"
    assert_nothing_left(command)


def test_ctrl_c_while_a_text_is_evaluated_is_3_too(folder: Path) -> None:
    # As `collections.namedtuple` does while a library is loaded; Python dies of SIGINT then unless that is seen to.
    places = folder / "places"
    places.mkdir()
    interrupts = 'import os, signal\ndef ctrl_c():\n    os.kill(os.getpid(), signal.SIGINT)\neval("ctrl_c()")\n'
    (places / "click.py").write_text(interrupts)
    command = Command(folder, environment={"PYTHONPATH": str(places)})
    ended = command.run("list")
    assert (ended.code, ended.err) == (3, "grader: interrupted\n")


def test_a_driver_that_can_t_be_loaded_is_told_in_its_words(folder: Path) -> None:
    places = folder / "places"
    places.mkdir()
    (places / "pytest.py").write_text("raise ImportError('this pytest is broken')\n")
    command = Command(folder, environment={"PYTHONPATH": str(places)})
    ended = command.run("check", RIGHT, *LOCAL, "--only", "listens", "--json", "-", "--quiet")
    assert ended.code == 3, ended.err
    assert "this pytest is broken" in ended.check("server.listens")["message"]
    assert_nothing_left(command)
