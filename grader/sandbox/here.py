"""What this machine has for programs in the local sandbox: the commands of their languages, and libraries.

This only looks at what is installed and changes nothing.  A command counts only if the program's user may run it: if
the grader is root, that is another user, who has no access to root's home.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grader import families
from grader.assignment import Libraries
from grader.families import FAMILIES
from grader.limits import LOOK_S
from grader.sandbox.namespaces import TOOLCHAINS

#: Each prints, as JSON, which of its arguments are installed.
_PYTHON: Final = """\
import importlib.metadata, json, sys
def there(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False
print(json.dumps([name for name in sys.argv[1:] if there(name)]))
"""
_NODE: Final = """\
const there = name => [name, name + '/package.json'].some(path => {
    try { return require.resolve(path, { paths: ['/tmp/work'] }); } catch { return false; }
});
console.log(JSON.stringify(process.argv.slice(1).filter(there)));
"""


def has(command: str) -> str:
    """The path of a command that programs can run; empty if there is none."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = shutil.which(command, path=folder)
        if path and (os.geteuid() != 0 or _open_to_all(Path(path))):
            return path
    return ""


def _open_to_all(path: Path) -> bool:
    """Whether every user can reach a file, by its path and its real path, or is shown it in a closed home."""
    shown = any(path.is_relative_to(Path.home() / name) for name in TOOLCHAINS)
    ways = (folder for way in (path, path.resolve()) for folder in (way, *way.parents))
    return shown or all(folder.stat().st_mode & stat.S_IXOTH for folder in ways)


def way_out(name: str) -> str:
    """What to do about a family that is missing."""
    family = FAMILIES[name]
    if not family.packages:
        return family.note.rstrip(".")
    if families.STANDALONE:
        return families.larger_image([name])
    return f"install it (Debian: apt install {' '.join(family.packages)}), or use --sandbox docker"


def missing_libraries(libraries: Libraries) -> list[str]:
    """The libraries that a program would not find here, as listed; without Debian's tools, all of Debian's."""
    found = {
        *_debian([_plain(name) for name in libraries.packages]),
        *_told("python3", ["-c", _PYTHON], [_plain(name) for name in libraries.pip]),
        *_told("node", ["-e", _NODE], [_plain(name) for name in libraries.npm]),
    }
    return [name for name in libraries.names if _plain(name) not in found]


def _plain(name: str) -> str:
    """A library's name without its version and extras."""
    return re.split(r"[\[=<>~!]|(?<!^)@", name, maxsplit=1)[0]


def _debian(names: list[str]) -> Iterable[str]:
    if not names:
        return []
    told = _said(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names])
    return [name for name, _, status in (line.partition(" ") for line in told.splitlines()) if status == "installed"]


def _told(command: str, options: list[str], names: list[str]) -> list[str]:
    if not names or not has(command):
        return []
    found: list[str] = json.loads(_said([command, *options, *names]) or "[]")
    return found


def _said(argv: list[str]) -> str:
    """A tool's output; empty if it fails or takes too long."""
    try:
        return subprocess.run(argv, check=False, capture_output=True, text=True, cwd="/", timeout=LOOK_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
