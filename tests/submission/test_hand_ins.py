"""Hand-ins as platforms, systems and students make them: each test stands for a kind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.submission import take

SOURCE = b"import socket\n"


def folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_a_source_that_is_compressed_alone_is_taken(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / f"server.py{suffix}").write_bytes(pack(SOURCE))
    submission = take(tmp_path / f"server.py{suffix}")
    assert bytes(submission.contents()["server.py"]) == SOURCE


def test_a_script_without_a_suffix_may_be_handed_in_alone(tmp_path: Path) -> None:
    (tmp_path / "server").write_bytes(b"#!/usr/bin/env python3\n")
    assert take(tmp_path / "server").files == ("server",)


def test_a_script_can_be_started_whatever_mode_its_upload_left_it(tmp_path: Path) -> None:
    submission = take(folder_of(tmp_path, {"run": b"#!/bin/sh\n", "server.py": SOURCE, "tool": b"\x7fELF"}))
    assert _modes(submission.archive) == {"run": 0o755, "server.py": 0o644, "tool": 0o644}


def _modes(archive: bytes) -> dict[str, int]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member.mode for member in tar}


def test_one_encrypted_member_does_not_cost_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("secret.txt", b"x")
        archive.writestr("server.py", SOURCE)
    data = bytearray((tmp_path / "x.zip").read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    submission = take(tmp_path / "x.zip")
    assert submission.files == ("server.py",)
    assert submission.notes == ("'secret.txt' was left out: it is encrypted: hand in an archive without a password",)


@pytest.mark.parametrize(
    ("handed", "taken"),
    [
        ({"SERVER.PY": SOURCE}, "SERVER.py"),
        ({"Server.JAVA": b"class Server {}"}, "Server.java"),
        ({"server.py.txt": b""}, "server.py"),
        ({"jdoe_12345_67890_Makefile.txt": b""}, "Makefile"),
        ({"SERVER.C": b"#include <stdio.h>\n"}, "SERVER.c"),
        ({"Server.C": b"#include <iostream>\n"}, "Server.cpp"),
        ({"server.C": b"int x;\n", "Makefile": b"server: server.C\n\tg++ server.C\n"}, "server.C"),
        ({"server.C": b"int x;\n", "Makefile": b"%: %.C\n\tg++ -o $@ $<\n"}, "server.C"),
        ({"server.PY": SOURCE, "server.py": SOURCE}, "server.PY"),
        ({"README.TXT": b"", "server.py": SOURCE}, "README.TXT"),
        ({"server.py.txt": b"", "server.py": SOURCE}, "server.py.txt"),
    ],
)
def test_suffixes_become_those_of_compilers(tmp_path: Path, handed: dict[str, bytes], taken: str) -> None:
    assert taken in take(folder_of(tmp_path, handed)).files


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["client/main.py"], ("client/main.py",)),
        (["hw/client/main.py", "hw/client/util.py"], ("client/main.py", "client/util.py")),
        (["client/client.py"], ("client.py",)),
        (["my-server-main/server.py", "my-server-main/util.py"], ("server.py", "util.py")),
        (["server-and-client/main.py"], ("main.py",)),
    ],
)
def test_an_outer_folder_stays_where_only_it_tells_the_role(
    tmp_path: Path, names: list[str], files: tuple[str, ...]
) -> None:
    assert take(folder_of(tmp_path, dict.fromkeys(names, SOURCE))).files == files


@pytest.mark.parametrize(
    ("beside", "folder"),
    [
        ("env/conda-meta/history", "env"),
        ("out/debug/CMakeCache.txt", "out/debug"),
        ("setup.py", "build"),
        ("pyproject.toml", "build"),
    ],
)
def test_environments_and_build_output_are_left_out_with_a_note(tmp_path: Path, beside: str, folder: str) -> None:
    files = {"README": b"", "src/server.py": SOURCE, beside: b"", f"{folder}/lib/server.py": SOURCE}
    submission = take(folder_of(tmp_path, files))
    assert [name for name in submission.files if name.endswith("server.py")] == ["src/server.py"]
    assert submission.notes[0].startswith(f"'{folder}' was left out: it is ")


def test_a_build_in_the_folder_of_its_sources_leaves_them(tmp_path: Path) -> None:
    files = {"hw/CMakeLists.txt": b"", "hw/CMakeCache.txt": b"", "hw/server.c": b"", "README": b""}
    assert "hw/server.c" in take(folder_of(tmp_path, files)).files


def test_what_editors_keep_is_left_out(tmp_path: Path) -> None:
    names = ["src/server.py", ".history/src/server_1.py", "src/.ipynb_checkpoints/server.py", ".vs/x", ".tox/y"]
    assert take(folder_of(tmp_path, dict.fromkeys(names, SOURCE))).files == ("server.py",)


def test_a_single_source_may_end_in_txt(tmp_path: Path) -> None:
    (tmp_path / "server.py.TXT").write_bytes(SOURCE)
    assert take(tmp_path / "server.py.TXT").files == ("server.py",)


def test_an_outer_folder_stays_where_programs_are_made_beside_it(tmp_path: Path) -> None:
    made = {"hw/src/Makefile": b"server: server.c\n\tgcc -o ../bin/server server.c\n", "hw/src/server.c": b""}
    assert take(folder_of(tmp_path / "a", made)).files == ("src/Makefile", "src/server.c")
    made["hw/src/Makefile"] = b"server: server.c\n"
    assert take(folder_of(tmp_path / "b", made)).files == ("Makefile", "server.c")
