"""`python -m bench.languages [ASSIGNMENT...]`: right programs of each language, in both sandboxes, beside Python's.

Each line is a program: its points, the time of its grading without its build as a multiple of that of Python's program,
graded just before, and how long it was built.  Where a language's tools are not there, all its points are unjudged.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final, NamedTuple

import click

from bench.figures import line
from bench.gradings import REFERENCES, Where
from bench.timed import Seconds
from grader import assignment as assignments
from grader import flow
from grader.errors import CannotJudgeError
from grader.model import Outcome, Report, Role
from grader.sandbox.choose import Needs, choose
from grader.submission import take

#: Of each assignment the servers, then the clients: Python's, and one of each other language, all in the usual style.
PROGRAMS: Final[dict[str, dict[Role, dict[str, str]]]] = {
    "tcp_uppercase": {
        "server": {
            "Python": "threads.py",
            "C": "pthreads.c",
            "C++": "cpp_threads",
            "Java": "java_threads",
            "Go": "go_goroutines",
            "Rust": "rust_threads",
            "JavaScript": "node_net",
            "Kotlin": "kotlin_threads.kt",
            "TypeScript": "ts_net",
            "Ruby": "ruby_threads.rb",
            "Perl": "perl_iterative.pl",
        },
        "client": {
            "Python": "client_arguments.py",
            "C": "client_read_write.c",
            "C++": "client_cpp",
            "Java": "client_java",
            "Go": "client_go",
            "Rust": "client_rust",
            "JavaScript": "client_node",
            "Kotlin": "client_kotlin.kt",
            "TypeScript": "client_ts",
            "Ruby": "client_ruby.rb",
            "Perl": "client_perl.pl",
        },
    },
    "tcp_echo": {
        "server": {
            "Python": "threads.py",
            "C": "pthread.c",
            "C++": "cpp_threads",
            "Java": "java_threads",
            "Go": "go_goroutines",
            "Rust": "rust_threads",
            "JavaScript": "node_net",
            "Kotlin": "kotlin_threads.kt",
            "TypeScript": "ts_net",
            "Ruby": "ruby_threads.rb",
            "Perl": "perl_select.pl",
        },
        "client": {
            "Python": "client_arguments.py",
            "C": "client_read_write.c",
            "C++": "client_cpp",
            "Java": "client_java",
            "Go": "client_go",
            "Rust": "client_rust",
            "JavaScript": "client_node",
            "Kotlin": "client_kotlin.kt",
            "TypeScript": "client_ts",
            "Ruby": "client_ruby.rb",
            "Perl": "client_perl.pl",
        },
    },
    "udp_uppercase": {
        "server": {
            "Python": "loop.py",
            "C": "loop.c",
            "C++": "cpp_loop",
            "Java": "java_loop",
            "Go": "go_loop",
            "Rust": "rust_loop",
            "JavaScript": "node_dgram",
            "Kotlin": "kotlin_loop.kt",
            "TypeScript": "ts_dgram",
            "Ruby": "ruby_loop.rb",
            "Perl": "perl_loop.pl",
        },
        "client": {
            "Python": "client_args.py",
            "C": "client_read.c",
            "C++": "client_cpp",
            "Java": "client_java",
            "Go": "client_go",
            "Rust": "client_rust",
            "JavaScript": "client_node",
            "Kotlin": "client_kotlin.kt",
            "TypeScript": "client_ts",
            "Ruby": "client_ruby.rb",
            "Perl": "client_perl.pl",
        },
    },
}
#: How many times as long as Python's a grading without its build may take: a JVM starts in 0.1 s, often.
_COMPILED, _JVM = 1.5, 4.0
GOALS: Final = {"C": _COMPILED, "C++": _COMPILED, "Go": _COMPILED, "Rust": _COMPILED, "Java": _JVM, "Kotlin": _JVM}


class Graded(NamedTuple):
    """A grading.  `time_s`: without the build."""

    report: Report
    time_s: Seconds

    @property
    def marks(self) -> str:
        """The points, and what is unjudged."""
        report = self.report
        words = f"{report.score:g} of {report.max_score:g}"
        return f"{words}, {report.unjudged:g} unjudged" if report.unjudged else words

    @property
    def built(self) -> str:
        """How long it was built."""
        build = self.report.build
        return "" if build.outcome is Outcome.SKIPPED else f" + {build.duration_s:.1f} s build"


def lines(assignment: str, role: Role, where: Where, only: Collection[str] | None = None) -> Iterator[str]:
    """A line for each language, or for those that are named."""
    programs = PROGRAMS[assignment][role]
    for language, program in programs.items():
        if only is not None and language not in only:
            continue
        try:
            beside = graded(assignment, role, where, programs["Python"])
            own = beside if language == "Python" else graded(assignment, role, where, program)
        except CannotJudgeError as error:
            yield f"  {language}: not measured: {error}"
            continue
        ratio = own.time_s / beside.time_s
        goal = GOALS.get(language)
        words = f"  {language} {role} ({own.time_s:.1f} s{own.built}): {own.marks}"
        met = goal is None or ratio <= goal
        yield line(words, f"{ratio:.2f} times Python's", f"goal: at most {goal:g}" if goal else "", met=met)


def graded(assignment: str, role: Role, where: Where, program: str) -> Graded:
    """Grade a reference program by all checks of its role (CannotJudgeError: there is no such sandbox)."""
    asked = assignments.load(assignment)
    plan = flow.plan(take(REFERENCES / assignment / "good" / program), flow.Request(asked, 1, (role,)))
    make = choose(where, partial(click.echo, err=True), needs=Needs(asked, plan.families)).make
    report = flow.carry_out(plan, make, lambda _: None)
    return Graded(report, report.duration_s - report.build.duration_s)


def main() -> None:
    """Grade, and print as they come."""
    parser = argparse.ArgumentParser(prog="python -m bench.languages")
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", default=[*PROGRAMS])
    parser.add_argument("--sandbox", choices=["local", "docker"], help="only in this one")
    parser.add_argument("--language", action="append", metavar="NAME", help="only this one (may be repeated)")
    told = parser.parse_args()
    places: tuple[Where, ...] = (told.sandbox,) if told.sandbox else ("local", "docker")
    for assignment in told.assignments:
        for where in places:
            click.echo(f"{assignment}, {where}")
            for role in PROGRAMS[assignment]:
                for words in lines(assignment, role, where, told.language):
                    click.echo(words)


if __name__ == "__main__":
    main()
