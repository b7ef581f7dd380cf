"""FTP server for one folder, a thread for each session.

Usage: python3 threads.py PORT FOLDER
"""

import contextlib
import os
import re
import socket
import sys
import tempfile
import threading
from pathlib import Path

USER, PASSWORD = "student", "sesame"
MAX_LINE = 4096  # bytes of a command
CHUNK = 64 * 1024  # bytes that are sent or received in one go
BACKLOG = 128  # clients that may wait until they are accepted
WAIT_S = 10  # for the client to connect to the port that it was told
NAME = re.compile(r"[^/\0]+")


class Session:
    """One client: its control connection, who it says it is, and where its next data connection comes from or goes to."""

    def __init__(self, control: socket.socket, folder: Path) -> None:
        self.control = control
        self.folder = folder
        self.user = ""
        self.logged_in = False
        self.listener: socket.socket | None = None
        self.place: tuple[str, int] | None = None

    def reply(self, code: int, text: str) -> None:
        self.control.sendall(f"{code} {text}\r\n".encode())

    def converse(self) -> None:
        """Obey commands until QUIT or the end of the connection."""
        self.reply(220, "ready")
        with self.control.makefile("rb") as commands:
            while line := commands.readline(MAX_LINE):
                if not line.endswith(b"\n"):
                    return  # too long, or cut short by the end
                verb, _, argument = line.decode("latin-1").rstrip("\r\n").partition(" ")
                if verb.upper() == "QUIT":
                    self.reply(221, "bye")
                    return
                self.obey(verb.upper(), argument)

    def obey(self, verb: str, argument: str) -> None:
        action = getattr(self, f"do_{verb.lower()}", None) if verb.isalpha() else None
        if action is None:
            self.reply(502, "no such command")
        elif not self.logged_in and verb not in {"USER", "PASS", "NOOP"}:
            self.reply(530, "log in first")
        else:
            action(argument)

    def do_noop(self, _: str) -> None:
        self.reply(200, "ok")

    def do_user(self, argument: str) -> None:
        self.user, self.logged_in = argument, False
        self.reply(331, "and the password?")

    def do_pass(self, argument: str) -> None:
        self.logged_in = (self.user, argument) == (USER, PASSWORD)
        if self.logged_in:
            self.reply(230, "welcome")
        else:
            self.reply(530, "wrong user or password")

    def do_type(self, _: str) -> None:
        self.reply(200, "bytes as they are")

    def do_pwd(self, _: str) -> None:
        self.reply(257, '"/"')

    def do_pasv(self, _: str) -> None:
        """Listen for the next data connection, at a port that the system chooses."""
        self.close_listener()
        host = self.control.getsockname()[0]
        self.listener = socket.create_server((host, 0), backlog=1)
        self.listener.settimeout(WAIT_S)
        port = self.listener.getsockname()[1]
        self.reply(227, f"waiting at ({host.replace('.', ',')},{port // 256},{port % 256})")

    def do_port(self, argument: str) -> None:
        """Connect there for the next transfer: to the client itself, and to nobody else."""
        numbers = [int(word) for word in argument.split(",") if word.isdecimal()]
        if len(numbers) != 6 or max(numbers) > 255:
            self.reply(501, "six numbers, please")
            return
        self.connect_later(".".join(map(str, numbers[:4])), numbers[4] * 256 + numbers[5])

    def do_eprt(self, argument: str) -> None:
        """The same in RFC 2428's words: |1|127.0.0.1|40000|."""
        words = argument.split(argument[:1] or "|")
        if len(words) != 5 or words[1] != "1" or not words[3].isdecimal():
            self.reply(522, "say |1|address|port|")
            return
        self.connect_later(words[2], int(words[3]))

    def connect_later(self, host: str, port: int) -> None:
        if host != self.control.getpeername()[0]:
            self.reply(501, "that is not where you are")
            return
        self.close_listener()
        self.place = host, port
        self.reply(200, "I will connect there")

    def close_listener(self) -> None:
        self.place = None
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    def data_connection(self) -> socket.socket:
        if self.place is not None:
            return socket.create_connection(self.place, timeout=WAIT_S)
        return self.listener.accept()[0]

    def transfer(self, play) -> None:
        """Open the data connection, and play the transfer on it."""
        if self.listener is None and self.place is None:
            self.reply(425, "PASV or PORT comes first")
            return
        self.reply(150, "here it comes")
        try:
            data = self.data_connection()
            self.close_listener()
            data.settimeout(None)
            with data:
                play(data)
        except OSError as error:
            self.close_listener()
            self.reply(426, f"broken off: {error.strerror}")
        else:
            self.reply(226, "done")

    def do_list(self, _: str) -> None:
        sizes = sorted((path.name, path.stat().st_size) for path in self.folder.iterdir() if path.is_file())
        lines = [f"-rw-r--r-- 1 ftp ftp {size:>10} Jan  1 00:00 {name}\r\n" for name, size in sizes]
        self.transfer(lambda data: data.sendall("".join(lines).encode()))

    def do_retr(self, argument: str) -> None:
        path = self.path_of(argument)
        if path is None or not path.is_file():
            self.reply(550, "no such file")
            return
        with path.open("rb") as file:
            self.transfer(lambda data: data.sendfile(file))

    def do_stor(self, argument: str) -> None:
        path = self.path_of(argument)
        if path is None:
            self.reply(553, "that is no name for a file")
            return
        self.transfer(lambda data: self.receive(data, path))

    def receive(self, data: socket.socket, path: Path) -> None:
        """Write to another name first: a transfer that breaks off must not leave half a file."""
        with tempfile.NamedTemporaryFile(dir=self.folder.parent, prefix=".upload-", delete=False) as file:
            try:
                while chunk := data.recv(CHUNK):
                    file.write(chunk)
                file.close()
                os.replace(file.name, path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)
                raise

    def path_of(self, name: str) -> Path | None:
        """Where a file of that name is; None: it would be somewhere else."""
        name = name.encode("latin-1").decode(errors="surrogateescape")
        return self.folder / name if NAME.fullmatch(name) and name not in {".", ".."} else None


def serve(control: socket.socket, folder: Path) -> None:
    with control:
        session = Session(control, folder)
        try:
            session.converse()
        except OSError:
            pass  # the client is gone
        finally:
            session.close_listener()


def serve_forever(listener: socket.socket, folder: Path) -> None:
    while True:
        control, _ = listener.accept()
        # Daemon threads don't keep the program alive after Ctrl-C; the kernel then closes their sockets.
        threading.Thread(target=serve, args=(control, folder), daemon=True).start()


def main() -> int:
    if len(sys.argv) != 3 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: threads.py PORT FOLDER   (a port is from 1 to 65535)", file=sys.stderr)
        return 2
    folder = Path(sys.argv[2])
    try:
        folder.mkdir(exist_ok=True)
        listener = socket.create_server(("", int(sys.argv[1])), backlog=BACKLOG)  # sets SO_REUSEADDR
    except OSError as error:
        print(f"threads.py: {error}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener, folder)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
