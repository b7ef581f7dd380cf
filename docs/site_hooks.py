"""What mkdocs has to be told about this repository: some pages lie outside `docs/`, and links between them differ.

And what its theme leaves out for those who read with a keyboard or a screen reader (`site.css` and `site.js`, too).

The README is the site's first page, and SECURITY.md, CHANGELOG.md and CONTRIBUTING.md are pages of it too.  Links to
sources lead nowhere on a site, so only their text is kept.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
#: Pages that lie beside `docs/` -> where they are on the site.
OUTSIDE: Final = {name: name for name in ("SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md")} | {"README.md": "index.md"}
#: A link to a file of the project that is no page: [its text](its path).
_SOURCE: Final = re.compile(r"\[([^\]]+)\]\((?:\.\./)?(?:grader|tests|assignments|reference|bench|LICENSE)\b[^)]*\)")
_OUTSIDE: Final = re.compile(rf"\]\((?:\.\./)?({'|'.join(map(re.escape, OUTSIDE))})(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside."""
    for name, place in OUTSIDE.items():
        files.append(File.generated(config, place, content=as_page((ROOT / name).read_text(encoding="utf-8"))))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """A page of `docs/` with the links of the site."""
    return as_page(markdown)


def on_page_content(html: str, **_: object) -> str:
    """Code that may have to be scrolled can be, without a mouse."""
    return html.replace("<pre><span></span>", '<pre tabindex="0"><span></span>')


def on_post_page(output: str, **_: object) -> str:
    """The search has a name."""
    return output.replace(_SEARCH, f'{_SEARCH} aria-label="Search"')


_SEARCH: Final = 'data-md-component="search" role="dialog"'


def as_page(markdown: str) -> str:
    """A document with the links of the site, wherever it lies."""
    markdown = _OUTSIDE.sub(lambda link: f"]({OUTSIDE[link[1]]}{link[2] or ''})", markdown)
    return _SOURCE.sub(r"\1", markdown).replace("](docs/", "](")
