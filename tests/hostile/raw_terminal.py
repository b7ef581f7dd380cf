"""Serves, with its terminal switched to raw: no echo, no signal from Ctrl-C."""

import tty

import honest

tty.setraw(0)
honest.serve()
