"""Programs built with gcc's sanitizers.

A right one stays right, although ptrace(2), which they use, is refused; of a wrong one they name the line, in a second
look.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import REFERENCE, Command, make_assignment

#: What building runs has the environment of the program itself, and its status counts.
MAKEFILE = """
FLAGS = -g -fsanitize=address,undefined
server: poll.c leaves.c
\tgcc $(FLAGS) -o server poll.c
\tgcc $(FLAGS) -o leaves leaves.c
\t./leaves
"""
#: The system takes back at its end what a program did not free.
LEAVES = """
#include <stdlib.h>
int main(void) { char *volatile kept = malloc(100); kept = 0; return kept != 0; }
"""


@pytest.mark.parametrize("sandbox", ["local", pytest.param("docker", marks=pytest.mark.container)])
def test_a_right_program_with_sanitizers(folder: Path, sandbox: str) -> None:
    submission = folder / "submission"
    submission.mkdir()
    shutil.copy(REFERENCE / "good" / "poll.c", submission)
    (submission / "Makefile").write_text(MAKEFILE)
    (submission / "leaves.c").write_text(LEAVES)
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    ended = Command(folder).run("check", submission, *options)
    assert ended.code == 0, ended.out + ended.err


#: Its reply to a long line is what lies behind the line's buffer, or a crash.
OVERFLOWS = """
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void answer(int client, const char *line) {
    char *reply = malloc(4);
    strcpy(reply, line);
    write(client, reply, strlen(reply));
    abort();
}

int main(int count, char **words) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(atoi(words[count - 1]))};
    int listener = socket(AF_INET, SOCK_STREAM, 0), client;
    char line[4096];
    bind(listener, (struct sockaddr *)&own, sizeof own);
    listen(listener, 5);
    while ((client = accept(listener, 0, 0)) >= 0) {
        ssize_t size = read(client, line, sizeof line - 1);
        line[size < 0 ? 0 : size] = 0;
        answer(client, line);
        close(client);
    }
}
"""


@pytest.mark.parametrize("sandbox", ["local", pytest.param("docker", marks=pytest.mark.container)])
def test_a_second_look_names_the_line_that_corrupts_memory(folder: Path, sandbox: str) -> None:
    submission = folder / "submission"
    submission.mkdir()
    (submission / "net.c").write_text(OVERFLOWS)
    (submission / "Makefile").write_text("server: net.c\n\tgcc -o server net.c\n")
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    ended = Command(folder).run("check", submission, *options)
    check = ended.check("server.answers")
    assert check["outcome"] == "failed"
    assert check["sanitizer"] == {
        "kind": "heap-buffer-overflow",
        "words": "writes memory beside a block from malloc",
        "place": {"file": "net.c", "line": 9},
        "function": "answer",
        "source": "strcpy(reply, line);",
    }
