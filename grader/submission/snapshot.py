"""Makes what was collected into what is graded: a tar and its digest."""

from __future__ import annotations

import hashlib
import io
import tarfile

from grader.submission.tree import File


def digest(files: dict[str, File]) -> str:
    """SHA-256 over each file's SHA-256, its name and a NUL, sorted by name."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(hashlib.sha256(files[name].data).digest() + name.encode() + b"\0")
    return whole.hexdigest()


def packed_tar(files: dict[str, File], folders: set[str]) -> bytes:
    """The tar that a sandbox unpacks.  Removes the files as it goes, so that their bytes are held only once."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted({*files, *folders}):
            member = tarfile.TarInfo(name)
            if name in folders:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
                continue
            file = files.pop(name)
            member.size, member.mode = len(file.data), 0o755 if file.executable else 0o644
            tar.addfile(member, io.BytesIO(file.data))
    return packed.getvalue()
