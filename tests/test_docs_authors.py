"""The page for authors: its examples are played, and it has every name that an author may import."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import grader
from grader import flow
from grader.assignment import Assignment, load
from grader.assignment.starting import PLACEHOLDERS, Starting
from grader.assignment.values import ServerSpec
from grader.limits import Allowance, SandboxLimits
from grader.lint import flaws
from grader.model import Outcome, Transport
from grader.sandbox.host import Sandbox
from grader.sandbox.local import LocalSandbox

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "authors.md").read_text()
#: Those that don't belong to a file of the assignment that the page makes step by step (`test_docs_tutorial.py`).
EXAMPLES = re.findall(r"^```python\n(?!# word_count/)(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
#: A message that everybody answers.
PROTOCOL = """
from grader import Exchange

def exchange(number, rng):
    return Exchange(b"SET n%d %d\\n" % (number, number), b"OK\\n")
"""
UDP_SERVER = """
import socket, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[1])))
while True:
    _, client = server.recvfrom(100)
    server.sendto(str(time.time()).encode(), client)
"""


def lay_out(folder: Path, transport: Transport) -> list[str]:
    """Make an assignment of the examples for that transport, and a program for it; the names of their checks."""
    own = folder / "assignments" / "examples"
    own.mkdir(parents=True)
    examples = [text for text in EXAMPLES if ("connect_udp" in text) == (transport == "udp")]
    for number, text in enumerate(examples):
        (own / f"test_example_{number}.py").write_text(f'"""Example."""\n{text}')
    checks = [name for text in examples for name in re.findall(r"^def test_(\w+)\(", text, re.MULTILINE)]
    rows = "\n".join(f'{name} = {{ requirement = "1.1", needs = [] }}' for name in checks)
    (own / "assignment.toml").write_text(
        f'title = "Examples"\nroles = ["server"]\ntransport = "{transport}"\n'
        f'[server]\noutput = "pipe"\n[checks.server]\n{rows}\n'
    )
    (own / "handout.md").write_text("- **1.1** It works.\n")
    (own / "protocol.py").write_text(PROTOCOL)
    shutil.copy(TESTS / "programs" / "store.py", folder / "server.py")
    if transport == "udp":
        (folder / "server.py").write_text(UDP_SERVER)
    return checks


@pytest.mark.parametrize(("transport", "count"), [("tcp", 8), ("udp", 1)])
def test_the_examples_pass(tmp_path: Path, transport: Transport, count: int) -> None:
    def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
        return LocalSandbox(assignment, archive)

    checks = lay_out(tmp_path, transport)
    assert len(checks) == count
    assignments = tmp_path / "assignments"
    assert flaws(assignments / "examples", assignments) == []
    request = flow.Request(load("examples", assignments), seed=1)
    report = flow.grade(tmp_path / "server.py", request, in_local, lambda _: None)
    found = {check.id: check.message for check in report.checks if check.outcome is not Outcome.PASSED}
    assert found == {}


def test_the_examples_fail_a_program_that_forgets(tmp_path: Path) -> None:
    def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
        return LocalSandbox(assignment, archive)

    lay_out(tmp_path, "tcp")
    program = (tmp_path / "server.py").read_text()
    (tmp_path / "server.py").write_text(program.replace("values[key] = value", "pass").replace("os.write(1, ", "bool("))
    request = flow.Request(load("examples", tmp_path / "assignments"), seed=1)
    report = flow.grade(tmp_path / "server.py", request, in_local, lambda _: None)
    failed = {check.id for check in report.checks if check.outcome is Outcome.FAILED}
    assert failed == {"server.remembers", "server.counts_up", "server.keeps_a_journal"}


@pytest.mark.parametrize("key", sorted({*Starting.__struct_fields__, *ServerSpec.__struct_fields__}))
def test_each_key_of_a_program_is_on_the_page(key: str) -> None:
    described = {"listen", "clients", "backlog", "connection"}  # what a check asks, in docs/behaviours.md
    assert key in described or f"| `{key} = " in PAGE


@pytest.mark.parametrize("key", SandboxLimits.__struct_fields__)
def test_each_limit_is_on_the_page_with_its_usual_value(key: str) -> None:
    usual = getattr(SandboxLimits(), key)
    if isinstance(usual, Allowance):
        usual = f"`{{ anyhow = {usual.anyhow}, for_each = {usual.for_each} }}`"
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{key}` |"))
    assert row.endswith(f"| {usual} |")


@pytest.mark.parametrize("place", sorted({place for places in PLACEHOLDERS.values() for place in places}))
def test_each_placeholder_is_on_the_page(place: str) -> None:
    assert f"| `{{{place}}}` |" in PAGE


def test_the_page_has_exactly_the_public_names() -> None:
    table = PAGE.partition("## Everything that can be imported")[2]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == {*grader.__all__}
    for name in grader.__all__:
        assert getattr(grader, name) is not None
