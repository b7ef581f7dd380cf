"""Languages and build systems: which file is the program, by names and by what stands in the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.families import FAMILIES
from grader.languages import lacking, makefiles, recipe, recipes, which_made
from grader.languages.table import LANGUAGES, SHELL
from grader.model import Role
from grader.roles import made_program
from grader.submission.config import parse_config
from tests.test_languages import submission_of as of

C_MAIN = "int main(int argc, char **argv)\n{\n    return 0;\n}\n"
JAVA_MAIN = "public class {} {{\n    public static void main(String[] args) throws Exception {{}}\n}}\n"
GO_MAIN = "package main\n\nfunc main() {\n}\n"
RUST_MAIN = "fn main() {\n}\n"
KOTLIN_MAIN = "package hw1.net\n\nfun main(args: Array<String>) {\n}\n"


def program_of(texts: dict[str, str], role: Role = "server") -> str:
    return recipe(of(texts), role).program


# a row each


@pytest.mark.parametrize(
    ("name", "text", "run", "families"),
    [
        ("server.cpp", C_MAIN, ("./server",), {"base"}),
        ("server.rs", RUST_MAIN, ("./server",), {"base", "rust"}),
        ("server.go", GO_MAIN, ("./server",), {"base", "go"}),
        ("server.js", "require('net')", ("node", "server.js"), {"base", "node"}),
        ("server.mjs", "import net from 'node:net';", ("node", "server.mjs"), {"base", "node"}),
        ("server.ts", "import net from 'net';", ("node", "server-js/server.js"), {"base", "node", "typescript"}),
        ("server.rb", "require 'socket'", ("ruby", "server.rb"), {"base", "ruby"}),
        ("server.pl", "use IO::Socket;", ("perl", "server.pl"), {"base", "perl"}),
        ("server.sh", '#!/bin/bash\nexec python3 src/x.py "$@"\n', ("bash", "server.sh"), {"base"}),
    ],
)
def test_each_language_is_built_and_started(name: str, text: str, run: tuple[str, ...], families: set[str]) -> None:
    made = recipe(of({name: text}), "server")
    assert made.run == (*run, "{port}")
    assert made.families == families
    assert set(made.families) <= set(FAMILIES)


def test_java_is_compiled_from_its_source_folder_and_started_by_its_class() -> None:
    texts = {
        "src/hw1/net/UpperServer.java": "package hw1.net;\n" + JAVA_MAIN.format("UpperServer"),
        "src/hw1/net/Handler.java": "package hw1.net;\nclass Handler {}\n",
        "src/hw1/net/UpperClient.java": "package hw1.net;\n" + JAVA_MAIN.format("UpperClient"),
        "test/hw1/net/HandlerTest.java": "package hw1.net;\nimport org.junit.Test;\n",
    }
    made = recipe(of(texts), "server")
    ((*_, first, second),) = made.build
    assert (first, second) == ("src/hw1/net/Handler.java", "src/hw1/net/UpperServer.java")
    assert made.run[-4:] == ("-cp", "server-classes", "hw1.net.UpperServer", "{port}")
    assert "-Xmx256m" in made.run
    assert made.tools[:2] == ("javac", "java")


def test_java_packages_whose_first_folders_are_around_everything() -> None:
    texts = {
        "Frame.java": "package edu.net;\npublic class Frame {}\n",
        "server/Server.java": "package edu.net.server;\nimport edu.net.Frame;\n" + JAVA_MAIN.format("Server"),
        "client/Client.java": "package edu.net.client;\nimport edu.net.Frame;\n" + JAVA_MAIN.format("Client"),
    }
    made = recipe(of(texts), "server")
    ((*_, first, second),) = made.build
    assert {first, second} == {"Frame.java", "server/Server.java"}
    assert made.run[-2:] == ("edu.net.server.Server", "{port}")


def test_java_class_without_main_is_a_helper_whatever_its_name() -> None:
    texts = {
        "ServerThread.java": "class ServerThread extends Thread {}",
        "ChatServer.java": JAVA_MAIN.format("ChatServer"),
    }
    assert program_of(texts) == "ChatServer.java"
    assert recipe(of(texts), "server").run[-2:] == ("ChatServer", "{port}")


def test_java_project_that_names_libraries_is_warned_of() -> None:
    pom = "<project><dependencies><dependency>\n</dependency></dependencies></project>"
    made = recipe(of({"pom.xml": pom, "src/main/java/Server.java": JAVA_MAIN.format("Server")}), "server")
    assert "Maven is not run" in made.warnings[0]


def test_kotlin_is_started_by_the_class_that_its_file_becomes() -> None:
    made = recipe(of({"chatServer.kt": KOTLIN_MAIN, "util.kt": "fun shout() = 1\n"}), "server")
    assert made.build == (
        ("kotlinc", "-jvm-target", "1.8", "chatServer.kt", "util.kt", "-include-runtime", "-d", "server.jar"),
    )
    assert made.run[-2:] == ("hw1.net.ChatServerKt", "{port}")


def test_c_is_linked_of_what_its_headers_stand_for() -> None:
    texts = {
        "server.c": '#include "net.h"\n' + C_MAIN,
        "client.c": '#include "net.h"\n' + C_MAIN,
        "net.c": '#include "net.h"\n#include "util.h"\n',
        "net.h": "void f(void);\n",
        "util.c": "int x;\n",
        "util.h": "",
        "unused.c": "int y;\n",
        "client_util.c": "int x;\n",
    }
    (build,) = recipe(of(texts), "server").build
    assert build[build.index("server.c") :] == ("server.c", "net.c", "util.c", "-pthread", "-lm")


def test_c_header_without_a_file_of_its_name_takes_in_all_helpers() -> None:
    texts = {"src/server.c": '#include "all.h"\n' + C_MAIN, "src/a.c": "", "src/b.c": "", "include/all.h": ""}
    texts = {name: text or "int x;\n" for name, text in texts.items()}
    (build,) = recipe(of(texts), "server").build
    assert build[-6:] == ("-Iinclude", "src/server.c", "src/a.c", "src/b.c", "-pthread", "-lm")


def test_go_package_is_built_whole_and_a_file_beside_another_program_alone() -> None:
    module = {"go.mod": "module x\n", "server/main.go": GO_MAIN, "server/net.go": "package main\n"}
    assert recipe(of(module), "server").build == (("go", "build", "-o", "server_program", "./server"),)
    both = {
        "server.go": GO_MAIN,
        "client.go": GO_MAIN,
        "common.go": "package main\n",
        "common_test.go": "package main\n",
    }
    assert recipe(of(both), "client").build == (("go", "build", "-o", "client", "client.go", "common.go"),)
    inner = {"README": "", "hw/go.mod": "module x\n", "hw/cmd/server/main.go": GO_MAIN}
    assert recipe(of(inner), "server").build == (("env", "-C", "hw", "go", "build", "-o", "../server", "./cmd/server"),)


def test_windows_headers_and_line_ends_are_warned_of() -> None:
    made = recipe(of({"server.c": "#include <winsock2.h>\n" + C_MAIN}), "server")
    assert "only Windows has" in made.warnings[0]
    made = recipe(of({"server.sh": "#!/bin/sh\r\npython3 x.py\r\n"}), "server")
    assert "end in CR LF" in made.warnings[0]
    made = recipe(of({"server.c": C_MAIN, "Makefile": "server: server.c\r\n\tcc -o server server.c\r\n"}), "server")
    assert "'Makefile' end in CR LF" in made.warnings[0]


# Python as scripts and as packages


@pytest.mark.parametrize(
    ("texts", "start"),
    [
        ({"server/main.py": "import settings\n", "server/settings.py": ""}, ("python3", "server/main.py")),
        ({"server/main.py": "from .settings import X\n", "server/settings.py": ""}, ("python3", "-m", "server.main")),
        ({"server/main.py": "from common.net import f\n", "common/net.py": ""}, ("python3", "-m", "server.main")),
        (
            {"README": "", "src/server/main.py": "from common.net import f\n", "src/common/net.py": ""},
            ("env", "PYTHONPATH=src", "python3", "-m", "server.main"),
        ),
        ({"server/__main__.py": "from .net import f\n", "server/net.py": "", "x": ""}, ("python3", "-m", "server")),
        ({"server/__main__.py": "import net\n", "server/net.py": "", "x": ""}, ("python3", "server")),
        ({"my-server/main.py": "from common import f\n", "common.py": ""}, ("python3", "my-server/main.py")),
    ],
)
def test_python_is_started_where_its_imports_are_found(texts: dict[str, str], start: tuple[str, ...]) -> None:
    assert recipe(of(texts), "server").run == (*start, "{port}")


# which program is meant


@pytest.mark.parametrize(
    ("texts", "program"),
    [
        ({"a_server.py": "import b_server\n", "b_server.py": "X = 1\n"}, "a_server.py"),
        ({"net_server.c": "int f(void);\n", "my_server.c": C_MAIN}, "my_server.c"),
        ({"a.py": "", "b.py": "", "README.md": "Server: `python3 b.py 12000`\nClient: `python3 a.py`\n"}, "b.py"),
        (
            {
                "a.js": "require('net')",
                "b.js": "require('net')",
                "package.json": '{"scripts": {"server": "node b.js"}}',
            },
            "b.js",
        ),
        ({"a.py": "", "b.py": "", "README": "Start the client with `./a.py` and the server with `./b.py`.\n"}, "b.py"),
        ({"a.py": "", "b.py": "", "README": "The client:\n\n  python3 a.py\n\nServer\n\n  python3 b.py\n"}, "b.py"),
        ({"a.py": "def f(): pass\n", "b.py": 'if __name__ == "__main__":\n    f()\n'}, "b.py"),
        ({"src/index.js": "require('./lib')", "src/lib.js": "require('net')"}, "src/index.js"),
        ({"server.sh": "#!/bin/sh\n", "src/upper_srv.py": ""}, "server.sh"),
        ({"build.sh": "#!/bin/sh\n", "src/upper_srv.py": "", "src/upper_cli.py": ""}, "src/upper_srv.py"),
        ({"old/server.py": "", "tcp_server.py": ""}, "tcp_server.py"),
        ({"examples/server.py": "", "src/my_server.py": ""}, "src/my_server.py"),
        ({"utils.py": "", "src/server.py": ""}, "src/server.py"),
        ({"src/client_handler.c": "int f;\n", "src/server.c": C_MAIN}, "src/server.c"),
    ],
)
def test_one_of_several_is_meant(texts: dict[str, str], program: str) -> None:
    assert program_of(texts) == program


def test_a_helper_of_the_one_program_is_not_the_other() -> None:
    found, missing = recipes(
        of({"server.c": '#include "common.h"\n' + C_MAIN, "common.c": "int x;\n", "common.h": ""}), ["server", "client"]
    )
    assert ([*found], [*missing]) == (["server"], ["client"])


# build systems


def test_makefile_of_the_role_s_own_folder_is_used() -> None:
    made = recipe(of({"server/src/s.c": C_MAIN, "server/makefile": "all: s\n", "client/c.c": C_MAIN}), "server")
    assert made.build == (("make", "-C", "server"),)


def test_target_that_starts_the_program_is_not_the_one_that_builds_it() -> None:
    text = "build:\n\tcc -o x server.c\n\nserver: build\n\t@./x 12000\n"
    made = recipe(of({"server.c": C_MAIN, "Makefile": text}), "server")
    assert made.build == (("make",),)


def test_target_whose_commands_start_what_it_is_made_from_is_no_build() -> None:
    text = "all: bin/x\n\nbin/x: server.c\n\tcc -o bin/x server.c\n\nserver: bin/x\n\tbin/x 9000\n"
    made = recipe(of({"server.c": C_MAIN, "Makefile": text}), "server")
    assert made.build == (("make",),)


@pytest.mark.parametrize(
    "text",
    [
        "all:\n\tgcc -o tcps server.c net.c\n\tgcc -o tcpc client.c\n",
        "all: tcps tcpc\ntcps: server.o net.o\n\tgcc -o $@ $^\ntcpc: client.o\n\tgcc -o $@ $^\n",
    ],
)
def test_program_may_be_named_as_the_makefile_says(text: str) -> None:
    made = recipe(of({"server.c": C_MAIN, "client.c": C_MAIN, "net.c": "int x;\n", "Makefile": text}), "server")
    assert made_program(["tcpc", "tcps"], "server", made.finds or ()) == ["tcps"]


def test_make_s_own_rule_is_not_used_where_there_are_several_c_files() -> None:
    texts = {"server.c": '#include "net.h"\n' + C_MAIN, "net.c": "int x;\n", "net.h": "", "Makefile": "CFLAGS = -O2\n"}
    made = recipe(of(texts), "server")
    assert (made.language, made.finds) == ("C", None)


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("clean:\n\trm -f srv\n\nsrv: server.c\n\tcc -o srv server.c\n", ("make", "srv")),
        ("run: srv\n\t./srv\n\nsrv: server.c\n\tcc -o srv server.c\n\nall: srv\n", ("make", "all")),
        (".PHONY: all\nsrv: server.c\n\tcc -o srv server.c\nclean:\n\trm -f srv\n", ("make",)),
        ("run:\n\t./server\nclean:\n\trm -f server\n", ("make",)),
    ],
)
def test_target_that_makes_everything_is_taken(text: str, build: tuple[str, ...]) -> None:
    assert recipe(of({"server.c": C_MAIN, "Makefile": text}), "server").build == (build,)


def test_makefile_that_makes_only_the_other_program_is_passed_over() -> None:
    texts = {"server.c": C_MAIN, "client.c": C_MAIN, "Makefile": "client: client.c\n\tcc -o client client.c\n"}
    assert (recipe(of(texts), "server").language, recipe(of(texts), "client").language) == ("C", "make")


def test_files_that_newer_tools_write_are_readable_for_older_ones() -> None:
    module = recipe(of({"go.mod": "module x\n\ngo 1.22.3\n\ntoolchain go1.23.1\n", "server.go": GO_MAIN}), "server")
    assert module.build[0][0] == "sed"
    assert module.build[1][:2] == ("go", "build")
    crate = {"Cargo.toml": '[package]\nname = "x"\n\n[dependencies]\n', "Cargo.lock": "", "src/main.rs": RUST_MAIN}
    assert recipe(of(crate), "server").build[0] == ("rm", "-f", "Cargo.lock")
    crate["Cargo.toml"] += 'rand = "0.8"\n'
    assert recipe(of(crate), "server").build[0][0] == "cargo"


def test_makefile_that_compiles_another_language_needs_its_tools() -> None:
    made = recipe(of({"x.c": C_MAIN, "Makefile": "server:\n\tjavac Server.java\n"}), "server")
    assert "jvm" in made.families


def test_cmake_and_cargo_build_out_of_the_way_of_what_was_handed_in() -> None:
    made = recipe(of({"CMakeLists.txt": "", "src/server.cpp": C_MAIN}), "server")
    assert made.build == (("cmake", "-S", ".", "-B", "cmake-build"), ("cmake", "--build", "cmake-build"))
    assert made.finds == ("server",)
    assert made.families == {"base", "cmake"}
    crate = recipe(of({"Cargo.toml": '[package]\nname = "hw1"\n', "src/main.rs": RUST_MAIN}), "server")
    assert crate.build[-1] == ("cargo", "build", "--offline", "--manifest-path", "Cargo.toml")
    assert crate.finds == ("main", "hw1")


CMAKE = "add_executable(upperd src/a_server.cpp)\nadd_executable (upperc\n  src/a_client.cpp src/net.cpp)\n"
CARGO = """
[package]
name = "hw1"
[[bin]]
name = "upperd"
path = "src/a_server.rs"
[[bin]]
name = "upperc"
path = "src/a_client.rs"
"""


@pytest.mark.parametrize(
    ("texts", "role", "finds"),
    [
        ({"CMakeLists.txt": CMAKE, "src/a_server.cpp": C_MAIN, "src/a_client.cpp": C_MAIN}, "server", "upperd"),
        ({"CMakeLists.txt": CMAKE, "src/a_server.cpp": C_MAIN, "src/a_client.cpp": C_MAIN}, "client", "upperc"),
        ({"Cargo.toml": CARGO, "src/a_server.rs": RUST_MAIN, "src/a_client.rs": RUST_MAIN}, "server", "upperd"),
        ({"Cargo.toml": CARGO, "src/a_server.rs": RUST_MAIN, "src/a_client.rs": RUST_MAIN}, "client", "upperc"),
    ],
)
def test_a_build_file_that_names_a_source_names_its_program(texts: dict[str, str], role: Role, finds: str) -> None:
    found = recipe(of(texts), role).finds
    assert found is not None
    assert made_program(["out/upperc", "out/upperd"], role, found) == [f"out/{finds}"]


@pytest.mark.parametrize("text", ["[[bin", "bin = 1", 'bin = [3, {path = 1}]\npackage = "x"', "a = " + "[" * 5000])
def test_a_manifest_that_makes_no_sense_is_cargos_business(text: str) -> None:
    assert recipe(of({"Cargo.toml": text, "src/main.rs": RUST_MAIN}), "server").finds == ("main",)


def test_where_a_build_makes_several_programs_a_line_to_paste_says_which() -> None:
    made = recipe(of({"CMakeLists.txt": "", "src/server.cpp": C_MAIN}), "server")
    line = which_made(made, "server", ["cmake-build/one", "cmake-build/two"]).rpartition("\n")[2]
    start = parse_config(line.encode()).server
    assert start is not None
    assert start.run == ("./cmake-build/one", "{port}")
    assert start.build == "cmake -S . -B cmake-build && cmake --build cmake-build"
    assert not which_made(made, "server", [])


@pytest.mark.parametrize(
    ("made", "role", "found"),
    [
        (["bin/server-mt", "bin/client"], "server", ["bin/server-mt"]),
        (["bin/server-mt", "bin/client"], "client", ["bin/client"]),
        (["server/bin/app", "client/bin/app"], "client", ["client/bin/app"]),
        (["target/debug/hw1", "target/debug/deps/hw1-1f"], "server", ["target/debug/hw1"]),
        (["a.out"], "server", ["a.out"]),
        (["CMakeFiles/3.25/CompilerIdC/a.out", "upper"], "server", ["upper"]),
        (["lib/libserver.so", "x"], "server", ["x"]),
        (["a", "b"], "server", ["a", "b"]),
        (["client"], "server", []),
        (["build/server", "server"], "server", ["server"]),
    ],
)
def test_what_a_build_has_made_is_told_apart_by_names(made: list[str], role: Role, found: list[str]) -> None:
    assert made_program(made, role) == found


WORDS = st.lists(st.sampled_from(["server", "all", "x.o", "./a", "$(BIN)", "%", ".PHONY"]), min_size=1, max_size=3)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_rules_of_a_makefile_are_read_as_they_were_written(
    rules: list[tuple[list[str], list[str]]], end: str, broken: bool
) -> None:
    gap = f" \\{end}  " if broken else " "
    lines = [f"{gap.join(targets)}: {gap.join(made_from)}{end}\tcc $@{end}" for targets, made_from in rules]
    plain = [
        (tuple(word.removeprefix("./") for word in targets), tuple(word.removeprefix("./") for word in made_from))
        for targets, made_from in rules
    ]
    assert [(rule.targets, rule.prerequisites) for rule in makefiles.rules(f"CC = gcc{end}" + "".join(lines))] == plain


@given(st.text(st.sampled_from("a:=#%\t\n\\ $().|;server"), max_size=60))
def test_any_text_is_a_makefile_of_some_rules(text: str) -> None:
    assert all(
        rule.targets or rule.prerequisites or not rule.commands for rule in makefiles.rules(text) if rule.targets
    )
    assert makefiles.makes_target(text, "server") in {True, False}


def test_students_are_told_of_every_language() -> None:
    told = (Path(__file__).parent.parent / "docs" / "students.md").read_text()
    for language in (*LANGUAGES, SHELL):
        assert f"| {language.name} | {' '.join(f'`{suffix}`' for suffix in language.suffixes)} |" in told


@pytest.mark.timeout(30)
def test_thousands_of_sources_take_no_time() -> None:
    texts = {f"lib/part{number}.js": "require('net')\n" for number in range(3000)}
    assert program_of({**texts, "server.js": "require('./lib/part1')\n"}) == "server.js"


# what is not there


def test_missing_tools_are_named_with_what_brings_them() -> None:
    made = recipe(of({"server.go": GO_MAIN}), "server")
    assert lacking(made, "server", ["go"], in_images=False) == (
        "this machine has no go, which the server (Go) needs (apt-get install golang-go)"
    )
    assert "add it to the image that --image names" in lacking(made, "server", ["go"], in_images=True)


def test_several_are_refused_with_a_line_for_each_language() -> None:
    with pytest.raises(UsageError, match=r"with this line:\nserver = \{ build = \[\"javac\""):
        recipe(of({"AServer.java": JAVA_MAIN.format("AServer"), "BServer.java": JAVA_MAIN.format("BServer")}), "server")
