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
    in, counted from 0, and {next}, counted from 1.  `other_count`: a condition that holds if there are not {number}
    words on it.  `variable`: the environment variable {name}.  `bad`: what is added to a condition that holds if the
    word at {source} is no port; `number`: that port as a number.  `comment`: what comes before a line of comment, its
    indentation included.  `both`: stands between conditions of which both must hold.  `unused`: a line without which
    the compiler complains about the parameter {name}.  `capitals`: whether names of files are written like ThisOne.
    `needs`: what it takes to build and run it, in words after "Python".  `family`: what an image must have for it.
    `ignored`: what it makes that is not to be handed in; {stem} is filled in.  `more`: other files, by path, each made
    from all stems.
    """

    title: str
    ending: str
    run: str
    port: str
    word: str
    argument: str
    other_count: str
    variable: str
    bad: str
    number: str
    comment: str
    both: str = " && "
    unused: str = ""
    capitals: bool = False
    needs: str = ""
    family: str = BASE
    ignored: tuple[str, ...] = ("{stem}",)
    more: Mapping[str, Callable[[list[str]], str]] = {}


#: Names that mean something in one of these languages, or in its skeleton: a parameter that is called so gets a `_`.
RESERVED: Final = frozenset(
    """
    abstract alignas alignof and any arguments as asm assert async auto await bitand bitor bool boolean box break
    byte case catch chan char class compl concept const constexpr continue debugger decltype def default defer del
    delete do double dyn elif else enum env eval except exit explicit export extends extern fallthrough false
    final finally float fmt fn for friend from func function global go goto if impl implements import in inline
    instanceof int interface is lambda let long loop macro map match mod module move mut mutable namespace native
    new noexcept none nonlocal not null nullptr operator or os override package pass private protected pub public
    raise range record ref register requires restrict return self short signed sizeof static strconv strictfp
    string struct super switch synchronized sys template this throw throws trait transient true try type typedef
    typeid typename typeof union unsafe unsigned use using var virtual void volatile where while with xor yield
    """.split()  # noqa: SIM905 — a hundred quotes less
)


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
        other_count="len(arguments) != {number}",
        both=" and ",
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
        other_count="argc != {next}",
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
        other_count="argc != {next}",
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
        other_count="args.length != {number}",
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
        other_count="len(os.Args) != {next}",
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
        other_count="words.length !== {number}",
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
        other_count="words.len() != {number}",
        variable='&env::var("{name}").unwrap_or_default()',
        bad=" || port_in({source}) == 0",
        number="port_in({source})",
        comment="    // ",
        unused="    let _ = {name};",
        needs=" and rustc",
        family="rust",
    ),
}
