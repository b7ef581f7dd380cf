"""`python -m bench.neighbours [KIND ...]`: how much longer a right program takes while a hostile one runs beside it.

Both in containers.  Each kind of hostile program is graded again and again until the honest grading has ended; the
honest one is also graded alone before each, so that a busy machine shows in both.  Exit code 1: its verdict changed.
The goal is three times as long at most.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bench.gradings import ASSIGNMENT, REFERENCE
from grader.model import Outcome

_HONEST = REFERENCE / "good" / "threads.py"
_GOAL = 3.0
#: Until a hostile program runs: building and starting its sandbox.
_UNDER_WAY_S = 2.0
#: What each does, in Python, before or instead of serving.
_KINDS = {
    "fork bomb": "while True:\n    try: os.fork()\n    except OSError: pass",
    "threads on the CPU": """
def burn():
    while True: sum(range(1000))
while True:
    if os.fork() == 0: burn()
    if next(count) > 200: burn()
""",
    "memory": "while True: kept.append(bytearray(os.urandom(1 << 12) * (1 << 12)))",
    "memory of sockets": """
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
while True:
    try:
        ours = socket.create_connection(listener.getsockname()); theirs = listener.accept()[0]
        kept += [ours, theirs]
        ours.setblocking(False)
        while True: ours.send(bytes(1 << 16))
    except BlockingIOError: pass
    except OSError:
        if os.fork() == 0: kept.clear(); continue
        signal.pause()
""",
    "disk": """
while True:
    try: open(f"f{next(count)}", "wb").write(bytes(1 << 20))
    except OSError:
        for name in os.listdir("."): os.path.isfile(name) and os.unlink(name)
""",
    "pseudo-terminals": """
while True:
    try: kept += os.openpty()
    except OSError:
        if os.fork() == 0: kept.clear(); continue
        signal.pause()
""",
}
_HEAD = "import itertools, os, signal, socket\nkept = []\ncount = itertools.count()\n"


def main() -> None:
    """Measure and print."""
    changed = 0
    click.echo(f"{'beside':<20} {'alone':>8} {'beside':>8} {'times':>6}  (goal: at most {_GOAL:g})")
    for kind, source in _KINDS.items():
        if sys.argv[1:] and kind not in sys.argv[1:]:
            continue
        alone_s, lost_alone = _graded(_HONEST)
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "server.py"
            program.write_text(_HEAD + source)
            with _graded_without_end(program):
                beside_s, lost = _graded(_HONEST)
        changed += lost != lost_alone
        words = f"  alone: {lost_alone or 'all passed'}, beside: {lost}" if lost or lost_alone else ""
        click.echo(f"{kind:<20} {alone_s:>6.1f} s {beside_s:>6.1f} s {beside_s / alone_s:>6.1f}{words}")
    sys.exit(changed > 0)


@contextmanager
def _graded_without_end(program: Path) -> Iterator[None]:
    stop = threading.Event()
    grader = threading.Thread(target=_grade_until, args=(stop, program))
    grader.start()
    stop.wait(_UNDER_WAY_S)
    try:
        yield
    finally:
        stop.set()
        grader.join()


def _grade_until(stop: threading.Event, program: Path) -> None:
    while not stop.is_set():
        _graded(program)


def _graded(program: Path) -> tuple[float, list[str]]:
    """(seconds, what did not pass) of grading a server in containers."""
    command = [sys.executable, "-m", "grader", "check", str(program), "--assignment", ASSIGNMENT, "--quiet"]
    command += ["--role", "server", "--sandbox", "docker", "--json", "-"]
    began = time.monotonic()
    ended = subprocess.run(command, capture_output=True, check=False)
    took_s = time.monotonic() - began
    if not ended.stdout:
        return took_s, [f"exit code {ended.returncode}"]
    checks = json.loads(ended.stdout)["checks"]
    return took_s, [f"{check['id']} {check['reason']}" for check in checks if check["outcome"] != Outcome.PASSED]


if __name__ == "__main__":
    main()
