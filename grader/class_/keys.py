"""Keys of students: unique however case is compared, and fit to be a folder's name anywhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

#: Room for a path around it, on any system.
_MOST_CHARS: Final = 60
_DIGITS: Final = 6
#: The folder of what only the instructor may see.
INSTRUCTOR: Final = "instructor"
#: What Windows has no files of, and what `DIR` itself contains.
_TAKEN: Final = re.compile(
    rf"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|{INSTRUCTOR}|.*\.(csv|json|html|xml|md|lock|pcap)", re.IGNORECASE
)


def plain(words: str) -> str:
    """What a key is made of: ASCII letters, digits, `-`, `_` and `.`, never first; `student` if nothing is left."""
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    key = re.sub(r"[^A-Za-z0-9._]+", "-", letters).strip("-._")[:_MOST_CHARS].rstrip("-._")
    if _TAKEN.fullmatch(key):
        key = key.replace(".", "-") if "." in key else f"{key}-"
        key = key.rstrip("-") + "-student"
    return key or "student"


def keys(wanted: Iterable[str]) -> list[str]:
    """A key for each of these words; where two would have the same, both get some digits of their words' hash.

    Words that are the same to the letter are told apart by their order.
    """
    words = [*wanted]
    keyed = [plain(each) for each in words]
    shared = Counter(key.lower() for key in keyed)
    seen: dict[str, int] = {}
    made = []
    for word, key in zip(words, keyed, strict=True):
        if shared[key.lower()] == 1:
            made.append(key)
            continue
        count = seen[word] = seen.get(word, -1) + 1
        digest = hashlib.sha256(f"{word}\0{count or ''}".encode("utf-8", "surrogatepass")).hexdigest()
        made.append(f"{key}-{digest[:_DIGITS]}")
    return made
