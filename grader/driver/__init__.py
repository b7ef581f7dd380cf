"""Plays an assignment's checks against a program: pytest in the sandbox's network namespace.

The host says once what to grade (`job.py`) and reads one line for every verdict.  `plugin.py` holds the hooks; what a
check may use is in `harness/`.
"""
