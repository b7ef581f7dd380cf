"""Reads a terminal.  Argument: how it takes Ctrl-C."""

import os
import signal
import sys
import termios


def says_goodbye(*_):
    os.write(1, b"goodbye\n")  # print could meet itself: the signal may come while the last line is being printed
    sys.exit(3)


how = sys.argv[1]
if how == "dies":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
elif how == "handles":
    signal.signal(signal.SIGINT, says_goodbye)
elif how == "ignores":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~{"no_echo": termios.ECHO, "no_signals": termios.ISIG}[how]
    termios.tcsetattr(0, termios.TCSANOW, attributes)
print("ready", flush=True)
for line in sys.stdin:
    print("line", repr(line), flush=True)
