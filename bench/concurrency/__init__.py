"""What concurrency costs: one echo server in seven ways, measured, and graded by the checks about many clients.

The servers in `servers/` are what textbooks print, each with the traps of its kind left in.  `measure.py` plays clients
to them and asks the kernel; `page.py` and `plots.py` make of the figures what docs/concurrency.md shows.
"""

from __future__ import annotations
