"""Serves, but every answer is forty megabytes of itself."""

import honest  # type: ignore[import-not-found]  # lies beside it in the submission


def answer(line: bytes) -> bytes:
    return line.upper() * 5_000_000


honest.serve(answer)
