"""Zip archives, which are only parsed."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import PurePosixPath

from grader.submission.capped import Capped
from grader.submission.members import MAX_LISTED, add_links, member_name, parsing
from grader.submission.tree import MAX_NAME_BYTES, Tree, kind_of


def read_zip(file: Capped, tree: Tree) -> None:
    """Fill a tree from a zip archive.  Raises UsageError for one that is broken, dangerous or too large."""
    links: dict[str, str] = {}
    with parsing("zip", tree), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MAX_LISTED:
            raise tree.too_many()
        for member in members:
            _read_zip_member(archive, member, links, tree)
    add_links(links, tree)


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, links: dict[str, str], tree: Tree) -> None:
    add_zip_member(archive, member, member_name(zip_name(member), tree), links, tree)


def add_zip_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, links: dict[str, str], tree: Tree
) -> None:
    """Add what a member is under a plain name; `links` takes a link's name and where it leads."""
    if not name or tree.leaves_out(name):
        return
    mode = member.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if member.is_dir() or kind == stat.S_IFDIR or member.orig_filename.endswith("\\"):
        tree.add_folder(name)
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        tree.note(name, f"it is {kind_of(mode)}")
        return
    if fault := _unreadable(member):
        tree.note(name, fault)
        return
    with _opened_zip_member(archive, member) as stream:
        if kind == stat.S_IFLNK:
            links[name] = _zip_link(name, stream.read(MAX_NAME_BYTES))
        else:
            links.pop(name, None)
            # Windows has no modes and records none.
            tree.add_file(name, stream, executable=bool(mode & stat.S_IXUSR) if mode else None)


def _unreadable(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & 0x41:  # APPNOTE 4.4.4: encrypted, strongly encrypted
        return "it is encrypted: hand in an archive without a password"
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}:
        return "it is compressed with an unsupported method: hand in a plain .zip or .tar.gz file"
    return ""


def _opened_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> zipfile.ZipExtFile:
    opened = archive.open(member)
    if not isinstance(opened, zipfile.ZipExtFile):
        raise TypeError(opened)
    return opened


def zip_name(member: zipfile.ZipInfo) -> str:
    """The intended name: macOS writes UTF-8 without saying so, and zipfile takes it for code page 437."""
    name = member.orig_filename
    if member.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _zip_link(name: str, target: bytes) -> str:
    return str(PurePosixPath(name).parent / os.fsdecode(target))
