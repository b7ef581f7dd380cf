"""Who may import whom, who may exit, what runs beside the student's program: read from the sources by ast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import limits
from grader.errors import REASONS, Reason

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_bytes())
    for path in sorted((ROOT / "grader").rglob("*.py"))
}

#: Every module stands once, and imports only from rows below its own, or from its own where the row says so.
#: README's order, finer where a package spans layers: `driver.job` is values that both sides of the sandbox
#: exchange, `checks` is a plugin of the driver, `channel` and `settings` are what driver, host and warden share.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("grader.cli",),
    ("grader.matrix", "grader.doctor", "grader.lint"),
    ("grader.verify",),
    ("grader.flow",),
    ("grader.catalogue", "grader.results", "grader.languages", "grader.report", "grader.sandbox.choose"),
    ("grader.report.console", "grader.report.html", "grader.report.transcripts", "grader.report.junit"),
    ("grader.report.json",),
    ("grader.report.text", "grader.submission", "grader.sandbox.docker", "grader.sandbox.local"),
    ("grader.report.safe", "grader.sandbox.host", "grader.sandbox.guardian"),
    ("grader.sandbox.engine",),
    ("grader.driver.__main__", "grader.driver.inquiry"),
    ("grader.driver.plugin",),
    ("grader.driver.author",),
    (
        *("grader.checks.server", "grader.checks.udp_server", "grader.checks.resources"),
        *("grader.checks.tcp_reading", "grader.checks.tcp_writing", "grader.checks.tcp_clients"),
        *("grader.checks.tcp_client", "grader.checks.udp_client", "grader.checks.pair"),
    ),
    ("grader.checks.client",),
    ("grader.checks.steps", "grader.checks.splits"),
    ("grader.checks", "grader.driver.fixtures"),
    ("grader.driver.session",),
    ("grader.driver.stage",),
    ("grader.driver.job", "grader.driver.expect"),
    ("grader.assignment",),
    ("grader.wire.tcp", "grader.wire.udp_server", "grader.wire.build"),
    ("grader.wire.tcp_server", "grader.wire.udp"),
    ("grader.wire.connection", "grader.wire.keyboard"),
    ("grader.wire.program",),
    ("grader.wire.warden", "grader.wire.diagnosis", "grader.wire.own_time"),
    ("grader.wire.promises",),
    (
        *("grader.wire.faults", "grader.wire.stillness", "grader.wire.transcript"),
        *("grader.wire.script", "grader.wire.inputs", "grader.wire.names", "grader.wire.time_wait"),
    ),
    ("grader.wire.kernel", "grader.wire.terminal", "grader.wire.spare_ports", "grader.sandbox.nest"),
    ("grader.sandbox.warden",),
    ("grader.sandbox.memory",),
    ("grader.sandbox.proc", "grader.sandbox.seccomp", "grader.sandbox.leftovers", "grader.sandbox.workfolder"),
    ("grader.sandbox.channel", "grader.sandbox.settings", "grader.sandbox.users"),
    ("grader.model",),
    ("grader.errors", "grader.limits", "grader.version"),
    # Documentation, and the lazy table of what an assignment's author imports.
    ("grader.driver", "grader.sandbox", "grader.wire"),
    ("grader",),
)
RANK = {module: rank for rank, row in enumerate(LAYERS) for module in row}
#: Imports inside a row, each with its reason.
BESIDE = {
    ("grader.report.html", "grader.report.console"),  # shares the words of the console's summary
}
#: Imports against the order, each with its reason.
UPWARD: set[tuple[str, str]] = set()


def imports(module: str) -> Iterator[str]:
    """The modules that a module imports, ours by their full name; for type checkers only ones left out."""
    tree = SOURCES[module]
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
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(SOURCES)
            yield from inner or {node.module}


def calls(module: str) -> Iterator[tuple[str, ast.Call]]:
    """(what is called, the call), for every call in a module."""
    for node in ast.walk(SOURCES[module]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_every_module_has_its_layer() -> None:
    assert sorted(RANK) == sorted(SOURCES)
    assert len(RANK) == sum(map(len, LAYERS)), "a module stands twice"


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_go_down(module: str) -> None:
    for imported in imports(module):
        if imported.split(".")[0] == "grader" and (module, imported) not in BESIDE | UPWARD:
            assert RANK[imported] > RANK[module], f"{module} imports {imported}"


def test_no_exception_to_the_order_is_out_of_date() -> None:
    assert {(module, imported) for module in SOURCES for imported in imports(module)} >= BESIDE | UPWARD


def importers(library: str) -> set[str]:
    return {module for module in SOURCES if any(name.split(".")[0] == library for name in imports(module))}


@pytest.mark.parametrize(
    ("library", "only"),
    [
        ("docker", {"grader.sandbox.docker", "grader.sandbox.engine"}),
        ("pytest", {"grader.driver.__main__", "grader.driver.fixtures", "grader.driver.plugin"}),
        ("junit_xml", {"grader.report.junit"}),
        ("jinja2", {"grader.report.html"}),
        ("rich", {"grader.cli", "grader.report.console"}),
        ("click", {"grader.cli"}),
    ],
)
def test_a_library_is_used_in_one_place(library: str, only: set[str]) -> None:
    assert importers(library) <= only
    assert importers(library), "nobody uses it"


def test_the_wire_knows_neither_docker_nor_pytest_nor_the_host() -> None:
    for module in (name for name in SOURCES if name.startswith("grader.wire")):
        ours = {name for name in imports(module) if name.startswith("grader")}
        assert all(
            name.startswith("grader.wire")
            or name in {"grader.sandbox.channel", "grader.errors", "grader.limits", "grader.model"}
            for name in ours
        ), f"{module}: {ours}"


@pytest.mark.parametrize("module", ["warden", "memory", "proc", "nest", "channel", "settings", "users"])
def test_beside_the_program_runs_the_standard_library_alone(module: str) -> None:
    for imported in imports(f"grader.sandbox.{module}"):
        assert imported.startswith("grader.sandbox") or imported.split(".")[0] in sys.stdlib_module_names, imported


def test_loading_the_warden_loads_nothing_of_the_checks() -> None:
    shown = "print(*sorted(name for name in sys.modules if name.startswith('grader')))"
    loads = f"import sys, grader.sandbox.nest, grader.sandbox.warden; {shown}"
    run = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "grader",
        "grader.sandbox",
        "grader.sandbox.channel",
        "grader.sandbox.leftovers",
        "grader.sandbox.memory",
        "grader.sandbox.nest",
        "grader.sandbox.proc",
        "grader.sandbox.seccomp",
        "grader.sandbox.settings",
        "grader.sandbox.users",
        "grader.sandbox.warden",
        "grader.sandbox.workfolder",
    ]


#: Who may end the process, besides the command: processes of their own, whose exit code their parent reads.
EXITS = {
    "grader.cli": {"sys.exit"},
    "grader.sandbox.nest": {"sys.exit", "os._exit"},  # --probe answers by exit code; children of a fork
    "grader.sandbox.users": {"os._exit"},  # children of a fork
    "grader.sandbox.warden": {"SystemExit", "os._exit"},  # SIGTERM, a submission that can't be unpacked; forks
    "grader.driver.__main__": {"SystemExit"},  # the driver's main, and a pytest that broke
}


def test_only_mains_exit() -> None:
    found: dict[str, set[str]] = {}
    for module in SOURCES:
        for name, _ in calls(module):
            if name in {"sys.exit", "exit", "quit", "os._exit", "os.abort", "SystemExit"}:
                found.setdefault(module, set()).add(name)
    assert found == EXITS


def test_nobody_sleeps() -> None:
    for module in SOURCES:
        names = {name for name, _ in calls(module)}
        assert not names & {"time.sleep", "sleep", "asyncio.sleep"}, module


def test_a_deadline_stands_in_limits_alone() -> None:
    # A timeout written down as a number elsewhere would have no reason beside it.
    for module in SOURCES:
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
        for module, tree in SOURCES.items()
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
    for name, value in values.items():
        assert type(value) in {int, float}, name
        assert value > 0, name


def test_limits_fit_each_other() -> None:
    sandbox = limits.SandboxLimits()
    assert limits.REPLY_S < limits.REPLY_WALL_S < sandbox.whole_s
    assert sandbox.output_kept_bytes < sandbox.output_flood_bytes < sandbox.memory_bytes
    assert sandbox.disk_bytes >= limits.MAX_UNPACKED_BYTES
    assert 0 < limits.IDLE_CPU_SHARE < 1


def test_every_module_opens_with_a_paragraph() -> None:
    for module, tree in SOURCES.items():
        assert ast.get_docstring(tree), module
