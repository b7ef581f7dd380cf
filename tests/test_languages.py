"""Finding the program: every rule, on submissions made of names."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.languages import recipe, recipes
from grader.languages.makefiles import makes_target
from grader.languages.recipe import Recipe
from grader.languages.table import LANGUAGES, SHELL
from grader.model import Role
from grader.roles import role_named
from grader.submission import SOURCE_SUFFIXES, Submission, parse_config, take


def handed_in(*names: str, **contents: str) -> Submission:
    """A submission with these files; a keyword's `__` stands for a dot."""
    return submission_of(
        {**dict.fromkeys(names, ""), **{key.replace("__", "."): text for key, text in contents.items()}}
    )


def submission_of(texts: dict[str, str]) -> Submission:
    """A submission with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    folders = {str(parent) for name in texts for parent in Path(name).parents} - {"."}
    return Submission("s", "", packed.getvalue(), tuple(sorted(texts)), tuple(sorted(folders)))


def refusal(submission: Submission, role: Role = "server") -> str:
    with pytest.raises(UsageError) as caught:
        recipe(submission, role)
    assert str(caught.value).replace("\n", "").isprintable()
    return str(caught.value)


def cc(output: str, name: str) -> tuple[str, ...]:
    return ("cc", "-Wall", "-O1", "-g", "-o", output, name, "-pthread", "-lm")


# usual names


def test_python_server_is_run_as_a_student_would() -> None:
    assert recipe(handed_in("server.py", "client.py"), "server") == Recipe(
        language="Python", program="server.py", build=(), run=("python3", "server.py", "{port}")
    )


def test_python_client_is_given_host_and_port() -> None:
    assert recipe(handed_in("server.py", "client.py"), "client").run == ("python3", "client.py", "{host}", "{port}")


def test_c_server_is_compiled() -> None:
    assert recipe(handed_in("tcp_server.c", "tcp_client.c"), "server") == Recipe(
        language="C", program="tcp_server.c", build=(cc("server", "tcp_server.c"),), run=("./server", "{port}")
    )


@pytest.mark.parametrize("taken", [("server",), ("server/x.txt",)])
def test_compiler_does_not_write_over_what_was_handed_in(taken: tuple[str, ...]) -> None:
    found = recipe(handed_in("server.c", *taken), "server")
    assert found.build == (cc("server_program", "server.c"),)
    assert found.run == ("./server_program", "{port}")


@pytest.mark.parametrize(
    "name",
    [
        *("server.py", "Server.PY", "TCPServer.py", "tcp_server.py", "UDPServer.py", "echo_server.py", "server-tcp.py"),
        *("server.c", "SERVER.c", "tcp_server.c", "EchoServer.c", "udp-server.c", "Tcp Server.c"),
    ],
)
def test_usual_name_beats_a_near_one(name: str) -> None:
    assert recipe(handed_in(name, "my_server.py", "server_utils.c", "main.py"), "server").program == name


def test_near_name_beats_any_other() -> None:
    assert recipe(handed_in("main.py", "chat_server_v2.py", "util.c"), "server").program == "chat_server_v2.py"


@pytest.mark.parametrize("side", ["test_server.py", "server_test.py", "conftest.py", "setup.py", "__init__.py"])
def test_side_files_are_never_the_program(side: str) -> None:
    assert recipe(handed_in("main.py", side), "server").program == "main.py"
    assert "no server was found" in refusal(handed_in(side))


def test_hidden_file_is_never_the_program() -> None:
    assert recipe(handed_in("main.py", ".server.py"), "server").program == "main.py"


def test_only_source_is_the_program_of_either_role() -> None:
    assert recipe(handed_in("http.py", "README.md"), "server").run == ("python3", "http.py", "{port}")
    assert recipe(handed_in("prog.c"), "client").build == (cc("client", "prog.c"),)


def test_only_source_beside_the_other_role_is_the_program() -> None:
    assert recipe(handed_in("client.py", "main.py"), "server").program == "main.py"


def test_script_of_a_web_page_is_no_rival() -> None:
    page = "document.getElementById('reply').textContent = text;\n"
    assert recipe(handed_in("main.py", page__js=page), "server").program == "main.py"
    assert recipe(handed_in("src/web.py", page__js=page), "server").program == "src/web.py"


def test_name_that_looks_like_an_option_is_kept_from_being_one() -> None:
    assert recipe(handed_in("-server.py"), "server").run == ("python3", "./-server.py", "{port}")
    assert recipe(handed_in("-server.c"), "server").build == (cc("server", "./-server.c"),)


@pytest.mark.parametrize(
    "name",
    ["tcpclient.py", "Tcpclient.py", "TCPClient.py", "UDPClient.py", "udpclient.py", "client.c", "echo_client.c"],
)
def test_clients_of_lectures_are_found(name: str) -> None:
    assert recipe(handed_in(name, "my_client.py", "tcpserver.py", "util.py"), "client").program == name


# both roles


def test_both_programs_are_found_each_by_its_name() -> None:
    found, lacking = recipes(handed_in("tcp_server.c", "main.py"), ["server", "client"])
    assert {role: made.program for role, made in found.items()} == {"server": "tcp_server.c", "client": "main.py"}
    assert lacking == {}


@pytest.mark.parametrize(
    ("names", "role", "program", "why"),
    [
        (["server.py"], "server", "server.py", "this submission has a server ('server.py') but no client"),
        (["client/main.c"], "client", "client/main.c", "this submission has a client ('client/main.c') but no server"),
        (["main.py"], "server", "main.py", "no client was found: looked for client.py, tcp_client.c"),
        (["my_client.py"], "client", "my_client.py", "this submission has a client ('my_client.py') but no server"),
        (["tcp_server_v2.py"], "server", "tcp_server_v2.py", "this submission has a server"),
        (["main.py", "README"], "server", "main.py", "no client was found"),
    ],
)
def test_a_program_is_not_taken_for_both(names: list[str], role: Role, program: str, why: str) -> None:
    found, lacking = recipes(handed_in(*names), ["server", "client"])
    assert {role: made.program for role, made in found.items()} == {role: program}
    ((lacked, sentence),) = lacking.items()
    assert lacked != role
    assert sentence.startswith(why)


def test_one_program_for_both_is_taken_where_the_submission_says_so(tmp_path: Path) -> None:
    run = 'run = ["python3", "chat.py", "{port}"]'
    found, lacking = recipes(
        configured(tmp_path, f"[server]\n{run}\n[client]\n{run}\n", "chat.py"), ["server", "client"]
    )
    assert ([*found], lacking) == (["server", "client"], {})


def test_neither_is_found_in_words_about_each() -> None:
    found, lacking = recipes(handed_in("notes.txt"), ["server", "client"])
    assert found == {}
    assert [why.partition(":")[0] for why in lacking.values()] == ["no server was found", "no client was found"]


def test_several_that_could_be_meant_are_refused_by_role() -> None:
    with pytest.raises(UsageError, match=r"'a_client\.py' and 'b_client\.py' could each be the client"):
        recipes(handed_in("server.py", "a_client.py", "b_client.py"), ["server", "client"])


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("server.py", "server"),
        ("Tcpclient.py", "client"),
        ("x/client/main.c", "client"),
        ("main.py", None),
        ("client_server.py", None),
    ],
)
def test_a_name_speaks_of_a_role_or_of_none(name: str, role: Role | None) -> None:
    assert role_named(name) == role


# ports in a client's source


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("serverPort = 12000\n", (12000,)),
        ("sock.connect(('127.0.0.1', 8888))\nsock.recv(1024)\nsend(8888)", (8888, 1024)),
        ("PORT=12_000; x = 0; big = 65536; most = 65535; 1_", (12000, 65535)),
        ("v1.5 3.14 10.0.0.1 x12 12x 0x1f90 1e5 12345678901234567890", ()),
        ("htons(5555U) htons(5555)", (5555,)),
        ('"localhost:7777". Then 99.', (7777, 99)),
        (" ".join(map(str, range(1, 200))), tuple(range(1, 65))),
        ("port = \u0661\u0662", ()),
    ],
)
def test_ports_are_whole_numbers_of_the_source(text: str, ports: tuple[int, ...]) -> None:
    assert recipe(handed_in("server.py", "other.py", client__py=text), "client").ports == ports
    assert recipe(handed_in("client.py", server__py=text), "server").ports == ()


def test_ports_are_looked_for_in_headers_too_and_in_all_sources_where_none_is_named() -> None:
    sources = {"client__c": "1001", "common__h": "1002", "server__c": "1003"}
    assert recipe(handed_in(**sources), "client").ports == (1001, 1002)
    made = recipe(handed_in(**sources, Makefile="client: client.c 1004\n"), "client")
    assert (made.language, made.ports) == ("make", (1001, 1003, 1002))


def test_ports_of_a_configured_client_are_those_of_the_file_it_names(tmp_path: Path) -> None:
    submission = configured(tmp_path, '[client]\nrun = ["python3", "c.py"]\n', "c.py")
    (tmp_path / "c.py").write_text("port = 4242")
    (tmp_path / "server.py").write_text("port = 4343")
    assert recipe(take(tmp_path), "client").ports == (4242,)
    (tmp_path / "grader.toml").write_text('[client]\nrun = ["./start"]\n')
    assert recipe(take(tmp_path), "client").ports == (4242, 4343)
    assert submission.files == take(tmp_path).files


# folders


def test_root_beats_subfolders() -> None:
    assert recipe(handed_in("main.py", "old/server.py"), "server").program == "main.py"
    assert recipe(handed_in("my_server.py", "old/server.py"), "server").program == "my_server.py"


def test_subfolder_is_looked_at_when_the_root_has_none() -> None:
    assert recipe(handed_in("README", "src/server.py"), "server").run == ("python3", "src/server.py", "{port}")
    assert recipe(handed_in("client.py", "src/tcp_server.c"), "server").build == (cc("server", "src/tcp_server.c"),)


def test_folder_named_for_the_role_decides() -> None:
    both = handed_in("server/main.py", "client/main.py")
    assert recipe(both, "server").program == "server/main.py"
    assert recipe(both, "client").program == "client/main.py"
    assert recipe(handed_in("common/util.py", "server/main.py"), "server").program == "server/main.py"


# Makefiles


def test_makefile_with_the_target_wins_over_names() -> None:
    submission = handed_in("common.c", "tcp_server.c", Makefile="all: server client\nserver: common.c\n\tcc x\n")
    assert recipe(submission, "server") == Recipe(
        "make", "server", (("make", "server"),), ("./server", "{port}"), finds=("tcp_server",)
    )
    assert recipe(submission, "client").build == (("make",),)


def test_makefile_makes_one_c_file_by_a_rule_of_its_own() -> None:
    assert recipe(handed_in("server.c", Makefile="CFLAGS = -O2\n"), "server").build == (("make", "server"),)


def test_makefile_without_the_target_makes_its_first_one_and_the_program_is_looked_for() -> None:
    found = recipe(handed_in("tcp_server.c", Makefile="all: tcp_server\n"), "server")
    assert (found.build, found.finds) == ((("make",),), ("tcp_server",))


def test_makefile_builds_a_language_that_can_not_be_run_by_name() -> None:
    assert recipe(handed_in("server.cpp", Makefile="server: server.cpp\n\tc++ $<\n"), "server").language == "make"


def test_makefile_that_starts_a_python_server_is_no_build() -> None:
    assert recipe(handed_in("server.py", Makefile="server:\n\tpython3 server.py\n"), "server").build == ()


def test_makefile_alone_is_enough() -> None:
    assert recipe(handed_in("script.sh", Makefile="server:\n\tcp script.sh server\n"), "server").build == (
        ("make", "server"),
    )


def test_makefile_target_that_is_a_folder_is_made_whatever_its_age() -> None:
    found = recipe(handed_in("server/main.c", Makefile="server:\n\tmake -C server\n"), "server")
    assert found.build == (("make", "-B", "server"),)


@pytest.mark.parametrize("stale", ["server", "util.o", "lib/lib.a"])
def test_what_was_built_elsewhere_is_built_anew(stale: str) -> None:
    assert recipe(handed_in("server.c", stale, Makefile="server: server.c\n"), "server").build == (
        ("make", "-B", "server"),
    )


def test_make_reads_the_makefile_that_is_looked_at() -> None:
    submission = handed_in("x.c", Makefile="server: x.c\n", GNUmakefile="other: x.c\n")
    assert recipe(submission, "server").build == (("make",),)


@pytest.mark.parametrize(
    "text",
    [
        "server: x.c",
        "server client: x.c",
        "client \\\n  server: x.c",
        "server:x.c\r\n",
        "./server : x.c",
        "server:: x.c",
        "NAME = server\n$(NAME): x.c",
        "NAME := client server\n${NAME}: x.c",
        "NAME = ./server\n$(NAME): x.c",
        "%: src/%.c src/net.c",
        "% : ./src/%.c | bin # a comment",
    ],
)
def test_target_is_found(text: str) -> None:
    assert makes_target(text, "server", {"src/server.c"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# server: x.c",
        "\tserver: x",
        "server = x",
        "server := x",
        ".PHONY: server",
        "myserver: x",
        "all: server",
        "$(NAME): x.c",
        "NAME = server",
        "%: lib/%.c src/%.c",
        "%.o: src/%.c",
        "%:",
    ],
)
def test_target_is_not_found(text: str) -> None:
    assert not makes_target(text, "server", {"src/server.c"})


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["A=" + " " * 250_000 + "b", "$(" * 120_000 + ":", "a:" * 120_000, " " * 250_000])
def test_hostile_makefile_takes_no_time(text: str) -> None:
    assert not makes_target(text, "server")


# grader.toml


def configured(tmp_path: Path, config: str, *names: str) -> Submission:
    for name in ("server.py", *names):
        (tmp_path / name).touch()
    (tmp_path / "grader.toml").write_text(config)
    return take(tmp_path)


def test_config_wins_over_everything(tmp_path: Path) -> None:
    submission = configured(tmp_path, '[server]\nrun = ["python3", "other.py", "-p", "{port}"]\n', "other.py")
    assert recipe(submission, "server") == Recipe("Python", "other.py", (), ("python3", "other.py", "-p", "{port}"))


@pytest.mark.parametrize(
    ("run", "started"),
    [
        (["java", "Main", "{port}"], ["java", "-Xmx256m", "Main", "{port}"]),
        (["/usr/bin/java", "-jar", "s.jar"], ["/usr/bin/java", "-Xmx256m", "-jar", "s.jar"]),
        (["java", "-Xmx64m", "Main"], ["java", "-Xmx64m", "Main"]),
        (["java", "-XX:MaxRAMPercentage=50", "Main"], ["java", "-XX:MaxRAMPercentage=50", "Main"]),
        (["./java.sh", "Main"], ["./java.sh", "Main"]),
    ],
)
def test_a_jvm_that_config_starts_has_a_bounded_heap(tmp_path: Path, run: list[str], started: list[str]) -> None:
    submission = configured(tmp_path, f"[server]\nrun = {json.dumps(run)}\n")
    assert [*recipe(submission, "server").run] == started


def test_config_of_the_other_role_changes_nothing(tmp_path: Path) -> None:
    submission = configured(tmp_path, '[client]\nrun = ["./c"]\n')
    assert recipe(submission, "server").program == "server.py"
    assert recipe(submission, "client") == Recipe("its own command", "./c", (), ("./c",))


def test_file_that_config_gives_to_the_other_role_is_no_candidate(tmp_path: Path) -> None:
    configured(tmp_path, '[client]\nrun = ["python3", "./b.py"]\n', "a.py", "b.py")
    (tmp_path / "server.py").unlink()
    submission = take(tmp_path)
    assert recipe(submission, "server").program == "a.py"


@pytest.mark.parametrize(
    ("build", "argv"),
    [('"make x && make y"', ("sh", "-c", "make x && make y")), ('["cc", "a b.c"]', ("cc", "a b.c"))],
)
def test_configured_build_is_a_command_line_or_an_argv(tmp_path: Path, build: str, argv: tuple[str, ...]) -> None:
    submission = configured(tmp_path, f'[server]\nbuild = {build}\nrun = ["./server.py"]\n')
    assert recipe(submission, "server") == Recipe("Python", "server.py", (argv,), ("./server.py",))


@pytest.mark.parametrize(
    ("asks", "words"), [("", None), ('asks = ["host", "port"]', ("host", "port")), ("asks = []", ())]
)
def test_configured_client_says_what_it_asks(tmp_path: Path, asks: str, words: tuple[str, ...] | None) -> None:
    submission = configured(tmp_path, f'[client]\nrun = ["python3", "c.py", "{{message}}"]\n{asks}\n', "c.py")
    made = recipe(submission, "client")
    assert (made.asks, made.run[-1]) == (words, "{message}")


# what is refused


def test_two_usual_names_are_both_named_with_the_lines_that_decide() -> None:
    assert refusal(handed_in("server.py", "tcp_server.c")) == (
        "'server.py' and 'tcp_server.c' could each be the server: say which one it is in a file grader.toml, for "
        'example with this line:\nserver = { run = ["python3", "server.py", "{port}"] }'
    )


def test_lines_for_a_c_program_build_it_too() -> None:
    assert refusal(handed_in("chat_client.c", "my_client.c"), "client").endswith(
        'with this line:\nclient = { build = ["cc", "-Wall", "-O1", "-g", "-o", "client", "chat_client.c", "-pthread", '
        '"-lm"], run = ["./client", "{host}", "{port}"] }'
    )


def test_two_sources_without_any_hint_are_both_named() -> None:
    assert refusal(handed_in("a.py", "b.c")).startswith("'a.py' and 'b.c' could each be the server")


def test_many_candidates_are_cut() -> None:
    assert refusal(handed_in(*(f"{number}.py" for number in range(9)))).startswith(
        "'0.py', '1.py', '2.py', '3.py', '4.py' and 4 more could each be the server"
    )


def test_nothing_found_says_what_was_looked_for_and_what_there_is() -> None:
    assert refusal(handed_in("notes.txt", "report.pdf")) == (
        "no server was found: looked for server.py, tcp_server.c or a Makefile that makes 'server' and similar "
        "names, but found only 'notes.txt' and 'report.pdf'"
    )
    assert refusal(handed_in(*(f"{number}.txt" for number in range(9)))).endswith("'4.txt' and 4 more")


@pytest.mark.parametrize("name", ["client.py", "TCPClient.java", "client/main.c"])
def test_program_of_the_other_role_is_told_apart(name: str) -> None:
    assert refusal(handed_in(name, "README")) == f"this submission has a client ('{name}') but no server"


def test_server_when_a_client_is_asked_for() -> None:
    assert refusal(handed_in("server.py"), "client") == "this submission has a server ('server.py') but no client"


@pytest.mark.parametrize("name", ["Server.cs", "main.cs", "src/app/Main.cs"])
def test_language_that_needs_an_instructors_image_is_named(name: str) -> None:
    assert refusal(handed_in(name, "README")) == (
        f"the server '{name}' is written in C#: a grader.toml must say how to build and run it, in an image with .NET"
    )


def test_usual_name_in_another_language_beats_any_python_file() -> None:
    assert recipe(handed_in("Server.java", "helper.py"), "server").program == "Server.java"


def test_source_of_every_language_may_be_handed_in_alone() -> None:
    assert {suffix for language in (*LANGUAGES, SHELL) for suffix in language.suffixes} <= SOURCE_SUFFIXES


def test_hostile_names_are_escaped() -> None:
    assert r"'\x1b[2Jserver.py'" in refusal(handed_in("\x1b[2Jserver.py", "my_server.py"))
    assert '"a\\u009bserver.py", "{port}"]' in refusal(handed_in("a\x9bserver.py", "my_server.py"))


# together


SOURCES = st.sampled_from(
    [
        "server.py",
        "client.py",
        "tcp_server.c",
        "my-server.c",
        "main.py",
        "Server.java",
        "x/server.c",
        "Makefile",
        "a b.py",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.sets(SOURCES, min_size=1), st.sampled_from(["server", "client"]))
def test_error_between_several_ends_with_a_line_that_decides_when_it_is_pasted(names: set[str], role: Role) -> None:
    submission = handed_in(*names)
    try:
        found = recipe(submission, role)
    except UsageError as error:
        _, line, pasted = str(error).partition(" with this line:\n")
        if "could each be" not in str(error):
            assert not line
            return
        decided = parse_config(pasted.encode())
        found = recipe(dataclasses.replace(submission, config=decided), role)
    assert found.program in names | {f"./{role}", role, found.run[0]}
    assert found.run[-1] == "{port}"


@pytest.mark.skipif(shutil.which("cc") is None or shutil.which("make") is None, reason="needs cc and make")
@pytest.mark.parametrize("with_makefile", [False, True])
def test_built_program_is_where_the_recipe_says(tmp_path: Path, with_makefile: bool) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / "server.c").write_text(
        "#include <stdio.h>\nint main(int n, char **a) { (void)n; puts(a[1]); return 0; }\n"
    )
    # Somebody else's program, which make would take for up to date.
    (handed / "server").write_bytes(b"built elsewhere")
    if with_makefile:
        (handed / "Makefile").write_text("server: server.c\n\t$(CC) -o server server.c\n")
    submission = take(handed)
    work = tmp_path / "work"
    with tarfile.open(fileobj=io.BytesIO(submission.archive)) as tar:
        tar.extractall(work, filter="data")
    found = recipe(submission, "server")
    for argv in found.build:
        subprocess.run(argv, cwd=work, check=True, capture_output=True)
    run = [word.replace("{port}", "5000") for word in found.run]
    assert subprocess.run(run, cwd=work, check=True, capture_output=True).stdout == b"5000\n"
