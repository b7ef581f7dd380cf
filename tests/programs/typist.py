"""Reads a terminal.  Arguments: how it takes Ctrl-C, and what it makes of its terminal."""

import fcntl
import os
import signal
import sys
import termios
import tty


def says_goodbye(*_):
    os.write(1, b"goodbye\n")  # print could meet itself: the signal may come while the last line is being printed
    sys.exit(3)


def put_another_in_the_foreground():
    if (child := os.fork()) == 0:
        os.setpgid(0, 0)
        signal.pause()
    os.setpgid(child, child)
    os.tcsetpgrp(0, child)


def leave_the_terminal():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which whoever leads its session gets
    fcntl.ioctl(0, termios.TIOCNOTTY)


def change_terminal(local=0, interrupt=b"\x03"):
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~local
    attributes[6][termios.VINTR] = interrupt
    termios.tcsetattr(0, termios.TCSANOW, attributes)


def die_of_sigint():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


WAYS = {
    "dies": die_of_sigint,
    "handles": lambda: signal.signal(signal.SIGINT, says_goodbye),
    "ignores": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    "no_echo": lambda: change_terminal(termios.ECHO),
    "no_control_echo": lambda: change_terminal(termios.ECHOCTL),
    "no_signals": lambda: change_terminal(termios.ISIG),
    "raw": lambda: tty.setraw(0),
    "other_key": lambda: change_terminal(interrupt=b"\x07"),
    "no_key": lambda: change_terminal(interrupt=b"\x00"),
    "stopped_output": lambda: termios.tcflow(0, termios.TCOOFF),
    "in_the_background": put_another_in_the_foreground,
    "left_its_terminal": leave_the_terminal,
    "closed_its_terminal": lambda: [os.close(fd) for fd in (0, 2)],
}

die_of_sigint()  # however it was started
for how in sys.argv[1:]:
    if how != "stopped_output":
        WAYS[how]()
os.write(1, b"ready\n")
if "stopped_output" in sys.argv:
    WAYS["stopped_output"]()
if "raw" in sys.argv:
    while os.read(0, 1) != b"\x03":
        pass
    sys.exit(4)
if {"closed_its_terminal", "in_the_background"} & set(sys.argv):
    signal.pause()  # nothing can be read there
for line in sys.stdin:
    print("line", repr(line), flush=True)
