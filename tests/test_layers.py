"""Who may import whom, who may exit, what runs beside the student's program: read from the sources by ast."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import limits
from grader.errors import REASONS, Reason

ROOT = Path(__file__).resolve().parent.parent

#: All sources are parsed once, by one process.
pytestmark = pytest.mark.xdist_group("layers")


@functools.cache
def sources() -> dict[str, ast.Module]:
    """Our modules by their full name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_bytes())
        for path in sorted((ROOT / "grader").rglob("*.py"))
        if not path.is_relative_to(ROOT / "grader" / "new" / "kinds")  # what authors begin with, and no code of ours
    }


#: From top to bottom; each name is a whole package or module of `grader`, which imports only what stands below its row.
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "__main__",
        "cli",
        "class_ doctor explain export lint new play starter verify",
        "flow",
        "plan",
        "languages report results sandbox sanitizer",
        "api driver",
        "checks",
        "harness",
        "wire",
        "job",
        "assignment submission",
        "catalogue folders link protocol roles",
        "model",
        "errors families limits version",
    )
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}


@functools.cache
def imports(module: str) -> frozenset[str]:
    """The modules that a module imports, ours by their full name; for type checkers only ones left out."""
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    tree = sources()[module]
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            assert node.module
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(sources())
            yield from inner or {node.module}


def calls(module: str) -> Iterator[tuple[str, ast.Call]]:
    """(what is called, the call), for every call in a module."""
    for node in ast.walk(sources()[module]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def package(module: str) -> str:
    """The package or module of `grader` that a module is, or is in; `grader` itself for the table of public names."""
    return (*module.split("."), module)[1]


def test_every_package_has_its_layer() -> None:
    assert sorted(RANK) == sorted({package(module) for module in sources()} - {"grader"})
    assert len(RANK) == sum(map(len, LAYERS)), "a package stands twice"


def test_imports_go_down() -> None:
    up = [
        f"{module} imports {imported}"
        for module in sources()
        for imported in imports(module)
        if imported.startswith("grader.")
        if package(module) != package(imported)
        if RANK[package(module)] >= RANK[package(imported)]
    ]
    assert up == []


def test_inside_a_package_imports_go_one_way() -> None:
    inside = {
        module: {other for other in imports(module) if package(other) == package(module)} - {module}
        for module in sources()
        if len(module.split(".")) > 2
    }
    assert [*graphlib.TopologicalSorter(inside).static_order()]


def importers(library: str) -> set[str]:
    return {module for module in sources() if any(name.split(".")[0] == library for name in imports(module))}


@pytest.mark.parametrize(
    ("library", "only"),
    [
        ("docker", {"grader.sandbox.docker", "grader.sandbox.engine"}),
        ("pytest", {"grader.driver.__main__", "grader.harness.fixtures", "grader.driver.plugin"}),
        ("junit_xml", {"grader.report.junit"}),
        ("jinja2", {"grader.report.html", "grader.class_.overview"}),
        ("rich", {"grader.cli.say", "grader.report.console"}),
        ("click", {"grader.cli"}),
        ("hypothesis", {"grader.protocol.laws"}),
    ],
)
def test_a_library_is_used_in_one_place(library: str, only: set[str]) -> None:
    """`only`: modules, or whole packages."""
    assert {module for module in importers(library) if not only & {module, f"grader.{package(module)}"}} == set()
    assert importers(library), "nobody uses it"


def test_beside_the_program_runs_the_standard_library_alone() -> None:
    beside = {"grader.sandbox.nest", "grader.sandbox.warden"}
    while more := {name for module in beside for name in imports(module) if name in sources()} - beside:
        beside |= more
    foreign = {name.split(".")[0] for module in beside for name in imports(module)} - {"grader"}
    assert foreign <= set(sys.stdlib_module_names)
    assert {package(module) for module in beside} == {"link", "sandbox"}


def test_link_is_the_standard_library_alone() -> None:
    for module in (name for name in sources() if package(name) == "link"):
        foreign = {name.split(".")[0] for name in imports(module) if package(name) != "link"}
        assert foreign <= set(sys.stdlib_module_names), module


def test_loading_the_warden_loads_nothing_of_the_checks() -> None:
    shown = "print(*sorted(name for name in sys.modules if name.startswith('grader')))"
    loads = f"import sys, grader.sandbox.nest, grader.sandbox.warden; {shown}"
    run = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "grader",
        "grader.link",
        "grader.link.channel",
        "grader.link.hidden",
        "grader.link.places",
        "grader.link.settings",
        "grader.sandbox",
        "grader.sandbox.calls",
        "grader.sandbox.children",
        "grader.sandbox.clocks",
        "grader.sandbox.counts",
        "grader.sandbox.crowd",
        "grader.sandbox.deeds",
        "grader.sandbox.executables",
        "grader.sandbox.eyes",
        "grader.sandbox.handed",
        "grader.sandbox.inspector",
        "grader.sandbox.launching",
        "grader.sandbox.leftovers",
        "grader.sandbox.locating",
        "grader.sandbox.memory",
        "grader.sandbox.namespaces",
        "grader.sandbox.nest",
        "grader.sandbox.places",
        "grader.sandbox.proc",
        "grader.sandbox.procfs",
        "grader.sandbox.ptrace",
        "grader.sandbox.restart",
        "grader.sandbox.seccomp",
        "grader.sandbox.sources",
        "grader.sandbox.stacks",
        "grader.sandbox.taken",
        "grader.sandbox.tools",
        "grader.sandbox.tracer",
        "grader.sandbox.users",
        "grader.sandbox.warden",
        "grader.sandbox.workfolder",
    ]


#: Who may end the process, besides the command: processes of their own, whose exit code their parent reads.
EXITS = {
    "grader.__main__": {"sys.exit"},
    "grader.cli": {"sys.exit"},
    "grader.sandbox.children": {"os._exit"},  # children of a fork
    "grader.sandbox.fork_server": {"os._exit"},  # children of a fork
    "grader.sandbox.namespaces": {"os._exit"},  # children of a fork
    "grader.sandbox.nest": {"sys.exit", "os._exit"},  # --probe answers by exit code; children of a fork
    "grader.sandbox.users": {"os._exit"},  # children of a fork
    "grader.sandbox.warden": {"SystemExit"},  # SIGTERM, a submission that can't be unpacked
    "grader.driver.__main__": {"SystemExit"},  # the driver's main, and a pytest that broke
}


def test_only_mains_exit() -> None:
    found: dict[str, set[str]] = {}
    for module in sources():
        for name, _ in calls(module):
            if name in {"sys.exit", "exit", "quit", "os._exit", "os.abort", "SystemExit"}:
                found.setdefault(module, set()).add(name)
    assert found == EXITS


#: Scripts that students run elsewhere, where they look at /proc/net/tcp or can't look at all; they reach no verdict.
SLEEPS = {"grader.report.player", "grader.report.relay"}


def test_nobody_sleeps() -> None:
    for module in sources().keys() - SLEEPS:
        names = {name for name, _ in calls(module)}
        assert not names & {"time.sleep", "sleep", "asyncio.sleep"}, module


def test_a_deadline_stands_in_limits_alone() -> None:
    # A timeout written down as a number elsewhere would have no reason beside it.
    for module in sources():
        for name, call in calls(module):
            for keyword in call.keywords:
                if keyword.arg in {"timeout", "deadline_s", "timeout_s"} and isinstance(keyword.value, ast.Constant):
                    assert keyword.value.value is None, f"{module}: {name}({ast.unparse(keyword)})"


def test_every_reason_has_its_clause_and_is_raised_somewhere() -> None:
    assert list(REASONS) == list(Reason)
    assert len(set(REASONS.values())) == len(REASONS)
    for reason, clause in REASONS.items():
        assert clause[0].islower(), reason
        assert not clause.endswith("."), reason
    used = {
        node.attr
        for module, tree in sources().items()
        if module != "grader.errors"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }
    assert {reason.name for reason in Reason} <= used


def test_every_limit_is_a_positive_number() -> None:
    constants = {name: value for name, value in vars(limits).items() if name.isupper()}
    sandbox = limits.SandboxLimits()
    values = {**constants, **{name: getattr(sandbox, name) for name in sandbox.__struct_fields__}}
    assert len(constants) >= 10
    allowances = {name: value for name, value in values.items() if isinstance(value, limits.Allowance)}
    numbers = {name: value for name, value in values.items() if name not in allowances}
    for name, allowance in allowances.items():
        numbers |= {f"{name} anyhow": allowance.anyhow, f"{name} for each": allowance.for_each}
    for name, value in numbers.items():
        assert type(value) in {int, float}, name
        assert value > 0, name


def test_limits_fit_each_other() -> None:
    sandbox = limits.SandboxLimits()
    assert limits.REPLY_S < limits.REPLY_WALL_S < sandbox.whole_s
    assert sandbox.output_kept_bytes < sandbox.output_flood_bytes < sandbox.memory_bytes
    assert sandbox.disk_bytes >= limits.MAX_UNPACKED_BYTES
    assert 0 < limits.IDLE_CPU_SHARE < 1


def test_every_module_opens_with_a_paragraph() -> None:
    for module, tree in sources().items():
        assert ast.get_docstring(tree), module


def test_groups_of_tests_are_taken_notice_of(request: pytest.FixtureRequest) -> None:
    """pytest-xdist, if it plays them, tells a test's group by the end of its id."""
    assert request.node.nodeid.endswith("@layers") == getattr(request.config.option, "loadgroup", False)
