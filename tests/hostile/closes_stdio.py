"""Serves, after it has closed its standard input, output and error."""

import os

import honest

for descriptor in (0, 1, 2):
    os.close(descriptor)

honest.serve()
