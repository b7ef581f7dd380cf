"""What only a peer does: it tells a tracker what it has, and fetches what it lacks while it serves others.

The tracker and the other peers are ours, on ports where the program connects, or further instances of the program.  The
fresh server of each check has no tracker: it lays out the folder in which those run that have one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from protocol import (
    CHUNK_BYTES,
    GET,
    HELLO,
    NEWS,
    NONE,
    asked,
    at_line,
    chunks_of,
    file_line,
    get,
    here_is,
    known_chunk,
    long_chunk,
    name_of,
    other_lines,
)

from grader import (
    Exchange,
    Launch,
    Listen,
    Reason,
    ScriptedConnection,
    ScriptedListener,
    Server,
    Stage,
    behaviour,
    every_byte,
    fail,
    random_letters,
)

_HOST = "127.0.0.1"
#: Its folder in most checks.
_FOLDER = "mine"
#: How long it may take to give up a place that says nothing, in its own time: the handout says five seconds, and ten at
#: the latest.
_GIVES_UP_S = 10.0
#: So many places it must be able to wait for at the same time.
_PLACES = 4
_FETCH_HINT = (
    "Remember every AT line. When a try fails, for whatever reason, take the next place that was named for that chunk."
)


class _Tracker:
    """Our tracker, and the peer that has come to it.  `has`, `done`: the chunks and the files that it has told of."""

    def __init__(self, listen: Listen, launch: Launch, folder: str = _FOLDER, name: str = "the tracker") -> None:
        __tracebackhide__ = True
        self.listener = listen(name)
        self.peer = launch(arguments=("{port}", folder, _HOST, str(self.listener.port)))
        self.line = self.meet(self.peer)

    def meet(self, peer: Server) -> ScriptedConnection:
        """A peer comes and says where it listens."""
        __tracebackhide__ = True
        line = self.listener.expect_connection(peer)
        port = int(line.expect(HELLO)["port"])
        if port != peer.port:
            what = f"it says that it listens on port {port}, but it listens on port {peer.port}"
            fail(Reason.WRONG_REQUEST, what, expected=b"HELLO %d" % peer.port, received=b"HELLO %d" % port)
        self.has: set[bytes] = set()
        self.done: set[bytes] = set()
        return line

    def tell(self, *lines: bytes) -> None:
        """Say this, and see that it is read."""
        __tracebackhide__ = True
        self.line.send(b"".join(lines))
        self.line.wait_read()

    def expect(self, chunks: Iterable[bytes] = (), *files: bytes) -> None:
        """The peer says that it has these chunks, and is done with these files."""
        __tracebackhide__ = True
        names = {name_of(chunk) for chunk in chunks}
        while not (names <= self.has and set(files) <= self.done):
            said = self.line.expect(NEWS)
            if "file" in said:
                self.done.add(said["file"])
            else:
                self.has.add(said["name"])


def _hear(place: ScriptedListener, peer: Server, chunk: bytes, within_s: float | None = None) -> ScriptedConnection:
    """The peer asks at this place for this chunk."""
    __tracebackhide__ = True
    connection = place.expect_speaker(peer, within_s)
    connection.expect(get(name_of(chunk)))
    return connection


def _serve(place: ScriptedListener, peer: Server, chunks: Iterable[bytes]) -> None:
    """The peer asks at this place for all these chunks, in any order, and gets them."""
    __tracebackhide__ = True
    left = {name_of(chunk): chunk for chunk in chunks}
    while left:
        connection = place.expect_speaker(peer)
        name = connection.expect(GET)["name"]
        if name not in left:
            what = f"it asked {place.name} for a chunk that it has already got, or that nobody said is there"
            fail(Reason.WRONG_REQUEST, what, expected=b" or ".join(map(get, left)), received=get(name))
        connection.send(here_is(left.pop(name)))


def _must_have_written(peer: Server, file: bytes, content: bytes, folder: str = _FOLDER) -> None:
    __tracebackhide__ = True
    written = peer.read_file(f"{folder}/{file.decode()}")
    if written != content:
        what = f"the file {file.decode()} is not what it should be"
        fail(Reason.NOT_WRITTEN, what, expected=content, received=written)


def _content(rng: random.Random, chunks: int) -> bytes:
    """A file of so many chunks, the last of which is short."""
    return rng.randbytes((chunks - 1) * CHUNK_BYTES + rng.randint(1000, 2000))


def _file(rng: random.Random) -> bytes:
    return random_letters(rng, 8) + b".bin"


# Serving


@behaviour(
    does="files of several sizes are laid into the folder: of some chunks and a rest, of exactly two, of one byte, "
    "empty; then the peer is started, and asked for each chunk",
    proves="nothing to prove",
    catches="files read as text, a last chunk that is padded or lost, chunks of another size, only the first file",
    hint="Read each file as bytes, and cut it into pieces of 16384 bytes; the last piece has what is left.",
)
def test_serves_its_folder(fresh_server: Server, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Serves every chunk of the files in its folder"""
    contents = [every_byte(rng) * 150 + rng.randbytes(7), rng.randbytes(2 * CHUNK_BYTES), b"\n", b""]
    for content in contents:
        fresh_server.write_file(f"{_FOLDER}/{_file(rng).decode()}", content)
    with stage.connect(launch(arguments=("{port}", _FOLDER))) as client:
        for chunk in [chunk for content in contents for chunk in chunks_of(content)]:
            client.ask(asked(chunk))


@behaviour(
    does="lines that are no requests for a chunk, an empty one among them; then a request, over the same connection",
    proves="nothing to prove",
    catches="an exception where the line is taken apart, a connection that is closed, no answer at all",
    hint="Look whether a line has two words, the first of them GET; answer anything else with NONE.",
)
def test_other_lines(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Answers every other line with NONE"""
    with stage.connect(fresh_server) as client:
        for line in other_lines(rng):
            client.ask(Exchange(line + b"\n", NONE))
        client.ask(asked(known_chunk()))


@behaviour(
    does="a peer asks for the same long chunk again and again and reads nothing; meanwhile another one is served",
    proves="bytes wait in the program's send queue, and it is blocked or waits for space",
    catches="a single thread for all peers, stuck in send",
    hint="While you send to one peer, others must be served: give each connection a thread, or use select and send "
    "only what fits.",
)
def test_slow_peer_blocks_no_one(fresh_server: Server, stage: Stage) -> None:
    """Serves others while one peer doesn't read"""
    requests = stage.listening.more_than_buffers_bytes // CHUNK_BYTES + 1
    slow = stage.connect(fresh_server, slow=True)
    slow.send_without_reading(get(name_of(long_chunk())) * requests)
    with stage.connect(fresh_server) as client:
        client.ask(asked(known_chunk()))


# The tracker


@behaviour(
    does="the peer is started with three files in its folder, and with our tracker; what it says there",
    proves="it has connected to the tracker",
    catches="no HELLO, or another port in it, chunks that are missing or named in capital letters, HAVE for files",
    hint="Connect to the tracker, send HELLO with the port where you listen, then HAVE for each chunk.",
)
def test_registers(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Tells the tracker where it listens, and what it has"""
    contents = [_content(rng, 3), rng.randbytes(5), b""]
    for content in contents:
        fresh_server.write_file(f"{_FOLDER}/{_file(rng).decode()}", content)
    chunks = [chunk for content in contents for chunk in chunks_of(content)]
    tracker = _Tracker(listen, launch)
    tracker.expect(chunks)
    if unknown := tracker.has - {name_of(chunk) for chunk in chunks}:
        fail(Reason.WRONG_REQUEST, "it says that it has a chunk that is in none of its files", received=min(unknown))


@behaviour(
    does="the tracker names three files, one of them empty, and one in which a chunk comes twice, and where their "
    "chunks are, some before the file and some after it; all are at one place, which answers; the files are read",
    proves="the peer has said that it is done",
    catches="chunks put together in the order in which they come, AT lines forgotten that come too early, text mode, "
    "DONE before the file is written",
    hint="Keep chunks by their names. When the last one of a file has come, write all of them in the order of the FILE"
    " line, close the file, and then say DONE.",
)
def test_fetches(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Fetches the files that the tracker names"""
    twice, once = rng.randbytes(CHUNK_BYTES), rng.randbytes(CHUNK_BYTES)
    contents = {
        _file(rng): _content(rng, 4),
        _file(rng): twice + once + twice + every_byte(rng),
        _file(rng): b"",
    }
    chunks = [chunk for content in contents.values() for chunk in chunks_of(content)]
    tracker, place = _Tracker(listen, launch, "not_there"), listen("the other peer")
    places = [at_line(place.port, chunk) for chunk in dict.fromkeys(chunks)]
    tracker.tell(*places[:2], *(file_line(*each) for each in contents.items()), *places[2:])
    _serve(place, tracker.peer, chunks)
    tracker.expect(chunks, *contents)
    for file, content in contents.items():
        _must_have_written(fresh_server, file, content, "not_there")


@behaviour(
    does="what the tracker says arrives byte by byte, then several lines in one segment, with words among them that "
    "the peer doesn't know; chunks arrive byte by byte and in larger pieces",
    proves="each piece was read before the next is sent; one segment",
    catches="one recv taken for one line, or for one chunk; an error at an unknown word",
    hint="Keep what has come until a line is complete, and of a chunk as many bytes as its length says.",
)
def test_news_in_pieces(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Puts together lines and chunks that arrive in pieces"""
    tracker, place = _Tracker(listen, launch), listen("the other peer")
    short, long = random_letters(rng, 60), rng.randbytes(CHUNK_BYTES)
    first, second = _file(rng), _file(rng)
    tracker.line.send(file_line(first, short) + at_line(place.port, short), pieces=1)
    _hear(place, tracker.peer, short).send(here_is(short), pieces=1)
    tracker.expect([short], first)
    tracker.line.send_as_one_read(b"NEWS of the day\n" + file_line(second, long) + b"\n" + at_line(place.port, long))
    _hear(place, tracker.peer, long).send(here_is(long), pieces=1460)
    tracker.expect([long], second)
    _must_have_written(fresh_server, second, long)


@behaviour(
    does="the first of two chunks arrives, and the place of the second lets the peer wait; the first one, and another "
    "from its folder, are asked for; then the second arrives",
    proves="the tracker was told of the first; the peer has asked for the second, and was not answered",
    catches="chunks announced or served only when the file is complete, nobody served during a download",
    hint="A chunk can be served as soon as it is there. Tell the tracker then, and fetch in other threads than those "
    "that serve{Python: , or with asyncio}.",
)
def test_announces_what_it_gets(
    fresh_server: Server, listen: Listen, launch: Launch, stage: Stage, rng: random.Random
) -> None:
    """Tells of a chunk and serves it before the file is complete"""
    own, content, file = rng.randbytes(100), _content(rng, 2), _file(rng)
    fresh_server.write_file(f"{_FOLDER}/own.bin", own)
    early, late = chunks_of(content)
    tracker, place, slow_place = _Tracker(listen, launch), listen("the other peer"), listen("the slow peer")
    tracker.tell(file_line(file, content), at_line(slow_place.port, late), at_line(place.port, early))
    waiting = _hear(slow_place, tracker.peer, late)
    _serve(place, tracker.peer, [early])
    tracker.expect([early])
    with stage.connect(tracker.peer) as client:
        client.ask(asked(early))
        client.ask(asked(own))
        client.ask(Exchange(get(name_of(late)), NONE))
        waiting.send(here_is(late))
        tracker.expect([late], file)
        client.ask(asked(late))


@behaviour(
    does="a tracker that nobody is at; then one that leaves while a chunk is on its way",
    proves="the peer listens; it has asked for the chunk when the tracker leaves; it rests when it is asked for it",
    catches="an exit when the tracker is not there or leaves, SIGPIPE or an exception at the next HAVE",
    hint="An error or an end on the tracker's connection is no reason to stop serving{C: ; ignore SIGPIPE}.",
)
def test_tracker_is_gone(
    fresh_server: Server, listen: Listen, launch: Launch, stage: Stage, rng: random.Random
) -> None:
    """Goes on serving and fetching without its tracker"""
    own, content = rng.randbytes(100), _content(rng, 2)
    fresh_server.write_file(f"{_FOLDER}/own.bin", own)
    nobody = listen("nobody")
    nobody.refuse()
    with stage.connect(launch(arguments=("{port}", _FOLDER, _HOST, str(nobody.port)))) as client:
        client.ask(asked(own))
    tracker, place = _Tracker(listen, launch), listen("the other peer")
    first, second = chunks_of(content)
    tracker.tell(file_line(_file(rng), content), *(at_line(place.port, chunk) for chunk in (first, second)))
    connection = place.expect_speaker(tracker.peer)
    tracker.line.reset()
    name = connection.expect(GET)["name"]
    begun, other = (first, second) if name == name_of(first) else (second, first)
    connection.send(here_is(begun))
    _serve(place, tracker.peer, [other])
    tracker.peer.wait_rest()
    with stage.connect(tracker.peer) as client:
        for chunk in (own, first, second):
            client.ask(asked(chunk))


# Fetching


@behaviour(
    does=f"{_PLACES} chunks are at {_PLACES} places, none of which answers before all were asked, and a second place "
    "is named for the first chunk; then they answer in reverse order",
    proves="each place has heard the request for its chunk, while the others have not answered; the program rests when "
    "we look whether the second place was asked",
    catches="one chunk after another, one place after another, all places of a chunk together, an answer taken for "
    "another chunk's",
    hint="Fetch different chunks at the same time: a thread for each is easiest. While a chunk is being fetched, keep "
    "its other places for later.",
)
def test_several_places(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Fetches from several places at the same time"""
    content, file = _content(rng, _PLACES), _file(rng)
    chunks, tracker = chunks_of(content), _Tracker(listen, launch)
    places = [listen(f"peer {number}") for number in range(1, _PLACES + 1)]
    lines = [at_line(place.port, chunk) for place, chunk in zip(places, chunks, strict=True)]
    tracker.tell(file_line(file, content), *lines)
    waiting = [(_hear(place, tracker.peer, chunk), chunk) for place, chunk in zip(places, chunks, strict=True)]
    spare = listen("a second place of the first chunk")
    tracker.tell(at_line(spare.port, chunks[0]))
    tracker.peer.wait_rest()
    spare.expect_nothing_more(tracker.peer)
    for connection, chunk in reversed(waiting):
        connection.send(here_is(chunk))
    tracker.expect(chunks, file)
    _must_have_written(fresh_server, file, content)


@behaviour(
    does="a file in the folder has two of the three chunks of one that the tracker names; later another one is named "
    "that consists of chunks which are there",
    proves="the peer has said that it is done; everything that it has sent until then has arrived",
    catches="chunks fetched that are there, a file that is never done because nothing is left to be fetched",
    hint="Before you ask for a chunk, look whether you have it, whichever file it is from. Look whether a file is "
    "complete when its FILE line comes, too, and not only when a chunk does.",
)
def test_only_what_it_lacks(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Fetches only the chunks that it lacks"""
    first, second, third = (rng.randbytes(CHUNK_BYTES) for _ in range(3))
    fresh_server.write_file(f"{_FOLDER}/own.bin", first + third)
    tracker, place = _Tracker(listen, launch), listen("the other peer")
    tracker.expect([first, third])
    content, file = first + second + third, _file(rng)
    tracker.tell(*(at_line(place.port, chunk) for chunk in (first, second, third)), file_line(file, content))
    _serve(place, tracker.peer, [second])
    tracker.expect([second], file)
    _must_have_written(fresh_server, file, content)
    content, file = third + second, _file(rng)
    tracker.tell(file_line(file, content))
    tracker.expect([], file)
    _must_have_written(fresh_server, file, content)
    place.expect_nothing_more(tracker.peer)


@behaviour(
    does="one place answers with other bytes of the same length, and one with the chunk's first half as if that were "
    "all; a third one has the chunk",
    proves="the next place was named, and that was read, before the wrong answer was sent",
    catches="bytes that are not looked at, a lying peer asked again and again, wrong bytes passed on to others, HAVE "
    "before the bytes were looked at",
    hint="Compute the SHA-256 of what has come. If it isn't the chunk's name, throw the bytes away, and take the chunk"
    " from another place.",
    hints={Reason.NO_REQUEST: _FETCH_HINT},
)
def test_wrong_chunk(fresh_server: Server, listen: Listen, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Takes no chunk with wrong bytes, and asks another place"""
    chunk, file = rng.randbytes(rng.randint(5000, 6000)), _file(rng)
    lies = [chunk[:-1] + bytes([chunk[-1] ^ 1]), chunk[: len(chunk) // 2]]
    tracker = _Tracker(listen, launch)
    places = [listen("the lying peer"), listen("the second lying peer"), listen("the honest peer")]
    tracker.tell(file_line(file, chunk), at_line(places[0].port, chunk))
    for number, lie in enumerate(lies):
        connection = _hear(places[number], tracker.peer, chunk)
        tracker.tell(at_line(places[number + 1].port, chunk))
        connection.send(here_is(lie))
    connection = _hear(places[-1], tracker.peer, chunk)
    tracker.line.expect_nothing(Reason.EXTRA_REQUEST, "it says that it has a chunk of which wrong bytes have come")
    connection.send(here_is(chunk))
    tracker.expect([chunk], file)
    _must_have_written(fresh_server, file, chunk)
    if tracker.has & {name_of(lie) for lie in lies}:
        fail(None, "it says that it has the wrong bytes, and would pass them on")
    for place in places:
        place.expect_nothing_more(tracker.peer)
    with stage.connect(tracker.peer) as client:
        for lie in lies:
            client.ask(Exchange(get(name_of(lie)), NONE))


@behaviour(
    does="of the places where a chunk is said to be, one says NONE, one closes the connection in the middle of the "
    "chunk, and one resets it; the last one has it",
    proves="the next place was named, and that was read, before each of them fails",
    catches="an error that ends the peer or its thread, half a chunk taken for a whole one, no second try",
    hint=_FETCH_HINT,
)
def test_place_leaves(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Asks another place when one lacks the chunk, or leaves"""
    content, file = _content(rng, 1), _file(rng)
    tracker = _Tracker(listen, launch)
    has_none, closes, resets, has_it = map(
        listen, ("the peer without it", "the peer that closes", "the peer that resets", "the peer that has it")
    )
    tracker.tell(file_line(file, content), at_line(has_none.port, content))
    connection = _hear(has_none, tracker.peer, content)
    tracker.tell(at_line(closes.port, content))
    connection.send(NONE)
    connection = _hear(closes, tracker.peer, content)
    tracker.tell(at_line(resets.port, content))
    connection.send(here_is(content)[: len(content) // 2])
    connection.close()
    connection = _hear(resets, tracker.peer, content)
    tracker.tell(at_line(has_it.port, content))
    connection.reset()
    _serve(has_it, tracker.peer, [content])
    tracker.expect([content], file)
    _must_have_written(fresh_server, file, content)


@behaviour(
    does="a place sends half of a chunk, and then nothing more; another one has it",
    proves="the half was read; the other place was named before",
    catches="waiting forever",
    hint="Set a timeout of five seconds on the connections to other peers{Python: : settimeout(5)}{C: : SO_RCVTIMEO, "
    "or poll}{Java: : setSoTimeout(5000)}. When it runs out, close the connection, and take the next place.",
)
def test_place_stalls(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Gives up a place that says nothing more"""
    content, file = _content(rng, 1), _file(rng)
    tracker, stalls, has_it = _Tracker(listen, launch), listen("the peer that stalls"), listen("the peer that has it")
    tracker.tell(file_line(file, content), at_line(stalls.port, content))
    connection = _hear(stalls, tracker.peer, content)
    tracker.tell(at_line(has_it.port, content))
    connection.send(here_is(content)[: len(content) // 2])
    connection.wait_read()
    _hear(has_it, tracker.peer, content, _GIVES_UP_S).send(here_is(content))
    tracker.expect([content], file)
    _must_have_written(fresh_server, file, content)


@behaviour(
    does="places answer with a length of a gigabyte, with a negative one, with a word that is none of the two, and "
    "with 20 kB without an end of line; none of them closes the connection; another place has the chunk",
    proves="the next place was named, and that was read, before each strange answer",
    catches="an exception that ends a thread or the peer, memory for a length that was only announced, waiting for an "
    "end of line that never comes",
    hint="Look at a reply before you believe it: CHUNK, and a length from 1 to 16384. Anything else is a place that "
    "has failed.",
    hints={Reason.NO_REQUEST: _FETCH_HINT},
)
def test_strange_replies(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Gives up a place whose reply makes no sense"""
    content, file = _content(rng, 1), _file(rng)
    replies = (b"CHUNK 1000000000\n" + content, b"CHUNK -5\n", b"PIECE 5\nhello", random_letters(rng, 20_000))
    tracker, has_it = _Tracker(listen, launch), listen("the peer that has it")
    strange = [listen(f"strange peer {number}") for number in range(1, len(replies) + 1)]
    tracker.tell(file_line(file, content), at_line(strange[0].port, content))
    for place, then, reply in zip(strange, [*strange[1:], has_it], replies, strict=True):
        connection = _hear(place, tracker.peer, content)
        tracker.tell(at_line(then.port, content))
        connection.send(reply)
    _serve(has_it, tracker.peer, [content])
    tracker.expect([content], file)
    _must_have_written(fresh_server, file, content)


@behaviour(
    does="the tracker names files with .. and / in their names, and one with a plain name; all have the same chunk, "
    "which is at one place; then the file beside the folder is read",
    proves="the peer is done with the file with the plain name",
    catches="names put behind the folder's with a slash: a tracker that can write anywhere",
    hint="Look at the name in a FILE line before you use it: letters, digits, '.', '-' and '_' only, and no '.' at its"
    " beginning.",
)
def test_names_that_lead_out(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Ignores files whose names lead out of its folder"""
    content, file, secret = _content(rng, 1), _file(rng), random_letters(rng, 40)
    fresh_server.write_file("secret.txt", secret)
    tracker, place = _Tracker(listen, launch), listen("the other peer")
    for name in (b"../secret.txt", b"x/../../secret.txt", b"..", b".hidden"):
        tracker.tell(file_line(name, content))
    tracker.tell(file_line(file, content), at_line(place.port, content))
    _serve(place, tracker.peer, [content])
    tracker.expect([content], file)
    _must_have_written(fresh_server, file, content)
    if fresh_server.read_file("secret.txt") != secret:
        fail(None, "a file outside its folder was overwritten")
    if tracker.done != {file}:
        fail(Reason.WRONG_REQUEST, "it says that it is done with a file whose name it must ignore")


# Several of them


@behaviour(
    does="two instances of the program, each with our tracker; one has a file, and the other is told of it",
    proves="both listen, and have said what they have",
    catches="a program that works with our peers, but not with another of its own kind",
    hint="Compare what your peer sends with what it takes for a request, and the other way round.",
)
def test_two_peers(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Fetches from another instance of itself"""
    content, file = _content(rng, 5), _file(rng)
    chunks = chunks_of(content)
    fresh_server.write_file(f"first/{file.decode()}", content)
    first = _Tracker(listen, launch, "first", "the first peer's tracker")
    first.expect(chunks)
    second = _Tracker(listen, launch, "second", "the second peer's tracker")
    second.tell(file_line(file, content), *(at_line(first.peer.port, chunk) for chunk in chunks))
    second.expect(chunks, file)
    _must_have_written(fresh_server, file, content, "second")


@behaviour(
    does="a second instance fetches a file from the first, which is then stopped with Ctrl-C; a third one is told that"
    " the chunks are at the first and at the second",
    proves="the second has said that it has all chunks; the first has exited",
    catches="what was fetched is not served, a place that is gone keeps all others waiting",
    hint="A chunk that was fetched is served like one that was in the folder when the peer was started.",
)
def test_one_joins_late(fresh_server: Server, listen: Listen, launch: Launch, rng: random.Random) -> None:
    """Serves a peer that joins late, when the first one has left"""
    content, file = _content(rng, 3), _file(rng)
    chunks = chunks_of(content)
    fresh_server.write_file(f"first/{file.decode()}", content)
    first = _Tracker(listen, launch, "first", "the first peer's tracker")
    first.expect(chunks)
    second = _Tracker(listen, launch, "second", "the second peer's tracker")
    second.tell(file_line(file, content), *(at_line(first.peer.port, chunk) for chunk in chunks))
    second.expect(chunks, file)
    first.peer.interrupt()
    third = _Tracker(listen, launch, "third", "the third peer's tracker")
    places = (first.peer.port, second.peer.port)
    third.tell(file_line(file, content), *(at_line(port, chunk) for chunk in chunks for port in places))
    third.expect(chunks, file)
    _must_have_written(fresh_server, file, content, "third")


@behaviour(
    does="a peer fetches a file, is stopped with Ctrl-C while another peer is connected, and is started again on the "
    "same port and with the same folder; it is asked for what it had fetched",
    proves="it has exited; it listens on the port that it had",
    catches="SO_REUSEADDR not set, a file that is not written to the folder, a folder that is not read at the start",
    hint="Set SO_REUSEADDR before bind. Write each complete file into the folder, and read the whole folder at the "
    "start.",
)
def test_restarts_with_what_it_had(listen: Listen, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Started again, it has what it had"""
    content, file = _content(rng, 3), _file(rng)
    chunks = chunks_of(content)
    tracker, place = _Tracker(listen, launch), listen("the other peer")
    tracker.tell(file_line(file, content), *(at_line(place.port, chunk) for chunk in chunks))
    _serve(place, tracker.peer, chunks)
    tracker.expect(chunks, file)
    with stage.connect(tracker.peer) as client:
        client.ask(asked(chunks[0]))
        tracker.peer.interrupt()
    again = stage.launch_again(tracker.peer)
    tracker.line = tracker.meet(again)
    tracker.expect(chunks)
    with stage.connect(again) as client:
        for chunk in chunks:
            client.ask(asked(chunk))
