#!/bin/sh
# Installs the grader in /opt/socket-grader, and what programs need.  Run it as root, on Debian or Ubuntu.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# eu-stack, of elfutils, finds the line of its source where a compiled program is.
apt-get install -y -qq --no-install-recommends python3 python3-venv elfutils @PACKAGES@
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    # Ubuntu 22.04 has a newer Python beside its own.
    apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv
    python=python3.11
fi
"$python" -m venv /opt/socket-grader
/opt/socket-grader/bin/pip install --quiet --disable-pip-version-check --constraint "$here/constraints.txt" \
    "$here"/socket_grader-*.whl
@LIBRARIES@
rm -rf /var/lib/apt/lists/*
