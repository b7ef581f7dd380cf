"""Serves, with its terminal switched to raw: no echo, no signal from Ctrl-C."""

import tty

import honest  # type: ignore[import-not-found]  # lies beside it in the submission

tty.setraw(0)
honest.serve()
