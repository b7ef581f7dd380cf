"""Random material for messages, from which an assignment's `protocol.py` makes its own.  Pure.

Everything comes from the given source, so the same source state gives the same.  What is made here is easy to
read in a report, free enough that no table holds its replies, and irregular enough that no wrong reply looks right: a
line has small letters, a digit and a space, and long data never repeats.
"""

from __future__ import annotations

import random

#: English words that no protocol gives a meaning.  All have one length, and so have the messages of all seeds: else a
#: buffer would overflow with one and not with another.
_WORDS = """
    acre arch barn bean bell boat bulb cake cape cave clay coal coin cord corn cove crab crow deer dove dune fawn
    fern fish flax fork frog gate goat gold harp hawk herb hill iris jade kite lake lamb lamp leaf lily lime lion
    loaf lute mint moon moss nest oboe opal palm pear pine plum pond rain reed rice rose sage sand seal silk snow
    swan tide tree vine wolf wool wren yarn
""".split()  # noqa: SIM905 — words are read more easily without their quotes
#: Neither vowels, so that no word comes of them, nor what is taken for something else (0 and o, 1 and l).
_CONSONANTS = "bcdfghjkmnpqrstvwxyz"
_SYMBOLS = _CONSONANTS + "23456789"
#: 20 * 28^5 * 20 codes: 32.7 bits, too many for a table.  A letter at both ends, so that none is a number.
_INNER_SYMBOLS = 5
#: Letters and digits for each value of a byte.
_TO_LETTERS = bytes(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[value % 62] for value in range(256)
)
#: Characters of two, three and four bytes in UTF-8.  Those of two are letters that `str.upper` changes.
_CHARACTERS = ("ßäöüéñçøčžÿı", "€∞漢字元気ﬁ—", "🐍🙂👍🎲🚀")
#: Small letters of Latin-1 beyond ASCII.  With an ASCII byte behind it none is UTF-8.
_LATIN1_LETTERS = bytes(value for value in range(0xE0, 0xFF) if value != 0xF7)


def random_words(rng: random.Random, count: int = 1) -> str:
    """Some English words of four small letters, and a code of 7 letters and digits: `fern k7x2mqz`."""
    inner = rng.choices(_SYMBOLS, k=_INNER_SYMBOLS)
    code = "".join((rng.choice(_CONSONANTS), *inner, rng.choice(_CONSONANTS)))
    return " ".join((*rng.choices(_WORDS, k=count), code))


def numbered_line(number: int, rng: random.Random) -> str:
    """A short line of ASCII that ends with its number; of three in a row the second is the longest, with a capital.

    So a program that keeps the end of a longer message is found by the third of them.
    """
    if number % 3 == 1:
        return f"{random_words(rng).capitalize()} and {rng.choice(_WORDS)} {rng.choice(_WORDS)} {number}"
    return f"{random_words(rng)} {number}"


def random_letters(rng: random.Random, size_bytes: int) -> bytes:
    """So many ASCII letters and digits; a piece that is lost, moved or doubled shows."""
    return rng.randbytes(size_bytes).translate(_TO_LETTERS)


def random_characters(rng: random.Random) -> str:
    """A letter of two bytes in UTF-8, and characters of three and of four."""
    return "".join(map(rng.choice, _CHARACTERS))


def not_utf8(rng: random.Random) -> bytes:
    """A word with a letter of Latin-1 in it, and bytes that are text in no encoding of Unicode."""
    return b"caf%c in Latin-1, \xff\xfe\x80 in nothing" % rng.choice(_LATIN1_LETTERS)


def random_blanks(rng: random.Random) -> bytes:
    """White space and nothing else, including a line ending."""
    return bytes(rng.choices(b" \t\r\n", k=rng.randint(0, 4))) + b"\n"


def every_byte(rng: random.Random, without: bytes = b"") -> bytes:
    """Every byte value once, except for those in `without`: a NUL first, which therefore comes alone at some split."""
    values = [value for value in range(1, 256) if value not in without]
    return b"\0" + bytes(rng.sample(values, len(values)))
