"""Taking submissions: real folders and archives made on the spot, and hostile ones one by one.

Whatever is handed in, `take` answers with a snapshot or with one sentence; nothing else may happen.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import resource
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.limits import MAX_CONFIG_BYTES, MAX_DEPTH, MAX_MEMBERS, MAX_UNPACKED_BYTES
from grader.submission import (
    Config,
    Start,
    Submission,
    line_of,
    parse_config,
    shown,
    take,
)
from grader.submission.folder import _read_one_folder, _read_regular
from grader.submission.tree import Tree as _Tree

Tree = dict[str, bytes]
T = TypeVar("T")

SERVER = b"import socket\n"
CLASSMATE: Tree = {"hw1/server.py": SERVER, "hw1/lib/util.py": b"", "hw1/README": b"run it\n"}


def write_folder(root: Path, tree: Tree) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path: Path, tree: Tree) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tree.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, tree: Tree, mode: str = "w") -> Path:
    with tarfile.open(str(path), mode) as archive:  # type: ignore[call-overload]  # the mode is a parameter here
        for name, data in tree.items():
            archive.addfile(member(name, size=len(data)), io.BytesIO(data))
    return path


def member(name: str, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as archive:
        for one in members:
            archive.addfile(one, io.BytesIO(bytes(one.size)))
    return path


def unpacked(submission: Submission) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(submission.archive)) as archive:
        return {one.name: one for one in archive}


def read(submission: Submission, name: str) -> bytes:
    return bytes(submission.contents()[name])


def refusal(path: Path) -> str:
    """The sentence with which a submission is refused; it is one, and can be shown anywhere."""
    with pytest.raises(UsageError) as caught:
        take(path)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 400
    return sentence


def taken_or_error(attempt: Callable[[], T]) -> T | UsageError:
    """What an attempt gives, or the one kind of error it may end with."""
    try:
        return attempt()
    except UsageError as error:
        return error


# what is accepted


def test_folder_is_taken_with_names_contents_and_config(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "ann", {"server.py": SERVER, "sub/x.py": b"x", "grader.toml": b'assignment = "a"\n'})
    submission = take(root)
    assert submission.name == "ann"
    assert submission.files == ("grader.toml", "server.py", "sub/x.py")
    assert submission.folders == ("sub",)
    assert submission.notes == ()
    assert submission.config == Config(assignment="a")
    assert read(submission, "sub/x.py") == b"x"


def test_contents_are_those_of_files_alone(tmp_path: Path) -> None:
    submission = take(write_folder(tmp_path / "s", {"server.py": b"1", "sub/x.py": b""}))
    assert {name: bytes(data) for name, data in submission.contents().items()} == {"server.py": b"1", "sub/x.py": b""}


@pytest.mark.parametrize("name", ["threads.py", "poll.c", "Server.java"])
def test_single_source_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(SERVER)
    submission = take(tmp_path / name)
    assert (submission.name, submission.files, submission.config) == (name, (name,), None)
    assert read(submission, name) == SERVER


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_known_by_its_content(tmp_path: Path, mode: str) -> None:
    submission = take(write_tar(tmp_path / "handed-in.dat", CLASSMATE, mode))
    assert submission.files == ("README", "lib/util.py", "server.py")


def test_zip_is_known_by_its_content(tmp_path: Path) -> None:
    assert take(write_zip(tmp_path / "handed-in.py", CLASSMATE)).files == ("README", "lib/util.py", "server.py")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_with_a_long_name(tmp_path: Path, form: int) -> None:
    name = "a" * 90 + "/" + "b" * 90 + ".py"
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as archive:
        archive.addfile(member("server.py"), io.BytesIO())
        archive.addfile(member(name), io.BytesIO())
    assert take(tmp_path / "x.tar").files == (name, "server.py")


def test_tar_of_the_oldest_format_has_no_magic(tmp_path: Path) -> None:
    header = bytearray(member("server.c").tobuf(tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(header + bytes(1024))
    assert take(tmp_path / "x.tar").files == ("server.c",)


def test_folders_that_hold_everything_else_are_stripped(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"a/b/server.py": b"", "a/b/sub/x.py": b""})
    (root / "empty").mkdir()
    submission = take(root)
    assert submission.files == ("server.py", "sub/x.py")
    assert submission.folders == ("sub",)


def test_folders_beside_each_other_are_not_stripped(tmp_path: Path) -> None:
    assert take(write_folder(tmp_path / "s", {"a/x.py": b"", "ab/y.py": b""})).files == ("a/x.py", "ab/y.py")


def test_clutter_is_left_out_and_packages_are_noted(tmp_path: Path) -> None:
    clutter = {
        "__MACOSX/._server.py": b"",
        "hw/.DS_Store": b"",
        "hw/._server.py": b"",
        "hw/.git/config": b"",
        "hw/__pycache__/server.pyc": b"",
        "hw/.venv/a.py": b"",
        "hw/node_modules/a/b.js": b"",
        "hw/server.py": SERVER,
    }
    notes = {
        "'hw/.venv' was left out: installed packages are not part of a submission",
        "'hw/node_modules' was left out: installed packages are not part of a submission",
    }
    for path in (
        write_folder(tmp_path / "s", clutter),
        write_zip(tmp_path / "s.zip", clutter),
        write_tar(tmp_path / "s.tar", clutter),
    ):
        submission = take(path)
        assert submission.files == ("server.py",)
        assert set(submission.notes) == notes


def test_snapshot_is_clean_and_keeps_the_x_bit(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"run.sh": b"#!", "sub/server.py": b"", "é.py": b"1"})
    (root / "run.sh").chmod(0o4711)
    (root / "sub").chmod(0o2777)
    (root / "obj").mkdir()
    members = unpacked(take(root))
    modes = {name: (one.type, one.mode) for name, one in members.items()}
    assert modes == {
        "obj": (tarfile.DIRTYPE, 0o755),
        "run.sh": (tarfile.REGTYPE, 0o755),
        "sub": (tarfile.DIRTYPE, 0o755),
        "sub/server.py": (tarfile.REGTYPE, 0o644),
        "é.py": (tarfile.REGTYPE, 0o644),
    }
    assert list(modes) == sorted(modes)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members.values()} == {(0, 0, "", "", 0)}


def test_x_bit_comes_out_of_archives(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("run.sh")
    info.external_attr = (stat.S_IFREG | 0o755) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, b"")
    tar_of(tmp_path / "x.tar", member("run.sh", mode=0o700))
    for name in ("x.zip", "x.tar"):
        assert unpacked(take(tmp_path / name))["run.sh"].mode == 0o755


def test_sha_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", {"a.py": b"1", "b.py": b"2"})
    two = write_folder(tmp_path / "two", {"b.py": b"2", "a.py": b"1"})
    os.utime(two / "a.py", (1, 1))
    (two / "a.py").chmod(0o755)
    assert take(one).sha256 == take(two).sha256
    assert re.fullmatch("[0-9a-f]{64}", take(one).sha256)
    swapped = {"a.py": b"2", "b.py": b"1"}
    moved = {"a.py": b"1b", ".py": b"2"}
    for other in (swapped, moved, {"a.py": b"1"}, {"a.py": b"1", "c.py": b"2"}):
        assert take(write_zip(tmp_path / "o.zip", other)).sha256 != take(one).sha256


def test_mac_zip_writes_utf8_names_without_saying_so(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"sérveur.py": SERVER})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(magic) + offset
        assert data[at + 1] == 0x08
        data[at + 1] = 0
    path.write_bytes(data)
    assert take(path).files == ("sérveur.py",)


def test_old_dos_zip_has_names_in_code_page_437(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"sXrveur.py": SERVER})
    path.write_bytes(path.read_bytes().replace(b"sXrveur", b"s\x82rveur"))
    assert take(path).files == ("sérveur.py",)


def test_name_of_the_present_folder_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_folder(tmp_path / "ann", {"server.py": b""}))
    assert take(Path()).name == "ann"


def test_nothing_is_written(tmp_path: Path) -> None:
    write_zip(tmp_path / "x.zip", CLASSMATE)
    before = sorted(tmp_path.rglob("*"))
    take(tmp_path / "x.zip")
    assert sorted(tmp_path.rglob("*")) == before


# links and special files in a folder


def test_link_inside_a_folder_is_taken_as_its_file(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"src/real.py": SERVER})
    (root / "server.py").symlink_to("src/real.py")
    (root / "again.py").symlink_to(root / "server.py")
    submission = take(root)
    assert submission.files == ("again.py", "server.py", "src/real.py")
    assert read(submission, "again.py") == SERVER
    assert submission.notes == ()


def test_other_links_in_a_folder_are_left_out_with_a_note(tmp_path: Path) -> None:
    write_folder(tmp_path / "secret", {"key": b"secret"})
    # Shares the submission's name as a prefix, but is not in it.
    write_folder(tmp_path / "s-other", {"key": b"secret"})
    root = write_folder(tmp_path / "s", {"server.py": b"", "sub/x": b""})
    (root / "a_out").symlink_to("../secret/key")
    (root / "b_out").symlink_to(tmp_path / "s-other" / "key")
    (root / "c_gone").symlink_to("absent")
    (root / "d_loop").symlink_to("d_loop")
    (root / "e_folder").symlink_to("sub")
    (root / "f_itself").symlink_to(".")
    submission = take(root)
    assert submission.files == ("server.py", "sub/x")
    assert submission.notes == (
        "'a_out' was left out: a link that leads out of the folder",
        "'b_out' was left out: a link that leads out of the folder",
        "'c_gone' was left out: a link that leads nowhere (No such file or directory)",
        "'d_loop' was left out: a link that leads nowhere (Too many levels of symbolic links)",
        "'e_folder' was left out: it leads to a folder",
        "'f_itself' was left out: it leads to a folder",
    )
    assert b"secret" not in submission.archive


@pytest.mark.timeout(20)
def test_fifo_and_socket_are_left_out_and_never_opened(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"server.py": b""})
    os.mkfifo(root / "pipe.py")
    (root / "to_pipe.py").symlink_to("pipe.py")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(root / "sock"))
        submission = take(root)
    assert submission.files == ("server.py",)
    assert submission.notes == (
        "'pipe.py' was left out: it is a FIFO",
        "'sock' was left out: it is a socket",
        "'to_pipe.py' was left out: it leads to a FIFO",
    )


@pytest.mark.timeout(20)
def test_fifo_handed_in_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "server.py")
    assert "is a FIFO, not a folder" in refusal(tmp_path / "server.py")
    assert "is a device, not a folder" in refusal(Path("/dev/null"))


def test_link_given_on_the_command_line_is_followed(tmp_path: Path) -> None:
    write_folder(tmp_path / "real", {"server.py": b""})
    (tmp_path / "link").symlink_to("real")
    submission = take(tmp_path / "link")
    assert (submission.name, submission.files) == ("link", ("server.py",))


@pytest.mark.timeout(20)
def test_what_is_exchanged_after_it_was_listed_is_not_followed(tmp_path: Path) -> None:
    write_folder(tmp_path / "secret", {"key": b"secret"})
    root = write_folder(tmp_path / "s", {"server.py": b""})
    (root / "file").symlink_to(tmp_path / "secret" / "key")
    (root / "folder").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "pipe")
    tree = _Tree("'s'")
    root_fd = os.open(root, os.O_RDONLY)
    try:
        _read_regular(root_fd, "file", "file", tree)
        _read_regular(root_fd, "pipe", "pipe", tree)
        for name in ("folder/key", "folder"):
            with pytest.raises(UsageError, match=r"can't be read: Not a directory"):
                _read_one_folder(str(root), root_fd, name, tree)
    finally:
        os.close(root_fd)
    assert list(tree.notes) == ["'file' was left out: it is a link", "'pipe' was left out: it is a FIFO"]
    assert tree.files == {}


# what is refused


def test_missing_path_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.zip").endswith("absent.zip' can't be read: No such file or directory")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything, so a test of what can't be read gives that up for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", ["server.py", "sub"])
def test_unreadable_part_of_a_folder_is_named(locked: str) -> None:
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = write_folder(Path(folder) / "s", {"server.py": b"", "sub/x.py": b""})
        (root / locked).chmod(0)
        try:
            with as_nobody():
                assert refusal(root) == f"'s': '{locked}' can't be read: Permission denied"
                if locked == "server.py":
                    assert refusal(root / locked).endswith("server.py' can't be read: Permission denied")
        finally:
            (root / locked).chmod(0o755)


def test_nothing_to_grade(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "clutter", {".git/config": b"", "__pycache__/x.pyc": b""})
    write_zip(tmp_path / "empty.zip", {})
    write_tar(tmp_path / "empty.tar", {})
    write_tar(tmp_path / "empty.tgz", {}, "w:gz")
    write_zip(tmp_path / "folders.zip", {"a/": b"", "a/b/": b""})
    for name in ("empty", "clutter", "empty.zip", "empty.tar", "empty.tgz", "folders.zip"):
        assert refusal(tmp_path / name) == f"'{name}' has no files to grade"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.out", b"\x7fELF", "neither a folder, nor a .zip or .tar archive, nor a source file of a known language"),
        ("empty.zip", b"", "an empty file"),
        ("a.rar", b"Rar!\x1a\x07\x00", "a RAR archive, which is not supported: hand in a .zip or .tar.gz file instead"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive, which is not supported: hand in a .zip or .tar.gz file instead"),
    ],
)
def test_no_archive_and_no_source(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path / name) == f"'{name}' is {sentence}"


HOSTILE_NAMES = [
    ("../evil.py", "leads out of the archive with '..'"),
    ("a/../../evil.py", "leads out of the archive with '..'"),
    (".git/../../evil.py", "leads out of the archive with '..'"),
    ("/etc/passwd", "has an absolute path"),
    ("//host/share", "has an absolute path"),
    ("C:/evil.py", "has a drive letter in its path"),
    ("c:evil.py", "has a drive letter in its path"),
]


@pytest.mark.parametrize(("name", "fault"), HOSTILE_NAMES)
def test_name_that_could_lead_out_is_refused(tmp_path: Path, name: str, fault: str) -> None:
    tree = {"server.py": b"", name: b"evil"}
    assert refusal(write_zip(tmp_path / "x.zip", tree)) == f"'x.zip': member {name!r} {fault}"
    assert refusal(write_tar(tmp_path / "x.tar", tree)) == f"'x.tar': member {name!r} {fault}"
    assert not (tmp_path.parent / "evil.py").exists()


def test_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"server.pyX../../evil": b""})
    path.write_bytes(path.read_bytes().replace(b"server.pyX", b"server.py\0"))
    assert refusal(path) == r"'x.zip': member 'server.py\x00../../evil' has a NUL character in its name"


def test_control_characters_are_escaped_and_long_names_cut(tmp_path: Path) -> None:
    name = "/\x1b[31m\n" + "x" * 500 + "\u202etxt"
    sentence = refusal(write_tar(tmp_path / "x.tar", {name: b""}))
    assert sentence.startswith(r"'x.tar': member '/\x1b[31m\nxxx")
    assert "…" in sentence
    assert r"\u202etxt' has an absolute path" in sentence


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a FIFO"),
        (b"Z", "of an unknown kind"),
    ],
)
def test_special_member_of_a_tar_is_left_out_with_a_note(tmp_path: Path, kind: bytes, said: str) -> None:
    submission = take(tar_of(tmp_path / "x.tar", member("server.py"), member("dev/x", type=kind)))
    assert (submission.files, submission.notes) == (("server.py",), (f"'dev/x' was left out: it is {said}",))


def test_special_member_of_a_zip_is_left_out_with_a_note(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("pipe")
    info.external_attr = (stat.S_IFIFO | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, b"")
    assert refusal(tmp_path / "x.zip") == "'x.zip' has no files to grade; 'pipe' was left out: it is a FIFO"
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
        archive.writestr("server.py", b"")
    assert take(tmp_path / "x.zip").files == ("server.py",)


def zip_with_link(path: Path, name: str, target: str) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("src/server.py", SERVER)
        archive.writestr(info, target)
    return path


def tar_with_link(path: Path, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Path:
    with tarfile.open(path, "w") as archive:
        archive.addfile(member(name, type=kind, linkname=target))
        archive.addfile(member("src/server.py", size=len(SERVER)), io.BytesIO(SERVER))
    return path


def test_link_inside_an_archive_is_taken_as_its_file(tmp_path: Path) -> None:
    for path in (
        zip_with_link(tmp_path / "a.zip", "bin/s.py", "../src/server.py"),
        tar_with_link(tmp_path / "a.tar", "bin/s.py", "../src/server.py"),
        tar_with_link(tmp_path / "b.tar", "bin/s.py", "src/server.py", tarfile.LNKTYPE),
    ):
        submission = take(path)
        assert submission.files == ("bin/s.py", "src/server.py")
        assert read(submission, "bin/s.py") == SERVER
        assert all(one.isreg() or one.isdir() for one in unpacked(submission).values())


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "../.."])
def test_link_that_leads_out_of_an_archive_is_left_out_with_a_note(tmp_path: Path, target: str) -> None:
    for path in (
        zip_with_link(tmp_path / "x.zip", "a/b", target),
        tar_with_link(tmp_path / "x.tar", "a/b", target),
        tar_with_link(tmp_path / "h.tar", "a/b", "../x", tarfile.LNKTYPE),
    ):
        submission = take(path)
        assert submission.files == ("server.py",)
        assert submission.notes == ("'a/b' was left out: a link that leads out of the archive",)


@pytest.mark.parametrize("target", ["absent", "src", "b", "."])
def test_link_to_no_file_of_the_archive_is_left_out_with_a_note(tmp_path: Path, target: str) -> None:
    for path in (zip_with_link(tmp_path / "x.zip", "b", target), tar_with_link(tmp_path / "x.tar", "b", target)):
        submission = take(path)
        assert submission.files == ("server.py",)
        assert submission.notes == (f"'b' was left out: a link to '{target}', which is not a file in the archive",)


def test_nothing_is_written_through_a_linked_folder(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", member("sub", type=tarfile.SYMTYPE, linkname="/tmp"), member("sub/x.py"))
    submission = take(path)
    assert [*unpacked(submission)] == ["x.py"]
    assert submission.notes == ("'sub' was left out: a link that leads out of the archive",)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("server.py", b"1")
        archive.writestr("./server.py", b"2")
    assert read(take(tmp_path / "x.zip"), "server.py") == b"2"
    write_tar(tmp_path / "x.tar", {"a.py": b"a", "server.py": b"1", "./server.py": b"2"})
    assert read(take(tmp_path / "x.tar"), "server.py") == b"2"
    link = member("server.py", type=tarfile.LNKTYPE, linkname="a.py")
    file = member("server.py", size=3)
    for members, size in (((file, link), 0), ((link, file), 3)):
        submission = take(tar_of(tmp_path / "l.tar", member("a.py"), *members))
        assert unpacked(submission)["server.py"].size == size


def test_of_a_file_and_a_folder_of_one_name_the_first_stays(tmp_path: Path) -> None:
    file, inner = member("server"), member("server/x.py")
    folder = member("server", type=tarfile.DIRTYPE)
    cases: tuple[tuple[tuple[tarfile.TarInfo, ...], set[str]], ...] = (
        ((file, inner), {"server"}),
        ((inner, file), {"server", "server/x.py"}),
        ((file, folder), {"server"}),
        ((folder, inner, file), {"server", "server/x.py"}),
    )
    for members, kept in cases:
        submission = take(tar_of(tmp_path / "x.tar", member("a.py"), *members))
        assert {name for name in unpacked(submission) if name.startswith("server")} == kept
        assert len(submission.notes) == 1


def test_folder_named_twice_is_no_fault(tmp_path: Path) -> None:
    folder = member("sub/", type=tarfile.DIRTYPE)
    members = (member("./", type=tarfile.DIRTYPE), folder, folder, member("./sub/x.py"), member("y.py"))
    assert take(tar_of(tmp_path / "x.tar", *members)).files == ("sub/x.py", "y.py")


def test_file_whose_name_is_not_utf8_is_left_out_with_a_note(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    tar_of(tmp_path / "x.tar", member("server.py"), member(name))
    root = write_folder(tmp_path / "s", {"server.py": b"", name: b""})
    for path in (tmp_path / "x.tar", root):
        submission = take(path)
        assert submission.files == ("server.py",)
        assert submission.notes == (r"'caf\udce9.py' was left out: its name is not UTF-8",)
    assert take(root / name).files == ("café.py",)


def test_folder_whose_name_is_not_utf8_keeps_what_is_in_it(tmp_path: Path) -> None:
    folder = os.fsdecode(b"caf\xe9")
    tree = {f"{folder}/server.py": SERVER, "x.py": b""}
    for path in (write_folder(tmp_path / "s", tree), write_tar(tmp_path / "x.tar", tree)):
        submission = take(path)
        assert (submission.files, submission.folders) == (("café/server.py", "x.py"), ("café",))
        assert read(submission, "café/server.py") == SERVER


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128, f"{'d' * 200}/" * 11 + "x"])
def test_name_too_long_to_unpack_is_left_out_with_a_note(tmp_path: Path, name: str) -> None:
    tree = {"server.py": b"", name: b""}
    for path in (write_zip(tmp_path / "x.zip", tree), write_tar(tmp_path / "x.tar", tree)):
        submission = take(path)
        assert submission.files == ("server.py",)
        assert [note.partition(" was left out: ")[2] for note in submission.notes] == ["its name is too long"]


def test_what_is_in_too_many_folders_is_left_out_with_a_note(tmp_path: Path) -> None:
    name, deeper = "d/" * MAX_DEPTH + "x", "d/" * (MAX_DEPTH + 1) + "x"
    tree = {name: b"", deeper: b"", "server.py": b""}
    folder = write_folder(tmp_path / "s", tree)
    for path in (write_zip(tmp_path / "x.zip", tree), write_tar(tmp_path / "x.tar", tree), folder):
        submission = take(path)
        assert submission.files == (name, "server.py")
        (note,) = submission.notes
        assert note.endswith("was left out: it is in too many folders, one inside the other")


def test_backslashes_separate(tmp_path: Path) -> None:
    tree = {"hw1\\src\\server.py": SERVER, "hw1\\src\\": b"", "hw1\\README": b""}
    for path in (write_zip(tmp_path / "x.zip", tree), write_tar(tmp_path / "x.tar", {**tree, "hw1\\src\\": b""})):
        assert take(path).files[0:1] == ("README",)
        assert read(take(path), "src/server.py") == SERVER


def test_script_in_a_zip_from_windows_can_be_started(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("run.sh")
    info.create_system = 0
    info.external_attr = 0x20  # of MS-DOS: to be archived
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, b"#!/bin/sh\n")
    assert unpacked(take(tmp_path / "x.zip"))["run.sh"].mode == 0o755


# archives in archives


def zip_bytes(tree: Tree) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in tree.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_archives_in_archives_are_opened_two_deep(tmp_path: Path) -> None:
    deepest = zip_bytes({"x.py": b"3"})
    second = zip_bytes({"server.py": SERVER, "third.zip": deepest})
    path = write_zip(tmp_path / "all.zip", {"ann/hw1.zip": zip_bytes({"in.zip": second}), "ann/notes.txt": b""})
    submission = take(path)
    assert submission.files == ("hw1/in/server.py", "notes.txt")
    why = "it is an archive inside two others: hand in its files, or one archive with them"
    assert submission.notes == (f"'ann/hw1/in/third.zip' was left out: {why}",)
    assert take(write_folder(tmp_path / "s", {"hw1.zip": second})).files == ("server.py", "third/x.py")


def test_limits_count_over_all_archives(tmp_path: Path) -> None:
    half = zip_bytes({"a": bytes(MAX_UNPACKED_BYTES // 2)})
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.zip", zlib_zip(half))
        archive.writestr("b.zip", zlib_zip(half))
        archive.writestr("c.zip", zlib_zip(half))
    assert refusal(tmp_path / "bomb.zip").endswith("contains more than 200 MB of files; the largest is 'inner.bin'")


def zlib_zip(inner: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.bin", inner)
    return packed.getvalue()


def test_odd_archive_in_an_archive_is_left_out_with_a_note(tmp_path: Path) -> None:
    tree = {"server.py": b"", "a.zip": b"PK\x03\x04 broken", "b.rar": b"Rar!\x1a\x07", "old.zip": b"", "old/x.py": b""}
    submission = take(write_zip(tmp_path / "x.zip", tree))
    assert submission.files == ("old/x.py", "server.py")
    assert [note.partition(" was left out: ")[2].partition(",")[0] for note in submission.notes] == [
        "a broken zip archive: its end is missing",
        "it is a RAR archive",
        "it is an empty file",
    ]


def test_dangerous_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"server.py": b"", "a.zip": zip_bytes({"../evil.py": b""})})
    assert refusal(path) == "'x.zip': 'a.zip': member '../evil.py' leads out of the archive with '..'"


# what tools and platforms add


def test_virtual_environment_of_any_name_is_left_out_with_a_note(tmp_path: Path) -> None:
    tree = {"server.py": b"", "env39/pyvenv.cfg": b"", "env39/lib/server.py": b""}
    for path in (write_folder(tmp_path / "s", tree), write_zip(tmp_path / "s.zip", tree)):
        submission = take(path)
        assert (submission.files, submission.folders) == (("server.py",), ())
        assert submission.notes == (
            "'env39' was left out: it is a virtual environment, and installed packages are not part of a submission",
        )


def test_what_a_build_has_made_is_left_out_where_its_build_file_stands(tmp_path: Path) -> None:
    cargo = take(write_folder(tmp_path / "s", {"Cargo.toml": b"", "src/main.rs": b"", "target/debug/server": b""}))
    assert cargo.files == ("Cargo.toml", "src/main.rs")
    assert cargo.notes == ("'target' was left out: it is build output, which will be built again",)
    own = {"target/server.py": b"", "build/x.py": b"", "Makefile": b""}
    assert take(write_folder(tmp_path / "own", own)).files == tuple(sorted(own))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("doejane_12345_6789012_server.py", "server.py"),
        ("doejane_LATE_12345_6789012_tcp_server-2.py", "tcp_server.py"),
        ("Homework 1_jdoe_attempt_2026-11-30-12-00-00_Server.java", "Server.java"),
        ("my_12_server.py", "my_12_server.py"),
        ("v_1_2_server.py", "v_1_2_server.py"),
    ],
)
def test_names_that_platforms_make_are_seen_through(tmp_path: Path, name: str, plain: str) -> None:
    write_folder(tmp_path / "s", {name: b"1", "README": b""})
    assert take(tmp_path / "s" / name).files == (plain,)
    assert take(tmp_path / "s").files == tuple(sorted(["README", plain]))


def test_platform_name_stays_where_the_plain_one_is_taken(tmp_path: Path) -> None:
    tree = {"doe_12345_678_server.py": b"1", "server.py": b"2"}
    assert take(write_folder(tmp_path / "s", tree)).files == tuple(tree)


def test_python_package_keeps_the_folder_that_its_imports_name(tmp_path: Path) -> None:
    tree = {"up/__init__.py": b"", "up/server.py": b"from up.framing import lines\n", "up/framing.py": b""}
    assert take(write_folder(tmp_path / "s", tree)).files == tuple(sorted(tree))
    tree["up/server.py"] = b"from framing import lines\n"
    assert take(write_folder(tmp_path / "t", tree)).files == ("__init__.py", "framing.py", "server.py")


MEMBER_NAMES = st.text(st.sampled_from("ab./\\\udce9 é_1"), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(MEMBER_NAMES, st.binary(max_size=3), st.booleans()), max_size=6))
def test_whatever_members_are_called_the_rest_is_taken_or_it_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes, bool]]
) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", encoding="utf-8", errors="surrogateescape") as archive:
        archive.addfile(member("server.py"))
        for name, data, is_folder in members:
            kind = tarfile.DIRTYPE if is_folder else tarfile.REGTYPE
            size = 0 if is_folder else len(data)
            archive.addfile(member(name, type=kind, size=size), io.BytesIO(data[:size]))
    submission = taken_or_error(lambda: take(path))
    if isinstance(submission, UsageError):
        assert any(name[:1].replace("\\", "/") == "/" or ".." in name for name, _, _ in members)
        return
    assert "server.py" in {name.rpartition("/")[2] for name in submission.files}
    assert set(submission.files).isdisjoint(submission.folders)
    assert all(name == name.encode().decode() and "\\" not in name for name in submission.files)
    assert set(unpacked(submission)) == {*submission.files, *submission.folders}


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"server.py": SERVER})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    left_out = "'server.py' was left out: it is encrypted: hand in an archive without a password"
    assert refusal(path) == f"'x.zip' has no files to grade; {left_out}"


def test_unusual_compression_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("server.py", SERVER)
    assert "'server.py' was left out: it is compressed with an unsupported method" in refusal(tmp_path / "x.zip")


def test_damaged_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("server.py", SERVER)
    data = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[:-20])
    (tmp_path / "bit.zip").write_bytes(data.replace(SERVER, SERVER[::-1]))
    assert refusal(tmp_path / "cut.zip") == (
        "'cut.zip' is a broken zip archive: its end is missing, as after an upload or a download that broke off"
    )
    assert "is a broken zip archive: Bad CRC-32" in refusal(tmp_path / "bit.zip")


def test_damaged_tar_is_refused(tmp_path: Path) -> None:
    data = write_tar(tmp_path / "x.tar", {"a.py": b"1" * 600, "b.py": b"2" * 600}).read_bytes()
    second = data.index(b"b.py")
    damaged = {
        "first.tar": (b"X" + data[1:], "bad checksum"),
        "second.tar": (data[:second] + b"X" + data[second + 1 :], "a header is damaged"),
        "cut.tar": (data[: second + 700], "unexpected end of data"),
        "head.tar": (data[: second + 100], "a header is damaged"),
        "gz.tgz": (gzip.compress(data)[:-9], "its end is missing"),
        "crc.tgz": (gzip.compress(data)[:-8] + bytes(8), "CRC check failed"),
        "text.gz": (gzip.compress(b"just a compressed text" * 100), "truncated header|bad checksum|invalid header"),
        "bz.tbz": (bz2.compress(data)[:-9], "its end is missing"),
        "xz.txz": (lzma.compress(data)[:-40], "its end is missing"),
    }
    for name, (content, fault) in damaged.items():
        (tmp_path / name).write_bytes(content)
        assert re.match(f"'{name}' is a broken tar archive: ({fault})", refusal(tmp_path / name)), refusal(
            tmp_path / name
        )


def test_tar_without_its_end_is_taken(tmp_path: Path) -> None:
    data = write_tar(tmp_path / "x.tar", {"a.py": b"1"}).read_bytes()
    (tmp_path / "x.tar").write_bytes(data[:1024])
    assert take(tmp_path / "x.tar").files == ("a.py",)


def test_tar_member_of_negative_size_is_refused(tmp_path: Path) -> None:
    # CVE-2025-8194: tarfile walks backwards for ever.
    header = bytearray(member("a.py").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfa\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(member("b.py").tobuf() + header + bytes(1024))
    assert "is a broken tar archive: a member begins before the end of the last one" in refusal(tmp_path / "x.tar")


# limits


def test_too_many_members(tmp_path: Path) -> None:
    names = {f"{number}.py": b"" for number in range(MAX_MEMBERS + 1)}
    for path in (
        write_folder(tmp_path / "s", names),
        write_zip(tmp_path / "s.zip", names),
        write_tar(tmp_path / "s.tar", names),
    ):
        assert refusal(path) == f"'{path.name}' contains more than {MAX_MEMBERS} files and folders"


def test_as_many_members_as_allowed(tmp_path: Path) -> None:
    names = {f"{number}.py": b"" for number in range(MAX_MEMBERS)}
    assert len(take(write_zip(tmp_path / "s.zip", names)).files) == MAX_MEMBERS


def test_folders_that_are_only_implied_count(tmp_path: Path) -> None:
    names = {f"{number}" + "/d" * (MAX_DEPTH - 1) + "/x": b"" for number in range(MAX_MEMBERS // MAX_DEPTH + 1)}
    assert refusal(write_tar(tmp_path / "s.tar", names)).endswith("files and folders")


def test_folders_without_files_count(tmp_path: Path) -> None:
    deep = [
        member(f"{number}" + "/d" * (MAX_DEPTH - 1), type=tarfile.DIRTYPE)
        for number in range(MAX_MEMBERS // MAX_DEPTH + 1)
    ]
    assert refusal(tar_of(tmp_path / "s.tar", *deep)).endswith("files and folders")


def test_list_of_members_is_not_read_when_too_long(tmp_path: Path) -> None:
    names = {f"{number:0200}.py": b"" for number in range(2 * MAX_MEMBERS + 2000)}
    path = write_zip(tmp_path / "s.zip", names)
    assert refusal(path) == "'s.zip' is a broken zip archive: its list of members is too long"


def zeros_gz(size_bytes: int) -> bytes:
    """A tar.gz of one file of zeros, made quickly: compressed pieces may stand one after the other."""
    piece = gzip.compress(bytes(10_000_000))
    return gzip.compress(member("zeros", size=size_bytes).tobuf()) + piece * (size_bytes // 10_000_000)


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as stream:
        for _ in range(25):
            stream.write(bytes(10_000_000))
    # The header claims that there is little in it.
    data = path.read_bytes()
    path.write_bytes(data.replace((250_000_000).to_bytes(4, "little"), (190_000_000).to_bytes(4, "little")))


def honest_zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"zeros{number}", bytes(90_000_000))


def sparse_tar(path: Path) -> None:
    """A header of the old GNU form that claims a hole of 8 GB."""
    header = bytearray(member("hole", type=tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[386:398], header[398:410] = b"77777777777\0", b"00000000000\0"
    header[483:495] = b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(header + bytes(1024))


def links_tar(path: Path) -> None:
    """One file, and many links that lead to it."""
    with tarfile.open(path, "w") as archive:
        archive.addfile(member("zeros", size=1_000_000), io.BytesIO(bytes(1_000_000)))
        for number in range(MAX_UNPACKED_BYTES // 1_000_000 + 1):
            archive.addfile(member(f"l{number}", type=tarfile.LNKTYPE, linkname="zeros"))


def long_header_tar(path: Path) -> None:
    header = member("x", type=tarfile.GNUTYPE_LONGNAME, size=400_000_000).tobuf(tarfile.GNU_FORMAT)
    path.write_bytes(gzip.compress(header) + gzip.compress(bytes(10_000_000)) * 40)


BOMBS: dict[str, tuple[Callable[[Path], object], str]] = {
    "lying zip": (zip_bomb, "is a broken zip archive: Bad CRC-32 for file 'zeros'"),
    "zip": (honest_zip_bomb, "contains more than 200 MB of files"),
    "tar.gz": (lambda path: path.write_bytes(zeros_gz(100_000_000_000)), "contains more than 200 MB of files"),
    "trailer": (
        lambda path: path.write_bytes(gzip.compress(member("x").tobuf() + bytes(1024)) + zeros_gz(10**10)),
        "contains more than 200 MB of files",
    ),
    "sparse": (sparse_tar, "contains more than 200 MB of files"),
    "links": (links_tar, "contains more than 200 MB of files"),
    "header": (long_header_tar, "is a broken tar archive: a header is too long"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_stops_early_and_in_bounded_memory(tmp_path: Path, name: str) -> None:
    build, sentence = BOMBS[name]
    path = tmp_path / "bomb"
    build(path)
    code = (
        "import sys, pathlib\nfrom grader.errors import UsageError\nfrom grader.submission import take\n"
        "try:\n    take(pathlib.Path(sys.argv[1]))\nexcept UsageError as error:\n    print(error)\n"
    )
    limit_bytes = 3 * MAX_UNPACKED_BYTES
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes)),
    )
    assert (ran.stderr, ran.stdout.rstrip("\n").partition("; the largest is ")[0]) == ("", f"'bomb' {sentence}")


def test_bytes_of_a_large_submission_are_held_once(tmp_path: Path) -> None:
    parts = 9
    with tarfile.open(tmp_path / "x.tgz", "w:gz", compresslevel=1) as archive:
        for number in range(parts):
            size_bytes = MAX_UNPACKED_BYTES // (parts + 1)
            archive.addfile(member(f"top/{number}", size=size_bytes), io.BytesIO(bytes(size_bytes)))
    code = (
        "import sys, pathlib\nfrom grader.submission import take\n"
        "size_bytes = len(take(pathlib.Path(sys.argv[1])).archive)\n"
        # Not ru_maxrss: that still holds the peak of the process which started this one.
        "print(size_bytes, *[x.split()[1] for x in open('/proc/self/status') if x.startswith('VmHWM')])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.tgz")],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    archive_bytes, peak_kib = map(int, ran.stdout.split())
    assert peak_kib * 1024 < 1.6 * archive_bytes


def test_large_file_in_a_folder(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"server.py": b""})
    with (root / "core").open("wb") as file:
        file.truncate(MAX_UNPACKED_BYTES + 1)
    assert refusal(root) == "'s' contains more than 200 MB of files; the largest is 'core'"
    assert refusal(root / "core") == "'core' contains more than 200 MB of files"


# grader.toml

WHOLE_CONFIG = b"""\
assignment = "tcp_uppercase"
[server]
build = "make server"                  # optional
run   = ["./server", "{port}"]
[client]
build = ["cc", "-o", "client", "client.c"]
run   = ["./client", "{host}", "{port}"]
"""


@pytest.mark.parametrize("data", [WHOLE_CONFIG, b"\xef\xbb\xbf" + WHOLE_CONFIG, WHOLE_CONFIG.replace(b"\n", b"\r\n")])
def test_whole_config_is_read(data: bytes) -> None:
    assert parse_config(data) == Config(
        assignment="tcp_uppercase",
        server=Start(run=("./server", "{port}"), build="make server"),
        client=Start(run=("./client", "{host}", "{port}"), build=("cc", "-o", "client", "client.c")),
    )


def test_empty_config_says_nothing() -> None:
    assert parse_config(b"") == Config()


ASKED = '"host" and "port", each at most once, in the order that the client asks for them'
BROKEN_CONFIGS = [
    (b'\n[server]\nrun = "./s"\n', 'grader.toml line 3: key "server.run" must be a list of strings, got a string'),
    (b"[client]\nrun = []\n", 'grader.toml line 2: key "client.run" must not be empty'),
    (b'[client]\nrun = ["", "x"]\n', 'grader.toml line 2: key "client.run" must not be empty'),
    (
        b'[server]\nrun = ["./s", 5000]\n',
        'grader.toml line 2: key "server.run" must be a list of strings, got a number in it',
    ),
    *(
        (
            b'[client]\nrun = ["./c"]\nasks = ' + asks + b"\n",
            f'grader.toml line 3: key "client.asks" must be a list of {ASKED}',
        )
        for asks in (b'"host"', b'["host", "host"]', b'["name"]', b"[1]", b"[[]]", b"true")
    ),
    (
        b'[server]\nrun = ["x"]\nasks = ["port"]\n',
        'grader.toml line 3: key "server.asks" is unknown: the keys are "run" and "build"',
    ),
    (
        b'[client]\nrun = ["x"]\nask = ["port"]\n',
        'grader.toml line 3: key "client.ask" is unknown: the keys are "run", "build" and "asks"',
    ),
    (b'[server]\nrun = ["a\\u0000b"]\n', 'grader.toml line 2: key "server.run" must not contain a NUL character'),
    (
        b'[server]\nbuild = true\nrun = ["x"]\n',
        'grader.toml line 2: key "server.build" must be a string or a list of strings, got a boolean',
    ),
    (b'[server]\nrun = ["x"]\nbuild = " "\n', 'grader.toml line 3: key "server.build" must not be empty'),
    (
        b'[server]\nrun = ["x"]\nbiuld = "make"\n',
        'grader.toml line 3: key "server.biuld" is unknown: the keys are "run" and "build"',
    ),
    (
        b'assignment = "x"\n\n[sever]\nrun = ["x"]\n',
        'grader.toml line 3: key "sever" is unknown: the keys are "assignment", "server" and "client"',
    ),
    (
        b'[server]\nbuild = "make"\n',
        'grader.toml line 1: key "server" needs a key "run", the list of words that start the program',
    ),
    (b'server.run = "x"\n', 'grader.toml line 1: key "server.run" must be a list of strings, got a string'),
    (b'\nserver = { run = "x" }\n', 'grader.toml line 2: key "server.run" must be a list of strings, got a string'),
    (b"server = 1\n", 'grader.toml line 1: key "server" must be a table, got a number'),
    (b"assignment = 1\n", 'grader.toml line 1: key "assignment" must be a string, got a number'),
    (
        b'assignment = "../../evil"\n',
        "grader.toml line 1: key \"assignment\" must be an assignment's name: letters, digits, '_', '-' and '.'",
    ),
    (
        b'"\\u001b[31m" = 1\n',
        'grader.toml: key "\\x1b[31m" is unknown: the keys are "assignment", "server" and "client"',
    ),
    (b"x = 1\ny = \xff\n", "grader.toml line 2: not UTF-8 text"),
    (b"#" * (MAX_CONFIG_BYTES + 1), "grader.toml is larger than 64 kB"),
]


@pytest.mark.parametrize(("data", "sentence"), BROKEN_CONFIGS)
def test_broken_config_names_key_and_line(tmp_path: Path, data: bytes, sentence: str) -> None:
    root = write_folder(tmp_path / "s", {"server.py": b"", "grader.toml": data})
    assert refusal(root) == sentence


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"[server]\nrun = [\n", "at end of document"),
        (b'[server]\nrun "x"\n', "at line 2"),
        (b"a = 1\na = 2\n", "at line 2"),
    ],
)
def test_syntax_error_in_config_has_its_line(tmp_path: Path, data: bytes, where: str) -> None:
    sentence = refusal(write_folder(tmp_path / "s", {"server.py": b"", "grader.toml": data}))
    assert sentence.startswith("grader.toml is not valid TOML: ")
    assert where in sentence


def test_deeply_nested_config_is_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"server.py": b"", "grader.toml": b"x = " + b"[" * 30_000})
    assert refusal(root).startswith("grader.toml is not valid TOML: ")


def test_config_counts_only_at_the_root(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "s", {"server.py": b"", "old/grader.toml": b"broken"})
    assert take(root).config is None


def test_line_of_a_key_that_stands_nowhere() -> None:
    assert line_of("# nothing\n", ("server", "run")) is None


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="[]={}\"'.\n #abrun serv", max_size=60) | st.text(max_size=30))
def test_any_config_is_read_or_refused(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    answer = taken_or_error(lambda: parse_config(data))
    if isinstance(answer, UsageError):
        assert str(answer).isprintable()
        assert str(answer).startswith("grader.toml")
    else:
        assert isinstance(answer, Config)


# properties

COMPONENT = st.text(alphabet="abé .-_Z\n\x1b中", min_size=1, max_size=6).filter(
    lambda part: part not in {".", ".."} and not part.startswith("._")
)
NAMES = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)


def is_possible(tree: Tree) -> bool:
    return not any(other.startswith(f"{name}/") for name in tree for other in tree)


TREES = st.dictionaries(NAMES, st.binary(max_size=700), min_size=1, max_size=8).filter(is_possible)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_folder_zip_and_tar_of_a_tree_are_the_same_submission(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        backwards = dict(reversed(tree.items()))
        taken = [
            take(write_folder(where / "s", tree)),
            take(write_zip(where / "s.zip", backwards)),
            take(write_tar(where / "s.tar", backwards)),
            take(write_tar(where / "s.tgz", {f"./top/{name}": data for name, data in tree.items()}, "w:gz")),
        ]
    assert len({one.sha256 for one in taken}) == 1
    assert len({(one.files, one.folders, one.archive) for one in taken}) == 1
    assert {read(taken[0], name) for name in taken[0].files} == set(tree.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_snapshot_of_a_snapshot_is_the_same(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        first = take(write_folder(Path(scratch) / "s", tree))
        (Path(scratch) / "again.tar").write_bytes(first.archive)
        second = take(Path(scratch) / "again.tar")
    assert (first.sha256, first.archive, first.files) == (second.sha256, second.archive, second.files)


def packed_bytes(kind: str) -> bytes:
    """A small archive of each kind, to be damaged."""
    tree = {"server.py": SERVER * 3, "sub/é.py": b"x" * 600, "d" * 120 + "/x": b""}
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in tree.items():
                packed.writestr(name, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT if kind == "gnu" else tarfile.PAX_FORMAT) as tar:
        for name, data in tree.items():
            tar.addfile(member(name, size=len(data)), io.BytesIO(data))
        tar.addfile(member("link", type=tarfile.SYMTYPE, linkname="server.py"))
    compress: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    return compress.get(kind, bytes)(out.getvalue())


KINDS = ("zip", "pax", "gnu", "gz", "bz2", "xz")
PACKED = {kind: packed_bytes(kind) for kind in KINDS}


def take_or_refuse(data: bytes, name: str = "x.dat") -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / name
        path.write_bytes(data)
        answer = taken_or_error(lambda: take(path))
        if isinstance(answer, UsageError):
            assert str(answer).isprintable()
        else:
            assert answer.files
            assert all(one.isreg() or one.isdir() for one in unpacked(answer).values())
        assert sorted(Path(scratch).iterdir()) == [path]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=12)), min_size=1, max_size=5),
    st.integers(0, 20_000),
)
def test_damaged_archive_is_taken_or_refused(kind: str, edits: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(PACKED[kind])
    for at, new in edits:
        place = at % len(data)
        data[place : place + len(new)] = new
    take_or_refuse(bytes(data[: cut % (4 * len(data))]))


HEADER_FIELDS = st.dictionaries(
    st.sampled_from([0, 100, 124, 124 + 11, 148, 156, 157, 257, 345, 386, 482, 483]),
    st.sampled_from([b"L", b"K", b"x", b"g", b"S", b"5", b"\x80", b"\xff" * 12, b"77777777777", b"-1", b"\0" * 8]),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(HEADER_FIELDS, st.binary(max_size=40)), min_size=1, max_size=4))
def test_tar_with_wrong_fields_and_right_checksums_is_taken_or_refused(
    members: list[tuple[dict[int, bytes], bytes]],
) -> None:
    packed = b""
    for fields, data in members:
        header = bytearray(member("a/b.py", size=len(data)).tobuf(tarfile.GNU_FORMAT))
        for at, new in fields.items():
            header[at : at + len(new)] = new
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        packed += header + data.ljust(512, b"\0")
    take_or_refuse(packed + bytes(1024))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0"]), st.binary())
def test_any_bytes_are_taken_or_refused(head: bytes, rest: bytes) -> None:
    take_or_refuse(head + rest)
    take_or_refuse(head + rest, "server.py")


@given(st.text(max_size=300))
def test_shown_text_is_printable_and_short(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) < 900


def test_a_file_takes_the_place_of_an_empty_folder_of_its_name(tmp_path: Path) -> None:
    folder = member("server.py", type=tarfile.DIRTYPE)
    submission = take(tar_of(tmp_path / "a.tar", folder, member("server.py", size=10)))
    assert unpacked(submission)["server.py"].isfile()
    assert not submission.notes
