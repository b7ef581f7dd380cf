"""The program's terminal, from our side: how a key is pressed there, and what the terminal makes of Ctrl-C.

The program chooses its terminal's settings, and it may have chosen so that a key shows nothing, sends nothing or
reaches another process.  None of that may keep us from knowing whether Ctrl-C has reached it; so the facts are read
from the terminal itself (termios(3), ioctl_tty(2)) and never from what it shows.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import signal
import termios
from enum import Enum

CTRL_C = b"\x03"
#: ioctl_tty(2): the master tells the terminal to send a signal to its foreground process group immediately.
_TIOCSIG = 0x40045436
#: Places in what tcgetattr gives: local modes, and the special characters.
_LOCAL, _CHARACTERS = 3, 6


class MadeOfCtrlC(Enum):
    """What a terminal makes of Ctrl-C."""

    SIGNAL = "it sends SIGINT to its foreground process group"
    BYTE = "it passes it on like any other byte, as it does with every key that sends a signal elsewhere"
    OTHER_KEY = "it passes it on, because the program has given its job to another key"


def made_of_ctrl_c(master: int) -> MadeOfCtrlC:
    """What the terminal makes of Ctrl-C now."""
    settings = termios.tcgetattr(master)
    if not settings[_LOCAL] & termios.ISIG:
        return MadeOfCtrlC.BYTE
    return MadeOfCtrlC.SIGNAL if settings[_CHARACTERS][termios.VINTR] == CTRL_C else MadeOfCtrlC.OTHER_KEY


def has_a_clock(master: int) -> bool:
    """Whether a read there ends by a timeout: VTIME of termios(3), without canonical mode."""
    settings = termios.tcgetattr(master)
    return not settings[_LOCAL] & termios.ICANON and bool(settings[_CHARACTERS][termios.VTIME])


def press(master: int, other_side: int, keys: bytes) -> None:
    """Type at the terminal, and see that it has arrived on the other side.

    A kernel worker passes it on, but polling there makes that happen first, if there is nothing to read yet
    (tty_buffer_flush_work in n_tty_poll of drivers/tty/n_tty.c).  Without that, 3,364 of 20,000 lines had not arrived
    immediately; with it, all had.
    """
    os.write(master, keys)
    poll = select.poll()
    poll.register(other_side, select.POLLIN)
    poll.poll(0)


def unread_bytes(other_side: int) -> int:
    """How much of what was typed has not been read yet."""
    pending = array.array("i", [0])
    fcntl.ioctl(other_side, termios.FIONREAD, pending)
    return pending[0]


def send_interrupt(master: int, other_side: int) -> None:
    """Make the terminal send SIGINT as Ctrl-C does, and return when it is sent.

    After unread input nobody can see when a key has arrived; so in that case the terminal is told to send it.
    """
    if unread_bytes(other_side):
        fcntl.ioctl(master, _TIOCSIG, signal.SIGINT)
    else:
        press(master, other_side, CTRL_C)
