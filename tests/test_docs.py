"""The documents say what is true: their commands, options, codes, modules and names are looked up in the code.

`docs/behaviours.md` and `docs/protocol.md` are written by `GRADER_UPDATE_GOLDEN=1 pytest tests/test_docs.py`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from grader import Answer, Fate, Turn, Visit, catalogue, limits
from grader.assignment import load
from grader.catalogue.needs import NEEDS
from grader.cli import grader
from grader.driver.author import ANSWERS
from grader.model import Outcome
from grader.protocol.rehearsal import fault_of
from grader.protocol.script import ClientProtocol, DatagramProtocol, StreamProtocol
from grader.protocol.visit import VisitProtocol
from grader.report import FORMATS
from grader.sandbox.local import IN_NAMESPACES, WITHOUT_NAMESPACES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What is written for readers, by the file's name.
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
#: All of it, with the image's commands as they are without it: what is before them is the engine's.
TYPED = re.sub(r"docker run [^\n]*socket-grader ", "grader ", "\n".join(PAGES.values()))
BEHAVIOURS = ROOT / "docs" / "behaviours.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
#: What depends on how far the program had come when it was looked at.
TIMED = re.compile(r"│ (received|the program):|│ +\^")


def section(title: str) -> str:
    """The section of that title in one of the pages, without its heading."""
    (page,) = (page for page in PAGES.values() if f"\n## {title}\n" in page)
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by its name as it is typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(commands(grader))


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}


USED = (limits.MOST_TASKS, limits.MOST_DESCRIPTORS, limits.MOST_SOCKETS)
FOR_EACH_CLIENT = "plus {}, {} and {} for each client".format(*(each.for_each for each in USED))
LIMITS_IN_HANDOUTS = (
    f"has {limits.SandboxLimits().ready_s:g} seconds to start and {limits.SandboxLimits().exit_s:g} to exit",
    f"may use {limits.SandboxLimits().memory_bytes >> 20} MiB of memory",
    f"may take {limits.SLOW_CHECK_S:g} seconds altogether, plus {limits.SLOW_STEP_S:g} second for each of the first",
    f"first {limits.SLOW_STEPS} and {limits.SLOW_MORE_STEP_S:g} seconds for each of the others.",
    f"All checks of one program have {limits.SandboxLimits().whole_s:g} seconds; if the program itself has used half",
    "have {} processes and threads, {} open descriptors and {} sockets".format(*(each.anyhow for each in USED)),
    FOR_EACH_CLIENT,
    "It may be stopped and continued at any time (Ctrl-Z and `fg` in a shell)",
)


@pytest.mark.parametrize("handout", sorted(ROOT.glob("assignments/*/handout.md")), ids=lambda path: path.parent.name)
def test_handouts_tell_what_a_program_may_use(handout: Path) -> None:
    told = " ".join(handout.read_text(encoding="utf-8").split())
    lacking = [words for words in LIMITS_IN_HANDOUTS if words not in told]
    assert lacking == ([] if "server" in load(handout.parent.name).roles else [FOR_EACH_CLIENT])


def named_command(words: str) -> str | None:
    """The command at the beginning of what follows `grader `."""
    return next((name for name in COMMANDS if words == name or words.startswith(f"{name} ")), None)


def render_behaviours() -> str:
    """`docs/behaviours.md` from the catalogue's `@behaviour` rows."""
    lines = [
        "# Behaviours",
        "",
        "What the checks do, what they prove before they pass or fail a program, and the mistake that each finds.",
        "Written from the `@behaviour` rows in `grader/checks/`; an assignment chooses among them. All ask `exchange`",
        "of the assignment's `protocol.py`, some a function more (`grader/protocol/script.py` says what each gives).",
    ]
    for name in dict.fromkeys(module for modules in catalogue.MODULES.values() for module in modules):
        module = importlib.import_module(f"grader.checks.{name}")
        rows = [cells for _, cells in sorted(rows_of(module))]
        if not rows:
            continue
        lines += ["", f"## {(module.__doc__ or name).splitlines()[0].rstrip('.')}", ""]
        lines += ["| behaviour | what is done | what is proved | what mistake it finds | asks of `protocol.py` |"]
        lines += ["|---|---|---|---|---|"]
        lines += rows
    return "\n".join([*lines, ""])


def rows_of(module: object) -> Iterator[tuple[int, str]]:
    """(the line where a check stands, its row) for each check of a module."""
    for name, check in vars(module).items():
        row = catalogue.behaviour_of(check) if name.startswith("test_") else None
        if row is not None:
            title = f"`{name.removeprefix('test_')}`: {catalogue.title_of(check)}"
            says = ", ".join([*(f"`{said}`" for said in row.says), *(NEEDS[need].asks for need in row.needs)])
            visits = ", ".join(f"`{function}`" for function in row.visits or ())
            says = f"{says}, or {visits}" if says and visits else says or visits
            cells = (title, row.does, row.proves, row.catches, says)
            yield check.__code__.co_firstlineno, "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


#: What an assignment's `protocol.py` can say, and about whom.
PROTOCOLS = {
    "TCP servers": (StreamProtocol, (("server", "tcp"),)),
    "UDP servers": (DatagramProtocol, (("server", "udp"),)),
    "Clients into which lines are typed": (ClientProtocol, (("client", "tcp"), ("client", "udp"))),
    "Clients that act by themselves": (VisitProtocol, (("client", "tcp"), ("client", "udp"))),
}


def render_protocol() -> str:
    """`docs/protocol.md` from the classes that say what each function gives, and from the catalogue's rows."""
    lines = [
        "# What `protocol.py` can say",
        "",
        "An assignment's messages are functions in its `protocol.py`. The last argument of each is the run's source of",
        "randomness: whatever a format leaves open is drawn from it, so that the same seed gives the same messages.",
        "Only functions that a listed check asks for are needed; for servers `exchange` always is. `grader lint` tries",
        "all that are there. What each gives is written in `grader/protocol/script.py` and `visit.py`. A constant",
        "`LARGEST_BYTES` says how long a request over UDP may be. [kinds.md](kinds.md) shows which check works with",
        "which kind of protocol.",
    ]
    for title, (described, where) in PROTOCOLS.items():
        lines += ["", f"## {title}", "", "| function | gives | which is | asked by |", "|---|---|---|---|"]
        lines += [_row(name, member, _askers(name, where)) for name, member in _members(described)]
    return "\n".join([*lines, ""])


def _members(described: type) -> Iterator[tuple[str, Callable[..., object]]]:
    return ((name, member) for name, member in vars(described).items() if inspect.isfunction(member) and name[0] != "_")


def _row(name: str, member: Callable[..., object], askers: str) -> str:
    parameters = [parameter for parameter in inspect.signature(member).parameters if parameter != "self"]
    gives = str(inspect.signature(member).return_annotation).replace("|", "\\|")
    told = " ".join((inspect.getdoc(member) or "").split())
    return f"| `{name}({', '.join([*parameters, 'rng'])})` | `{gives}` | {told} | {askers} |"


def _asked_by(row: catalogue.Behaviour) -> set[str]:
    """The functions that a check asks for."""
    return {*row.says, *(row.visits or ()), *(function for need in row.needs for function in NEEDS[need].functions)}


def _askers(name: str, where: tuple[tuple[Any, Any], ...]) -> str:
    """The checks of the catalogue that ask for a function."""
    found = []
    for module in dict.fromkeys(module for each in where for module in catalogue.MODULES[each]):
        for check, member in vars(importlib.import_module(f"grader.checks.{module}")).items():
            row = catalogue.behaviour_of(member) if check.startswith("test_") else None
            if row and name in _asked_by(row):
                found.append(f"`{check.removeprefix('test_')}`")
    if name == "exchange":
        return "all"
    return "nearly all" if len(found) > 12 else ", ".join(found)


def defined_in(path: Path) -> set[str]:
    """Names of functions, classes, methods and constants of a file; methods with their class in front."""
    found: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_behaviours_are_those_of_the_catalogue() -> None:
    rendered = render_behaviours()
    if os.environ.get("GRADER_UPDATE_GOLDEN"):
        BEHAVIOURS.write_text(rendered, encoding="utf-8")
    assert BEHAVIOURS.read_text(encoding="utf-8") == rendered, "GRADER_UPDATE_GOLDEN=1 writes it anew"


def test_what_a_protocol_can_say_is_listed() -> None:
    rendered = render_protocol()
    if os.environ.get("GRADER_UPDATE_GOLDEN"):
        PROTOCOL.write_text(rendered, encoding="utf-8")
    assert PROTOCOL.read_text(encoding="utf-8") == rendered, "GRADER_UPDATE_GOLDEN=1 writes it anew"


def test_every_check_of_the_catalogue_has_a_row() -> None:
    for path in (ROOT / "grader" / "checks").glob("[!_]*.py"):
        for name, check in vars(importlib.import_module(f"grader.checks.{path.stem}")).items():
            if name.startswith("test_"):
                assert catalogue.behaviour_of(check) is not None, name


def test_pages_name_only_commands_that_exist() -> None:
    typed = re.findall(r"(?:`|^|run: |bin/)grader ([a-z][^`\n]*)", TYPED, re.MULTILINE)
    assert len(typed) > len(COMMANDS)
    assert [words for words in typed if named_command(words) is None] == []


def test_there_is_a_row_for_every_command() -> None:
    rows = re.findall(r"^\| `grader ([^`]+)` \|", section("All commands"), re.MULTILINE)
    assert Counter(named_command(words) for words in rows) == Counter(list(COMMANDS))


def test_options_stand_at_commands_that_have_them() -> None:
    lines = [line for line in TYPED.splitlines() if "grader " in line and "--" in line]
    seen = set()
    for line in lines:
        names = [name for words in re.findall(r"grader ([a-z][^`\n]*)", line) if (name := named_command(words))]
        for option in re.findall(r"--[a-z]+", line) if names else ():
            assert option in options_of(COMMANDS[names[0]]), f"{option} in: {line}"
            seen.add((names[0], option))
    assert {option for name, option in seen if name == "check"} == options_of(COMMANDS["check"])


def test_options_anywhere_exist() -> None:
    known = {"--help", *(option for command in COMMANDS.values() for option in options_of(command))}
    ours = re.sub(r"`python -m bench[^`]*`", "", TYPED)
    assert set(re.findall(r"(?<![\w-])--[a-z]+", ours)) <= known


def test_sandboxes_are_those_of_the_option() -> None:
    (option,) = (parameter for parameter in COMMANDS["check"].params if parameter.name == "wanted")
    assert isinstance(option.type, click.Choice)
    rows = re.findall(r"^\| `(\w+)`", section("Sandboxes"), re.MULTILINE)
    assert sorted(rows) == sorted(option.type.choices)


def test_exit_codes_are_those_that_the_command_tells() -> None:
    told = dict(
        re.findall(r"(\d) ([a-z ]+?)(?=[,.])", " ".join((grader.help or "").partition("Exit codes:")[2].split()))
    )
    rows = dict(re.findall(r"^\| (\d) \| (.+) \|$", section("How to read a failure"), re.MULTILINE))
    assert set(rows) == set(told) == {"0", "1", "2", "3"}
    for code, meaning in told.items():
        assert set(meaning.split()) & {"passed", "failed", "wrong", "judged"} <= set(re.findall(r"\w+", rows[code]))


def test_outcomes_are_those_of_the_model() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("How to read a failure"), re.MULTILINE)
    assert rows == [outcome.value for outcome in Outcome]


def test_security_names_each_sandbox_as_reports_do() -> None:
    named = re.findall(r"^\| \*\*[\w ]+\*\* \| (.+?) \|", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert named == ["docker", IN_NAMESPACES, WITHOUT_NAMESPACES[True], WITHOUT_NAMESPACES[False]]


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE)) <= targets


def test_every_package_stands_once_in_how_it_works() -> None:
    there = [path for path in (ROOT / "grader").iterdir() if not path.name.startswith("_") and path.name != "py.typed"]
    named = re.findall(r"`(\w+(?:/|\.py))`", section("The packages"))
    assert Counter(named) == Counter(f"{path.name}/" if path.is_dir() else path.name for path in there)


def test_the_failure_shown_is_a_real_one() -> None:
    shown = section("How to read a failure").partition("```\n")[2].partition("```")[0].splitlines()
    program = ROOT / "reference" / "tcp_uppercase" / "broken" / "one_recv_is_one_message.py"
    asked = ["--assignment", "tcp_uppercase", "--sandbox", "local", "--only", "fragments_every_byte", "--seed", "3"]
    run = subprocess.run(
        [sys.executable, "-m", "grader", "check", str(program), *asked],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
    )
    assert run.returncode == 1, run.stderr
    printed = run.stdout.splitlines()
    assert [line for line in shown if not TIMED.search(line) and line not in printed] == []


def test_names_in_the_techniques_stand_where_they_say() -> None:
    text = (ROOT / "docs" / "techniques.md").read_text(encoding="utf-8")
    places = re.findall(r"`(grader/[\w/]+\.py)`(?: \(([^)]+)\))?", text)
    assert places
    for path, names in places:
        assert set(re.findall(r"`([\w.]+)`", names)) <= defined_in(ROOT / path), path


def test_links_lead_to_files() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_the_examples_of_replies_run() -> None:
    page = (ROOT / "docs" / "replies.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 9
    made: dict[str, Any] = {}
    exec("\n".join(examples), made)  # noqa: S102 — our own text
    assert fault_of(made["both"]) is None
    named = set(re.findall(r"^\| `(\w+)\b", page, re.MULTILINE)) - {"b"}
    assert named == {"form", "until", "frame", "http", "http_request", "judged", "any_order", "nothing"}


def test_the_table_of_formats_is_the_one_in_the_code() -> None:
    told = re.findall(
        r"^\| `([\w-]+)` \| (.+) \|$", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert told == [(name, made.words) for name, made in FORMATS.items()]


def test_the_examples_of_visits_are_those_of_assignments_that_are_played() -> None:
    page = (ROOT / "docs" / "visits.md").read_text(encoding="utf-8")
    played = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests" / "assignments").glob("*/*")
        if path.suffix in {".py", ".toml"}
    ]
    examples = re.findall(r"```(?:python|toml)\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 6
    assert [example for example in examples if not any(example in text for text in played)] == []


def test_the_page_of_visits_has_every_field_and_every_way_to_answer() -> None:
    page = (ROOT / "docs" / "visits.md").read_text(encoding="utf-8")
    rows = {name for row in re.findall(r"^\| (`[^|]*)", page, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    assert {*Turn.__struct_fields__, *Visit.__struct_fields__, *Answer.__members__, *Fate.__members__} <= rows
    assert {"visit", "visit_sized", "visit_in_turns"} <= rows
    answers = page.partition("\n## How a server answers\n")[2].partition("\n## ")[0]
    for name in Answer.__members__:
        (row,) = [line for line in answers.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1]]
        over = {"TCP": Answer[name] in ANSWERS["tcp"], "UDP": Answer[name] in ANSWERS["udp"]}
        assert row.split("|")[2].strip() == ("both" if all(over.values()) else next(k for k, v in over.items() if v))
