"""The sandbox in two containers: warden and program in one, the driver in the other, in one network namespace.

The program's container has no network, so the namespace has only loopback: no way out, nobody else's ports, and only
our own TIME_WAIT rows.  No port is ever published.  Both containers remove themselves when they exit, and both exit
when the host's connection to their standard input closes.
"""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import docker
import msgspec
from docker.errors import APIError, NotFound
from docker.types import DriverConfig, LogConfig, Mount, Ulimit
from docker.utils.socket import frames_iter

from grader.assignment import Assignment
from grader.errors import CannotJudgeError
from grader.job import Job, Word
from grader.limits import (
    CACHE_BYTES,
    CACHE_FILES,
    MAX_FILES,
    MEMORY_HEADROOM_BYTES,
    PROGRAM_CPU_SHARES,
    SCRATCH_BYTES,
    SCRATCH_FILES,
    SOCKET_BYTES,
    SandboxLimits,
)
from grader.link.channel import pack
from grader.link.settings import (
    IPC_SETTINGS,
    MACHINE_ADDRESS,
    MACHINE_NAME,
    NETWORK_SETTINGS,
    SERVER_ADDRESS,
    SERVER_NAME,
    TERMINALS,
    UNPRIVILEGED_ID,
)
from grader.sandbox import engine, guardian
from grader.sandbox.host import CACHES, FILES, cache_variables, packed, patience_s, settings_of, words_of
from grader.sandbox.images import TARGETS, Target

#: If this can't be set, the kernel has no IPv6 at all.
_IPV6_SETTINGS = {"net.ipv6.conf.all.disable_ipv6": "0"}
_WARDEN_CAPABILITIES = ["SETUID", "SETGID", "KILL", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_NICE"]
_DRIVER_CAPABILITIES = ["NET_ADMIN"]
_DRIVER_MEMORY_BYTES = 512 * 1024 * 1024
_DRIVER_PROCESSES = 32
#: What IPC_SETTINGS allows for messages that wait in queues, with some room.
_QUEUES_BYTES = 4 * 1024 * 1024
#: A file's last page, and its folder.
_PAGES_BYTES = 2 * 4096
#: The warden itself, besides the program.
_WARDEN_PROCESSES = 8
_STDERR = 2
#: Where the engine looks for programs if an image does not say.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class DockerSandbox:
    """One grading's containers.  A context manager: none of them outlives it."""

    private_network = True
    words = "docker"

    def __init__(
        self,
        client: docker.DockerClient,
        assignment: Assignment,
        archive: bytes,
        images: Mapping[Target, engine.Stored],
        complain: Callable[[str], None],
        *,
        own_image: bool = False,
    ) -> None:
        """`images`: the program's and the driver's.  `own_image`: see `Sandbox`.

        `complain` is told, in a sentence, what could not be tidied up; the verdicts are valid anyway.
        """
        self.own_image = own_image
        self._client = client
        self._complain = complain
        self._api = client.api
        self._limits = assignment.limits
        self._archive = archive
        self._packed = packed(assignment.beside)
        self.files = FILES if assignment.beside else ""
        self._run = uuid.uuid4().hex
        self.images: dict[str, str] = {target: images[target].id for target in TARGETS}
        self.environment = {**cache_variables(CACHES), "PATH": _PATH, **images["sandbox"].environment}
        self._streams: list[Any] = []
        self._said = b""

    def __enter__(self) -> Self:
        self._guardian = subprocess.Popen(
            [*guardian.COMMAND, self._run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        return self

    def open(self) -> None:
        """Start both containers and hand over the submission."""
        with engine.in_one_sentence("the sandbox can't be started"):
            warden = self._start_warden()
            self._driver = self._create("driver", self._driver_options(warden))
            self._driver_stream = self._start(self._driver)
            settings = {**settings_of(self._limits, has_files=bool(self.files)), "own_cgroup": True}
            words = (json.dumps(settings).encode(), self._packed, self._archive)
            _send(self._warden_stream, b"".join(map(pack, words)))

    def _start_warden(self) -> str:
        """With IPv6 on its loopback, which engines disable, unless the engine's kernel has none."""
        try:
            warden = self._create("sandbox", self._warden_options({**NETWORK_SETTINGS, **_IPV6_SETTINGS}))
            self._warden_stream = self._start(warden)
        except APIError as error:
            if "/proc/sys/net/ipv6" not in str(error):
                raise
            with suppress(NotFound):  # it may have removed itself
                self._api.remove_container(warden, force=True)
            warden = self._create("sandbox", self._warden_options(NETWORK_SETTINGS))
            self._warden_stream = self._start(warden)
        return warden

    def _create(self, target: Target, options: dict[str, Any]) -> str:
        container: str = self._api.create_container(
            self.images[target],  # so that the report names what ran, even if the tag moves meanwhile
            stdin_open=True,
            detach=False,  # so that the end of our connection is the end of its standard input
            user="0:0",
            labels=engine.labels_of(self._run),
            name=f"grader-{self._run[:12]}-{target}",
            **options,
        )["Id"]
        return container

    def _start(self, container: str) -> Any:  # a socket, of a kind that depends on how the engine is reached
        stream = self._api.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        self._streams.append(stream)
        self._api.start(container)
        return stream

    def _common(self, **special: Any) -> Any:
        return self._api.create_host_config(
            auto_remove=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            log_config=LogConfig(type="none"),
            **special,
        )

    def _warden_options(self, sysctls: dict[str, str]) -> dict[str, Any]:
        limits = self._limits
        # No access times: they could be set to leave the next start a message.
        size = f"size={limits.disk_bytes},nr_inodes={limits.disk_files},mode=0700,exec,noatime"
        owner = f"uid={UNPRIVILEGED_ID},gid={UNPRIVILEGED_ID}"
        # Executable, as on any machine: tools run what they unpack or build there.
        scratch = f"size={SCRATCH_BYTES},nr_inodes={SCRATCH_FILES},mode=1777,exec,noatime"
        caches = f"size={CACHE_BYTES},nr_inodes={CACHE_FILES},mode=0700,exec,noatime"
        host_config = self._common(
            network_mode="none",
            ipc_mode="private",
            sysctls={**sysctls, **IPC_SETTINGS},
            cpu_shares=PROGRAM_CPU_SHARES,
            extra_hosts={SERVER_NAME: SERVER_ADDRESS, MACHINE_NAME: MACHINE_ADDRESS},
            cap_add=_WARDEN_CAPABILITIES,
            mem_limit=_memory_bytes(limits) + self._files_bytes,
            memswap_limit=_memory_bytes(limits) + self._files_bytes,
            pids_limit=limits.processes + _WARDEN_PROCESSES,
            tmpfs={
                "/work": f"{size},{owner}",
                CACHES: f"{caches},{owner}",
                "/tmp": scratch,  # noqa: S108 — in the container
                "/dev/shm": scratch,  # noqa: S108 — likewise
                # The warden's own, so that no program can change it.
                **({FILES: f"size={self._files_bytes},mode=0755,noatime"} if self.files else {}),
            },
            ulimits=[
                Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
                Ulimit(name="core", soft=0, hard=0),
            ],
            mounts=[
                self._mounted("/run/grader", "tmpfs", "size=64k,mode=0700"),
                self._mounted("/dev/pts", "devpts", f"max={TERMINALS},ptmxmode=0666,mode=0620"),
            ],
        )
        host_config["KernelMemoryTCP"] = SOCKET_BYTES  # not known to docker-py; of no effect with cgroup v2
        return {"host_config": host_config, "hostname": MACHINE_NAME}

    @property
    def _files_bytes(self) -> int:
        """What the assignment's files take: a tmpfs has whole pages, as their archive has whole blocks, and folders."""
        return 2 * len(self._packed) + _PAGES_BYTES * MAX_FILES if self.files else 0

    def _mounted(self, path: str, kind: str, options: str) -> Mount:
        """A file system of this run's own, as the engine makes it: as a volume, since it takes options."""
        driver = DriverConfig("local", {"type": kind, "device": kind, "o": options})
        return Mount(path, source=None, type="volume", labels=engine.labels_of(self._run), driver_config=driver)

    def _driver_options(self, warden: str) -> dict[str, Any]:
        host_config = self._common(
            network_mode=f"container:{warden}",
            cap_add=_DRIVER_CAPABILITIES,
            mem_limit=_DRIVER_MEMORY_BYTES,
            memswap_limit=_DRIVER_MEMORY_BYTES,
            pids_limit=_DRIVER_PROCESSES,
            tmpfs={"/tmp": "size=64m,mode=0700"},  # noqa: S108 — in the container
            volumes_from=[warden],
        )
        return {"host_config": host_config}

    def play(self, job: Job) -> Iterator[Word]:
        """Hand over the job; what the driver says."""
        watchdog = threading.Timer(patience_s(self._limits), self._tidy_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            with engine.in_one_sentence("the container engine failed during the run"):
                _send(self._driver_stream, pack(msgspec.json.encode(job)))
                yield from words_of(self._lines(), self._broken)
        finally:
            watchdog.cancel()

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        for stream, chunk in frames_iter(self._driver_stream, tty=False):  # type: ignore[no-untyped-call]
            if stream == _STDERR:
                self._said += chunk
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def _broken(self) -> CannotJudgeError:
        with engine.in_one_sentence("the container engine failed during the run"):
            self._client.ping()
        said = self._said.decode("utf-8", "replace").strip()
        last = f": {said.splitlines()[-1]}" if said else " (was it stopped by hand?)"
        return CannotJudgeError(f"the driver's container exited unexpectedly{last}")

    def _tidy_up(self) -> None:
        engine.remove_left_behind(self._client, self._run)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._streams:
            _close(stream)
        try:
            self._tidy_up()
            _tell(self._guardian, b"tidied up\n")
        except CannotJudgeError as untidy:
            _tell(self._guardian, b"")  # it keeps trying after us
            self._complain(f"{untidy}; to remove it: grader clean")


def _memory_bytes(limits: SandboxLimits) -> int:
    """The container's memory: the program's, and whatever else is counted with it.

    That is the content of each tmpfs, System V shared memory and queues, and the warden's copy of the work folder.  The
    warden kills a program that uses too much; the container's own limit is for the time until it looks.
    """
    files = 2 * limits.disk_bytes + 3 * SCRATCH_BYTES + CACHE_BYTES
    return limits.memory_bytes + files + _QUEUES_BYTES + MEMORY_HEADROOM_BYTES


def _tell(guardian: subprocess.Popen[bytes], words: bytes) -> None:
    assert guardian.stdin is not None  # noqa: S101 — asked for a pipe
    guardian.stdin.write(words)
    guardian.stdin.close()
    if words:
        guardian.wait()


def _close(stream: Any) -> None:
    # First the response that it belongs to: later there is nothing left to flush, and Python 3.13 complains about that.
    response = getattr(stream, "_response", None)
    if response is not None:
        response.close()
    # A reader closes itself and not the socket below it.
    raw = getattr(stream, "_sock", None)
    stream.close()
    if raw is not None:
        raw.close()


def _send(stream: Any, data: bytes) -> None:
    # docker-py hands out the raw socket, or a reader around it, depending on how the engine is reached.
    getattr(stream, "_sock", stream).sendall(data)
