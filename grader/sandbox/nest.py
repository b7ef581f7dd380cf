"""The local sandbox's first process: makes the namespaces, then starts the driver and the warden in them.

What two containers do in `docker.py`, two child processes do here.  User and network namespaces hold both; a process
and a mount namespace hold only the warden and the program, with everything read-only but a sized tmpfs.  If the
kernel refuses any of it (tried in a throw-away child first), all of it is left out.  Then only the program's user
separates it from the others (`users.py`): its own user if this process is root, else not even that.  The first line of
standard output says which it is.

Who waits for whom.  Most of a short grading is spent loading the driver's libraries, so the driver starts before
anything else, and before it is known what is to be graded.  Meanwhile the host takes the submission and this process
makes the namespaces; the driver enters them once it has loaded what it needs, and the warden, which lives in them from
its first moment, reads from the host what it is to unpack.  Both are forks of this process instead of interpreters of
their own: it holds nothing but libraries (the standard one, or as a fork of `fork_server.py` the driver's as well) and
is never told anything, so neither finds in its memory what is the other's.

Arguments: the descriptors of the driver's standard input and output, and the module whose `main` is the driver; or
`--probe`, to say by the exit status whether the namespaces are allowed.
Standard input: the warden's settings, the assignment's files and the submission, a frame each, then nothing; its end is
the end of the host, and may come at any moment.
Standard library only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from grader.link import hidden
from grader.link.channel import Channel, ChannelClosedError, read_frame
from grader.link.settings import UNPRIVILEGED_ID, Settings
from grader.sandbox import leftovers, namespaces, users

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
#: Enough to try mounting.
_PROBE_DISK_BYTES = 1 << 20
#: A tmpfs of the driver's own is mounted there, and not over /tmp: the grader itself may live below that.
_DRIVER_SCRATCH = "/dev/shm"  # noqa: S108 — see above
_WORK = "/tmp/work"  # noqa: S108 — a tmpfs of the sandbox's own
_WORK_NAME = "work"
_CACHES = "/tmp/.cache"  # noqa: S108 — the same tmpfs
_CACHES_NAME = "cache"
_FILES = "/tmp/files"  # noqa: S108 — a tmpfs of its own in the sandbox's
_FILES_NAME = "files"
#: Removing 20 000 files takes half a second.
_TIDY_S = 10.0


def main() -> None:
    """Run the sandbox until the driver has exited or the host is gone."""
    if sys.argv[1:] == ["--probe"]:
        sys.exit(0 if namespaces.allowed(_PROBE_DISK_BYTES, _PROBE_DISK_BYTES) else 1)
    driver = _start_driver()
    private = namespaces.allowed(_PROBE_DISK_BYTES, _PROBE_DISK_BYTES)
    own = None if private else users.of_its_own()
    if private:
        _say(private=True, own_user=False, caches=_CACHES, files=_FILES)
        namespaces.enter_user_and_network()
        _run(driver, None)
        return
    hidden.hide()
    scratch = tempfile.mkdtemp(prefix="grader-")
    try:
        folders = {"caches": os.path.join(scratch, _CACHES_NAME), "files": os.path.join(scratch, _FILES_NAME)}
        _say(private=False, own_user=own is not None, **folders)
        _run(driver, Plain(scratch, own))
    finally:
        if own is not None:
            users.kill_all_of(own, own)
            users.done_as(own, own, lambda: _tidy(own, scratch), _TIDY_S)
        leftovers.remove_tree(scratch)


def _say(**facts: object) -> None:
    """What the host must know about what was made."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Plain(NamedTuple):
    """What a run without namespaces has: its folder, and the program's own user (None: the program runs as we do)."""

    scratch: str
    own_user: int | None


def _tidy(uid: int, scratch: str) -> None:
    """As the user that only one program ran as: remove what it left behind."""
    for name in (_WORK_NAME, _CACHES_NAME):
        own = os.path.join(scratch, name)
        leftovers.remove_tree(own)
        with suppress(OSError):
            os.chmod(own, 0o755)  # noqa: S103 — it is empty: a root without DAC_OVERRIDE has to see that to remove it
    leftovers.remove(uid)
    leftovers.remove_files(leftovers.public_files(uid))


class Driver(NamedTuple):
    """The driver's process, the channel that tells it where to live, and the warden's end of their channel."""

    pid: int
    place: Channel
    to_warden: socket.socket


def _run(driver: Driver, plain: Plain | None) -> None:
    os.close(1)
    _place(driver, plain)
    if plain is None:
        namespaces.unshare_the_rest()
    # With PID 1 of a namespace the kernel kills all that is in it; else the warden ends the program when asked.
    ending = signal.SIGKILL if plain is None else signal.SIGTERM
    warden = _forked(lambda: _run_warden(driver.to_warden, plain, ending))
    driver.to_warden.close()
    _wait(driver.pid, warden, ending)


def _forked(run: Callable[[], int]) -> int:
    """Run a function in a child of its own, which exits with its result; if it fails, the child says why."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = run()
        except BaseException:  # noqa: BLE001 — a child must not run on as a second nest
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    return child


def _settled(settings: Settings, plain: Plain | None) -> Settings:
    """The settings with what only this process knows: the user, the work folder, the namespaces."""
    wants_files = bool(settings["files"])
    # The machine's own public folders belong to everybody.
    if plain is None:
        as_nobody = os.geteuid() == 0 and users.exists(UNPRIVILEGED_ID)
        uid, gid = (UNPRIVILEGED_ID, UNPRIVILEGED_ID) if as_nobody else (os.geteuid(), os.getegid())
        files = _FILES if wants_files else ""
        places = {"work": _WORK, "caches": _CACHES, "places": namespaces.covered(), "files": files}
        return {**settings, **places, "uid": uid, "gid": gid, "private_pids": True}  # type: ignore[typeddict-item]
    uid, gid = (os.geteuid(), os.getegid()) if plain.own_user is None else (plain.own_user, plain.own_user)
    work, caches = (os.path.join(plain.scratch, name) for name in (_WORK_NAME, _CACHES_NAME))
    os.chmod(plain.scratch, 0o711)  # noqa: S103 — the program has to reach its folders below, not to list this one
    for own in (work, caches):
        _make_own(own, uid, gid)
    files = os.path.join(plain.scratch, _FILES_NAME) if wants_files else ""
    # Without a user of its own a program might change them as well: they are put back like the others.
    theirs = [files] if files and plain.own_user is None else []
    places = {"work": work, "caches": caches, "places": [work, caches, *theirs], "files": files}
    return {**settings, **places, "uid": uid, "gid": gid, "private_pids": False}  # type: ignore[typeddict-item]


def _make_own(path: str, uid: int, gid: int) -> None:
    """A folder of the program's user."""
    os.mkdir(path)
    os.chown(path, uid, gid)


def _start_driver() -> Driver:
    place, place_end = socket.socketpair()
    channel, channel_end = socket.socketpair()

    def run() -> int:
        place_end.close()
        channel_end.close()  # else it would not see the warden's end
        return _run_driver(Channel(place), channel)

    pid = _forked(run)
    for its_own in (place, channel):
        its_own.close()
    for descriptor in _drivers_streams():
        os.close(descriptor)
    return Driver(pid, Channel(place_end), channel_end)


def _drivers_streams() -> tuple[int, int]:
    return int(sys.argv[1]), int(sys.argv[2])


def _run_driver(place: Channel, channel: socket.socket) -> int:
    """Be the driver."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number, descriptor in enumerate(_drivers_streams()):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Loading makes no garbage, and looking for it takes a tenth of the time.
    gc.disable()
    driver = importlib.import_module(sys.argv[3])
    gc.freeze()
    gc.enable()
    _take_place(place)
    status: int = driver.main(f"fd:{channel.fileno()}")
    return status


def _place(driver: Driver, plain: Plain | None) -> None:
    """Tell the driver where to live: in this process's namespaces, or in a folder that only its user can enter."""
    scratch = _DRIVER_SCRATCH if plain is None else os.path.join(plain.scratch, "driver")
    shared = namespaces.opened_shared() if plain is None else ()
    with suppress(ChannelClosedError):  # it has exited already, and said why
        driver.place.send({"scratch": scratch}, shared)
    for descriptor in shared:
        os.close(descriptor)
    driver.place.close()


def _take_place(place: Channel) -> None:
    """Enter that place, and be able to write nowhere else."""
    told, shared = place.receive()
    place.close()
    scratch = told["scratch"]
    if shared:
        namespaces.enter(shared)
        namespaces.cover_alone(scratch, "size=64m")
    else:
        os.mkdir(scratch, 0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch


def _run_warden(channel: socket.socket, plain: Plain | None, ending: signal.Signals) -> int:
    """Be the warden."""
    _libc.prctl(_PR_SET_PDEATHSIG, ending, 0, 0, 0)
    os.setsid()
    # Now, since the driver is on its way meanwhile, and before the files may be out of sight.
    from grader.sandbox.warden import Warden  # noqa: PLC0415

    settings = _settled(json.loads(read_frame(0)), plain)
    if settings["private_pids"]:
        namespaces.close_filesystem(settings["disk_bytes"], settings["disk_files"])
        for own in (settings["work"], settings["caches"]):
            _make_own(own, settings["uid"], settings["gid"])
    warden = Warden(settings)
    files = read_frame(0)
    if plain is None and settings["files"]:
        with namespaces.read_only_afterwards(settings["files"]):
            warden.lay_files(files)
    else:
        warden.lay_files(files)
    warden.unpack(read_frame(0))
    warden.serve(Channel(channel), lifeline=0)
    return 0


def _wait(driver: int, warden: int, ending: signal.Signals) -> None:
    """Wait until one of the two has exited or the host is gone; then end both."""
    watched = select.poll()
    watched.register(0, 0)  # what comes is the warden's to read; poll(2) tells its end (POLLHUP) in any case
    for pid in (driver, warden):
        watched.register(os.pidfd_open(pid), select.POLLIN)
    watched.poll()
    for pid in (driver, warden):
        with suppress(ProcessLookupError):
            os.kill(pid, ending)  # the driver has nothing to tidy
    for pid in (driver, warden):
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
