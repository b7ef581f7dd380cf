"""What the host tells the warden before anything runs.  Standard library only, and nothing that needs Linux."""

from __future__ import annotations

from typing import Final, TypedDict

#: Where the warden listens for the driver in its container: a folder that only root can enter.
SOCKET_PATH: Final = "/run/grader/warden.sock"
#: `nobody`: whom a program runs as, in a container and where the local user is root.
UNPRIVILEGED_ID: Final = 65534
#: What a sandbox with a network of its own sets there: the smallest send buffer for each TCP socket, so that a
#: program whose client reads slowly blocks after kilobytes (measured 4.6) and not after 3.9 MB, and no short write is
#: left to luck.  A mebibyte through such a buffer takes 8 ms, as with the usual ones.
NETWORK_SETTINGS: Final = {"net.ipv4.tcp_wmem": "4096 4096 4096"}
#: Places in the table of connections of a network namespace that is made for one grading.  The machine's own has a
#: quarter of a million and more for all namespaces together, and whoever lists connections goes through all of them:
#: 0.4 ms each time, 0.07 with this many, which are enough for 8192 connections in TIME_WAIT.
CONNECTION_BUCKETS: Final = 16_384
#: What a sandbox with an IPC namespace of its own sets there, since all this outlives processes and counts as nobody's
#: memory: System V shared memory (16 MiB in pages of 4 KiB, in 64 pieces), message queues (half a MiB), semaphores (64
#: sets), and POSIX queues (2.5 MiB).  Textbook programs use a few kilobytes of one of them.
IPC_SETTINGS: Final = {
    "kernel.shmmax": "16777216",
    "kernel.shmall": "4096",
    "kernel.shmmni": "64",
    "kernel.msgmax": "8192",
    "kernel.msgmnb": "16384",
    "kernel.msgmni": "32",
    "kernel.sem": "250 2000 100 64",
    "fs.mqueue.msg_max": "10",
    "fs.mqueue.msgsize_max": "8192",
    "fs.mqueue.queues_max": "32",
}
#: Pseudo-terminals of one sandbox, the grader's own among them: the machine has 4096 for all, and a program that wants
#: one for a shell needs it once.
TERMINALS: Final = 32
#: A name that such a sandbox has in its /etc/hosts, and the address it stands for.  localhost proves no look-up: it
#: stands for 127.0.0.1, where a client that never looked (inet_pton, unchecked, leaves 0.0.0.0) arrives as well.
SERVER_NAME: Final = "server.test"
SERVER_ADDRESS: Final = "127.0.0.3"
#: The sandbox's own name, and its address where such names have one without a network, as in Debian's /etc/hosts: many
#: a server binds gethostbyname(gethostname()).
MACHINE_NAME: Final = "sandbox"
MACHINE_ADDRESS: Final = "127.0.1.1"


class Settings(TypedDict):
    """What the host says once, before anything runs.

    `uid`, `gid`: whom the program runs as (0 in a user namespace that maps nobody else). `work`: the folder it lives
    in, empty and writable for that user. `places`: the folders that it can write in, which are put back as they were
    after building whenever a program is started. `caches`: one in them, emptied after building. `files`: where the
    assignment's own files are laid, which the program can read but not change; empty: it has none. `private_pids`:
    whether this process is PID 1 of a namespace. `own_cgroup`: whether the kernel counts this sandbox's memory and
    processes apart; then its own limit holds for `processes` (RLIMIT_NPROC would count the user's processes in all
    containers of the machine). `patience_s`: how long the kernel may take to stop or to end the program. Sizes in
    bytes.
    """

    uid: int
    gid: int
    work: str
    places: list[str]
    caches: str
    files: str
    private_pids: bool
    own_cgroup: bool
    memory_bytes: int
    processes: int
    open_files: int
    disk_bytes: int
    disk_files: int
    patience_s: float
