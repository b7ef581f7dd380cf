"""What runtimes print of an error that nobody has caught, as they print it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire.traces import frames, shows_traceback

TRACES = {
    "python": b"message: Traceback (most recent call last):\n",
    "python-source": b"  print 1\nSyntaxError: invalid syntax\n",
    "java": b'Exception in thread "main" java.net.BindException: Address already in use\n',
    "java-prompt": b'> Exception in thread "main" java.util.NoSuchElementException: No line found\n',
    "java-caught": b"java.net.ConnectException: refused\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)\n",
    "java-at-a-terminal": b"java.lang.Error\r\n\tat Client.main(Client.java:7)\r\n",
    "go": b"panic: runtime error: index out of range [1] with length 1\n\ngoroutine 1 [running]:\nmain.main()\n",
    "go-deadlock": b"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\n",
    "node": b"RangeError [ERR_SOCKET_BAD_PORT]: options.port should be >= 0\n    at Server.listen (node:net:2059:5)\n",
    "node-event": b"Error: read ECONNRESET\n    at TCP.onStreamRead (node:internal/stream_base_commons:218:20) {\n"
    b"    at node:internal/main/run_main_module:28:49\n",
    "rust": b"\nthread 'main' (5800) panicked at r.rs:1:53:\ncalled `Result::unwrap()` on an `Err` value\n",
    "rust-old": b"thread '<unnamed>' panicked at 'called `Result::unwrap()` on an `Err` value: Os', r.rs:1:53\n",
    "c++": b"terminate called after throwing an instance of 'std::invalid_argument'\n  what():  stoi\n",
    "c#": b"Unhandled exception. System.Net.Sockets.SocketException (98): Address already in use\n",
    "ruby": b"server.rb:3:in `initialize': Address already in use - bind(2) (Errno::EADDRINUSE)\n",
}


@pytest.mark.parametrize("printed", TRACES.values(), ids=TRACES)
def test_a_trace_is_known_by_the_runtimes_own_words(printed: bytes) -> None:
    assert shows_traceback(printed)


@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"usage: server.py PORT (SyntaxError: none)\n",
        b"java.net.BindException: Address already in use (Bind failed)\n",
        b"fatal error: can't bind\npanic: no such port\n",
        b"listen tcp :80: bind: address already in use\nexit status 1\n",
        b"meet me at 12:30:00 or look at the log (line 5)\n",
        b"  at most 65535\nthread 3 panicked\nlost a client: goroutine 7\n",
        b"Error: connect ECONNREFUSED 127.0.0.1:9999\n",
        b"can't listen on port 80: Os { code: 98 }\n",
        b"12:30:01: in use\n",
    ],
)
def test_a_message_is_no_trace(printed: bytes) -> None:
    assert not shows_traceback(printed)


def test_what_asyncio_reports_of_a_cancelled_handler_is_not_the_programs() -> None:
    trace = b"Traceback (most recent call last):\n  File 'server.py', line 12, in serve\n"
    report = (
        b"Exception in callback StreamReaderProtocol.connection_made.<locals>.callback(<Task cancelled>)\n"
        b"handle: <Handle ...>\n" + trace + b"asyncio.exceptions.CancelledError\n"
        b"\nDuring handling of the above exception, another exception occurred:\n\n" + trace + b"KeyboardInterrupt\n"
    )
    assert not shows_traceback(report)
    assert not shows_traceback((report * 2).replace(b"\n", b"\r\n"))
    assert shows_traceback(report + trace + b"KeyboardInterrupt\n")
    assert shows_traceback(report + trace + b"ValueError\n")


_CHAINED = b"""\
Traceback (most recent call last):
  File "/work/a.py", line 1, in first
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/work/a.py", line 9, in <module>
    main()
  File "/work/a.py", line 5, in main
    conn.sendall(reply)
BrokenPipeError: [Errno 32] Broken pipe
"""


@pytest.mark.parametrize(
    ("printed", "places"),
    [
        (b"", []),
        (_CHAINED, [("main", "/work/a.py", 5), ("<module>", "/work/a.py", 9)]),
        (
            b'Exception in thread "main" Error: x\n\tat a.S.serve(S.java:7)\n\tat java.base/x.T.run(T.java:8)\n',
            [("a.S.serve", "S.java", 7)],
        ),
        (b"goroutine 1 [running]:\nmain.f(0x1)\n\t/work/x.go:5 +0x1d\n", [("main.f", "/work/x.go", 5)]),
        (
            b"Error: read ECONNRESET\n    at TCP.onRead (node:net:1:20)\n    at f (/work/s.js:5:9)\n",
            [("f", "/work/s.js", 5)],
        ),
        (b"thread 'main' panicked at src/main.rs:5:9:\nno\n", [("", "src/main.rs", 5)]),
        (b"thread 'main' panicked at 'no', src/main.rs:5:9\n", [("", "src/main.rs", 5)]),
        (
            b"server.rb:3:in `handle': no (RuntimeError)\n\tfrom server.rb:9:in `<main>'\n",
            [("handle", "server.rb", 3), ("<main>", "server.rb", 9)],
        ),
    ],
)
def test_a_trace_names_places_the_innermost_first(printed: bytes, places: list[tuple[str, str, int]]) -> None:
    assert frames(printed) == places


def test_a_line_that_no_runtime_prints_names_no_place() -> None:
    """In such a one patterns would look for their end for minutes."""
    for printed in (b"main." + b"(" * 60_000 + b")\n\t/work/x.go:5\n", b" #0 0x0 in a" + b" /" * 30_000 + b":5\n"):
        assert frames(b"goroutine 1 [x]:\n" + printed) == []


@given(printed=st.binary(max_size=300))
def test_whatever_is_printed_has_places_or_none(printed: bytes) -> None:
    for began in (b"", b"Traceback (most recent call last):\n", b"goroutine 1 [x]:\n", b"    at x:1:2\n"):
        assert all(line >= 0 for _, _, line in frames(began + printed))
