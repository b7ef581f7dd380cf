#!/usr/bin/env bash
# Grades $SUBMISSION and leaves reports in $RUNNER_TEMP/reports.  Which assignment it is, and which program, is said here.
# On a runner with an engine a program gets containers; in a job's own container, which runs as root, a user of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
reports=$RUNNER_TEMP/reports
rm -rf "$RUNNER_TEMP/socket-grader" "$reports"
mkdir -p "$reports"
python -I -m venv "$RUNNER_TEMP/socket-grader"
"$RUNNER_TEMP/socket-grader/bin/pip" install --quiet --disable-pip-version-check \
    --constraint "$here/constraints.txt" "$here"/socket_grader-*.whl
if [ "$(id -u)" = 0 ]; then sandbox=local; else sandbox=docker; fi
exec "$RUNNER_TEMP/socket-grader/bin/grader" check "$SUBMISSION" --assignment "$here/assignments/@NAME@" @ROLE@ \
    --sandbox "$sandbox" --format github=- --format github-summary="$reports/summary.md" \
    --format junit="$reports/report.xml" --format html="$reports/report.html" --format json="$reports/report.json"
