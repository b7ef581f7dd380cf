"""JSON on lines: what counts is what a response says, not how it is written."""

from __future__ import annotations

import json
import random

from grader import Exchange, Reply, random_characters, random_letters, random_words, until


def response(number: int, result: object) -> Reply:
    """The response to one request, however its JSON is written."""

    def judge(line: bytes) -> str | None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return "this line is not JSON"
        if not isinstance(said, dict):
            return "this line is JSON, but no object"
        if said.get("id") != number:
            return f"its id is {said.get('id')!r}, not {number}"
        return None if said.get("result") == result else f"the result of request {number} is not {result!s:.60}"

    right = json.dumps({"id": number, "result": result}).encode()
    words = f"a response with the id {number} and the result {result!s:.60}"
    return until(b"\n", judge=judge, words=words, examples=[right], wrong=[right.replace(b"result", b"error")])


def _length(number: int, string: str, *, escaped: bool) -> Exchange:
    request = json.dumps({"id": number, "method": "length", "params": [string]}, ensure_ascii=escaped)
    return Exchange(request.encode() + b"\n", response(number, len(string)))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A sum, and every third time the length of a string with escapes in it."""
    if number % 3 == 2:
        return _length(number, f'"{random_words(rng)}\\\n{random_characters(rng)}', escaped=True)
    first, second = rng.randint(-(10**9), 10**9), rng.randint(0, 9)
    request = {"params": [first, second], "method": "add", "id": number}
    return Exchange(json.dumps(request).encode() + b"\n", response(number, first + second))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Strings with characters of several bytes."""
    strings = (f"{before}{random_characters(rng)}}}" for before in ("", "{", random_words(rng)))
    return tuple(_length(100 + number, string, escaped=False) for number, string in enumerate(strings))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A long string, which comes back."""
    around = len(b'{"id":200,"method":"repeat","params":[""]}\n')
    string = random_letters(rng, size_bytes - around)
    return Exchange(b'{"id":200,"method":"repeat","params":["%b"]}\n' % string, response(200, string.decode()))
