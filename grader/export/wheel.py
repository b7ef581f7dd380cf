"""The running grader as a wheel, so that a platform gets the very grader that was tried here.

A wheel is a zip of the package's files and four files about it (PyPA's binary distribution format); it is made from the
files themselves, without a build tool or a network, the same bytes each time.  A checkout keeps some of what the
package needs beside it: the table in `pyproject.toml` says what goes where.  Only an installed grader knows what it
depends on, so one that was never installed can't be exported.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from grader.errors import UsageError
from grader.folders import files_below
from grader.version import __version__

_DISTRIBUTION: Final = "socket-grader"
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_NAME: Final = f"socket_grader-{__version__}"
#: The first moment that a zip can name.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: grader export\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._-]+")


def file_name() -> str:
    """The wheel's name, which installers read."""
    return f"{_NAME}-py3-none-any.whl"


def built() -> bytes:
    """The wheel (UsageError: this grader was not installed)."""
    about = f"{_NAME}.dist-info"
    files = dict(_files())
    files[f"{about}/METADATA"] = _metadata()
    files[f"{about}/WHEEL"] = _WHEEL
    files[f"{about}/entry_points.txt"] = (_installed().read_text("entry_points.txt") or "").encode()
    record = f"{about}/RECORD"
    files[record] = "".join([*(_recorded(name, data) for name, data in files.items()), f"{record},,\n"]).encode()
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name, _MOMENT), data, zipfile.ZIP_DEFLATED)
    return into.getvalue()


def constraints() -> str:
    """The exact versions of everything that the grader depends on here, as pip reads them."""
    found: dict[str, str] = {}
    waiting = list(_installed().requires or ())
    while waiting:
        asked = waiting.pop()
        name = _REQUIREMENT.match(asked)
        if name is None or "extra ==" in asked or name[0].lower() in found:
            continue
        try:
            there = metadata.distribution(name[0])
        except metadata.PackageNotFoundError:  # for another system or another Python
            continue
        found[name[0].lower()] = f"{there.name}=={there.version}\n"
        waiting += there.requires or ()
    return "".join(found[name] for name in sorted(found))


def _installed() -> metadata.Distribution:
    try:
        return metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        message = "this grader runs from files that were never installed, so it can't be exported: pip install it first"
        raise UsageError(message) from error


def _metadata() -> bytes:
    requires = [f"Requires-Dist: {each}" for each in _installed().requires or () if "extra ==" not in each]
    lines = ["Metadata-Version: 2.1", f"Name: {_DISTRIBUTION}", f"Version: {__version__}", "Requires-Python: >=3.11"]
    return "".join(f"{line}\n" for line in [*lines, *requires]).encode()


def _files() -> Iterator[tuple[str, bytes]]:
    """The package's files by their path in the wheel, those of a checkout where an installed package has them."""
    yield from _below(_PACKAGE, _PACKAGE.name)
    project = _PACKAGE.parent / "pyproject.toml"
    if not (_PACKAGE / "_data").is_dir() and project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))
        for source, target in table["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
            yield from _below(project.parent / source, target)


def _below(path: Path, target: str) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield target, path.read_bytes()
    yield from ((f"{target}/{inside}", data) for inside, data in files_below(path).items())


def _recorded(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"
