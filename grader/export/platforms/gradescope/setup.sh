#!/bin/sh
# Gradescope runs this once, as root, when it builds the autograder's image.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/install.sh"
chmod -R go-rwx /opt/socket-grader "$here"
