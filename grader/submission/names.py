"""Other people's names, made safe for messages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SHOWN_CHARS: Final = 80


def name_of(path: Path) -> str:
    """What a submission is called in reports: the last component of its path, with what is not UTF-8 escaped."""
    return (path.name or path.resolve().name or str(path)).encode("utf-8", "backslashreplace").decode()


def shown(text: str) -> str:
    """Somebody else's text, made safe for a message: quoted, escaped, and shortened in the middle if long."""
    if len(text) > _SHOWN_CHARS:
        text = f"{text[: _SHOWN_CHARS // 2]}…{text[-_SHOWN_CHARS // 4 :]}"
    return repr(text)
