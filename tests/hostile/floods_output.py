"""Prints without end."""

import os

while True:
    os.write(1, b"y\n" * 4096)
