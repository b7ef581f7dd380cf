"""`python -m grader.cli`: the same as `python -m grader`, but for the sandbox that starts while the command loads."""

from __future__ import annotations

from grader.cli import main

if __name__ == "__main__":
    main()
