"""What only a file server does: each file goes over a connection of its own, beside the one with the commands.

Each check has a server of its own, so that the folder is empty when it begins.
"""

from __future__ import annotations

import random

from protocol import PASSWORD, USER, code, command, place_in

from grader import (
    Exchange,
    Listen,
    Reason,
    ScriptedClient,
    ScriptedListener,
    Server,
    Stage,
    behaviour,
    every_byte,
    fail,
    random_letters,
    random_words,
)

#: Where its files are: the folder that it is given as its second argument, in the one that it runs in.
_FOLDER = "share"
_LARGE_BYTES = 1 << 20
#: More than fits in the buffers of a data connection, so that a transfer goes on while nobody reads it: in a network
#: of its own they are tiny, elsewhere they grow to some MiB (tcp_wmem).
_STALLED_TINY_BYTES, _STALLED_BYTES = 1 << 20, (16 << 20) - 1
_MANY = 40
#: What so many data ports that were asked for and never used may leave: those of the last commands, and a spare one.
_FEW_LEFT = 8
_OPENS = (125, 150)
_NOT_TAKEN = (501, 550, 553)
_BROKEN_OFF = (426, 451)
_NOT_OPENED = (425, 426)
#: What a server says that doesn't know a command.
_UNKNOWN = (500, 501, 502, 504)
#: ... or that is told to connect to somebody else's address: with EPRT, 522 is about the kind of address (RFC 2428).
_NOT_THERE, _NOT_THERE_EXTENDED = (500, 501, 504), (500, 501, 504, 522)
#: An address that is no machine's (RFC 5737).
_NOBODY = "192.0.2.1"
_LEADING_OUT = (b"../secret.txt", b"./../secret.txt", b"/../secret.txt", b"x/../../secret.txt", b"..")
_DATA_HINT = (
    "The end of the data connection is the end of the file: close it when all was sent, and only then send 226 on the "
    "control connection."
)


def _login(stage: Stage, server: Server) -> ScriptedClient:
    """A new client that has logged in, and wants bytes as they are."""
    __tracebackhide__ = True
    client = stage.connect(server)
    client.ask(command(b"USER " + USER, 331))
    client.ask(command(b"PASS " + PASSWORD, 230))
    client.ask(command(b"TYPE I", 200))
    return client


def _passive(stage: Stage, server: Server, client: ScriptedClient, *, slow: bool = False) -> ScriptedClient:
    """A data connection: PASV, and whatever port its reply names."""
    __tracebackhide__ = True
    return stage.connect(server, _place(client)[1], slow=slow)


def _place(client: ScriptedClient) -> tuple[str, int]:
    """Where the server waits for the data connection, as it says."""
    __tracebackhide__ = True
    said = client.ask(command(b"PASV", 227))["line"]
    place: tuple[str, int] | None = place_in(said)
    if place is None:
        fail(
            Reason.WRONG_REPLY, "it does not say where it waits", expected=b"227 ... (h1,h2,h3,h4,p1,p2)", received=said
        )
    return place


def _retrieve(stage: Stage, server: Server, client: ScriptedClient, name: bytes, content: bytes) -> None:
    """A file comes as it is."""
    __tracebackhide__ = True
    with _passive(stage, server, client) as data:
        client.ask(command(b"RETR " + name, *_OPENS))
        if content:
            data.expect(content)
        data.expect_end()
    client.expect(code(226))


def _store(stage: Stage, server: Server, client: ScriptedClient, name: bytes, content: bytes) -> None:
    """A file is sent."""
    __tracebackhide__ = True
    with _passive(stage, server, client) as data:
        client.ask(command(b"STOR " + name, *_OPENS))
        data.send(content)
    client.expect(code(226))


def _put(server: Server, name: bytes, content: bytes) -> None:
    server.write_file(f"{_FOLDER}/{name.decode()}", content)


def _stalling(stage: Stage, rng: random.Random) -> bytes:
    """A file whose transfer stalls while nobody reads it."""
    return random_letters(rng, _STALLED_TINY_BYTES if stage.private_network else _STALLED_BYTES)


def _name(rng: random.Random) -> bytes:
    return random_letters(rng, 8) + b".bin"


@behaviour(
    does="commands of a client that has not logged in; wrong passwords, and in another session an unknown user; then "
    "the right ones; then the commands again, of a client that has not logged in while that one is there",
    proves="nothing to prove",
    catches="files for everybody, any password taken, a session that ends at the first mistake, one login for all "
    "clients",
    hint="Until USER and PASS were right, reply 530 to every command but USER, PASS, NOOP and QUIT. Remember for each "
    "connection whether it has logged in, not in a variable of the whole program.",
)
def test_logs_in(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Lets in who knows the password, and nobody else"""
    _put(fresh_server, b"notes.txt", b"not yours")
    _must_log_in_first(stage, fresh_server)
    # Some servers close a session in which three logins have failed.
    for wrong in [(USER, b"sesam"), (USER, b"sesame street")], [(random_letters(rng, 6), PASSWORD)]:
        with stage.connect(fresh_server) as client:
            for user, password in wrong:
                if client.ask(command(b"USER " + user, 331, 530))["line"].startswith(b"331"):
                    client.ask(command(b"PASS " + password, 530))
                client.ask(command(b"LIST", 530))
            client.ask(command(b"USER " + USER, 331))
            client.ask(command(b"PASS " + PASSWORD, 230))
            _must_log_in_first(stage, fresh_server)


def _must_log_in_first(stage: Stage, server: Server) -> None:
    """A new client gets nothing."""
    __tracebackhide__ = True
    with stage.connect(server) as stranger:
        for line in (b"PASV", b"LIST", b"RETR notes.txt", b"STOR notes.txt"):
            stranger.ask(command(line, 530))


@behaviour(
    does="the address in a reply to PASV is looked at; files of every kind are fetched in one session: with every byte "
    "in it, empty, with line endings, of 1 MiB",
    proves="each file has arrived whole, and the data connection's end with it, before 226 is awaited",
    catches="0,0,0,0 in the reply to PASV, line endings changed, the file read as text, a data connection that stays "
    "open",
    hint=_DATA_HINT + "{Python:  Open the file with 'rb'.}",
    hints={Reason.NOT_CLOSED: _DATA_HINT},
)
def test_retrieves(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Sends files as they are"""
    files = {
        _name(rng): every_byte(rng),
        b"empty.txt": b"",
        b"two words.txt": b"\r\n".join(random_words(rng).encode() for _ in range(3)) + b"\n\n",
        _name(rng): random_letters(rng, _LARGE_BYTES),
    }
    for name, content in files.items():
        _put(fresh_server, name, content)
    with _login(stage, fresh_server) as client:
        if (named := _place(client)[0]) != client.theirs.host:
            fail(
                Reason.WRONG_REPLY,
                f"it waits at {named}, as it says, but its client is connected to {client.theirs.host}",
            )
        for name, content in files.items():
            _retrieve(stage, fresh_server, client, name, content)


@behaviour(
    does="files are sent, and read where they must be; one that is there is replaced by a shorter one; all are fetched",
    proves="226 has arrived before the folder is looked at",
    catches="226 before the file is written, the end of an older file left behind the new one, text mode",
    hint="Read the data connection until it ends, write what comes as bytes, close the file, and only then send 226.",
)
def test_stores(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Stores what it is sent"""
    name = _name(rng)
    with _login(stage, fresh_server) as client:
        for content in (random_letters(rng, _LARGE_BYTES // 4), every_byte(rng), b""):
            _store(stage, fresh_server, client, name, content)
            stored = fresh_server.read_file(f"{_FOLDER}/{name.decode()}")
            if stored != content:
                fail(Reason.WRONG_REPLY, "the file is not what was sent", expected=content, received=stored)
            _retrieve(stage, fresh_server, client, name, content)


@behaviour(
    does="the folder is listed: empty, then with files; names are looked for at the end of the lines",
    proves="the data connection has ended",
    catches="no listing at all, one with the names of other folders' files, LF instead of CRLF, `.` and `..` missed",
    hint="One line for each file on the data connection, ended by CRLF, with the name last; then close it, and send "
    "226.",
)
def test_lists(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Lists its files"""
    fresh_server.write_file("beside.txt", b"no business of yours")
    with _login(stage, fresh_server) as client:
        _must_list(stage, fresh_server, client)
        names = [_name(rng), b"two words.txt"]
        for name in names:
            _put(fresh_server, name, b"something")
        _must_list(stage, fresh_server, client, *names)


def _must_list(stage: Stage, server: Server, client: ScriptedClient, *names: bytes) -> None:
    __tracebackhide__ = True
    with _passive(stage, server, client) as data:
        client.ask(command(b"LIST", *_OPENS))
        listing = data.read_to_end()
    client.expect(code(226))
    lines = [line for line in listing.split(b"\r\n") if line and not line.endswith((b" .", b" .."))]
    if len(lines) != len(names) or not all(any(line.endswith(name) for line in lines) for name in names):
        fail(Reason.WRONG_REPLY, "it lists something else", expected=b"\r\n".join(names), received=listing)


@behaviour(
    does="a file is sent and fetched over connections that the server makes; then it is told to connect to another "
    "machine, and to wait again itself; all but the first once more with EPRT, if it knows that",
    proves="the server has connected to our port, and the transfer has ended",
    catches="no PORT, connecting to whatever address is told, a PORT that still counts when PASV has come after it, "
    "EPRT answered with 200 and forgotten",
    hint="Remember the place, and connect to it once the transfer's command has come. Compare the address with that of "
    "the client{Python: : getpeername()}{C: : getpeername}{Java: : getInetAddress()}.",
)
def test_connects_where_it_is_told(fresh_server: Server, stage: Stage, listen: Listen, rng: random.Random) -> None:
    """Connects for a transfer to where its client waits"""
    name, content = _name(rng), every_byte(rng)
    data = listen("the client's data port")
    with _login(stage, fresh_server) as client:
        client.ask(_port(data.address))
        client.ask(command(b"STOR " + name, *_OPENS))
        data.expect_connection(fresh_server).send_and_half_close(content)
        client.expect(code(226))
        client.ask(command(b"PASV", 227))
        client.ask(_port(data.address))
        _fetch_over(data, fresh_server, client, name, content)
        client.ask(_port((_NOBODY, data.port), *_NOT_THERE))
        client.ask(command(b"PASV", 227))
        if client.ask(_extended(data.address, 200, *_UNKNOWN))["line"].startswith(b"200"):
            _fetch_over(data, fresh_server, client, name, content)
            client.ask(_extended((_NOBODY, data.port), *_NOT_THERE_EXTENDED))
        client.ask(_port(data.address))
        _retrieve(stage, fresh_server, client, name, content)


def _fetch_over(data: ScriptedListener, server: Server, client: ScriptedClient, name: bytes, content: bytes) -> None:
    """A file comes over a connection that the server makes."""
    __tracebackhide__ = True
    client.ask(command(b"RETR " + name, *_OPENS))
    connection = data.expect_connection(server)
    connection.expect(content)
    connection.expect_end()
    client.expect(code(226))


def _port(place: tuple[str, int], *codes: int) -> Exchange:
    """The client says where it waits; `codes`: the replies that it may get, if not 200."""
    words = [*place[0].split("."), *map(str, divmod(place[1], 256))]
    return Exchange(b"PORT %b\r\n" % ",".join(words).encode(), code(*(codes or (200,))))


def _extended(place: tuple[str, int], *codes: int) -> Exchange:
    """The same with EPRT (RFC 2428): 1 is IPv4."""
    return Exchange(b"EPRT |1|%b|%d|\r\n" % (place[0].encode(), place[1]), code(*codes))


def _must_not_open(client: ScriptedClient, name: bytes) -> None:
    """A transfer to where nobody is: it is refused, or broken off after it has begun."""
    __tracebackhide__ = True
    if client.ask(command(b"RETR " + name, *_OPENS, *_NOT_OPENED))["line"].startswith(b"1"):
        client.expect(code(*_NOT_OPENED))


@behaviour(
    does="a file is asked for that is not there; a file with no data connection; commands that don't exist; then one "
    "that is there",
    proves="nothing to prove",
    catches="a session or a server that ends at the first mistake, an empty file instead of 550, an endless wait",
    hint="550 for a file that is not there, 425 or 503 for a transfer without PASV, 500 or 502 for an unknown command; "
    "and the session goes on.",
)
def test_mistakes_are_answered(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Answers mistakes, and goes on"""
    name = _name(rng)
    _put(fresh_server, name, b"here it is")
    with _login(stage, fresh_server) as client:
        client.ask(command(b"RETR " + name, 425, 503))
        for line in (b"DANCE", b"RETRIEVE " + name, b""):
            client.ask(command(line, 500, 501, 502))
        with _passive(stage, fresh_server, client):
            client.ask(command(b"RETR no-%b" % name, 550))
        _retrieve(stage, fresh_server, client, name, b"here it is")


@behaviour(
    does="files outside the folder are asked for, and then sent, by names with .. and /; then what lies there is "
    "looked at",
    proves="the reply has arrived; the file beside the folder is what it was",
    catches="names put behind the folder's with a slash, a check for a leading .. only",
    hint="A name has no / in it and is neither . nor ..: refuse anything else with 550 or 553 before you open it.",
)
def test_names_that_lead_out_are_refused(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Refuses names that lead out of its folder"""
    secret = random_letters(rng, 40)
    fresh_server.write_file("secret.txt", secret)
    _put(fresh_server, b"inside.txt", b"something")
    with _login(stage, fresh_server) as client:
        for name in _LEADING_OUT:
            with _passive(stage, fresh_server, client):
                client.ask(command(b"RETR " + name, *_NOT_TAKEN))
        for name in _LEADING_OUT:
            _store_somewhere(stage, fresh_server, client, name)
        _retrieve(stage, fresh_server, client, b"inside.txt", b"something")
    if fresh_server.read_file("secret.txt") != secret:
        fail(None, "a file outside its folder was overwritten")


def _store_somewhere(stage: Stage, server: Server, client: ScriptedClient, name: bytes) -> None:
    """It is refused, or stored: a server may take its folder for all there is, so that ../x is x in it."""
    __tracebackhide__ = True
    with _passive(stage, server, client) as data:
        opened = client.ask(command(b"STOR " + name, *_OPENS, *_NOT_TAKEN))["line"].startswith(b"1")
        if opened:
            data.send(b"nothing of importance")
    if opened:
        client.expect(code(226, *_NOT_TAKEN))


@behaviour(
    does="a client asks for a large file and does not read it; meanwhile another one logs in, fetches and sends files",
    proves="the transfer has begun, and more than fits between the two is left of it",
    catches="one transfer at a time for all, one data port for all sessions, a session kept in global variables",
    hint="Each session has its own state: who it is, its data port, its transfer. A thread or process for each is "
    "easiest.",
)
def test_sessions_are_apart(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Serves a session while the transfer of another one stalls"""
    large, small = _name(rng), _name(rng)
    _put(fresh_server, large, _stalling(stage, rng))
    _put(fresh_server, small, b"small")
    with _login(stage, fresh_server) as first, _login(stage, fresh_server) as second:
        waiting = _passive(stage, fresh_server, second)
        with _passive(stage, fresh_server, first, slow=True):
            first.ask(command(b"RETR " + large, *_OPENS))
            second.ask(command(b"RETR " + small, *_OPENS))
            waiting.expect(b"small")
            waiting.expect_end()
            second.expect(code(226))
            _store(stage, fresh_server, second, small, b"smaller")
            with _login(stage, fresh_server) as third:
                _retrieve(stage, fresh_server, third, small, b"smaller")


@behaviour(
    does="a client names a place with PORT where nobody is, and breaks the data connection (a reset) in the middle of "
    "a file that it fetches, and of one that it sends; then it fetches a file in the same session",
    proves="the transfer has begun, and part of the file was sent",
    catches="an error that ends the session or the server, 226 for half a file, half a file in the place of a whole "
    "one",
    hint="When send or recv fails on the data connection, close it, reply 426 or 451, and go on with the session. "
    "Write what comes to another name, and rename it when all has come.",
)
def test_broken_transfers(fresh_server: Server, stage: Stage, listen: Listen, rng: random.Random) -> None:
    """Survives transfers that break off, and keeps no half file"""
    large, small = _name(rng), _name(rng)
    _put(fresh_server, large, _stalling(stage, rng))
    whole = random_letters(rng, 4096)
    _put(fresh_server, small, whole)
    nobody = listen("nobody")
    nobody.refuse()
    with _login(stage, fresh_server) as client:
        # One that doesn't know PORT is another check's business.
        if client.ask(_port(nobody.address, 200, *_UNKNOWN))["line"].startswith(b"200"):
            _must_not_open(client, small)
        with _passive(stage, fresh_server, client, slow=True) as data:
            client.ask(command(b"RETR " + large, *_OPENS))
            data.wait_accepted()
            data.reset()
        client.expect(code(*_BROKEN_OFF))
        with _passive(stage, fresh_server, client) as data:
            client.ask(command(b"STOR " + small, *_OPENS))
            data.send(b"half of it")
            data.wait_read()
            data.reset()
        client.expect(code(*_BROKEN_OFF))
        if (kept := fresh_server.read_file(f"{_FOLDER}/{small.decode()}")) != whole:
            fail(None, "a transfer that broke off has replaced the file", expected=whole, received=kept)
        _retrieve(stage, fresh_server, client, small, whole)


@behaviour(
    does=f"a client says PASV {_MANY} times in one session, and connects to none of those ports but the last; its open "
    "files before and after",
    proves="the replies have arrived",
    catches="a listening socket left open for each PASV, a data connection that is never closed",
    hint="A new PASV, the transfer and the end of the session each close the listening socket that is no longer "
    "needed.",
)
def test_data_ports_are_closed(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Closes the data ports that nobody uses any more"""
    name = _name(rng)
    _put(fresh_server, name, b"something")
    with _login(stage, fresh_server) as client:
        _retrieve(stage, fresh_server, client, name, b"something")
        before = fresh_server.facts().open_files
        for _ in range(_MANY):
            client.ask(command(b"PASV", 227))
        _retrieve(stage, fresh_server, client, name, b"something")
        after = fresh_server.facts().open_files
    if after > before + _FEW_LEFT:
        fail(Reason.FD_LEAK, f"after {_MANY} data ports that nobody used it has {after - before} more files open")
