"""Folders as wholes: reading all that somebody wrote in one, and making one with all its files or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from grader.errors import UsageError

#: What Python leaves beside the files that it has read.
_LEFTOVERS: Final = "__pycache__"


def files_below(folder: Path) -> dict[str, bytes]:
    """Each file's content by its path below the folder, with slashes, in order; without what Python has left there."""
    files = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")) if path.is_file())
    return {inside.as_posix(): path.read_bytes() for inside, path in files if _LEFTOVERS not in inside.parts}


def make_whole(folder: Path, files: Mapping[str, bytes], executable: Collection[str] = ()) -> None:
    """Make a folder with these files, by their paths below it, where there is none or an empty one.

    Raises:
        UsageError: it can't be made; then nothing of it is there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".grader-", dir=folder.parent) as scratch:
            made = Path(scratch) / folder.name
            made.mkdir()
            for name, content in files.items():
                (path := made / name).parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o755 if name in executable else 0o644)
            if folder.exists():
                folder.rmdir()
            shutil.move(made, folder)
    except OSError as error:
        message = f"can't write {folder}: {error.strerror or error}"
        raise UsageError(message) from error
