"""The container engine: reaching it, its images, and what our runs created in it.

With `docker.py` the only file that imports the docker package; whatever the engine says against us becomes one
sentence.
"""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from grader.errors import CannotJudgeError

#: Every container and volume that we create carries it, with the run's id.
RUN_LABEL: Final = "grader.run"
#: ... and which process of which machine it belongs to.
OWNER_LABEL: Final = "grader.owner"
TARGETS: Final = ("sandbox", "driver")
#: An engine that is there answers in milliseconds; one that builds or starts under load takes seconds.
_ANSWER_S: Final = 60

#: The project's files that run in one of the images; a change of any other needs no new image.
_IN_IMAGES: Final = (
    "__init__.py",
    "assignment/*.py",
    "errors.py",
    "job.py",
    "limits.py",
    "model.py",
    "catalogue/*.py",
    "checks/*.py",
    "driver/*.py",
    "harness/*.py",
    "link/*.py",
    "protocol/*.py",
    "wire/*.py",
    "sandbox/__init__.py",
    "sandbox/executables.py",
    "sandbox/leftovers.py",
    "sandbox/memory.py",
    "sandbox/proc.py",
    "sandbox/seccomp.py",
    "sandbox/users.py",
    "sandbox/warden.py",
    "sandbox/workfolder.py",
)

_HERE = Path(__file__).resolve().parent.parent


@contextmanager
def in_one_sentence(doing: str) -> Iterator[None]:
    """What the engine or the way to it raises, as CannotJudgeError."""
    try:
        yield
    except (DockerException, requests.RequestException, OSError) as error:
        raise CannotJudgeError(f"{doing}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, APIError) and error.explanation:
        return f"the engine says: {error.explanation}".strip()
    words = str(error)
    if "FileNotFoundError" in words or "Connection refused" in words or "ConnectionRefused" in words:
        return "no container engine answers (is Docker running?)"
    if "Permission" in words:
        return "you are not allowed to talk to the container engine (are you in the group docker?)"
    return f"the container engine did not answer ({type(error).__name__})"


def connect() -> docker.DockerClient:
    """A client of the engine that the environment names (DOCKER_HOST), or the usual one.

    Raises:
        CannotJudgeError: none answers.
    """
    with in_one_sentence("no container can be started"):
        client = docker.from_env(timeout=_ANSWER_S)
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
        return client


def data_root() -> Path:
    """Where Dockerfile and requirements lie: a checkout's top, or the installed package's data."""
    checkout = _HERE.parent
    return checkout if (checkout / "Dockerfile").is_file() else _HERE / "_data"


def _context_files() -> dict[str, bytes]:
    root = data_root()
    files = {name: (root / name).read_bytes() for name in ("Dockerfile", "requirements-driver.txt")}
    sources = sorted({path for pattern in _IN_IMAGES for path in _HERE.glob(pattern)})
    return files | {f"grader/{path.relative_to(_HERE)}": path.read_bytes() for path in sources}


def fingerprint() -> str:
    """What the images were made from, in twelve hex digits: an image of other sources is never used."""
    digest = hashlib.sha256()
    for name, content in _context_files().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def tag(target: str) -> str:
    """An image's name."""
    return f"socket-grader-{target}:{fingerprint()}"


def missing_images(client: docker.DockerClient) -> list[str]:
    """Names of the images that are not there."""
    return [name for name in map(tag, TARGETS) if not _has_image(client, name)]


def _has_image(client: docker.DockerClient, name: str) -> bool:
    with in_one_sentence("the images can't be looked for"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return False
        return True


def image_ids(client: docker.DockerClient) -> dict[str, str]:
    """The id of each image, by target: the digest of its configuration, which names its every layer.

    Raises:
        CannotJudgeError: one is not there.
    """
    with in_one_sentence("the images can't be looked for"):
        return {target: str(client.images.get(tag(target)).id) for target in TARGETS}


def build_images(client: docker.DockerClient, base: str, network: str, listen: Callable[[str], None]) -> None:
    """Build both images; `listen` hears the engine's lines.

    Raises:
        CannotJudgeError: it does not work out; the sentence holds the engine's last words.
    """
    context = _context()
    for target in TARGETS:
        with in_one_sentence(f"the image {tag(target)} can't be built"):
            words = client.api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                target=target,
                tag=tag(target),
                rm=True,
                forcerm=True,
                buildargs={"BASE": base},
                network_mode=network,
                decode=True,
            )
            _hear(words, target, listen)


def _hear(words: Iterator[dict[str, str]], target: str, listen: Callable[[str], None]) -> None:
    said = ""
    for word in words:
        if "error" in word:
            last = said.strip().splitlines()[-1:] or [""]
            raise CannotJudgeError(f"the image {tag(target)} can't be built: {word['error']} {last[0]}".strip())
        said = word.get("stream", "") or said
        listen(word.get("stream", ""))


def _context() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in _context_files().items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def remove_left_behind(client: docker.DockerClient, run: str | None = None) -> list[str]:
    """Remove containers and volumes of one run, or of all runs; their names.  Returns when they are gone.

    Raises:
        CannotJudgeError: the engine does not let us.
    """
    api = client.api
    wanted = {"label": RUN_LABEL if run is None else f"{RUN_LABEL}={run}"}
    with in_one_sentence("what a run has left behind can't be removed"):
        containers = api.containers(all=True, filters=wanted)
        for container in containers:
            _remove_container(api, container["Id"])
        volumes = api.volumes(filters=wanted)["Volumes"] or []
        for volume in volumes:
            with suppress(NotFound):
                api.remove_volume(volume["Name"], force=True)
    return [*(container["Names"][0].lstrip("/") for container in containers), *(volume["Name"] for volume in volumes)]


def owner() -> str:
    """Who creates: this process, named so that it can be known whether it still runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; nothing when it is gone or this is no Linux."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def remove_orphans(client: docker.DockerClient) -> list[str]:
    """Remove what belongs to runs whose host process is gone; the names.  Other machines' runs are left alone."""
    with in_one_sentence("what was left behind can't be looked for"):
        containers = client.api.containers(all=True, filters={"label": RUN_LABEL})
        volumes = client.api.volumes(filters={"label": RUN_LABEL})["Volumes"] or []
    runs = {thing["Labels"][RUN_LABEL] for thing in (*containers, *volumes) if _is_orphan(thing["Labels"])}
    return [name for run in sorted(runs) for name in remove_left_behind(client, run)]


def _is_orphan(labels: dict[str, str]) -> bool:
    host, _, process = labels.get(OWNER_LABEL, "").rpartition(":")[0].rpartition(":")
    if host != socket.gethostname():
        return False
    return _started(int(process)) != labels[OWNER_LABEL].rpartition(":")[2]


def labels_of(run: str) -> dict[str, str]:
    """The labels of everything that a run creates."""
    return {RUN_LABEL: run, OWNER_LABEL: owner()}


def _remove_container(api: docker.APIClient, container: str) -> None:
    """Remove it with its anonymous volumes, or wait until the engine has done so by itself."""
    try:
        api.remove_container(container, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != requests.codes.conflict:  # "removal of container … is already in progress"
            raise
        with suppress(NotFound):
            api.wait(container, timeout=_ANSWER_S, condition="removed")
