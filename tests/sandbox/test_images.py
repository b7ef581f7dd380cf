"""Which images a grading needs, when they are built, and what is said where they can't be."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from grader.assignment import Libraries
from grader.errors import CannotJudgeError
from grader.families import FAMILIES
from grader.limits import IMAGES_KEPT_S
from grader.sandbox import engine as engines
from grader.sandbox import images
from grader.sandbox.images import Contents, Images, Origin
from tests.sandbox.engine_fake import FakeEngine

DEBIAN = Origin(images.DEFAULT_BASE, images.DEFAULT_BASE)
FILES = {"Dockerfile": b"FROM", "requirements-driver.txt": b"pytest", "warden/w.py": b"1", "driver/d.py": b"2"}
GO = Contents(frozenset({"base", "go"}))
TWISTED = Libraries(packages=("python3-twisted",))


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graders that build meanwhile on this machine are not waited for."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def silent(_: str) -> None:
    pass


def supplied(engine: FakeEngine, contents: Contents = GO, listen: Callable[[str], None] = silent, **more: Any) -> str:
    """The name of the program's image."""
    return Images(engine.client, listen, **more).supply(contents)["sandbox"].names[0]


# names


def name(contents: Contents = GO, base: Origin = DEBIAN, own: Origin | None = None, **files: bytes) -> str:
    changed = FILES | {path.replace("_", "/"): content for path, content in files.items()}
    return images.sandbox_image(contents, base, own, changed).name


def test_an_image_is_named_for_its_families_and_all_that_it_is_made_of() -> None:
    others = [
        name(Contents()),
        name(Contents(frozenset({"base", "go", "jvm"}))),
        name(Contents(GO.families, TWISTED)),
        name(Contents(GO.families, Libraries(pip=("twisted",)))),
        name(base=Origin("socket-grader-base:chosen", "sha256:1")),
        name(base=Origin("socket-grader-base:chosen", "sha256:2")),
        name(own=Origin("mine", "sha256:1")),
        name(own=Origin("mine", "sha256:2")),
        name(Dockerfile=b"FROM other"),
    ]
    assert len({name(), *others}) == len(others) + 1
    assert name().startswith("socket-grader-sandbox:go-")
    assert name(Contents(GO.families, assignment="whose it is")) == name()


def test_what_does_not_run_in_an_image_does_not_change_it() -> None:
    changed = {**FILES, "driver/d.py": b"3", "requirements-driver.txt": b"pytest==8"}
    assert images.sandbox_image(GO, DEBIAN, None, changed).name == name()
    assert images.driver_image(DEBIAN, changed) != images.driver_image(DEBIAN, FILES)
    assert images.driver_image(DEBIAN, {**FILES, "warden/w.py": b"3"}) == images.driver_image(DEBIAN, FILES)


def test_a_family_that_contains_another_brings_its_packages_too() -> None:
    kotlin = images.packages(Contents(frozenset({"kotlin"}), TWISTED))
    assert kotlin == (*FAMILIES["jvm"].packages, *FAMILIES["kotlin"].packages, "python3-twisted")


def test_a_family_that_nobody_can_install_says_how_to_get_it() -> None:
    with pytest.raises(CannotJudgeError, match=r"can't build an image for C#: .*--image"):
        images.packages(Contents(frozenset({"base", "dotnet"})))


@pytest.mark.parametrize(
    ("folder", "options", "pattern"),
    [
        ("warden", ["-I", "-S"], "sandbox/warden.py"),  # with nothing but the standard library
        ("driver", ["-I"], "driver/__main__.py"),
        ("driver", ["-I"], "checks/*.py"),
    ],
)
def test_each_image_has_all_that_runs_in_it(tmp_path: Path, folder: str, options: list[str], pattern: str) -> None:
    for path, content in images.context_files().items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    root = tmp_path / folder
    names = [".".join(path.relative_to(root).with_suffix("").parts) for path in (root / "grader").glob(pattern)]
    assert names
    script = "import importlib, sys; sys.path.insert(0, sys.argv[1]); [*map(importlib.import_module, sys.argv[2:])]"
    command = [sys.executable, *options, "-c", script, str(root), *names]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# building


def test_what_is_missing_is_built_once() -> None:
    engine, said = FakeEngine(), list[str]()
    first = supplied(engine, listen=said.append)
    assert [built["target"] for built in engine.built] == ["sandbox", "driver"]
    assert engine.built[0]["buildargs"]["PACKAGES"] == "golang-go"
    assert said == [
        f"building the image for {what}: this takes about a minute, but only once …" for what in ("Go", "the checks")
    ]
    assert supplied(engine) == first
    assert supplied(engine, Contents()) != first
    assert [built["tag"].partition(":")[0] for built in engine.built].count("socket-grader-driver") == 1


def test_offline_names_the_command_that_builds_it() -> None:
    contents = Contents(frozenset({"base", "go", "jvm"}), TWISTED, assignment="chat")
    with pytest.raises(CannotJudgeError, match=r"grader image build --assignment chat --family go --family jvm$"):
        supplied(FakeEngine(), contents, offline=True)
    engine = FakeEngine()
    there = supplied(engine, contents)
    assert supplied(engine, contents, offline=True) == there


def test_a_build_that_fails_says_its_last_words() -> None:
    step, after = {"stream": "Step 9/20 : RUN apt-get"}, {"stream": "Removing intermediate container 1f\n"}
    before, said = {"stream": "All is well\n"}, {"stream": "\x1b[91mE: Unable to locate no-such\nE: no luck\n\x1b[0m"}
    with pytest.raises(
        CannotJudgeError, match=r"can't build the image for Go: E: Unable to locate no-such; E: no luck$"
    ):
        supplied(FakeEngine(words=[before, step, said, after, {"error": "returned 100"}]))
    with pytest.raises(CannotJudgeError, match=r"can't build the image for .*: no space left$"):
        supplied(FakeEngine(words=[step, {"error": "no space left\n"}]))


def test_two_graders_build_an_image_once(tmp_path: Path) -> None:
    said, building, go_on = list[str](), threading.Event(), threading.Event()

    class Slow(FakeEngine):
        def build(self, **arguments: Any) -> Iterator[dict[str, str]]:
            building.set()
            assert go_on.wait(10)
            return super().build(**arguments)

    def hears(words: str) -> None:
        said.append(words)
        if "waiting" in words:
            go_on.set()

    engine = Slow()
    first, second = (threading.Thread(target=supplied, args=(engine, GO, hears)) for _ in range(2))
    first.start()
    assert building.wait(10)
    second.start()
    for thread in (first, second):
        thread.join(10)
        assert not thread.is_alive()
    assert len(engine.built) == 2
    assert "waiting for another grader that is building this image …" in said
    assert list(tmp_path.glob("*.lock")) == []


# bases and images of one's own


def test_a_base_of_one_s_own_outlives_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(elsewhere={"mirror/debian:12"})
    usual = supplied(engine)
    Images(engine.client, silent).choose_base("mirror/debian:12")
    own = supplied(engine)
    assert own != usual
    monkeypatch.setattr(images, "context_files", lambda: FILES)
    assert supplied(engine) not in {own, usual}
    assert {built["buildargs"]["BASE"] for built in engine.built[-2:]} == {"socket-grader-base:chosen"}
    Images(engine.client, silent).choose_base(images.DEFAULT_BASE)
    supplied(engine)
    assert engine.built[-1]["buildargs"]["BASE"] == images.DEFAULT_BASE


def test_an_image_of_one_s_own_is_fetched_and_the_warden_laid_into_it() -> None:
    engine = FakeEngine(elsewhere={"mine:latest"})
    own = Contents(GO.families, own="mine")
    with pytest.raises(CannotJudgeError, match="mine is missing, and --offline forbids fetching it"):
        supplied(engine, own, offline=True)
    supplied(engine, own)
    assert engine.built[0]["buildargs"] == {"BASE": images.DEFAULT_BASE, "SANDBOX": "mine"}


def test_an_image_that_nobody_has_is_told() -> None:
    with pytest.raises(CannotJudgeError, match="can't fetch the image nowhere"):
        supplied(FakeEngine(), Contents(own="nowhere"))


# what is removed


def test_images_of_other_versions_go_when_they_are_old_and_unused() -> None:
    engine = FakeEngine()
    current = supplied(engine)
    old, young, used, foreign = (
        "socket-grader-driver:old",
        "socket-grader-driver:young",
        "socket-grader-sandbox:u",
        "x:1",
    )
    for each in (old, used, foreign):
        engine.put(each, age_s=IMAGES_KEPT_S + 60)
    engine.put(young, age_s=IMAGES_KEPT_S - 60)
    engine.used.add(used)
    assert Images(engine.client, silent).remove_old() == [old]
    left = {each for image in engines.images(engine.client, "socket-grader-driver") for each in image.names}
    assert young in left
    assert old not in left
    assert all(engines.image(engine.client, each) for each in (current, used, foreign))


# what the fake promises, and the real one too


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.container)])
def client(request: pytest.FixtureRequest) -> engines.Client:
    if request.param == "real":
        client: docker.DockerClient = request.getfixturevalue("engine")
        return client
    engine = FakeEngine()
    engine.put(images.DEFAULT_BASE, env=["PATH=/bin"])
    return engine.client


def test_names_come_and_go(client: engines.Client) -> None:
    assert engines.image(client, "socket-grader-none:1") is None
    base = engines.image(client, images.DEFAULT_BASE)
    assert base is not None
    assert all(name and isinstance(value, str) for name, value in base.environment.items())
    engines.name_image(client, base, "socket-grader-test", "1")
    (named,) = engines.images(client, "socket-grader-test")
    assert named.id == base.id
    assert "socket-grader-test:1" in named.names
    assert engines.remove_name(client, "socket-grader-test:1")
    assert engines.image(client, "socket-grader-test:1") is None
    assert engines.image(client, images.DEFAULT_BASE) is not None
    assert engines.remove_name(client, "socket-grader-test:1"), "what is gone already is no failure"
