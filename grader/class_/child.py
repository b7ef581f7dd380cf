"""The process of one call of `processes.py`: reads it from standard input, and is interrupted when that ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from typing import Final

from grader.class_.processes import BrokenCallError
from grader.errors import GraderError
from grader.link.channel import ChannelClosedError, read_frame

_STDIN: Final = 0


def main() -> None:
    """Carry out the call; whether it succeeded and what it gave goes to the descriptor that the argument names."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may ignore Ctrl-C
    call = read_frame(_STDIN)
    threading.Thread(target=_watch, daemon=True).start()
    answer: tuple[bool, object]
    try:
        fn, args, kwargs = pickle.loads(call)  # noqa: S301 — from whoever started us
        answer = (True, fn(*args, **kwargs))
    except GraderError as error:
        answer = (False, error)
    except KeyboardInterrupt:
        answer = (False, BrokenCallError("the run was interrupted"))
    except Exception as error:  # noqa: BLE001 — whatever it is costs this call only
        answer = (False, BrokenCallError(f"internal error: {error!r}"))
    with suppress(BrokenPipeError), os.fdopen(int(sys.argv[1]), "wb") as words:
        words.write(pickle.dumps(answer))


def _watch() -> None:
    """Wait for the end of standard input, and interrupt the call."""
    with suppress(OSError):
        while os.read(_STDIN, 1):
            pass
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)


if __name__ == "__main__":
    with suppress(ChannelClosedError, KeyboardInterrupt):
        main()
