"""Plays an assignment's checks against a program: pytest in the sandbox's network namespace.

The host says once what to grade (`job.py`) and reads one line for every verdict.  `plugin.py` holds the hooks,
`stage.py` the running program, `fixtures.py` what a check may ask for, `expect.py` the words for students.
"""
