"""What a machine has for programs of the local sandbox, told by what is in its PATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment import Libraries
from grader.sandbox import here

DPKG = '#!/bin/sh\nprintf "python3-there installed\\npython3-gone config-files\\n"\n'
NODE = """#!/bin/sh\necho '["ws", "@scope/part"]'\n"""


@pytest.fixture
def bin_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH, which every user may enter."""
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(path: Path, script: str = "#!/bin/sh\n", mode: int = 0o755) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o755)
    path.write_text(script)
    path.chmod(mode)


def test_what_helps_is_a_package_or_an_image_of_one_s_own() -> None:
    assert here.way_out("go") == "install it (Debian: apt install golang-go), or use --sandbox docker"
    assert here.way_out("dotnet") == "Debian has no .NET: use --image to name an image that has it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root grades for another user")
def test_what_lies_in_a_closed_home_is_not_there_for_programs(bin_folder: Path) -> None:
    put(bin_folder / "home" / "go")
    (bin_folder / "go").symlink_to(bin_folder / "home" / "go")
    assert here.has("go")
    (bin_folder / "home").chmod(0o700)
    assert not here.has("go")


def test_libraries_are_looked_for_where_each_is_installed(bin_folder: Path) -> None:
    allowed = Libraries(
        packages=("python3-there", "python3-gone=1.0"),
        pip=("pytest[extra]>=8", "no-such-library==1"),
        npm=("ws@8", "@scope/part@1", "@scope/other"),
    )
    assert here.missing_libraries(allowed) == list(allowed.names), "no tool is there to ask"
    put(bin_folder / "dpkg-query", DPKG)
    put(bin_folder / "node", NODE)
    put(bin_folder / "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert here.missing_libraries(allowed) == ["python3-gone=1.0", "no-such-library==1", "@scope/other"]


@given(
    st.from_regex(r"(@[a-z][\w.-]{0,8}/)?[a-z][\w.-]{0,8}", fullmatch=True),
    st.sampled_from(["", "==1.0", ">=2", "~=1.4.2", "!=3", "@8", "@^1.2", "=1:2-3"]),
)
def test_a_library_s_name_ends_where_its_version_begins(name: str, version: str) -> None:
    assert here._plain(name + version) == name
