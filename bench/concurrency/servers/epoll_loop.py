"""Echo server: one thread, which is told by epoll() who has sent something, or has room for what waits for it."""

import select
import socket
import sys

ENOUGH = 256 * 1024  # bytes that wait for a client, above which no more is read from it


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting = bytearray()

    def events(self) -> int:
        reads = select.EPOLLIN if len(self.waiting) < ENOUGH else 0
        return reads | (select.EPOLLOUT if self.waiting else 0)

    def attend(self, events: int) -> bool:
        """Do what epoll has announced; False when the client has left."""
        try:
            if events & (select.EPOLLIN | select.EPOLLHUP):
                data = self.sock.recv(4096)
                if not data:
                    return False
                self.waiting += data
            if self.waiting:
                del self.waiting[: self.sock.send(self.waiting)]
        except BlockingIOError:
            pass  # not now
        except OSError:
            return False
        return True


def main() -> None:
    with socket.create_server(("", int(sys.argv[1])), backlog=128) as listener, select.epoll() as epoll:
        epoll.register(listener, select.EPOLLIN)
        clients: dict[int, Client] = {}
        while True:
            for number, events in epoll.poll():
                if number == listener.fileno():
                    sock, _ = listener.accept()
                    sock.setblocking(False)
                    clients[sock.fileno()] = Client(sock)
                    epoll.register(sock, select.EPOLLIN)
                elif clients[number].attend(events):
                    epoll.modify(number, clients[number].events())
                else:
                    epoll.unregister(number)
                    clients.pop(number).sock.close()


if __name__ == "__main__":
    main()
