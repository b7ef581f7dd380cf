"""A mail server with a thread for each client: mail is sent by SMTP, fetched by POP3, and kept in files."""

import contextlib
import os
import re
import select
import signal
import socket
import sys
import threading

DOMAIN = b"mail.test"
FOLDER = b"mail"
ADDRESS = re.compile(rb":\s*<([^<>]*)>")


class Lines:
    """The lines that a client sends; each ends with CRLF."""

    def __init__(self, client):
        self.client = client
        self.buffer = bytearray()

    def read(self):
        """The next line without its CRLF, or None at the end of the connection."""
        start = 0
        while (end := self.buffer.find(b"\r\n", start)) < 0:
            start = max(0, len(self.buffer) - 1)
            data = self.client.recv(65536)
            if not data:
                return None
            self.buffer += data
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line


class Store:
    """A folder for each user, with a file for each mail; the names of the files count up."""

    def __init__(self, users):
        self.lock = threading.Lock()
        for user in users:
            os.makedirs(os.path.join(FOLDER, user), exist_ok=True)

    def names(self, user):
        return sorted(name for name in os.listdir(os.path.join(FOLDER, user)) if name.isdigit())

    def add(self, user, content):
        with self.lock:
            names = self.names(user)
            name = b"%08d" % (int(names[-1]) + 1 if names else 1)
            path = os.path.join(FOLDER, user, name)
            with open(path + b".part", "wb") as file:
                file.write(content)
            os.rename(path + b".part", path)

    def content(self, user, name):
        with open(os.path.join(FOLDER, user, name), "rb") as file:
            return file.read()

    def remove(self, user, name):
        with self.lock, contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(FOLDER, user, name))


class Smtp:
    """One client that sends mail."""

    def __init__(self, client, users, store):
        self.client = client
        self.lines = Lines(client)
        self.users = users
        self.store = store
        self.begin()

    def begin(self):
        self.sender = None
        self.recipients = []

    def reply(self, text):
        self.client.sendall(text + b"\r\n")

    def serve(self):
        self.reply(b"220 " + DOMAIN)
        while (line := self.lines.read()) is not None:
            verb, _, rest = line.partition(b" ")
            if verb.upper() == b"QUIT":
                self.reply(b"221 bye")
                return
            self.reply(self.answer(verb.upper(), rest))

    def answer(self, verb, rest):
        if verb in {b"HELO", b"EHLO"}:
            self.begin()
            return b"250 " + DOMAIN
        if verb == b"NOOP":
            return b"250 ok"
        if verb == b"RSET":
            self.begin()
            return b"250 ok"
        if verb == b"MAIL":
            return self.mail(rest)
        if verb == b"RCPT":
            return self.recipient(rest)
        if verb == b"DATA":
            return self.data()
        return b"500 unknown command"

    def mail(self, rest):
        found = ADDRESS.search(rest)
        if not found or not rest.upper().startswith(b"FROM:"):
            return b"501 MAIL FROM:<address>"
        self.begin()
        self.sender = found[1]
        return b"250 ok"

    def recipient(self, rest):
        found = ADDRESS.search(rest)
        if not found or not rest.upper().startswith(b"TO:"):
            return b"501 RCPT TO:<address>"
        if self.sender is None:
            return b"503 MAIL comes first"
        user, _, domain = found[1].partition(b"@")
        if user not in self.users or domain.lower() != DOMAIN:
            return b"550 no such user"
        self.recipients.append(user)
        return b"250 ok"

    def data(self):
        if not self.recipients:
            return b"503 RCPT comes first"
        self.reply(b"354 go on")
        content = []
        while (line := self.lines.read()) != b".":
            if line is None:
                return b"451 interrupted"
            content.append(line.removeprefix(b".") + b"\r\n")
        for user in self.recipients:
            self.store.add(user, b"".join(content))
        self.begin()
        return b"250 stored"


class Refused(Exception):
    pass


class Pop3:
    """One client that fetches mail."""

    def __init__(self, client, users, store):
        self.client = client
        self.lines = Lines(client)
        self.users = users
        self.store = store
        self.claims = None
        self.user = None
        self.mails = []
        self.deleted = set()

    def reply(self, text):
        self.client.sendall(text + b"\r\n")

    def serve(self):
        self.reply(b"+OK " + DOMAIN)
        while (line := self.lines.read()) is not None:
            verb, *words = line.split(b" ")
            try:
                self.reply(b"+OK " + self.answer(verb.upper(), words))
            except Refused as error:
                self.reply(b"-ERR " + str(error).encode())
            if verb.upper() == b"QUIT":
                return

    def answer(self, verb, words):
        if verb == b"QUIT":
            for number in self.deleted:
                self.store.remove(self.user, self.mails[number - 1])
            return b"bye"
        if self.user is None:
            return self.log_in(verb, words)
        if verb == b"STAT":
            return b"%d %d" % (len(self.numbers()), sum(map(self.size, self.numbers())))
        if verb == b"LIST" and words:
            return self.listed(self.number(words))
        if verb == b"LIST":
            return b"\r\n".join((b"all", *map(self.listed, self.numbers()), b"."))
        if verb == b"RETR":
            return b"here it is\r\n" + self.stuffed(self.content(self.number(words)))
        if verb == b"DELE":
            self.deleted.add(self.number(words))
            return b"marked"
        if verb == b"RSET":
            self.deleted.clear()
            return b"none is marked"
        if verb == b"NOOP":
            return b"ok"
        raise Refused("unknown command")

    def log_in(self, verb, words):
        if verb == b"USER" and len(words) == 1:
            self.claims = words[0]
            return b"and the password?"
        if verb == b"PASS" and self.claims in self.users and words == [self.users[self.claims]]:
            self.user = self.claims
            self.mails = self.store.names(self.user)
            return b"welcome"
        raise Refused("log in first")

    def numbers(self):
        return [number for number in range(1, len(self.mails) + 1) if number not in self.deleted]

    def number(self, words):
        if len(words) == 1 and words[0].isdigit() and int(words[0]) in self.numbers():
            return int(words[0])
        raise Refused("no such mail")

    def content(self, number):
        return self.store.content(self.user, self.mails[number - 1])

    def size(self, number):
        return len(self.content(number))

    def listed(self, number):
        return b"%d %d" % (number, self.size(number))

    def stuffed(self, content):
        lines = content.split(b"\r\n")[:-1]
        return b"\r\n".join([*(b"." + line if line.startswith(b".") else line for line in lines), b"."])


def serve(session, client, users, store):
    with contextlib.suppress(OSError), client:
        session(client, users, store).serve()


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", port))
    except OSError as error:
        sys.exit(f"port {port}: {error}")
    listener.listen(128)
    return listener


def main():
    try:
        ports = [int(word) for word in sys.argv[1:3]]
        if len(ports) != 2 or not all(0 < port < 65536 for port in ports):
            raise ValueError
        with open(sys.argv[3], "rb") as file:
            users = dict(line.split() for line in file)
    except (IndexError, ValueError, OSError):
        sys.exit("usage: mailbox SMTP_PORT POP3_PORT USERS")
    sessions = dict(zip(map(listen, ports), (Smtp, Pop3), strict=True))
    store = Store(users)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for listener in select.select(list(sessions), [], [])[0]:
                with contextlib.suppress(ConnectionError):
                    client, _ = listener.accept()
                    arguments = (sessions[listener], client, users, store)
                    threading.Thread(target=serve, args=arguments, daemon=True).start()


main()
