"""An export in a container as platforms have them: root, no engine, no network, whatever the submitted program does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from grader import export
from grader.assignment import load
from grader.sandbox import engine as engines
from grader.sandbox import standalone
from grader.sandbox.images import Contents, Images
from tests.cli.command import RIGHT, make_assignment

NAME = "socket-grader-test:export"
#: The image with everything stands for one in which `install.sh` was run.
SETUP = """
set -e
mkdir -p /opt/socket-grader/bin /autograder/results /autograder/submission
ln -s "$(command -v grader)" /opt/socket-grader/bin/grader
cp -r /export /autograder/source
cp /autograder/source/run_autograder /autograder/
cp /given/* /autograder/submission/
chmod 777 /autograder/results
cd /autograder
./run_autograder > /dev/null
cat results/results.json
"""
#: What the right server does besides: it writes its own result, for as long as it is let live.
FORGES = """
import os, time
if os.fork() == 0:
    os.setsid()
    while True:
        for place in ("/autograder/results/results.json", "/autograder/source/grade", "/autograder/run_autograder"):
            for forge in (lambda: open(place, "w").write('{"score": 1000}'), lambda: os.symlink("/tmp/mine", place)):
                try:
                    forge()
                except OSError:
                    pass
        time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[str]:
    standalone.build(Images(engine, lambda _: None), Contents(), NAME)
    yield NAME
    engines.remove_name(engine, NAME)


@pytest.mark.container
@pytest.mark.parametrize(("besides", "lost"), [("", []), (FORGES, ["Leaves nothing running when it has exited"])])
def test_a_program_gets_its_points_and_can_t_write_its_result(
    engine: docker.DockerClient, folder: Path, image: str, besides: str, lost: list[str]
) -> None:
    make_assignment(folder)
    wanted = export.Wanted(load("small", folder), folder / "small", extra=folder)
    for path, file in export.files("gradescope", wanted).items():
        (folder / "export" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "export" / path).write_bytes(file.content)
        (folder / "export" / path).chmod(0o755 if file.executable else 0o644)
    (folder / "given").mkdir()
    begin, main, rest = RIGHT.read_text().partition('if __name__ == "__main__":')
    (folder / "given" / "server.py").write_text(f"{begin}{besides}{main}{rest}")
    said = engine.containers.run(
        image,
        ["-c", SETUP],
        entrypoint="/bin/sh",
        user="0",
        network_mode="none",
        volumes={str(folder / name): {"bind": f"/{name}", "mode": "ro"} for name in ("export", "given")},
        remove=True,
    )
    results = json.loads(said)
    assert [test["name"] for test in results["tests"] if test["score"] < test["max_score"]] == lost
    assert results["score"] == 4 - len(lost)
