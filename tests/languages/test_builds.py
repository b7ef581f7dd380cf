"""What builds need that students' machines have and ours may not: editions, versions, libraries, tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from grader.languages import recipe
from grader.languages.builds import _READABLE
from grader.languages.libraries import missing_library
from grader.languages.makefiles import has_spaces_for_tabs, made_from, words
from tests.test_languages import submission_of

RUST = "fn main() {}\n"
MAIN = "int main(void) {\n return 0; }\n"


def build_of(texts: dict[str, str]) -> list[str]:
    return [" ".join(argv) for argv in recipe(submission_of(texts), "server").build]


# Rust


def crate(**more: str) -> str:
    tables = "".join(f"\n[{table}]\n{text}\n" for table, text in more.items())
    return f'[package]\nname = "server"\nversion = "0.1.0"\nedition = "2021"\n{tables}'


@pytest.mark.parametrize(
    ("manifest", "kept"),
    [
        (crate(), False),
        (crate(dependencies=""), False),
        (crate(dependencies='common = { path = "../common" }'), False),
        (crate(dependencies="common.workspace = true"), False),
        (crate(dependencies='rand = "0.8"'), True),
        (crate(dependencies='rand = { version = "0.8" }'), True),
        (crate(**{"target.'cfg(unix)'.dependencies": 'libc = "0.2"'}), True),
        (crate(**{"dependencies.libc": 'version = "0.2"'}), True),
        ("no toml [", False),
    ],
)
def test_a_lock_file_that_pins_nothing_is_removed(manifest: str, kept: bool) -> None:
    build = build_of({"Cargo.toml": manifest, "Cargo.lock": "version = 4\n", "src/main.rs": RUST})
    assert ("rm -f Cargo.lock" in build) is not kept


def test_libraries_of_a_workspace_count() -> None:
    texts = {"Cargo.toml": '[workspace]\nmembers = ["server"]\n', "server/src/main.rs": RUST}
    assert "rm -f Cargo.lock" in build_of({**texts, "server/Cargo.toml": crate()})
    assert "rm -f Cargo.lock" not in build_of({**texts, "server/Cargo.toml": crate(dependencies='rand = "0.8"')})


def test_a_newer_edition_is_lowered_where_cargo_can_not_read_it(tmp_path: Path) -> None:
    text = crate().replace("2021", "2024")
    found = recipe(submission_of({"Cargo.toml": text, "src/main.rs": RUST}), "server")
    _, lower, _ = found.build
    (tmp_path / "Cargo.toml").write_text(text)
    for status, edition in ((0, "2024"), (1, "2021")):
        cargo = tmp_path / "cargo"
        cargo.write_text(f"#!/bin/sh\nexit {status}\n")
        cargo.chmod(0o755)
        subprocess.run(lower, cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
        assert f'edition = "{edition}"' in (tmp_path / "Cargo.toml").read_text()


# Go


@pytest.mark.parametrize(
    ("more", "build"),
    [
        ({}, "go build -o server ."),
        ({"vendor/modules.txt": ""}, "env GOFLAGS=-mod=vendor go build -o server ."),
        ({"go.work": "go 1.19\n"}, "env GOFLAGS=-mod=readonly go build -o server ."),
    ],
)
def test_go_is_told_where_libraries_are(more: dict[str, str], build: str) -> None:
    texts = {"go.mod": "module x\n\ngo 1.19\n", "main.go": "package main\nfunc main() {}\n"}
    assert build_of({**texts, **more}) == [build]


def test_versions_of_a_workspace_are_lowered_too() -> None:
    texts = {"go.work": "go 1.22.0\n", "server/go.mod": "module s\n\ngo 1.22.0\n", "server/main.go": "func main() {}\n"}
    sed, build = build_of(texts)
    assert sed.endswith(" go.work server/go.mod")
    assert build.startswith("env -C server GOFLAGS=-mod=readonly go build")


# CMake and make


@pytest.mark.parametrize(
    ("line", "readable"),
    [
        ("cmake_minimum_required(VERSION 3.30)", "cmake_minimum_required(VERSION 3.12...3.30)"),
        (
            "CMAKE_MINIMUM_REQUIRED (VERSION 4.0.1 FATAL_ERROR)",
            "CMAKE_MINIMUM_REQUIRED (VERSION 3.12...4.0.1 FATAL_ERROR)",
        ),
        ("cmake_minimum_required(VERSION 3.5...3.30)", "cmake_minimum_required(VERSION 3.5...3.30)"),
    ],
)
def test_a_newer_cmake_is_wanted_and_not_required(line: str, readable: str) -> None:
    edited = subprocess.run(["sed", "-E", _READABLE], input=line, text=True, capture_output=True, check=True).stdout
    assert edited == readable


def test_an_old_minimum_stays() -> None:
    texts = {"CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\n", "server.cpp": MAIN}
    assert build_of(texts) == ["cmake -S . -B cmake-build", "cmake --build cmake-build"]


def test_what_cmake_calls_a_program_is_told_by_the_path_of_its_source() -> None:
    found = recipe(
        submission_of(
            {
                "CMakeLists.txt": "project(upper)\nadd_subdirectory(server)\nadd_subdirectory(client)\n",
                "server/CMakeLists.txt": "add_executable(upperd main.cpp)\n",
                "client/CMakeLists.txt": "add_executable(upperc main.cpp)\n",
                "server/main.cpp": MAIN,
                "client/main.cpp": MAIN,
            }
        ),
        "server",
    )
    assert found.finds == ("upperd",)


def test_a_program_may_have_the_projects_name() -> None:
    lists = "project(hw1 LANGUAGES CXX)\nadd_executable(${PROJECT_NAME} main.cpp)\n"
    assert recipe(submission_of({"CMakeLists.txt": lists, "main.cpp": MAIN}), "server").finds == ("hw1",)


def test_variables_of_a_makefile_are_filled_in() -> None:
    text = "BIN = bin\nSRV := $(BIN)/upperd\nOBJ = server.o\n$(SRV): $(OBJ)\n\t$(CC) -o $@ $^\n"
    assert made_from(text, "server") == ["upperd"]
    assert made_from("A = $(A)$(A)\n$(A): server.o\n", "server") == []


@pytest.mark.parametrize(
    ("text", "spaces"),
    [
        ("all: x\n    gcc x.c\n", True),
        ("x: x.c\n  $(CC) x.c\n", True),
        ("all: x\n\tgcc x.c\n", False),
        ("OBJ = a.o \\\n    b.o\nall: x\n", False),
        ("all: x\n\n    CC = gcc\n", False),
        (".RECIPEPREFIX = >\nall: x\n    gcc\n", False),
    ],
)
def test_spaces_where_make_wants_a_tab_are_seen(text: str, spaces: bool) -> None:
    assert has_spaces_for_tabs(text) is spaces
    made = recipe(submission_of({"server.c": MAIN, "Makefile": f"{text}server: server.c\n"}), "server")
    assert any("only a tab" in words for words in made.warnings) is spaces


def test_what_a_makefile_prints_is_no_command() -> None:
    text = "# node is not needed\nCC = clang\nserver: server.c\n\t@echo ready to go\n\t$(CC) -o $@ $^\n"
    assert {"clang", "server.c"} <= {*words(text)}
    assert not {"go", "node"} & {*words(text)}
    assert recipe(submission_of({"server.c": MAIN, "Makefile": text}), "server").families == {"base", "clang"}


# scripts


@pytest.mark.parametrize(
    ("script", "families"),
    [
        ('javac *.java && exec java Server "$1"', {"jvm"}),
        ("cd app; node server.js $1", {"node"}),
        ("echo ready to go # node", set()),
        ("PORT=$1 go run .", {"go"}),
    ],
)
def test_a_start_script_needs_what_it_calls(script: str, families: set[str]) -> None:
    text = f"#!/bin/sh\n{script}\n"
    assert recipe(submission_of({"server.sh": text, "x.txt": ""}), "server").families == {"base", *families}


# C, C++, Java, TypeScript


def test_a_file_that_defines_what_the_program_calls_is_linked() -> None:
    texts = {
        "server.c": f"int upper(int);\n{MAIN.replace('0', 'upper(0)')}",
        "upper.c": "int upper(int x)\n{\n return low(x);\n}\n",
        "low.c": "int low(int x) {\n return x; }\n",
        "other.c": "static int upper(int x) {\n return x; }\nint never(void) {\n}\n",
        "client.c": MAIN,
        "client_upper.c": "int upper(int x) {\n}\n",
    }
    (build,) = build_of(texts)
    assert re.findall(r"\w+\.c\b", build) == ["server.c", "low.c", "upper.c"]


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        ("#include <span>\n", "20"),
        ("if (s.starts_with(x))\n", "20"),
        ("std::jthread t;\n", "20"),
        ("std::thread t;\n", "17"),
    ],
)
def test_the_standard_is_the_one_that_a_program_is_written_in(text: str, standard: str) -> None:
    assert f"-std=c++{standard}" in build_of({"server.cpp": text + MAIN})[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import net from 'net';\n", "commonjs"),
        ("import net from 'net';\nconst x = await y();\n", "module"),
        ("import net from 'net';\nasync function f() {\n  await y();\n}\n", "commonjs"),
        ("import net from 'net';\nconsole.log(import.meta.url);\n", "module"),
    ],
)
def test_typescript_becomes_what_its_text_needs(text: str, kind: str) -> None:
    (build,) = build_of({"server.ts": text, "package.json": '{"type": "module"}'})
    assert f'{{"type": "{kind}"}}' in build
    assert f"--module {'es2022' if kind == 'module' else kind} " in build


def test_a_typescript_module_becomes_one() -> None:
    made = recipe(submission_of({"server.mts": "import net from 'net';\n"}), "server")
    assert made.run == ("node", "server-js/server.mjs", "{port}")


def test_java_sources_are_read_in_the_encoding_that_they_are_in(tmp_path: Path) -> None:
    text = 'class Server { public static void main(String[] a) { String x = "ü"; } }\n'
    assert "-encoding UTF-8" in build_of({"Server.java": text})[0]
    from grader.submission import take  # noqa: PLC0415 — the one test that needs bytes

    (tmp_path / "Server.java").write_bytes(text.encode("cp1252"))
    (build,) = recipe(take(tmp_path), "server").build
    assert "windows-1252" in build
    (tmp_path / "Server.java").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert "byte order mark" in recipe(take(tmp_path), "server").warnings[0]


def test_a_source_that_nothing_reads_is_told(tmp_path: Path) -> None:
    from grader.submission import take  # noqa: PLC0415 — as above

    (tmp_path / "server.py").write_bytes("print('Hello')\n".encode("utf-16"))
    (warning,) = recipe(take(tmp_path), "server").warnings
    assert warning == "'server.py' is saved as UTF-16, which compilers and interpreters don't read: save it as UTF-8"


# libraries


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("S.java:1: error: package com.google.gson does not exist\nimport", "com.google.gson"),
        ("server.cpp:1:10: fatal error: boost/asio.hpp: No such file or directory\n", "boost/asio.hpp"),
        ("error: no matching package named `tokio` found\nlocation", "tokio"),
        ("error[E0463]: can't find crate for `rand`\n", "rand"),
        ("s.go:4:2: no required module provides package github.com/x/y; to add it:\n", "github.com/x/y"),
        ("s.go:3:2: package slices is not in GOROOT (/usr/lib/go-1.19/src/slices)\n", "slices"),
        ("go: downloading github.com/x/y v1.5.0\ns.go:4:2: module lookup disabled by GOPROXY=off\n", "github.com/x/y"),
    ],
)
def test_a_library_that_a_build_lacks_is_named(log: str, name: str) -> None:
    assert f"There is no '{name}' where programs are built: only" in missing_library(log)
    assert "and libxml2 and what" not in missing_library(log)
    assert ", attrs and what was handed in" in missing_library(log, ("attrs",))
    assert "where programs are built. If" in missing_library(log, None)


def test_other_errors_name_no_library() -> None:
    assert missing_library("server.c:1:1: error: expected ';'\nmake: *** [server] Error 1\n") == ""


@pytest.mark.skipif(shutil.which("javac") is None, reason="needs javac")
def test_the_words_are_javacs(tmp_path: Path) -> None:
    (tmp_path / "S.java").write_text("import com.google.gson.Gson;\nclass S {}\n")
    log = subprocess.run(["javac", "S.java"], cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    assert "'com.google.gson'" in missing_library(log)
