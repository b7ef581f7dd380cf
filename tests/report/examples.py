"""Reports that the tests of this folder render: one with every outcome and every shape of evidence, and the plain ones.

`report_strategy` makes arbitrary ones: whatever text and bytes a submission may bring into a field.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import strategies as st

from grader.errors import Reason
from grader.model import (
    Audience,
    BuildResult,
    CheckResult,
    Compared,
    Event,
    EventKind,
    GraderInfo,
    Narrowed,
    Outcome,
    Report,
    Requirement,
    SanitizerReport,
    SourceLine,
    SubmissionInfo,
)

ANSWERS = Requirement(number="1.2", text="For every line it receives, the server sends the line back in capitals.")
STREAM = Requirement(
    number="2.1",
    text="A line may arrive in any number of pieces, and several lines may arrive together; the answer is the same.",
)
ENDS = Requirement(number="4.1", text="Ctrl-C ends the server at once, with exit status 0 or 130 and no traceback.")


def _check(name: str, title: str, requirement: Requirement, worth: float, **more: object) -> CheckResult:
    """A passed check worth that many points; `more` says what is different."""
    passed = CheckResult(
        id=f"server.{name}",
        title=title,
        requirement=requirement,
        outcome=Outcome.PASSED,
        points=worth,
        max_points=worth,
        duration_s=0.0042,
    )
    return msgspec.structs.replace(passed, **more)


PASSED = _check(
    "answers",
    "answers a line",
    ANSWERS,
    2,
    evidence=(
        Event(at_ms=0.0, kind=EventKind.STARTED, who="program", text="./server 12000"),
        Event(at_ms=21.4, kind=EventKind.LISTENING, who="program", text="on 0.0.0.0:12000"),
        Event(at_ms=21.9, kind=EventKind.CONNECTED, who="client A"),
        Event(at_ms=22.0, kind=EventKind.SENT, who="client A", data=b"hello\n", size_bytes=6),
        Event(at_ms=22.31, kind=EventKind.RECEIVED, who="client A", data=b"HELLO\n", size_bytes=6),
        Event(at_ms=22.4, kind=EventKind.CLOSED, who="client A"),
    ),
)
FRAGMENTS = _check(
    "fragments_every_split",
    "answers a line that arrives in two pieces, wherever it is cut",
    STREAM,
    3,
    outcome=Outcome.FAILED,
    points=0,
    reason=Reason.EARLY_REPLY,
    compared=Compared(expected=b"HELLO\n", received=b"HE", difference=2),
    message=(
        "client A sent 'he' >>> SPLIT HERE <<< 'llo\\n'\n"
        "required  'HELLO\\n'\n"
        "came      'HE' after the first piece\n"
        "             ^ nothing may come before the line is complete\n"
        "The program was then blocked in recv on client A's socket."
    ),
    hint="recv gives what has arrived, not a line: keep the bytes until a newline is among them",
    duration_s=0.0113,
    evidence=(
        Event(at_ms=0.08, kind=EventKind.CONNECTED, who="client A"),
        Event(at_ms=0.31, kind=EventKind.SENT, who="client A", data=b"hello\n", size_bytes=6, pieces=(2, 4)),
        Event(at_ms=0.74, kind=EventKind.RECEIVED, who="client A", data=b"HE", size_bytes=2),
        Event(
            at_ms=0.91,
            kind=EventKind.KERNEL,
            who="program",
            text="blocked in recv on client A's socket, nothing unread",
        ),
        Event(
            at_ms=1.01,
            kind=EventKind.VERDICT,
            who="grader",
            text="It replied early. The program: blocked in recv; client A has 4 unread bytes.",
        ),
        Event(at_ms=1.02, kind=EventKind.PEER_RESET, who="client A"),
    ),
)
LONG = _check(
    "buffer_boundaries",
    "answers lines whose length is a power of two, one less and one more",
    STREAM,
    2.5,
    outcome=Outcome.FAILED,
    points=0,
    reason=Reason.INCOMPLETE_REPLY,
    message=(
        "client A sent a line of 1025 bytes in one piece\n"
        "required  1025 bytes: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' … 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\n'\n"
        "came      1024 bytes: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' … 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'"
    ),
    hint="one recv(1024) returns at most 1024 bytes",
    evidence=(
        Event(at_ms=0.1, kind=EventKind.FROZEN, who="grader", text="every thread of the program"),
        Event(
            at_ms=0.2,
            kind=EventKind.SENT,
            who="client A",
            data=b"a" * 32 + b"a" * 15 + b"\n",
            size_bytes=1025,
            omitted_bytes=977,
            head_bytes=32,
            pieces=(4, 1000, 21),
        ),
        Event(at_ms=0.3, kind=EventKind.THAWED, who="grader"),
        Event(at_ms=0.5, kind=EventKind.SENT, who="client B", data=b"world, again\n", size_bytes=13, pieces=(1,) * 13),
        Event(at_ms=0.9, kind=EventKind.RECEIVED, who="client B", size_bytes=0),
        Event(
            at_ms=1204.25,
            kind=EventKind.OUTPUT,
            who="program",
            text="stdout",
            data="\x1b[31mlänger als 1024? \U0001f600\n".encode(),
            size_bytes=32,
        ),
        Event(at_ms=1210, kind=EventKind.EXITED, who="program", text="with status 1"),
    ),
)
SKIPPED = tuple(
    _check(
        name,
        title,
        STREAM,
        2,
        outcome=Outcome.SKIPPED,
        points=0,
        reason=Reason.PREREQUISITE,
        message="skipped: depends on \u201c" + FRAGMENTS.title + "\u201d, which did not pass",
        depends_on=FRAGMENTS.id,
        duration_s=0.0,
    )
    for name, title in (
        ("interleaved_fragments", "keeps the pieces of two clients apart"),
        ("message_and_a_half", "keeps the beginning of the next line"),
        ("utf8_split", "answers letters whose bytes arrive apart"),
    )
)
ALONE = _check(
    "port_reuse_after_ctrl_c",
    "can be started again at once",
    ENDS,
    1,
    outcome=Outcome.SKIPPED,
    points=0,
    reason=Reason.PREREQUISITE_UNJUDGED,
    duration_s=0.0,
)
INCONCLUSIVE = _check(
    "ctrl_c_stops",
    "ends on Ctrl-C",
    ENDS,
    1,
    outcome=Outcome.INCONCLUSIVE,
    points=0,
    reason=Reason.STARVED,
    message="The program was runnable for 30 s but was given 0.02 s of CPU time.",
    evidence=(Event(at_ms=0.4, kind=EventKind.SIGNAL, who="grader", text="Ctrl-C on its terminal"),),
)
ERROR = _check(
    "binary_bytes",
    "sends back every byte value",
    ANSWERS,
    1,
    outcome=Outcome.ERROR,
    points=0,
    reason=Reason.GRADER_ERROR,
    message="ProtocolError: assignments/tcp_uppercase/protocol.py, line 12",
)
HOSTILE = _check(
    "invalid_utf8_survived",
    "survives <b>bad</b> bytes & [bold red]markup[/bold red]",
    Requirement(number="3.3", text="Bytes that are no text end nothing: </td><script>alert(1)</script>"),
    1,
    outcome=Outcome.FAILED,
    points=0,
    reason=Reason.CRASHED,
    message=(
        "stderr: \x1b[2J\x1b]0;owned\x07 [link=http://x]x[/link] \ud800 \u202egnp.exe\r\n"
        "\t</pre><script>alert(2)</script>"
    ),
    hint="catch UnicodeDecodeError",
    compared=Compared(expected=b"\xff\x00A", received=b"\xff<b>", difference=1, at_bytes=32),
    sanitizer=SanitizerReport(
        kind="stack-buffer-overflow",
        words="writes memory beyond a local array",
        place=SourceLine(file="src/<b>.c", line=7),
        function="handle\x1b[0m",
        source="strcpy(reply, line); /* </pre><script>alert(4)</script> ``` */",
    ),
    evidence=(Event(at_ms=3, kind=EventKind.NOTE, who="<i>who</i>", text="<script>\x1b[0m", data=b"<u>\x1b\xff"),),
)

FULL = Report(
    assignment="tcp_uppercase",
    role="server",
    submission=SubmissionInfo(name="alice & bob.zip", sha256="9f" * 32),
    grader=GraderInfo(
        version="0.1.0",
        seed=42,
        sandbox="docker (no network)",
        images={"sandbox": f"sha256:{'5a' * 32}", "driver": f"sha256:{'d1' * 32}"},
    ),
    started=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    duration_s=3.25,
    score=4,
    max_score=19.5,
    unjudged=3,
    build=BuildResult(outcome=Outcome.PASSED, log="gcc -o server server.c\n", command="make server", duration_s=0.4),
    checks=(
        PASSED,
        _check("coalesced", "answers every line of several that arrive together", STREAM, 2, duration_s=0.0),
        FRAGMENTS,
        LONG,
        *SKIPPED,
        HOSTILE,
        ERROR,
        INCONCLUSIVE,
        ALONE,
    ),
    handout=(
        "# Upper case\n\n## 2 Streams\n\n- **2.1** A line may arrive in *any* number of pieces: [notes](notes.md) "
        "and [RFC 9293](https://www.rfc-editor.org/rfc/rfc9293).\n- **3.3** `<script>alert(3)</script>` <b>no</b>\n"
    ),
)
PERFECT = msgspec.structs.replace(
    FULL,
    checks=(PASSED,),
    score=2,
    max_score=2,
    unjudged=0,
    build=BuildResult(outcome=Outcome.SKIPPED),
)
UNJUDGED = msgspec.structs.replace(PERFECT, checks=(PASSED, INCONCLUSIVE), max_score=3, unjudged=1)
#: Only one check, and what it depends on, was asked for.
IN_PART = msgspec.structs.replace(PERFECT, narrowed=Narrowed(role="server", only=("server.answers",), full_score=82))
_LOG = """\
gcc -Wall -o server server.c
server.c: In function 'main':
server.c:14:5: warning: unused variable 'n' [-Wunused-variable]
server.c:17:23: error: expected ';' before 'return'
   17 |     listen(s, 5)
      |                 ^
make: *** [Makefile:2: server] Error 1
"""
BUILDS = CheckResult(
    id="server.builds",
    title="Builds",
    requirement=Requirement(number="", text="The program can be built."),
    outcome=Outcome.FAILED,
    points=0,
    max_points=0,
    reason=Reason.BUILD_FAILED,
    message=f"$ make server\n{_LOG}".rstrip(),
    hint="Mend the first error that the compiler names; the later ones often follow from it.",
    duration_s=0.2,
)
_UNPLAYED = tuple(
    msgspec.structs.replace(
        check,
        outcome=Outcome.SKIPPED,
        points=0,
        reason=Reason.PREREQUISITE,
        message="skipped: the server could not be built",
        hint="",
        evidence=(),
        duration_s=0.0,
    )
    for check in (PASSED, FRAGMENTS, INCONCLUSIVE)
)
UNBUILT = msgspec.structs.replace(
    FULL,
    score=0,
    max_score=6,
    unjudged=0,
    build=BuildResult(outcome=Outcome.FAILED, command="make server", log=_LOG, duration_s=0.2),
    checks=(BUILDS, *_UNPLAYED),
)
#: The same from a stage that made no check of the build.
UNBUILT_UNSAID = msgspec.structs.replace(UNBUILT, checks=_UNPLAYED)

_SERVED = msgspec.structs.replace(FRAGMENTS, title="answers a line in two pieces", evidence=())
_TYPED = _check(
    "prints_reply",
    "shows the reply",
    Requirement(number="5.2", text="The client prints each reply."),
    2.5,
    id="client.prints_reply",
    outcome=Outcome.FAILED,
    points=0,
    reason=Reason.WRONG_REPLY,
    message="it printed \"b'HELLO'\"",
    hint="decode the bytes before you print them",
)
BOTH = msgspec.structs.replace(
    FULL,
    role="both",
    score=4,
    max_score=14.5,
    unjudged=1,
    build=BuildResult(outcome=Outcome.PASSED, log="client:\ncc -o client c.c\n", command="cc -o client c.c"),
    checks=(
        PASSED,
        _SERVED,
        INCONCLUSIVE,
        msgspec.structs.replace(PASSED, id="client.connects", title="connects"),
        _TYPED,
        *(
            msgspec.structs.replace(
                SKIPPED[0],
                id=f"{part}.{name}",
                title=f"{part} {name}",
                message="skipped: depends on “shows the reply”, which did not pass",
            )
            for part, name in (("client", "long_reply"), ("pair", "talk"))
        ),
    ),
)
#: The client could not be built, the server was.
CLIENT_UNBUILT = msgspec.structs.replace(
    BOTH,
    score=2,
    max_score=4.5,
    unjudged=0,
    build=BuildResult(outcome=Outcome.FAILED, log=f"server:\nx.c:1:1: error: fine\n\nclient:\n{_LOG}", command="a; b"),
    checks=(
        PASSED,
        msgspec.structs.replace(BUILDS, id="client.builds"),
        msgspec.structs.replace(_UNPLAYED[1], id="client.prints_reply", max_points=2.5),
    ),
)
ABSENT = CheckResult(
    id="client.handed_in",
    title="A client was handed in",
    requirement=Requirement(number="", text="A client is handed in."),
    outcome=Outcome.FAILED,
    points=0,
    max_points=0,
    reason=Reason.NOT_HANDED_IN,
    message="This submission has a server ('server.py') but no client.",
)
CLIENT_ABSENT = msgspec.structs.replace(
    CLIENT_UNBUILT,
    checks=(
        PASSED,
        ABSENT,
        msgspec.structs.replace(CLIENT_UNBUILT.checks[-1], message="skipped: the client was not handed in"),
    ),
    build=BuildResult(outcome=Outcome.SKIPPED),
)
_NEVER_RAN = (
    msgspec.structs.replace(
        check, outcome=Outcome.INCONCLUSIVE, reason=Reason.UNPROVED, message="This check did not run: x."
    )
    for check in SKIPPED
)
#: The sandbox broke after the first check.
BROKEN_OFF = msgspec.structs.replace(PERFECT, checks=(PASSED, *_NEVER_RAN), max_score=8, unjudged=6)

#: Text as bad as a submission can make it: any code point, lone surrogates and controls among them.
texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        "",
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "\x1b[31m",
        "\x9b2J",
        "\r\n",
        "]]>",
        "<script>alert(1)</script>",
        "</pre><b onclick='x'>",
        '"><img src=x onerror=y>',
        "[bold]x[/bold]",
        "[/]",
        "\ufffe\uffff\U0001ffff",
        "&#0;&bogus;",
        "{{ 7 * 7 }}{% raw %}",
        "\u2028\u202e",
        "e\u0301\u200d\U0001f600",
        " " * 100,
        "wide \u4e2d\u6587 " * 20,
        "x" * 58 + " ::error file=a.py::y",
        "##[error]y ##vso[task.complete]z ##teamcity[a]",
        "section_start:1:a travis_fold:end:b",
        "+++ y\n--- z\n  ::stop-commands::t",
        "a" + "\u0302" * 9,
    ]
)
_points = st.floats(0, 1000)
_counts = st.integers(0, 2**40)
events_strategy = st.builds(
    Event,
    at_ms=st.floats(0, 1e6),
    kind=st.sampled_from(EventKind),
    who=texts,
    text=texts,
    data=st.binary(max_size=40),
    size_bytes=_counts,
    omitted_bytes=st.just(0) | _counts,
    head_bytes=st.integers(0, 50),
    pieces=st.lists(st.integers(0, 20), max_size=12).map(tuple),
)
_checks = st.builds(
    CheckResult,
    id=texts | st.builds("{}.{}".format, st.sampled_from(["server", "client", "pair"]), texts),
    title=texts,
    requirement=st.builds(Requirement, number=texts, text=texts),
    outcome=st.sampled_from(Outcome),
    points=_points,
    max_points=_points,
    reason=st.none() | st.sampled_from(Reason),
    message=texts,
    hint=texts,
    duration_s=_points,
    evidence=st.lists(events_strategy, max_size=3).map(tuple),
    compared=st.none()
    | st.builds(
        Compared,
        expected=st.binary(max_size=40),
        received=st.binary(max_size=40),
        difference=st.integers(0, 40),
        at_bytes=_counts,
    ),
    sanitizer=st.none()
    | st.builds(
        SanitizerReport,
        kind=texts,
        words=texts,
        place=st.builds(SourceLine, file=texts, line=_counts),
        function=texts,
        source=texts,
    ),
    depends_on=texts,
)
report_strategy = st.builds(
    Report,
    assignment=texts,
    role=st.sampled_from(["server", "client", "both"]),
    submission=st.builds(SubmissionInfo, name=texts, sha256=texts),
    grader=st.builds(
        GraderInfo,
        version=texts,
        seed=st.integers(0, 2**63 - 1),
        sandbox=texts,
        images=st.dictionaries(st.sampled_from(["sandbox", "driver"]), texts),
    ),
    started=st.datetimes(timezones=st.just(UTC)),
    duration_s=_points,
    score=_points,
    max_score=_points,
    unjudged=_points,
    build=st.builds(BuildResult, outcome=st.sampled_from(Outcome), log=texts, command=texts, duration_s=_points),
    checks=st.lists(_checks, max_size=4).map(tuple),
    narrowed=st.none()
    | st.builds(
        Narrowed,
        role=st.sampled_from([None, "server", "client"]),
        only=st.lists(texts, max_size=2).map(tuple),
        full_score=_points,
    ),
    audience=st.sampled_from(Audience),
    handout=texts,
)
