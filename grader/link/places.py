"""How a place in the program's own source was found, in words that the warden says and the driver compares.

Standard library only.
"""

from __future__ import annotations

from typing import Final

#: It waits there for a client to come or to speak, whoever it is: so nothing is known of what it has done.
FOR_ANYBODY: Final = "where it waits for whatever comes next"
#: How it begins for a function that only reads or sends for others; a line and a function follow.
CALLED_FROM: Final = "called from"
