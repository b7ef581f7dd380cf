"""The documentation as a site: it is built without a dead link, and each page can be reached from the first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READERS = ("students", "instructors", "authors", "ci")


def built(site: Path, configuration: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    # Without --quiet, which has it count no warnings.
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(configuration), "-d", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_has_a_page_for_every_document_and_each_reader(site: Path) -> None:
    documents = {path.stem for path in (*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"))} - {"README"}
    first = (site / "index.html").read_text(encoding="utf-8")
    assert {path.parent.name for path in site.glob("*/index.html")} == documents >= {*READERS}
    assert [name for name in documents if f'href="{name}/"' not in first] == []
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed)), "a page is listed twice"


def test_it_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(
            r'<(?:script|img|iframe)[^>]+src="([^"]+)"|<link[^>]+rel="stylesheet"[^>]+href="([^"]+)"', text
        )
        assert [place for places in fetched for place in places if place.startswith(("http", "//"))] == [], page


def test_code_can_be_scrolled_by_keyboard_and_the_search_has_a_name(site: Path) -> None:
    for page in site.rglob("index.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<pre(?! tabindex=\"0\")", text) == [], page
        assert [*re.findall(r'role="dialog"([^>]*)>', text)] == [' aria-label="Search"'], page


@pytest.mark.parametrize("link", ["nowhere.md", "words.md#no-such-heading"])
def test_a_dead_link_is_an_error(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# One\n\n[a link]({link})\n")
    (tmp_path / "docs" / "words.md").write_text("# Words\n")
    ours = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = "nav: [index.md, words.md]\n"
    (tmp_path / "mkdocs.yml").write_text(re.sub(r"(?m)^hooks: .*$", "", ours.partition("\nnav:")[0]) + "\n" + nav)
    done = built(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0
    assert link.partition("#")[0] in done.stderr
