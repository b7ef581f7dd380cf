"""A container engine in memory, as far as images go; `test_images.py` holds it to what the real one does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from docker.errors import APIError, ImageNotFound
from requests import Response

from grader.sandbox import engine


def _conflict() -> APIError:
    response = Response()
    response.status_code = 409
    return APIError("conflict", response=response)


@dataclass
class FakeImage:
    """An image, as docker-py hands it out."""

    attrs: dict[str, Any]


@dataclass
class FakeEngine:
    """`images` and `api` of a docker client in one.

    `elsewhere`: names that can be fetched.  `words`: what it says of a build.  `built`: arguments of each
    build.  `used`: names that a container needs.
    """

    elsewhere: set[str] = field(default_factory=set)
    words: list[dict[str, str]] = field(default_factory=list)
    built: list[dict[str, Any]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _names: dict[str, str] = field(default_factory=dict)
    _facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def client(self) -> engine.Client:
        """Itself, as what asks takes it for."""
        return cast("engine.Client", self)

    @property
    def images(self) -> FakeEngine:
        return self

    @property
    def api(self) -> FakeEngine:
        return self

    def put(self, name: str, labels: dict[str, str] | None = None, *, age_s: float = 0, env: Iterable[str] = ()) -> str:
        """Have an image of that name, a new one."""
        number = f"sha256:{len(self._facts) + 1:064x}"
        when = (self.now - timedelta(seconds=age_s)).isoformat()
        self._facts[number] = {
            "Id": number,
            "Size": 1 << 20,
            "Created": when,
            "Config": {"Labels": labels, "Env": list(env)},
            "Metadata": {"LastTagTime": when},
        }
        self._names[name] = number
        return number

    def get(self, name: str) -> FakeImage:
        number = self._names.get(name, name)
        if number not in self._facts:
            raise ImageNotFound("no such image")
        tags = [tag for tag, of in self._names.items() if of == number]
        return FakeImage({**self._facts[number], "RepoTags": tags})

    def list(self, name: str) -> list[FakeImage]:
        return [self.get(tag) for tag in self._names if tag.startswith(f"{name}:")]

    def pull(self, repository: str, tag: str | None) -> None:
        name = f"{repository}:{tag}" if tag else repository
        if name not in self.elsewhere:
            raise ImageNotFound("no such image anywhere")
        self.put(name.removesuffix(":latest"))

    def tag(self, image: str, repository: str, tag: str, **_: bool) -> None:
        self._names[f"{repository}:{tag}"] = image

    def remove_image(self, name: str) -> None:
        if name not in self._names:
            raise ImageNotFound("no such image")
        if name in self.used:
            raise _conflict()
        number = self._names.pop(name)
        if number not in self._names.values():
            del self._facts[number]

    def build(self, *, tag: str, labels: dict[str, str], **arguments: Any) -> Iterator[dict[str, str]]:
        self.built.append({"tag": tag, **arguments})
        yield from self.words
        if not any("error" in word for word in self.words):
            self.put(tag, labels)
