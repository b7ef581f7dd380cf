"""Images of the docker sandbox: which a grading needs, whether they are there, and building them.

There is one for the driver, and one for each set of things that programs need (`Contents`).  An image's name ends in a
fingerprint of everything that it is made of, so that one with other sources, packages or base is never used; what has
to be installed comes first, so that an update of the grader doesn't install it again.  The functions are pure; the
class `Images` asks the engine and builds what is missing.

The base that an instructor chose is remembered by a name that it gets in the engine, so it survives updates.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from grader import families
from grader.assignment import Libraries
from grader.errors import CannotJudgeError, OfflineError
from grader.families import BASE, FAMILIES
from grader.limits import IMAGES_KEPT_S
from grader.sandbox import engine
from grader.sandbox.build_lock import one_at_a_time

Target = Literal["sandbox", "driver", "grader"]
#: The two of a grading; `grader` is standalone.py's.
TARGETS: Final[tuple[Target, ...]] = ("sandbox", "driver")
#: What images are made from by default, and the network that their packages come over.
DEFAULT_BASE: Final = "debian:bookworm-slim"
DEFAULT_NETWORK: Final = "host"

#: The name that marks a base of the instructor's own.
_CHOSEN: Final = ("socket-grader-base", "chosen")
#: An image's purpose, for people, and the fingerprint of its sources.
_FOR_LABEL: Final = "grader.for"
_SOURCES_LABEL: Final = "grader.sources"

#: The project's files that run in each image; changes to other files need no new image.
_SOURCES: Final[Mapping[Target, tuple[str, ...]]] = {
    "sandbox": (
        "link/*.py",
        "sandbox/__init__.py",
        "sandbox/calls.py",
        "sandbox/children.py",
        "sandbox/clocks.py",
        "sandbox/counts.py",
        "sandbox/crowd.py",
        "sandbox/deeds.py",
        "sandbox/executables.py",
        "sandbox/eyes.py",
        "sandbox/handed.py",
        "sandbox/inspector.py",
        "sandbox/launching.py",
        "sandbox/leftovers.py",
        "sandbox/locating.py",
        "sandbox/memory.py",
        "sandbox/places.py",
        "sandbox/proc.py",
        "sandbox/procfs.py",
        "sandbox/ptrace.py",
        "sandbox/restart.py",
        "sandbox/seccomp.py",
        "sandbox/sources.py",
        "sandbox/stacks.py",
        "sandbox/taken.py",
        "sandbox/tools.py",
        "sandbox/tracer.py",
        "sandbox/users.py",
        "sandbox/warden.py",
        "sandbox/workfolder.py",
    ),
    "driver": (
        "__init__.py",
        "api.py",
        "assignment/*.py",
        "errors.py",
        "job.py",
        "limits.py",
        "model.py",
        "roles.py",
        "catalogue/*.py",
        "checks/*.py",
        "driver/*.py",
        "harness/*.py",
        "link/*.py",
        "protocol/*.py",
        "wire/*.py",
        "sandbox/__init__.py",
        "sandbox/users.py",
    ),
}
#: Their folder in the build's context.
_LAID_IN: Final[Mapping[Target, str]] = {"sandbox": "warden", "driver": "driver"}
_HERE: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Contents:
    """What the program's image must contain: families of languages and an assignment's libraries; or it is `own`.

    `own`: an image of the instructor's, as it is named to the engine.  `assignment`: whose libraries they are.
    """

    families: frozenset[str] = frozenset({BASE})
    libraries: Libraries = field(default_factory=Libraries)
    own: str = ""
    assignment: str = field(default="", compare=False)

    @property
    def words(self) -> str:
        """Its purpose, as the end of a sentence."""
        if self.own:
            return f"programs in {self.own}"
        named = families.titles(self.families)
        return f"{named}, with the libraries of {self.assignment}" if self.libraries else named

    @property
    def command(self) -> str:
        """The command that builds it."""
        words = ["grader", "image", "build"]
        words += ["--image", self.own] if self.own else []
        words += ["--assignment", self.assignment] if self.libraries and not self.own else []
        if not self.own:
            words += [word for name in sorted(self.families - {BASE}) for word in ("--family", name)]
        return " ".join(words)


@dataclass(frozen=True)
class Image:
    """An image to build: its target in the Dockerfile, its name, its arguments.

    `sources`: the fingerprint of our own files in it.
    """

    target: Target
    name: str
    arguments: Mapping[str, str]
    sources: str


@dataclass(frozen=True)
class Origin:
    """An image that others are made from: its name in the engine, and what distinguishes it from an older one."""

    name: str
    identity: str


def packages(contents: Contents) -> tuple[str, ...]:
    """The Debian packages to install for it besides those of every sandbox, each once.

    Raises:
        CannotJudgeError: there are none for one of its families.
    """
    wanted = families.closed(contents.families) - {BASE}
    for name in wanted:
        if not FAMILIES[name].packages:
            raise CannotJudgeError(f"can't build an image for {FAMILIES[name].title}: {FAMILIES[name].note}")
    found = (package for name in FAMILIES if name in wanted for package in FAMILIES[name].packages)
    return tuple(dict.fromkeys((*found, *contents.libraries.packages)))


def sandbox_image(contents: Contents, base: Origin, own: Origin | None, files: Mapping[str, bytes]) -> Image:
    """The program's image.  `files`: the build's context."""
    if own is not None:
        arguments, short = {"BASE": base.name, "SANDBOX": own.name}, "own"
    else:
        arguments = toolchains(contents, base)
        short = "-".join(sorted(contents.families - {BASE})) or BASE
    return _image("sandbox", short, arguments, base.identity if own is None else own.identity, files)


def toolchains(contents: Contents, base: Origin) -> dict[str, str]:
    """The arguments of the Dockerfile's target `toolchains`, which has what programs need."""
    return {
        "BASE": base.name,
        "BASE_PACKAGES": " ".join(FAMILIES[BASE].packages),
        "PACKAGES": " ".join(packages(contents)),
        "PIP": " ".join(contents.libraries.pip),
        "NPM": " ".join(contents.libraries.npm),
    }


def driver_image(base: Origin, files: Mapping[str, bytes]) -> Image:
    """The driver's."""
    return _image("driver", "", {"BASE": base.name}, base.identity, files)


def _image(target: Target, short: str, arguments: Mapping[str, str], origin: str, files: Mapping[str, bytes]) -> Image:
    sources = fingerprint({name: content for name, content in files.items() if _runs_in(target, name)})
    made_of = json.dumps([sources, origin, arguments], sort_keys=True).encode()
    tag = "-".join((*([short] if short else []), fingerprint({"": made_of})))
    return Image(target, f"{_repository(target)}:{tag}", arguments, sources)


def _runs_in(target: Target, name: str) -> bool:
    if name == "requirements-driver.txt":
        return target == "driver"
    return name == "Dockerfile" or name.startswith(f"{_LAID_IN[target]}/")


def _repository(target: Target) -> str:
    return f"socket-grader-{target}"


def fingerprint(files: Mapping[str, bytes]) -> str:
    """A fingerprint of names and contents, in twelve hex digits."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def context_files() -> dict[str, bytes]:
    """The build's context, by path: the Dockerfile, the list of packages, and our files for each image."""
    root = data_folder()
    files = {name: (root / name).read_bytes() for name in ("Dockerfile", "requirements-driver.txt")}
    for target in TARGETS:
        for path in sorted(path for pattern in _SOURCES[target] for path in _HERE.glob(pattern)):
            files[f"{_LAID_IN[target]}/grader/{path.relative_to(_HERE)}"] = path.read_bytes()
    return files


def data_folder() -> Path:
    """Where the Dockerfile and what is beside it lie: in the project's own folder, or in an installed package."""
    checkout = _HERE.parent
    return checkout if (checkout / "Dockerfile").is_file() else _HERE / "_data"


def _packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Images:
    """The images of one engine, as one command uses them.

    `offline`: nothing is built or fetched.  `listen` gets a sentence before each slow step, `hear` the engine's lines.
    """

    def __init__(
        self,
        client: engine.Client,
        listen: Callable[[str], None],
        *,
        offline: bool = False,
        network: str = DEFAULT_NETWORK,
        hear: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._listen = listen
        self._offline = offline
        self._network = network
        self._hear = hear
        self._files = context_files()
        self._supplied: dict[Contents, dict[Target, engine.Stored]] = {}

    def supply(self, contents: Contents) -> dict[Target, engine.Stored]:
        """The images for a grading, built if they don't exist.

        Raises:
            CannotJudgeError: one is missing and can't be built, or must not be.
        """
        if contents not in self._supplied:
            own = self._own(contents.own) if contents.own else None
            planned = self.planned(contents, own)
            if any(engine.image(self._client, image.name) is None for image in planned):
                self._build(contents, planned)
            self._supplied[contents] = {image.target: self._there(image) for image in planned}
        return self._supplied[contents]

    def planned(self, contents: Contents, own: Origin | None = None) -> tuple[Image, Image]:
        """What a grading needs, whether it exists or not: the program's image and the driver's."""
        base = self.base()
        return sandbox_image(contents, base, own, self._files), driver_image(base, self._files)

    def base(self) -> Origin:
        """What all images are made from, except the user's own."""
        name = ":".join(_CHOSEN)
        chosen = engine.image(self._client, name)
        return Origin(name, chosen.id) if chosen else Origin(DEFAULT_BASE, DEFAULT_BASE)

    def choose_base(self, name: str) -> None:
        """Make images from another base from now on, in this version of the grader and later ones."""
        if name == DEFAULT_BASE:
            engine.remove_name(self._client, ":".join(_CHOSEN))
        else:
            engine.name_image(self._client, self._fetched(name), *_CHOSEN)
        self._supplied.clear()

    def built(self) -> list[engine.Stored]:
        """The existing images of this version of the grader, whatever their purpose."""
        current = {_repository(image.target): image.sources for image in self.planned(Contents())}
        return [
            image
            for repository, sources in current.items()
            for image in engine.images(self._client, repository)
            if image.labels.get(_SOURCES_LABEL) == sources
        ]

    def remove_old(self) -> list[str]:
        """Remove images of other versions that were not built recently and are not in use; their names."""
        kept = {image.id for image in self.built()}
        now = datetime.now(UTC)
        old = [
            (image, name)
            for target in TARGETS
            for image in engine.images(self._client, _repository(target))
            if image.id not in kept and (now - image.tagged).total_seconds() > IMAGES_KEPT_S
            for name in image.names
        ]
        return [name for _, name in old if engine.remove_name(self._client, name)]

    def build(self, image: Image, purpose: str, how_long: str, files: Mapping[str, bytes]) -> engine.Stored:
        """Build an image, whether it is there or not (CannotJudgeError: it fails)."""
        self._listen(f"building the image for {purpose}: this takes {how_long} …")
        engine.build_image(
            self._client,
            _packed(files),
            name=image.name,
            purpose=purpose,
            target=image.target,
            arguments=image.arguments,
            labels={_SOURCES_LABEL: image.sources, _FOR_LABEL: purpose},
            network=self._network,
            listen=self._hear,
        )
        return self._there(image)

    def _there(self, image: Image) -> engine.Stored:
        found = engine.image(self._client, image.name)
        if found is None:
            raise CannotJudgeError(f"the image {image.name} was removed meanwhile")
        return found

    def _own(self, name: str) -> Origin:
        return Origin(name, self._fetched(name).id)

    def _fetched(self, name: str) -> engine.Stored:
        found = engine.image(self._client, name)
        if found is None:
            if self._offline:
                raise OfflineError(f"the image {name} is missing, and --offline forbids fetching it")
            self._listen(f"fetching the image {name} …")
            engine.pull(self._client, name)
            found = engine.image(self._client, name)
        if found is None:
            raise CannotJudgeError(f"can't fetch the image {name}")
        return found

    def _build(self, contents: Contents, planned: Iterable[Image]) -> None:
        if self._offline:
            what = f"the image for {contents.words} is missing, and --offline forbids building it"
            raise OfflineError(f"{what}: {contents.command}")
        for image in planned:
            with one_at_a_time(image.name, self._listen):
                if engine.image(self._client, image.name) is None:
                    purpose = contents.words if image.target == "sandbox" else "the checks"
                    self.build(image, purpose, _HOW_LONG[bool(contents.own)], self._files)


#: How long building takes, for the user's own image and for others.
_HOW_LONG: Final = {True: "a few seconds, but only once", False: "about a minute, but only once"}


def use(image: engine.Stored) -> str:
    """The purpose of one of our images, in words."""
    return image.labels.get(_FOR_LABEL, "")
