"""The table of mistakes: complete, made by reference programs, and code that can be read by a compiler; its pages."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import textwrap
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import explain
from grader.catalogue.mistakes import Mistake, behind, table
from grader.catalogue.usual import USUAL
from grader.cli import grader

ROOT = Path(__file__).resolve().parent.parent
#: What the excerpts in C take from their surroundings.
PRELUDE = """\
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
static void answer(int client, const char *data, size_t size) { send(client, data, size, 0); }
static void serve(int client) { close(client); }
static void set_flag(int number) { (void)number; }
static int is_utf8(const char *data, size_t size) { return data[size] == 0; }
static int is_reply_to(const char *line, const char *data, ssize_t size) { return line[0] == data[size]; }
static struct { char data[4096]; size_t used; } state[1];
int excerpt(int argc, char **argv);
int excerpt(int argc, char **argv) {
    int client = 0, listener = 0, server = 0, sock = 0;
    static char buffer[4096], line[4096];
    char *data = NULL;
    int *clients = NULL;
    uint32_t count = 0;
    size_t size = 0, used = 0;
    ssize_t n = 0;
    FILE *log_file = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr_storage storage;
    struct sockaddr *peer = (struct sockaddr *)&storage;
    socklen_t length = sizeof storage;
    (void)answer, (void)serve, (void)set_flag, (void)is_utf8, (void)is_reply_to, (void)state, (void)argv, (void)argc;
    (void)client, (void)listener, (void)server, (void)sock, (void)buffer, (void)line, (void)data, (void)clients;
    (void)count, (void)size, (void)used, (void)n, (void)log_file, (void)address, (void)peer, (void)length;
    for (;;) {
"""
MISTAKES = [pytest.param(mistake, id=name) for name, mistake in table().items()]


def test_every_check_of_the_catalogue_has_one_mistake() -> None:
    named = [check for mistake in table().values() for check in mistake.checks]
    assert sorted(named) == sorted(USUAL)
    assert behind("server.own") is None


@pytest.mark.parametrize("mistake", MISTAKES)
def test_its_programs_fail_one_of_its_checks(mistake: Mistake) -> None:
    assert mistake.programs
    for program in mistake.programs:
        assignment, _, name = program.partition("/")
        verdicts = tomllib.loads((ROOT / "reference" / assignment / "verdicts.toml").read_text())
        assert {*verdicts[name]["fails"]} & {*mistake.checks}, program


@pytest.mark.parametrize("mistake", MISTAKES)
def test_excerpts_in_python_can_be_parsed(mistake: Mistake) -> None:
    for excerpt in (mistake.python.wrong, mistake.python.right):
        ast.parse(f"def excerpt():\n    while True:\n{textwrap.indent(excerpt, ' ' * 8)}")


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no cc here")
def test_excerpts_in_c_can_be_compiled(tmp_path: Path) -> None:
    parts: list[str] = []
    for name, mistake in table().items():
        for kind, excerpt in (("wrong", mistake.c.wrong), ("right", mistake.c.right)):
            head, _, start = PRELUDE.rpartition("int excerpt(int argc, char **argv);\n")
            own = start.replace("int excerpt", f"static int {name}_{kind}")
            parts += [
                *([] if parts else [head]),
                f'#line 1 "{name}.{kind}"\n',
                own,
                excerpt,
                "break;\n}\nreturn 0;\n}\n",
            ]
    path = tmp_path / "excerpts.c"
    path.write_text("".join(parts))
    done = subprocess.run(
        ["cc", "-std=gnu11", "-fsyntax-only", "-Werror=implicit", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_excerpts_fit_a_page() -> None:
    for name, mistake in table().items():
        for code in (mistake.python, mistake.c):
            lines = [*code.wrong.splitlines(), *code.right.splitlines()]
            assert max(map(len, lines)) <= 110, name
            assert code.wrong != code.right


@pytest.mark.parametrize("name", explain.pages())
def test_pages_are_those_of_the_catalogue(name: str) -> None:
    page = ROOT / "docs" / name
    rendered = explain.pages()[name]
    if os.environ.get("GRADER_UPDATE_GOLDEN"):
        page.write_text(rendered, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == rendered, "GRADER_UPDATE_GOLDEN=1 writes it anew"


def test_links_on_the_pages_lead_somewhere() -> None:
    anchors = [explain.anchor(one) for one in explain.explanations()]
    assert len(anchors) == len({*anchors})
    for page in explain.pages().values():
        assert all(f'<a id="{target.partition(")")[0]}"></a>' in page for target in page.split("](#")[1:])


def said(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(grader, ["explain", *words])
    return result.exit_code, result.output or str(result.exception)


def test_a_check_is_explained_with_code_in_one_language_or_both() -> None:
    status, words = said("server.port_reuse_after_ctrl_c")
    assert status == 0
    assert all(heading in words for heading in ("Python, wrong:", "Python, right:", "C, wrong:", "C, right:"))
    assert said("port_reuse_after_ctrl_c") == (status, words)
    _, in_c = said("server.port_reuse_after_ctrl_c", "--language", "c")
    assert "C, wrong:" in in_c
    assert "Python" not in in_c


def test_a_check_that_differs_over_tcp_and_udp_is_explained_for_both() -> None:
    _, words = said("server.answers")
    assert "over TCP)" in words
    assert "over UDP)" in words


def test_an_assignments_own_check_has_its_requirement() -> None:
    status, words = said("server.stays_in_the_root")
    assert status == 0
    assert "web_server" in words


def test_an_unknown_check_is_refused_with_the_closest() -> None:
    status, words = said("server.fragments_everybyte")
    assert status != 0
    assert "did you mean server.fragments_every_byte?" in words
    assert "server.coalesced" in said("sever.coalessed")[1]
    assert "did you mean" not in said("server.foo")[1], "a role in common makes no two alike"
