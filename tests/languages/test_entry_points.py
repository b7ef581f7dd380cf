"""Commands that a Python project declares: which one is a role's program, and how it starts without being installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.languages import recipe, recipes
from grader.languages.recipe import Recipe
from grader.model import Role
from tests.test_languages import submission_of

SCRIPTS = "[project.scripts]\nupper-server = 'upper.server:main'\nupper-client = 'upper.client:main'\n"
#: A module that does nothing when it is run.
MODULE = "import sys\n\n\ndef main():\n    print(__name__, sys.argv)\n    return 3\n"


def found(texts: dict[str, str]) -> dict[Role, Recipe]:
    return recipes(submission_of(texts), ["server", "client"], {}, "tcp")[0]


def project(
    manifest: str = SCRIPTS, at: str = "", name: str = "pyproject.toml", module: str = MODULE
) -> dict[str, str]:
    names = ("__init__", "server", "client")
    return {name: manifest, **{f"{at}upper/{each}.py": module if each != "__init__" else "" for each in names}}


@pytest.mark.parametrize("at", ["", "src/", "lib/"])
def test_the_declared_function_is_called(at: str, tmp_path: Path) -> None:
    made = found(project(at=at))
    assert {role: one.program for role, one in made.items()} == {
        "server": f"{at}upper/server.py",
        "client": f"{at}upper/client.py",
    }
    for name, text in project(at=at).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    words = [sys.executable if word == "python3" else word.replace("{port}", "7") for word in made["server"].run]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("upper.server ['upper-server', '7']\n", 3), ran.stderr


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        ("pyproject.toml", "[tool.poetry.scripts]\nserve = 'upper.server:main'\ntalk = 'upper.client:main'\n"),
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n  s = upper.server:main\n  c = upper.client:main\n"),
        (
            "setup.py",
            "setup(entry_points={'console_scripts': ['upperd=upper.server:main', \"upper = upper.client:main\"]})\n",
        ),
    ],
)
def test_older_forms_are_read(name: str, manifest: str) -> None:
    made = found(project(manifest, name=name))
    assert [(one.program, "-c" in one.run) for one in made.values()] == [
        ("upper/server.py", True),
        ("upper/client.py", True),
    ]


def test_two_functions_of_one_module_are_two_programs() -> None:
    manifest = "[project.scripts]\nupper-server = 'upper.cli:App.serve'\nupper-client = 'upper.cli:connect'\n"
    made = found({"pyproject.toml": manifest, "upper/cli.py": "class App:\n    pass\n\ndef connect():\n    pass\n"})
    assert {role: one.program for role, one in made.items()} == {"server": "upper/cli.py", "client": "upper/cli.py"}
    assert "from upper.cli import App; sys.exit(App.serve())" in made["server"].run[2]
    assert "from upper.cli import connect; sys.exit(connect())" in made["client"].run[2]


@pytest.mark.parametrize(
    "texts",
    [
        # It starts by itself, at its end, or as a package.
        project(module=f"{MODULE}\nif __name__ == '__main__':\n    main()\n"),
        project(module=f"{MODULE}\nsys.exit(main())\n"),
        {
            "pyproject.toml": "[project.scripts]\nupper-server = 'server.app:main'\n",
            "server/app.py": MODULE,
            "server/__main__.py": "from server.app import main\nmain()\n",
        },
        # The program is not what the project is about; the module was not handed in; the manifest is no TOML.
        {**project(), "server.py": "import upper\n"},
        project("[project.scripts]\nupper-server = 'lower.server:main'\n"),
        project("[project.scripts]\nupper-server = 'upper.server'\nx = 3\n"),
        project("[project.scripts\n"),
        project("[project]\nscripts = 1\n"),
    ],
)
def test_else_the_source_is_started(texts: dict[str, str]) -> None:
    made = recipe(submission_of(texts), "server")
    assert "-c" not in made.run


def test_a_single_command_is_the_server_that_was_found() -> None:
    texts = {
        "pyproject.toml": "[project.scripts]\nupper = 'upper.app:run'\n",
        "upper/app.py": "def run():\n    s.accept()\n",
    }
    assert "from upper.app import run" in recipe(submission_of(texts), "server", transport="tcp").run[2]
