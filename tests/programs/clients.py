"""Clients over TCP, right or wrong in one way, and programs that wait for a line.  Arguments: which, and what it takes."""

import ctypes
import os
import select
import signal
import socket
import sys
import termios
import threading
import time

ours, theirs = socket.socketpair()


# Ways to wait for a line; each gives what was typed, b"" at its end


def reads():
    return os.read(0, 100)


def reads_by_fgets():
    libc = ctypes.CDLL(None)
    libc.fgets.restype = ctypes.c_char_p
    return libc.fgets(ctypes.create_string_buffer(100), 100, ctypes.c_void_p.in_dll(libc, "stdin")) or b""


def reads_by_input():
    try:
        return input("line? ").encode() + b"\n"
    except EOFError:
        return b""


def reads_by_readline():
    import readline  # noqa: F401 (its import changes input)

    return reads_by_input()


def reads_after_select():
    select.select([0, ours], [], [])
    return os.read(0, 100)


def reads_after(make_poll, events):
    poll = make_poll()
    poll.register(0, events)
    poll.register(ours, events)
    poll.poll()
    return os.read(0, 100)


def reads_in_a_thread():
    came = []
    thread = threading.Thread(target=lambda: came.append(os.read(0, 100)))
    thread.start()
    if not RECEIVERS:
        RECEIVERS.append(threading.Thread(target=ours.recv, args=[1], daemon=True))
        RECEIVERS[0].start()
    thread.join()
    return came[0]


def reads_beside_a_busy_thread():
    if not RECEIVERS:
        RECEIVERS.append(threading.Thread(target=spin, daemon=True))
        RECEIVERS[0].start()
    return os.read(0, 100)


def spin():
    while True:
        pass


def reads_beside_a_timer():
    if not RECEIVERS:
        RECEIVERS.append(threading.Thread(target=time.sleep, args=[1000], daemon=True))
        RECEIVERS[0].start()
    return os.read(0, 100)


RECEIVERS = []


def readers(read):
    print("ready", flush=True)
    while line := read():
        print("got", line, flush=True)
    print("end", flush=True)


# Ways not to wait for a line


def receives_only():
    print("ready", flush=True)
    ours.recv(1)


def sleeps():
    print("ready", flush=True)
    time.sleep(1000)


def ignores_its_input():
    print("ready", flush=True)
    signal.pause()


def ends(status):
    sys.exit(int(status))


# Output


def counts():
    """For each line typed a number, on standard output, just before it reads again."""
    number = 0
    while os.read(0, 100):
        number += 1
        os.write(1, b"<%d>" % number)


def stops_its_terminal():
    """As ^S does: nothing that is printed goes anywhere."""
    os.write(1, b"before")
    os.read(0, 100)
    termios.tcflow(1, termios.TCOOFF)
    os.read(0, 100)


def counts_bytes(pause_s):
    """Reads all of its input in small parts, and takes its time."""
    size = 0
    while chunk := os.read(0, 4096):
        size += len(chunk)
        time.sleep(float(pause_s))
    print("read", size, flush=True)


# Clients: each connects, and talks in lines


def connect(host, port):
    return socket.create_connection((host, int(port)))


def looks_now_and_then(host, port):
    """Waits for a line, while a thread looks at its connection ten times a second, and prints what has come."""

    def look():
        while True:
            try:
                print(sock.recv(1000).decode(), flush=True)
            except BlockingIOError:
                time.sleep(0.1)

    sock = connect(host, port)
    sock.sendall(b"hello\n")
    sock.setblocking(False)
    threading.Thread(target=look, daemon=True).start()
    while os.read(0, 100):
        pass


def reads_for_a_tenth(host, port):
    """The same without a thread: a read of the keyboard ends after a tenth of a second (VTIME of termios(3))."""
    sock = connect(host, port)
    sock.sendall(b"hello\n")
    sock.setblocking(False)
    settings = termios.tcgetattr(0)
    settings[3] &= ~termios.ICANON
    settings[6][termios.VMIN], settings[6][termios.VTIME] = 0, 1
    termios.tcsetattr(0, termios.TCSANOW, settings)
    while True:
        try:
            print(sock.recv(1000).decode(), flush=True)
        except BlockingIOError:
            os.read(0, 100)


def receives(host, port):
    """Sends one line, and tells what each recv brings."""
    with connect(host, port) as sock:
        sock.sendall(b"hello\n")
        try:
            while chunk := sock.recv(1000):
                print("recv", len(chunk), flush=True)
            print("end", flush=True)
        except ConnectionResetError:
            print("reset", flush=True)
    signal.pause()


def connects_twice(host, port):
    with connect(host, port) as sock, connect(host, port):
        sock.sendall(b"hello\n")
        signal.pause()


def sends_more(host, port):
    with connect(host, port) as sock:
        sock.sendall(b"hello\nhello\n")
        signal.pause()


def tells_how_connecting_ends(host, port):
    with socket.socket() as sock:
        print("connect", sock.connect_ex((host, int(port))), flush=True)
    signal.pause()


def talk(sock, show=lambda reply: print(reply.decode(), end="", flush=True), receive=lambda replies: replies.readline()):
    """A line typed is sent, and its reply shown, until the end of input or the server's."""
    with sock, sock.makefile("rb") as replies:
        while line := sys.stdin.readline():
            sock.sendall(line.encode())
            show(receive(replies))


def takes_arguments(host, port):
    talk(connect(host, port))


def asks(host_prompt, port_prompt, *_):
    host = input(host_prompt)
    talk(connect(host, input(port_prompt)))


def asks_port_first(port_prompt, host_prompt, *_):
    port = input(port_prompt)
    talk(connect(input(host_prompt), port))


def asks_port_only(port_prompt, *_):
    talk(connect("127.0.0.1", input(port_prompt)))


def asks_for_both_at_once(prompt, *_):
    talk(connect(*input(prompt).rsplit(":", 1)))


def asks_and_comes_late(host_prompt, port_prompt, message_prompt, *_):
    """Connects with its first line."""
    host, port = input(host_prompt), input(port_prompt)
    line = input(message_prompt)
    with connect(host, port) as sock:
        sock.sendall(line.encode() + b"\n")
        print(sock.recv(1000).decode(), flush=True)
        talk(sock)


def knows_one_port(port, *_):
    talk(connect("127.0.0.1", port))


def takes_its_message(host, port, message):
    with connect(host, port) as sock:
        sock.sendall(message.encode() + b"\n")
        print(sock.recv(1000).decode(), flush=True)


def goes_nowhere(*_):
    while sys.stdin.readline():
        print("no", flush=True)


def shows_bytes(host, port):
    talk(connect(host, port), lambda reply: print(reply, flush=True))


def shows_on_standard_error(host, port):
    talk(connect(host, port), lambda reply: print(reply.decode(), file=sys.stderr, flush=True))


def shows_at_its_end(host, port):
    talk(connect(host, port), lambda reply: print(reply.decode().strip(), end=" "))


def shows_nothing(host, port):
    talk(connect(host, port), lambda reply: None)


def shows_what_it_sends(host, port):
    """The reply it throws away."""
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while line := sys.stdin.readline():
            sock.sendall(line.encode())
            print("sent:", line, end="", flush=True)
            replies.readline()


def shows_what_it_sends_and_gets(host, port):
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while line := sys.stdin.readline():
            sock.sendall(line.encode())
            print("sent:", line, end="", flush=True)
            print("got:", replies.readline().decode(), end="", flush=True)


def shows_its_line_at_the_first_byte(host, port):
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while line := sys.stdin.readline():
            sock.sendall(line.encode())
            replies.read(1)
            print(line, end="", flush=True)
            replies.readline()


def shows_each_byte_as_it_comes(host, port):
    with connect(host, port) as sock:
        while line := sys.stdin.readline():
            sock.sendall(line.encode())
            byte = b""
            while byte != b"\n":
                byte = sock.recv(1)
                os.write(1, byte)


def types_by_readline(host, port):
    """Shows each reply; while it waits for a line, its terminal is in no canonical mode."""
    import readline  # noqa: F401 (its import changes input)

    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while True:
            sock.sendall(input("> ").encode() + b"\n")
            print(replies.readline().decode(), end="", flush=True)


def shows_its_echo_only(host, port):
    """Lets its terminal show what is typed; the reply it does not show."""
    flags = termios.tcgetattr(0)
    flags[3] |= termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, flags)
    shows_nothing(host, port)


def shows_keys_only(host, port):
    """A line editor of its own, which shows what is typed; the reply it does not show."""
    flags = termios.tcgetattr(0)
    flags[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(0, termios.TCSANOW, flags)
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        line = b""
        while key := os.read(0, 1):
            os.write(1, key)
            line += key
            if key == b"\n":
                sock.sendall(line)
                replies.readline()
                line = b""


def prompts_for_ever(host, port):
    """Takes the end of input for an empty line."""
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while True:
            print("> ", end="", flush=True)
            if line := sys.stdin.readline():
                sock.sendall(line.encode())
                print(replies.readline().decode(), end="", flush=True)
            time.sleep(0.01)


def looks_at_its_input(host, port):
    """Never waits for a line: it looks whether there is one, and sleeps between."""
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while True:
            if not select.select([0], [], [], 0)[0]:
                time.sleep(0.01)
            elif line := os.read(0, 1000):
                sock.sendall(line)
                print(replies.readline().decode(), end="", flush=True)
            else:
                return


def never_looks_at_its_input(host, port):
    with connect(host, port):
        while True:
            time.sleep(0.01)


def swaps_the_ports_bytes(host, port):
    talk(connect(host, socket.htons(int(port))))


def binds(own_port, host, port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", int(own_port)))
        sock.connect((host, int(port)))
        talk(sock)


def sends_a_line_before(host, port):
    """As scanf does, which leaves a line end behind."""
    with connect(host, port) as sock:
        sock.sendall(b"\n")
        sock.recv(1000)
    talk(sock)


def sends_while_it_reads(host, port):
    """Sends what it has read at once, whole lines or not; what comes is shown at the end of input."""
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        while part := os.read(0, 1000):
            sock.sendall(part)
        print(replies.readline().decode(), end="", flush=True)


def leaves_a_tail(host, port):
    """Prints a reply, and what stood behind it in its buffer."""
    buffer = bytearray(1000)

    def show(reply):
        buffer[: len(reply)] = reply
        print(bytes(buffer).rstrip(b"\0").decode(), flush=True)

    talk(connect(host, port), show)


def strips(host, port):
    talk(connect(host, port), lambda reply: print(reply.decode().strip(), flush=True))


def leaves_its_input_to_a_child(host, port):
    if os.fork() == 0:
        talk(connect(host, port))
    else:
        os.close(0)
        os.wait()


def in_raw_mode(host, port):
    """Where Enter is CR, and nothing makes a line end of it."""
    flags = termios.tcgetattr(0)
    flags[0] &= ~termios.ICRNL
    flags[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(0, termios.TCSANOW, flags)
    with connect(host, port) as sock, sock.makefile("rb") as replies:
        line = b""
        while (key := os.read(0, 1)) not in (b"", b"\x04"):
            line += key
            if key == b"\r":
                sock.sendall(line.replace(b"\r", b"\n"))
                print(replies.readline().decode(), end="", flush=True)
                line = b""


def shows_and_ends(host, port):
    talk(connect(host, port), lambda reply: sys.exit(3))


def does_not_wait(host, port):
    talk(connect(host, port), receive=lambda replies: b"")


def ends_instead_of_waiting(host, port):
    talk(connect(host, port), receive=lambda replies: sys.exit(0))


def gives_up(host, port, after_s=0.1):
    def receive(replies):
        try:
            return replies.readline()
        except TimeoutError:
            return b"no answer\n"

    sock = connect(host, port)
    sock.settimeout(after_s)
    talk(sock, receive=receive)


def gives_up_late(host, port):
    gives_up(host, port, 1000)


READERS = {
    "read": reads,
    "fgets": reads_by_fgets,
    "input": reads_by_input,
    "readline": reads_by_readline,
    "select": reads_after_select,
    "poll": lambda: reads_after(select.poll, select.POLLIN),
    "poll_normal": lambda: reads_after(select.poll, select.POLLRDNORM),
    "epoll": lambda: reads_after(select.epoll, select.EPOLLIN),
    "epoll_normal": lambda: reads_after(select.epoll, select.EPOLLRDNORM),
    "thread": reads_in_a_thread,
    "timer": reads_beside_a_timer,
    "busy": reads_beside_a_busy_thread,
}
which, *arguments = sys.argv[1:]
if which in READERS:
    readers(READERS[which])
else:
    globals()[which](*arguments)
