"""What is said to the ticket machine."""

import random

from grader import Exchange, form, random_words


def exchange(number: int, rng: random.Random) -> Exchange:
    name = random_words(rng).replace(" ", "-").encode()
    return Exchange(b"TICKET %s\n" % name, form(b"{number:[1-9][0-9]*} {time:[0-9]{2}:[0-9]{2}:[0-9]{2}} " + name))


def unfinished(_: random.Random) -> Exchange:
    return Exchange(b"TICKET with-no-e", b"")
