"""The container engine: reaching it, its images as values, and what our runs created in it.

This and `docker.py` are the only files that import the docker package; every error of the engine becomes one
sentence.
"""

from __future__ import annotations

import io
import os
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from grader.errors import CannotJudgeError
from grader.limits import IMAGE_SILENT_S

#: The label, with the run's id, of every container and volume that we create.
RUN_LABEL: Final = "grader.run"
#: ... and the one that says which process on which machine it belongs to.
OWNER_LABEL: Final = "grader.owner"
#: A running engine answers in milliseconds; one that builds, or starts under load, takes seconds.
_ANSWER_S: Final = 60
#: Go's zero time.
_NEVER: Final = "0001-"


Client = docker.DockerClient


@contextmanager
def in_one_sentence(doing: str) -> Iterator[None]:
    """Errors from the engine, or from reaching it, as CannotJudgeError."""
    try:
        yield
    except (DockerException, requests.RequestException, OSError) as error:
        raise CannotJudgeError(f"{doing}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, APIError) and error.explanation:
        return f"the container engine reports: {error.explanation}".strip()
    words = str(error)
    if "FileNotFoundError" in words or "Connection refused" in words or "ConnectionRefused" in words:
        return "no container engine answers (is Docker running?)"
    if "Permission" in words:
        return "you are not allowed to use the container engine (are you in the group docker?)"
    return f"the container engine did not answer ({type(error).__name__})"


def connect() -> docker.DockerClient:
    """A client for the engine that the environment names (DOCKER_HOST), or else the usual one.

    Raises:
        CannotJudgeError: no engine answers.
    """
    with in_one_sentence("can't start a container"):
        client = docker.from_env(timeout=_ANSWER_S)
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
        return client


#: A builder's own lines while it builds, and its marks around a command's errors.
_NEXT_STEP: Final = re.compile(r"Step \d+/")
_BUILDERS_OWN: Final = re.compile(r" -+> |Removing intermediate container |Successfully ")
#: Tools say what went wrong in a few lines, of which the last is often the least helpful.
_LAST_LINES: Final = 4
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Stored:
    """An image that the engine has.  `names`: its tags; `tagged`: when it got its tag; `environment`: its variables."""

    id: str
    names: tuple[str, ...]
    size_bytes: int
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    tagged: datetime


def image(client: docker.DockerClient, name: str) -> Stored | None:
    """The image with that name; None if the engine has none."""
    with in_one_sentence("can't look for images"):
        try:
            return _stored(client.images.get(name).attrs)
        except ImageNotFound:
            return None


def images(client: docker.DockerClient, repository: str) -> list[Stored]:
    """All images that have a tag of that repository."""
    with in_one_sentence("can't look for images"):
        return [_stored(image.attrs) for image in client.images.list(name=repository)]


def _stored(facts: Mapping[str, Any]) -> Stored:
    config = facts.get("Config") or {}
    variables = (variable.partition("=") for variable in config.get("Env") or ())
    when = (facts.get("Metadata") or {}).get("LastTagTime") or ""
    return Stored(
        id=facts["Id"],
        names=tuple(facts.get("RepoTags") or ()),
        size_bytes=facts["Size"],
        labels=config.get("Labels") or {},
        environment={name: value for name, _, value in variables},
        tagged=_time(facts["Created"] if when.startswith(_NEVER) or not when else when),
    )


def _time(words: str) -> datetime:
    """A time as the engine writes it: RFC 3339, to the nanosecond."""
    seconds = re.match(r"[-\d]+T[:\d]+", words)
    return datetime.fromisoformat(f"{seconds[0]}+00:00") if seconds else datetime.fromtimestamp(0, UTC)


def pull(client: docker.DockerClient, name: str) -> None:
    """Have the engine fetch an image (CannotJudgeError: it can't)."""
    with in_one_sentence(f"can't fetch the image {name}"):
        client.images.pull(name, None if "@" in name or ":" in name.rpartition("/")[2] else "latest")


def name_image(client: docker.DockerClient, image: Stored, repository: str, tag: str) -> None:
    """Give an image another name."""
    with in_one_sentence(f"can't name the image {repository}:{tag}"):
        client.api.tag(image.id, repository, tag, force=True)


def remove_name(client: docker.DockerClient, name: str) -> bool:
    """Remove a name of an image, and the image with its last name; False if a container still needs it."""
    try:
        client.api.remove_image(name)
    except ImageNotFound:
        return True
    except APIError as error:
        if error.status_code == requests.codes.conflict:
            return False
        raise CannotJudgeError(f"can't remove the image {name}: {_reason(error)}") from error
    return True


def build_image(
    client: docker.DockerClient,
    context: bytes,
    *,
    name: str,
    purpose: str,
    target: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    network: str,
    listen: Callable[[str], None],
) -> None:
    """Build a target of the Dockerfile in a tar; `listen` gets the engine's lines.  `purpose`: for people.

    Raises:
        CannotJudgeError: it failed; the sentence contains the last output of what failed.
    """
    with in_one_sentence(f"can't build the image for {purpose}"):
        words = client.api.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            target=target,
            tag=name,
            rm=True,
            forcerm=True,
            buildargs=dict(arguments),
            labels=dict(labels),
            network_mode=network,
            decode=True,
            timeout=int(IMAGE_SILENT_S),
        )
        _hear(words, purpose, listen)


def _hear(words: Iterator[dict[str, str]], purpose: str, listen: Callable[[str], None]) -> None:
    said: deque[str] = deque(maxlen=_LAST_LINES)
    for word in words:
        if "error" in word:
            why = "; ".join(said) or word["error"].strip()
            raise CannotJudgeError(f"can't build the image for {purpose}: {why}")
        for line in _COLOUR.sub("", word.get("stream", "")).splitlines():
            if _NEXT_STEP.match(line):
                said.clear()
            elif line.strip() and not _BUILDERS_OWN.match(line):
                said.append(line.strip())
        listen(word.get("stream", ""))


def remove_left_behind(client: docker.DockerClient, run: str | None = None) -> list[str]:
    """Remove containers and volumes of one run, or of all runs; their names.  Returns when they are gone.

    Raises:
        CannotJudgeError: the engine does not let us.
    """
    api = client.api
    wanted = {"label": RUN_LABEL if run is None else f"{RUN_LABEL}={run}"}
    with in_one_sentence("can't remove what a run left behind"):
        containers = api.containers(all=True, filters=wanted)
        for container in containers:
            _remove_container(api, container["Id"])
        volumes = api.volumes(filters=wanted)["Volumes"] or []
        for volume in volumes:
            with suppress(NotFound):
                api.remove_volume(volume["Name"], force=True)
    return [*(container["Names"][0].lstrip("/") for container in containers), *(volume["Name"] for volume in volumes)]


def owner() -> str:
    """The creator: this process, identified so that others can tell whether it still runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; empty if it is gone or this is not Linux."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def remove_orphans(client: docker.DockerClient) -> list[str]:
    """Remove what belongs to runs whose host process is gone; the names.  Other machines' runs are left alone."""
    with in_one_sentence("can't look for what was left behind"):
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
    """Remove it with its anonymous volumes, or wait until the engine has done so."""
    try:
        api.remove_container(container, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != requests.codes.conflict:  # "removal of container … is already in progress"
            raise
        with suppress(NotFound):
            api.wait(container, timeout=_ANSWER_S, condition="removed")
