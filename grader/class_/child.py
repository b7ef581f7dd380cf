"""A process that carries out calls for `processes.py`, one after another, and is interrupted when nobody wants them.

It reads calls from standard input.  When that ends, the call that is being carried out is interrupted, as by Ctrl-C, so
that it tidies up after itself, and the process exits.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from contextlib import suppress
from typing import Final

from grader.class_.processes import BrokenCallError
from grader.errors import GraderError
from grader.link.channel import ChannelClosedError, pack, read_frame

_STDIN: Final = 0


def main() -> None:
    """Carry out calls; whether each succeeded and what it gave goes to the descriptor that the argument names."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may ignore Ctrl-C
    calls: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(calls,), daemon=True).start()
    with suppress(BrokenPipeError), os.fdopen(int(sys.argv[1]), "wb") as words:
        while (call := calls.get()) is not None:
            words.write(pack(pickle.dumps(_answer(call))))
            words.flush()


def _answer(call: bytes) -> tuple[bool, object]:
    try:
        fn, args, kwargs = pickle.loads(call)  # noqa: S301 — from whoever started us
        return (True, fn(*args, **kwargs))
    except GraderError as error:
        return (False, error)
    except KeyboardInterrupt:
        return (False, BrokenCallError("the run was interrupted"))
    except Exception as error:  # noqa: BLE001 — whatever it is costs this call only
        return (False, BrokenCallError(f"internal error: {error!r}"))


def _listen(calls: queue.SimpleQueue[bytes | None]) -> None:
    """Hand on calls; when standard input ends, interrupt the one that is being carried out."""
    with suppress(ChannelClosedError, OSError):
        while True:
            calls.put(read_frame(_STDIN))
    calls.put(None)
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
