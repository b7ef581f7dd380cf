"""The image with everything: the command, the driver and what programs need, for where there is no engine inside.

A CI job that runs in a container, and a laptop without Linux, start this one and nothing else.  Its name is the same
for every version, since people type it; it is built anew whenever that is asked for, which takes no time if nothing
has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from grader.assignment import visibility
from grader.families import BASE
from grader.folders import files_below
from grader.sandbox import images
from grader.sandbox.engine import Stored
from grader.sandbox.images import Contents, Image, Images, Origin

_REPOSITORY: Final = "socket-grader"
_HERE: Final = Path(__file__).resolve().parent.parent
#: What an installed package has in `_data`, and the image needs too.
_DATA: Final = ("Dockerfile", "requirements-driver.txt", "requirements-grader.txt", "assignments")
#: The folder of the package's files in the build's context.
_LAID_IN: Final = "host/grader"


def build(built_by: Images, contents: Contents, name: str = "", more: Path | None = None) -> Stored:
    """Build it, with these families of languages and libraries.

    `name`: its name, if it is not to have its usual one.  `more`: a folder with assignments besides ours.

    Raises:
        CannotJudgeError: that fails.
    """
    files = {**images.context_files(), **host_files(), **(assignment_files(more) if more else {})}
    image = image_of(contents, built_by.base(), files, name)
    return built_by.build(image, f"everything, with {contents.words}", "about two minutes", files)


def image_of(contents: Contents, base: Origin, files: Mapping[str, bytes], name: str = "") -> Image:
    """Its name and arguments.  `files`: the build's context."""
    words = [*sorted(contents.families - {BASE}), *([contents.assignment] if contents.libraries else [])]
    usual = f"{_REPOSITORY}:{'-'.join(words) or 'latest'}"
    return Image("grader", name or usual, images.toolchains(contents, base), images.fingerprint(files))


def host_files() -> dict[str, bytes]:
    """The command's files in the build's context, by path: the package as it is installed, with its assignments."""
    root = images.data_folder()
    requirements = "requirements-grader.txt"
    files = {requirements: (root / requirements).read_bytes(), **_below(_HERE, _LAID_IN)}
    for name in _DATA:
        where = f"{_LAID_IN}/_data/{name}"
        files |= _below(root / name, where) if (root / name).is_dir() else {where: (root / name).read_bytes()}
    return files


def assignment_files(folder: Path) -> dict[str, bytes]:
    """An instructor's assignments in the build's context: all that students may have."""
    return {
        f"{_LAID_IN}/_data/assignments/{path}": data
        for path, data in files_below(folder).items()
        if visibility.KEPT_BACK.isdisjoint(PurePosixPath(path).parts[1:2])
    }


def _below(folder: Path, where: str) -> dict[str, bytes]:
    return {f"{where}/{path}": data for path, data in files_below(folder).items()}
