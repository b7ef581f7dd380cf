"""In place of the driver: says what stands in its environment, and what it has open."""

import os
from contextlib import suppress


def main(_where):
    kinds = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the list itself was read from one
            kinds.append(os.readlink(f"/proc/self/fd/{number}").partition(":")[0])
    words = (os.environ.get("WORD"), os.environ.get("OTHER"), *sorted(kinds))
    os.write(1, os.fsencode(" ".join(map(str, words)) + "\n"))
    return 0
