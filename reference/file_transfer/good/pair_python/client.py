"""FTP client for one command.

Usage: python3 client.py HOST PORT USER PASSWORD get|put|list|delete NAME
"""

import os
import re
import socket
import sys
from pathlib import Path

CHUNK = 64 * 1024  # bytes that are sent or received in one go
MAX_LINE = 4096  # bytes of a line in a reply
PORT = re.compile(r"(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})")


class FtpError(Exception):
    """What went wrong, in words for the user."""


class Session:
    """The control connection."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.lines = control.makefile("rb")

    def reply(self) -> str:
        """The last line of the next reply (FtpError: it is an error)."""
        line = self.line()
        code = line[:3]
        while not line.startswith(code + " "):
            line = self.line()
        if not code.isdigit() or int(code) >= 400:
            raise FtpError(line)
        return line

    def line(self) -> str:
        line = self.lines.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise ConnectionError("the server has closed the connection")
        return line.decode(errors="replace").rstrip("\r\n")

    def ask(self, *words: str) -> str:
        self.control.sendall(" ".join(words).encode() + b"\r\n")
        return self.reply()

    def log_in(self, user: str, password: str) -> None:
        self.reply()
        if self.ask("USER", user).startswith("331"):
            self.ask("PASS", password)

    def transfer(self, play, *command: str) -> None:
        """Open a data connection, and play a transfer on it."""
        self.ask("TYPE", "I")
        found = PORT.search(self.ask("PASV"))
        if not found:
            raise FtpError("the server does not say where it waits")
        place = self.control.getpeername()[0], int(found[1]) * 256 + int(found[2])
        with socket.create_connection(place) as data:
            self.ask(*command)
            broken = None
            try:
                play(data)
            except ConnectionError as error:
                broken = error
        self.reply()
        if broken:
            raise FtpError(f"the transfer broke off: {broken}")

    def fetch(self, name: str, *command: str) -> None:
        """What comes goes to another name first: half a file must not take the place of a whole one."""
        unfinished = Path(f"{name}.unfinished")
        try:
            with unfinished.open("wb") as file:

                def receive(data: socket.socket) -> None:
                    while chunk := data.recv(CHUNK):
                        file.write(chunk)

                self.transfer(receive, *command)
            os.replace(unfinished, name)
        finally:
            unfinished.unlink(missing_ok=True)

    def store(self, name: str, file) -> None:
        def send(data: socket.socket) -> None:
            data.sendfile(file)
            data.close()

        self.transfer(send, "STOR", name)

    def obey(self, command: str, name: str, file) -> None:
        if command == "get":
            self.fetch(name, "RETR", name)
        elif command == "list":
            self.fetch(name, "LIST")
        elif command == "put":
            self.store(name, file)
        else:
            print(self.ask("DELE", name))


def run(host: str, port: int, user: str, password: str, command: str, name: str) -> int:
    with open(name if command == "put" else os.devnull, "rb") as file:
        with socket.create_connection((host, port)) as control:
            session = Session(control)
            status = 0
            try:
                session.log_in(user, password)
                session.obey(command, name, file)
            except FtpError as error:
                print(f"client: {error}", file=sys.stderr)
                status = 1
            session.ask("QUIT")
            return status


def main(words: list[str]) -> int:
    if len(words) != 6 or not words[1].isdecimal() or words[4] not in {"get", "put", "list", "delete"}:
        print("usage: client.py HOST PORT USER PASSWORD get|put|list|delete NAME", file=sys.stderr)
        return 2
    try:
        return run(words[0], int(words[1]), *words[2:])
    except (OSError, OverflowError, FtpError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
