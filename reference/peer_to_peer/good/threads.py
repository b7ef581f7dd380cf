"""A peer, with a thread for each one that connects, one for the tracker, and one for each chunk that is fetched.

Usage: python3 threads.py PORT FOLDER [TRACKER_HOST TRACKER_PORT]
"""

import os
import re
import socket
import sys
import threading
from collections import defaultdict, deque
from hashlib import sha256
from pathlib import Path

CHUNK = 16384  # bytes of a chunk, but for the last one of a file
MAX_REQUEST = 4096  # bytes of a line that somebody sends us
MAX_HEAD = 100  # bytes of the line before a chunk
PATIENCE_S = 5  # without a byte from a place
BACKLOG = 128  # peers that may wait until they are accepted
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Peer:
    """What we have, what we want, and where that is.  All of it belongs to `lock`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.chunks: dict[str, bytes] = {}
        self.wanted: dict[str, list[str]] = {}  # the chunks of each file that is not complete
        self.places: dict[str, deque[tuple[str, int]]] = defaultdict(deque)
        self.asked: set[str] = set()  # chunks that are being fetched
        self.tracker: socket.socket | None = None
        self.telling = threading.Lock()

    def read_folder(self) -> None:
        for path in self.folder.iterdir():
            if path.is_file():
                content = path.read_bytes()
                for at in range(0, len(content), CHUNK):
                    chunk = content[at : at + CHUNK]
                    self.chunks[sha256(chunk).hexdigest()] = chunk

    # Serving

    def serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while (line := lines.readline(MAX_REQUEST)).endswith(b"\n"):
                    connection.sendall(self.answer(line))
        except OSError:
            pass  # the other one is gone

    def answer(self, line: bytes) -> bytes:
        verb, _, name = line.rstrip(b"\n").decode("latin-1").partition(" ")
        with self.lock:
            chunk = self.chunks.get(name) if verb == "GET" else None
        return b"NONE\n" if chunk is None else b"CHUNK %d\n%b" % (len(chunk), chunk)

    # The tracker

    def follow(self, tracker: socket.socket, port: int) -> None:
        """Tell the tracker what we have, and do what it says, until it leaves."""
        self.tracker = tracker
        self.tell(f"HELLO {port}", *(f"HAVE {name}" for name in self.chunks))
        try:
            with tracker.makefile("rb") as lines:
                for line in lines:
                    self.obey(line.decode("latin-1").split())
        except OSError as error:
            print(f"the tracker is gone: {error}", file=sys.stderr)

    def tell(self, *lines: str) -> None:
        with self.telling:
            try:
                self.tracker.sendall("".join(f"{line}\n" for line in lines).encode())
            except OSError:
                pass  # it is gone, which `follow` notices

    def obey(self, words: list[str]) -> None:
        if words[:1] == ["FILE"] and len(words) >= 3 and FILE_NAME.fullmatch(words[1]):
            with self.lock:
                self.wanted[words[1]] = words[3:]
            for name in words[3:]:
                self.fetch_soon(name)
            self.finish_files()
        elif words[:1] == ["AT"] and len(words) == 4:
            with self.lock:
                self.places[words[3]].append((words[1], int(words[2])))
            self.fetch_soon(words[3])

    # Fetching

    def fetch_soon(self, name: str) -> None:
        """Begin to fetch a chunk, if it is wanted, and not asked for, and there is a place to try."""
        with self.lock:
            wanted = any(name in names for names in self.wanted.values())
            if not wanted or name in self.chunks or name in self.asked or not self.places[name]:
                return
            self.asked.add(name)
            place = self.places[name].popleft()
        threading.Thread(target=self.fetch, args=(name, place), daemon=True).start()

    def fetch(self, name: str, place: tuple[str, int]) -> None:
        chunk = ask(name, place)
        with self.lock:
            self.asked.remove(name)
            if chunk is not None:
                self.chunks[name] = chunk
        if chunk is None:
            self.fetch_soon(name)
        else:
            self.tell(f"HAVE {name}")
            self.finish_files()

    def finish_files(self) -> None:
        """Write those files whose last chunk has come."""
        with self.lock:
            complete = {
                file: [self.chunks[name] for name in names]
                for file, names in self.wanted.items()
                if all(name in self.chunks for name in names)
            }
            for file in complete:
                del self.wanted[file]
        for file, chunks in complete.items():
            unfinished = self.folder / f".{file}"
            unfinished.write_bytes(b"".join(chunks))
            os.replace(unfinished, self.folder / file)
            self.tell(f"DONE {file}")


def ask(name: str, place: tuple[str, int]) -> bytes | None:
    """Ask another peer for a chunk; None: we don't get it there."""
    try:
        with socket.create_connection(place, timeout=PATIENCE_S) as connection, connection.makefile("rb") as reply:
            connection.sendall(f"GET {name}\n".encode())
            head = re.fullmatch(rb"CHUNK ([0-9]{1,5})\n", reply.readline(MAX_HEAD))
            if head is None or not 1 <= int(head[1]) <= CHUNK:
                return None
            chunk = reply.read(int(head[1]))
    except OSError:
        return None
    return chunk if sha256(chunk).hexdigest() == name else None


def port_in(word: str) -> int:
    """The port that a word is; 0: it is none."""
    return int(word) if re.fullmatch("[0-9]{1,5}", word) and int(word) <= 65535 else 0


def main(words: list[str]) -> int:
    if len(words) not in {2, 4} or not all(map(port_in, words[::3])):
        print("usage: threads.py PORT FOLDER [TRACKER_HOST TRACKER_PORT]", file=sys.stderr)
        return 2
    port, folder = port_in(words[0]), Path(words[1])
    try:
        folder.mkdir(exist_ok=True)
        listener = socket.create_server(("", port), backlog=BACKLOG)  # sets SO_REUSEADDR
        peer = Peer(folder)
        peer.read_folder()
    except OSError as error:
        print(f"threads.py: {error}", file=sys.stderr)
        return 1
    if len(words) == 4:
        try:
            tracker = socket.create_connection((words[2], port_in(words[3])))
            threading.Thread(target=peer.follow, args=(tracker, port), daemon=True).start()
        except OSError as error:
            print(f"threads.py: no tracker: {error}", file=sys.stderr)
    with listener:
        try:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=peer.serve, args=(connection,), daemon=True).start()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
