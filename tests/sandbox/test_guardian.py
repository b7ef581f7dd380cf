"""The guardian of a run costs next to nothing while there is nothing for it to do."""

from __future__ import annotations

import subprocess
import sys

from grader.sandbox import guardian


def test_it_loads_nothing_of_ours_and_no_packages_until_the_host_is_gone() -> None:
    command = [sys.executable, "-X", "importtime", *guardian.COMMAND[1:], "run"]
    ended = subprocess.run(command, input=b"tidied up\n", capture_output=True, check=True)
    loaded = {line.rpartition(b"|")[2].strip() for line in ended.stderr.splitlines()}
    assert b"os" in loaded or b"io" in loaded, "else this is not how Python tells it"
    assert not loaded & {b"site", b"typing", b"grader", b"docker", b"threading"}
