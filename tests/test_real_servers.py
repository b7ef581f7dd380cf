"""Web servers that people use, graded by `web_server` or its simple variant: what each lacks, and why that is true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from grader import flow
from grader.assignment import Assignment, load
from grader.model import Outcome
from grader.sandbox.host import Sandbox
from grader.sandbox.local import LocalSandbox

NGINX = """\
port="$1" root="$2" here="$(pwd)"
cat > nginx.conf <<EOF
daemon off; worker_processes 2; pid $here/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  types { text/html html; text/plain txt; text/css css; image/png png; image/jpeg jpg; }
  default_type application/octet-stream;
  client_body_temp_path $here/1; proxy_temp_path $here/2;
  fastcgi_temp_path $here/3; uwsgi_temp_path $here/4; scgi_temp_path $here/5;
  server { listen $port; root $root; }
}
EOF
exec nginx -p "$here" -c "$here/nginx.conf" -e stderr
"""


class Real(NamedTuple):
    """A server that is installed, or not: the command that it needs, how it is started, and what it lacks, and why."""

    command: str
    script: str
    lacks: dict[str, str]
    assignment: str = "web_server"


REAL = {
    "http.server": Real(
        "python3",
        'exec python3 -m http.server "$1" --directory "$2" --protocol HTTP/1.1\n',
        {
            "bad_arguments_reported": "70000 is taken for 4464, its last 16 bits",
            "bad_request": "a request line of one word gets the page of an error without a status line (HTTP/0.9)",
            "header_names_in_any_case": "white space behind a value is taken for a part of it: 'close  '",
            "backlog_burst": "it listens with a backlog of 5",
        },
    ),
    "http.server, as it is by default": Real(
        "python3",
        'exec python3 -m http.server "$1" --directory "$2"\n',
        {
            "bad_arguments_reported": "70000 is taken for 4464, its last 16 bits",
            "bad_request": "a request line of one word gets the page of an error without a status line (HTTP/0.9)",
            "backlog_burst": "it listens with a backlog of 5",
        },
        "web_server_simple",
    ),
    "busybox httpd": Real(
        "busybox",
        'exec busybox httpd -f -p "$1" -h "$2"\n',
        {
            "content_type": "a file of an unknown kind has no Content-Type",
            "bad_request": "a header without a colon is ignored",
            "head_has_no_body": "the error page of a 404 is sent to a HEAD request, too",
            "backlog_burst": "it listens with a backlog of 9",
        },
        "web_server_simple",
    ),
    "nginx": Real(
        "nginx",
        NGINX,
        {
            "method_not_allowed": "its 405 has no Allow, which RFC 9110 (15.5.6) demands",
            "bad_request": "a header without a colon is ignored (ignore_invalid_headers)",
        },
    ),
}


def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
    return LocalSandbox(assignment, archive)


@pytest.mark.parametrize("name", REAL)
def test_a_real_server_lacks_what_it_lacks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = REAL[name]
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    if shutil.which(real.command) is None:
        pytest.skip(f"{real.command} is not installed")
    (tmp_path / "web_server.sh").write_text(f"#!/bin/sh\n{real.script}")
    (tmp_path / "web_server.sh").chmod(0o755)
    report = flow.grade(tmp_path, flow.Request(load(real.assignment), seed=1), in_local, lambda _: None)
    failed = {check.id.partition(".")[2] for check in report.checks if check.outcome is Outcome.FAILED}
    assert failed == real.lacks.keys()
