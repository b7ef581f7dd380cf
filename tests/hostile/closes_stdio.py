"""Serves, after it has closed its standard input, output and error."""

import os

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

for descriptor in (0, 1, 2):
    os.close(descriptor)

honest.serve()
