"""Folders are put back as they were, whatever happened to them; what has not changed costs next to nothing."""

from __future__ import annotations

import mmap
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.sandbox import workfolder
from grader.sandbox.workfolder import Folder
from tests.cli.command import Command, make_assignment

PLENTY: Final = 1 << 20
NAMES: Final = ("a", "b", "a/c", "a/d", "a/d/e", "\udcff", "b/x")


@pytest.fixture(autouse=True)
def _where_we_were() -> Iterator[None]:
    """Putting back changes to the folder: in the product it is a child that does."""
    before = Path.cwd()
    yield
    os.chdir(before)


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"%d" % len(path.parts))


def scribble(path: Path) -> None:
    """Through a mapping: a tmpfs notes no time of it."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"!"


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


#: What a program may do to a name; some are errors for what is there, and then nothing happens.
DEEDS: Final[dict[str, Callable[[Path], object]]] = {
    "write": write,
    "append": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "scribble": scribble,
    "make folder": lambda path: path.mkdir(parents=True),
    "remove": remove,
    "forbid": lambda path: path.chmod(0),
    "allow": lambda path: path.chmod(0o7777),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
    "link to a folder": lambda path: path.symlink_to("b"),
    "second name": lambda path: path.hardlink_to(path.parent / "a"),
    "pipe": os.mkfifo,
    "time": lambda path: os.utime(path, ns=(1, 1), follow_symlinks=False),
    "attribute": lambda path: os.setxattr(path, "user.x", b"1"),
    "swap": lambda path: path.rename(path.with_name("b")),
}
deeds = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(NAMES)), max_size=12)


def do(root: Path, what: list[tuple[str, str]]) -> None:
    for deed, name in what:
        # A pipe would hold whoever opens it; and an empty file can't be mapped.
        if not (root / name).is_fifo():
            with suppress(OSError, ValueError):
                DEEDS[deed](root / name)


def picture(root: Path) -> dict[str, tuple[object, ...]]:
    """All that a program could read of a folder, but for numbers that the kernel gives."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in (root, *sorted(root.rglob("*"))):
        found = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(found.st_mode) else None
        target = path.readlink() if path.is_symlink() else None
        attributes = [] if path.is_symlink() else os.listxattr(path)
        same = found.st_ino if found.st_nlink > 1 and not path.is_dir() else 0
        twins = sorted(str(p) for p in root.rglob("*") if same and p.lstat().st_ino == same)
        seen[str(path)] = (found.st_mode, found.st_mtime_ns, content, target, attributes, twins)
    return seen


def taken(root: Path) -> Folder:
    (folder,) = workfolder.take_down([str(root)], os.geteuid(), PLENTY, 1000)
    return folder


@settings(max_examples=60, deadline=None)
@given(before=deeds, after=deeds)
def test_everything_is_undone(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        root = Path(place)
        do(root, [deed for deed in before if deed[0] != "attribute"])
        then, folder = picture(root), taken(root)
        assert not workfolder.changes(folder)
        do(root, after)
        changed = picture(root) != then
        assert bool(workfolder.changes(folder)) >= changed, "every change is seen"
        workfolder.put_back(folder)
        assert workfolder.settle(folder) == []
        assert picture(root) == then
        assert not workfolder.changes(folder), "and none is seen after it"
        os.chdir("/")


def test_folders_deeper_than_a_path_may_be_long(tmp_path: Path) -> None:
    folder = taken(tmp_path)
    os.chdir(tmp_path)
    for _ in range(100):
        os.mkdir("n" * 200)
        os.chdir("n" * 200)
        Path("file").touch()
    workfolder.put_back(folder)
    assert workfolder.settle(folder) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("instead", ["nothing", "a link", "a file"])
def test_a_place_that_is_gone_is_made_again(tmp_path: Path, instead: str) -> None:
    place, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    place.mkdir(0o750)
    elsewhere.mkdir()
    for each in (place, elsewhere):
        (each / "server").write_text("a program")
    then, folder = picture(place), taken(place)
    shutil.rmtree(place)
    if instead == "a link":
        place.symlink_to(elsewhere)
    elif instead == "a file":
        place.touch()
    assert workfolder.changes(folder).missing == ["", "server"]
    workfolder.put_back(folder)
    assert workfolder.settle(folder) == []
    assert picture(place) == then
    assert (elsewhere / "server").exists()


def test_what_can_not_be_kept_is_told(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(PLENTY + 1)
    with pytest.raises(workfolder.TooMuchError, match="too large"):
        taken(tmp_path)
    with pytest.raises(workfolder.TooMuchError, match="too many"):
        workfolder.take_down([str(tmp_path)], os.geteuid(), 2 * PLENTY, 1)


def test_folders_that_are_nested_too_deeply_are_told(tmp_path: Path) -> None:
    os.chdir(tmp_path)
    for _ in range(30):
        os.mkdir("n" * 200)
        os.chdir("n" * 200)
    with pytest.raises(workfolder.TooMuchError, match="deeply"):
        taken(tmp_path)


def test_what_could_not_be_put_back_is_named(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("as it was")
    folder = taken(tmp_path)
    (tmp_path / "kept").write_text("otherwise")
    (tmp_path / "new").touch()
    assert sorted(workfolder.settle(folder)) == ["", "kept", "new"], "and the folder's own time"


def test_others_files_are_left_alone(tmp_path: Path) -> None:
    """In a shared place, as /tmp, the folder itself is not the program's."""
    (folder,) = workfolder.take_down([str(tmp_path)], os.geteuid() + 1, PLENTY, 1000)
    tmp_path.chmod(0o700)
    os.utime(tmp_path, ns=(1, 1))
    assert not workfolder.changes(folder)


def test_a_usual_folder_is_looked_at_in_a_millisecond(tmp_path: Path) -> None:
    """The best of many looks, against a bound three times as long: the machine may be busy."""
    for number in range(20):
        (tmp_path / f"file{number}.py").write_text("x = 1\n" * 200)
    folder = taken(tmp_path)

    def look_s() -> float:
        began = time.perf_counter()
        assert not workfolder.changes(folder)
        return time.perf_counter() - began

    assert min(look_s() for _ in range(50)) < 0.003


REFUSES_TO_COME_BACK: Final = """
import pathlib, sys
sys.path.insert(0, ".")
import honest
if pathlib.Path("ran").exists():
    sys.exit("ran before")
pathlib.Path("ran").touch()
honest.serve()
"""


def test_a_restart_finds_what_the_server_wrote(folder: Path) -> None:
    """A check that starts the same server again means the same server; all other starts find nothing."""
    restarts = ("server.port_reuse_after_ctrl_c", "3.2", "")
    checks = [("server.listens", "1.1", ""), ("server.ctrl_c_stops", "3.1", ""), restarts]
    assignments = make_assignment(folder / "assignments", checks=checks)
    command = Command(folder)
    honest = (Path(__file__).parent.parent / "hostile" / "honest.py").read_text()
    submission = command.submit_text(REFUSES_TO_COME_BACK, honest_py=honest)
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "local", "--json", "-", "--quiet")
    ended = command.run("check", submission, *options)
    outcomes = ended.outcomes()
    assert outcomes.pop("server.port_reuse_after_ctrl_c") == "failed"
    assert set(outcomes.values()) == {"passed"}
    assert "ran before" in ended.check("server.port_reuse_after_ctrl_c")["message"]
