"""The languages that a starter can be in: how each names its files, and writes what depends on the assignment.

A skeleton is the same for every assignment; what fills its places is written in its language with the rows here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from grader.families import BASE


class Language(NamedTuple):
    """A language.

    `ending`: of its files.  `run`: how its program is started; {stem} is filled in.  `port`, `word`: a parameter that
    is a port, and one that is a word; {name} is filled in.  `argument`: a word of the command line; {number} is filled
    in, counted from 0, and {next}, counted from 1.  `variable`: the environment variable {name}.  `bad`: what is added
    to a condition that holds if the word at {source} is no port; `number`: that port as a number.  `comment`: what
    comes before a line of comment, its indentation included.  `unused`: a line without which the compiler complains
    about the parameter {name}.  `capitals`: whether names of files are written like ThisOne.  `needs`: what it takes to
    build and run it, in words after "Python".  `family`: what an image must have for it.  `ignored`: what it makes that
    is not to be handed in; {stem} is filled in.  `more`: other files, by path, each made from all stems.
    """

    title: str
    ending: str
    run: str
    port: str
    word: str
    argument: str
    variable: str
    bad: str
    number: str
    comment: str
    unused: str = ""
    capitals: bool = False
    needs: str = ""
    family: str = BASE
    ignored: tuple[str, ...] = ("{stem}",)
    more: Mapping[str, Callable[[list[str]], str]] = {}


def _makefile(flags: str) -> Callable[[list[str]], str]:
    return lambda stems: (
        f"{flags}\n\nall: {' '.join(stems)}\n\nclean:\n\trm -f {' '.join(stems)}\n\n.PHONY: all clean\n"
    )


LANGUAGES: Final[Mapping[str, Language]] = {
    "python": Language(
        "Python",
        ".py",
        "python3 {stem}.py",
        port="{name}",
        word="{name}",
        argument="arguments[{number}]",
        variable='os.environ.get("{name}", "")',
        bad=" or not port_in({source})",
        number="port_in({source})",
        comment="    # ",
        ignored=("__pycache__/",),
    ),
    "c": Language(
        "C",
        ".c",
        "./{stem}",
        port="int {name}",
        word="const char *{name}",
        argument="argv[{next}]",
        variable='getenv("{name}")',
        bad=" || !port_in({source})",
        number="port_in({source})",
        comment="    // ",
        unused="    (void){name};",
        needs=", gcc and make",
        more={"Makefile": _makefile("CFLAGS = -Wall -Wextra -g -pthread")},
    ),
    "cpp": Language(
        "C++",
        ".cpp",
        "./{stem}",
        port="int {name}",
        word="const std::string &{name}",
        argument="argv[{next}]",
        variable='std::getenv("{name}")',
        bad=" || !port_in({source})",
        number="port_in({source})",
        comment="    // ",
        unused="    (void){name};",
        needs=", g++ and make",
        more={"Makefile": _makefile("CXXFLAGS = -std=c++17 -Wall -Wextra -g -pthread")},
    ),
    "java": Language(
        "Java",
        ".java",
        "java {stem}",
        port="int {name}",
        word="String {name}",
        argument="args[{number}]",
        variable='System.getenv("{name}")',
        bad=" || portIn({source}) == 0",
        number="portIn({source})",
        comment="        // ",
        capitals=True,
        needs=" and a JDK",
        family="jvm",
        ignored=("*.class",),
    ),
    "go": Language(
        "Go",
        ".go",
        "./{stem}",
        port="{name} int",
        word="{name} string",
        argument="os.Args[{next}]",
        variable='os.Getenv("{name}")',
        bad=" || portIn({source}) == 0",
        number="portIn({source})",
        comment="\t// ",
        needs=" and Go",
        family="go",
    ),
    "javascript": Language(
        "JavaScript",
        ".js",
        "node {stem}.js",
        port="{name}",
        word="{name}",
        argument="words[{number}]",
        variable="process.env.{name}",
        bad=" || portIn({source}) === 0",
        number="portIn({source})",
        comment="  // ",
        needs=" and Node.js",
        family="node",
        ignored=("node_modules/",),
    ),
    "rust": Language(
        "Rust",
        ".rs",
        "./{stem}",
        port="{name}: u16",
        word="{name}: &str",
        argument="&words[{number}]",
        variable='&env::var("{name}").unwrap_or_default()',
        bad=" || port_in({source}) == 0",
        number="port_in({source})",
        comment="    // ",
        unused="    let _ = {name};",
        needs=" and rustc",
        family="rust",
    ),
}
