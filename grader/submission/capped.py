"""Files that are never read in large pieces, since zipfile would read a list of members of any length."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from grader.limits import MAX_MEMBERS

#: zipfile reads its list of members in one go and keeps it: 46 bytes and a name for each, with room for extra fields.
_ZIP_LIST_BYTES: Final = MAX_MEMBERS * 512


class CappedFile(io.FileIO):
    """A file on disk."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(_portion(size)) or b""


class CappedBytes(io.BytesIO):
    """Bytes in memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(_portion(size))


Capped = CappedFile | CappedBytes


def _portion(size: int | None) -> int:
    if size is not None and size > _ZIP_LIST_BYTES:
        raise zipfile.BadZipFile("its list of members is too long")
    return _ZIP_LIST_BYTES if size is None or size < 0 else size
