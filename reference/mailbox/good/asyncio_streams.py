"""A mail server on asyncio's streams: SMTP and POP3, a coroutine for each client, and a file for each mail."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

MOST_BYTES = 64 << 20
SPECIAL = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError)


class Mailbox:
    """One user's mail: files that are called 1, 2, 3 and so on."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def files(self):
        return sorted((path for path in self.folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))

    def deliver(self, content):
        last = max((int(path.name) for path in self.files()), default=0)
        unfinished = self.folder / "unfinished"
        unfinished.write_bytes(content)
        unfinished.rename(self.folder / str(last + 1))


class Session:
    def __init__(self, reader, writer, users):
        self.reader, self.writer, self.users = reader, writer, users

    async def line(self):
        return (await self.reader.readuntil(b"\r\n"))[:-2]

    async def say(self, *lines):
        self.writer.writelines(line + b"\r\n" for line in lines)
        await self.writer.drain()


class Smtp(Session):
    async def serve(self):
        await self.say(b"220 mail.test")
        sender, recipients = None, []
        while True:
            verb, _, rest = (await self.line()).partition(b" ")
            verb = verb.upper()
            if verb == b"QUIT":
                await self.say(b"221 mail.test closes the connection")
                return
            if verb in {b"HELO", b"EHLO", b"RSET"}:
                sender, recipients = None, []
                await self.say(b"250-mail.test", b"250 8BITMIME") if verb == b"EHLO" else await self.say(b"250 ok")
            elif verb == b"NOOP":
                await self.say(b"250")
            elif verb == b"MAIL":
                address = self.address(b"FROM", rest)
                if address is None:
                    await self.say(b"501 whose mail?")
                else:
                    sender, recipients = address, []
                    await self.say(b"250 ok")
            elif verb == b"RCPT":
                address = self.address(b"TO", rest)
                if address is None:
                    await self.say(b"501 to whom?")
                elif sender is None:
                    await self.say(b"503 MAIL first")
                elif (box := self.box(address)) is None:
                    await self.say(b"550 nobody of that name")
                else:
                    recipients.append(box)
                    await self.say(b"250 ok")
            elif verb == b"DATA":
                if not recipients:
                    await self.say(b"503 RCPT first")
                    continue
                await self.say(b"354 end with a line with a dot")
                content = await self.message()
                for box in recipients:
                    box.deliver(content)
                sender, recipients = None, []
                await self.say(b"250 delivered")
            else:
                await self.say(b"500 what?")

    @staticmethod
    def address(keyword, rest):
        before, bracket, after = rest.partition(b"<")
        address, closed, _ = after.partition(b">")
        if before.strip().upper() != keyword + b":" or not bracket or not closed:
            return None
        return address

    def box(self, address):
        name, _, domain = address.partition(b"@")
        known = self.users.get(name) if domain.lower() == b"mail.test" else None
        return known[1] if known else None

    async def message(self):
        lines = []
        while (line := await self.line()) != b".":
            lines.append(line[line.startswith(b".") :] + b"\r\n")
        return b"".join(lines)


class Pop3(Session):
    async def serve(self):
        await self.say(b"+OK mail.test")
        box = await self.logged_in()
        if box is None:
            return
        files = dict(enumerate(box.files(), 1))
        left = dict(files)
        while True:
            verb, _, rest = (await self.line()).partition(b" ")
            verb, number = verb.upper(), int(rest) if rest.isdigit() else None
            if verb == b"QUIT":
                for deleted in files.keys() - left.keys():
                    files[deleted].unlink(missing_ok=True)
                await self.say(b"+OK bye")
                return
            sizes = {number: path.stat().st_size for number, path in left.items()}
            if verb == b"NOOP":
                await self.say(b"+OK")
            elif verb == b"RSET":
                left = dict(files)
                await self.say(b"+OK")
            elif verb == b"STAT":
                await self.say(b"+OK %d %d" % (len(left), sum(sizes.values())))
            elif verb == b"LIST" and not rest:
                await self.say(b"+OK", *(b"%d %d" % row for row in sizes.items()), b".")
            elif verb not in {b"LIST", b"RETR", b"DELE"}:
                await self.say(b"-ERR what?")
            elif number not in left:
                await self.say(b"-ERR there is no such mail")
            elif verb == b"LIST":
                await self.say(b"+OK %d %d" % (number, sizes[number]))
            elif verb == b"RETR":
                lines = left[number].read_bytes().split(b"\r\n")[:-1]
                await self.say(b"+OK", *(b"." + line if line[:1] == b"." else line for line in lines), b".")
            else:
                del left[number]
                await self.say(b"+OK deleted at QUIT")

    async def logged_in(self):
        """The mailbox of who has logged in; None: the client leaves."""
        name = b""
        while True:
            verb, _, rest = (await self.line()).partition(b" ")
            if verb.upper() == b"QUIT":
                await self.say(b"+OK bye")
                return None
            if verb.upper() == b"USER":
                name = rest
                await self.say(b"+OK")
            elif verb.upper() == b"PASS" and self.users.get(name, (None,))[0] == rest:
                await self.say(b"+OK")
                return self.users[name][1]
            else:
                await self.say(b"-ERR log in first")


async def main(ports, passwords):
    users = {name: (password, Mailbox(Path("mail", name.decode()))) for name, password in passwords.items()}

    def serving(session):
        async def serve(reader, writer):
            with contextlib.suppress(*SPECIAL):
                await session(reader, writer, users).serve()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

        return serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for port, session in zip(ports, (Smtp, Pop3), strict=True):
        try:
            await asyncio.start_server(serving(session), "0.0.0.0", port, backlog=128, limit=MOST_BYTES)
        except OSError as error:
            sys.exit(f"cannot listen on port {port}: {error}")
    await stop.wait()


def arguments():
    try:
        *words, users = sys.argv[1:]
        smtp, pop3 = map(int, words)
        passwords = dict(line.split() for line in Path(users).read_bytes().splitlines())
        if 0 < smtp < 65536 and 0 < pop3 < 65536:
            return (smtp, pop3), passwords
    except (ValueError, OSError):
        pass
    sys.exit("usage: mailbox SMTP_PORT POP3_PORT USERS")


asyncio.run(main(*arguments()))
