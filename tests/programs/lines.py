"""TCP servers that answer lines in upper case, right or wrong in one way.  Arguments: which, and the port."""

import socket
import sys
import threading


def in_threads(listener, serve):
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


def once(listener, serve):
    """Serves its first client, closes its listening socket, and goes on doing nothing."""
    serve(listener.accept()[0])
    listener.close()
    threading.Event().wait()


def one_by_one(listener, serve):
    while True:
        serve(listener.accept()[0])


def right(sock):
    with sock:
        buffer = b""
        while chunk := sock.recv(1000):
            buffer += chunk
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                sock.sendall(line.upper() + b"\n")


def prints_lines(sock):
    """Right, and it prints each line, when it has answered."""
    with sock:
        while chunk := sock.recv(1000):
            sock.sendall(chunk.upper())
            print(chunk.decode(), end="", flush=True)


def one_line(sock):
    """Right, and it closes after the answer."""
    with sock:
        buffer = b""
        while b"\n" not in buffer:
            buffer += sock.recv(1000)
        sock.sendall(buffer.upper())


def greeting(sock):
    with sock:
        sock.sendall(b"Welcome\n")
        right(sock)


def leaves_threads(sock):
    right(sock)
    for _ in range(50):
        threading.Thread(target=threading.Event().wait, daemon=True).start()


shared = bytearray()
lock = threading.Lock()


def one_buffer(sock):
    """Right for one client at a time: the buffer is everybody's."""
    with sock:
        while chunk := sock.recv(1000):
            with lock:
                shared.extend(chunk)
                line, end, rest = bytes(shared).partition(b"\n")
                if end:
                    shared[:] = rest
            if end:
                sock.sendall(line.upper() + b"\n")


def takes_three_for_all(sock):
    """What begins with three bytes or more is taken for a whole line."""
    with sock:
        buffer = b""
        while chunk := sock.recv(1000):
            whole = not buffer and 3 <= len(chunk) and not chunk.endswith(b"\n")
            buffer += chunk
            if whole or buffer.endswith(b"\n"):
                sock.sendall(buffer.removesuffix(b"\n").upper() + b"\n")
                buffer = b""


def calls(sock):
    """Of `40123 words` it sends the words to that port, and their answer back; of `print 9` it prints so many bytes."""
    called = {}
    with sock, sock.makefile("rb") as lines:
        for line in lines:
            where, _, words = line.partition(b" ")
            if where == b"print":
                print("x" * int(words), flush=True)
                sock.sendall(b"PRINTED\n")
                continue
            if where not in called:
                try:
                    called[where] = socket.create_connection(("127.0.0.1", int(where)))
                except OSError:
                    sock.sendall(b"REFUSED\n")
                    continue
            called[where].sendall(words)
            answer = b""
            while not answer.endswith(b"\n"):
                answer += called[where].recv(1000)
            sock.sendall(answer.upper())
    for each in called.values():
        each.close()


def says_its_argument(sock):
    """Answers every line with the argument behind its port."""
    with sock:
        while sock.recv(1000).endswith(b"\n"):
            sock.sendall(sys.argv[3].encode() + b"\n")


SERVERS = {
    "calls": (in_threads, calls),
    "says_its_argument": (in_threads, says_its_argument),
    "right": (in_threads, right),
    "right_one_by_one": (one_by_one, right),
    "one_line": (in_threads, one_line),
    "prints_lines": (in_threads, prints_lines),
    "greeting": (in_threads, greeting),
    "takes_any_other_port": (in_threads, right),
    "stops_listening": (once, right),
    "leaves_threads": (in_threads, leaves_threads),
    "one_buffer": (in_threads, one_buffer),
    "takes_three_for_all": (in_threads, takes_three_for_all),
    "takes_three_for_all_one_by_one": (one_by_one, takes_three_for_all),
}


def listen(which, port):
    try:
        return socket.create_server(("", port))
    except OSError:
        if which != "takes_any_other_port":
            raise
        return socket.create_server(("", 0))


loop, serve = SERVERS[sys.argv[1]]
with listen(sys.argv[1], int(sys.argv[2])) as listener:
    loop(listener, serve)
