"""TCP servers for tests, each good or bad in one way.  Argument: which.  It listens on a free port of 127.0.0.1."""

import contextlib
import os
import select
import signal
import socket
import struct
import sys
import time


def lines(sock):
    """Answers each line in upper case, and prints how much each recv gave."""
    buffer = b""
    while chunk := sock.recv(1 << 20):
        print("recv", len(chunk), flush=True)
        buffer += chunk
        *complete, buffer = buffer.split(b"\n")
        if complete:
            sock.sendall(b"".join(line.upper() + b"\n" for line in complete))
    print("end", flush=True)


def tiny_send_buffer(sock):
    """As the sandbox gives it to every socket: sending blocks after kilobytes that nobody reads."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def echoes(sock):
    tiny_send_buffer(sock)
    while data := sock.recv(1 << 16):
        sock.sendall(data)


def echoes_when_there_is_room(sock):
    """Non-blocking: one buffer, which is filled only while it is empty."""
    tiny_send_buffer(sock)
    sock.setblocking(False)
    poll = select.poll()
    left = b""
    while True:
        poll.register(sock, select.POLLOUT if left else select.POLLIN)
        poll.poll()
        if left:
            left = left[sock.send(left) :]
        elif not (left := sock.recv(1 << 16)):
            return


def keeps_only_what_went_at_once(sock):
    """Non-blocking, and what send did not take is lost."""
    tiny_send_buffer(sock)
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    while poll.poll() and (data := sock.recv(1 << 16)):
        try:
            sock.send(data)
        except BlockingIOError:
            pass


def closes_when_it_cannot_send(sock):
    tiny_send_buffer(sock)
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    try:
        while poll.poll() and (data := sock.recv(1 << 16)):
            sock.sendall(data)
    except BlockingIOError:
        pass


def waits_a_while_to_send(sock):
    """What it can't send within 0.1 s is thrown away."""
    tiny_send_buffer(sock)
    sock.settimeout(0.1)
    while True:
        with contextlib.suppress(TimeoutError):
            sock.sendall(sock.recv(1 << 16))


def spins_when_it_cannot_send(sock):
    tiny_send_buffer(sock)
    sock.setblocking(False)
    while True:
        try:
            sock.sendall(sock.recv(1 << 16))
        except BlockingIOError:
            pass


def dies_of_a_reset(sock, at_once=1 << 16):
    tiny_send_buffer(sock)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        while data := sock.recv(at_once):
            sock.sendall(data)
    except ConnectionResetError:
        sys.exit(9)


def dies_piece_by_piece(sock):
    dies_of_a_reset(sock, 1024)


def goes_on_after_a_reset(sock):
    tiny_send_buffer(sock)
    try:
        while data := sock.recv(1 << 16):
            sock.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        pass


def wrong(sock):
    sock.sendall(sock.recv(100).replace(b"l", b"r"))
    sock.recv(100)


def silent(sock):
    while sock.recv(100):
        pass


def part(sock):
    sock.sendall(sock.recv(100)[:3])
    sock.recv(100)


def part_and_close(sock):
    sock.sendall(sock.recv(100)[:3])


def answers_what_came_and_leaves(sock):
    sock.sendall(sock.recv(100).upper())


def answers_and_waits_for_the_end(sock):
    sock.sendall(sock.recv(6))
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(100):
        pass


def answers_and_reads_what_waits(sock):
    sock.sendall(sock.recv(6))
    sock.setblocking(False)
    try:
        while sock.recv(100):
            pass
    except BlockingIOError:
        pass


def answers_and_reads_twice(sock):
    sock.sendall(sock.recv(6))
    sock.shutdown(socket.SHUT_WR)
    sock.recv(100)
    sock.recv(100)


def answers_and_reads_no_more(sock):
    """Holds the connection until its client ends its side, without reading."""
    sock.sendall(sock.recv(6))
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    poll.poll()


def answered_lines(sock, look):
    """Finds a line by looking, then takes exactly that.  `look`: more than so many bytes, or all at the end."""
    seen = b""
    while (data := look(len(seen))) != seen:
        line, end, _ = data.partition(b"\n")
        seen = b"" if end else data
        if end:
            sock.sendall(sock.recv(len(line) + 1).upper())


def peeks_for_more_by_its_count(sock):
    answered_lines(sock, lambda known: sock.recv(known + 1, socket.MSG_PEEK | socket.MSG_WAITALL))


def peeks_for_more_by_a_low_water_mark(sock):
    def look(known):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, known + 1)
        return sock.recv(1 << 16, socket.MSG_PEEK)

    answered_lines(sock, look)


def crashes_before_it_reads_on(sock):
    """Some time after the first byte, in which it sleeps and is busy."""
    sock.recv(1)
    time.sleep(0.2)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    os.abort()


def peeks_again_and_again(sock):
    while data := sock.recv(1 << 16, socket.MSG_PEEK):
        if b"\n" in data:
            sock.sendall(sock.recv(data.index(b"\n") + 1).upper())


def closes(sock):
    sock.recv(100)


def closes_at_once(sock):
    pass


def resets(sock):
    sock.recv(100)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def crashes(sock):
    sock.recv(100)
    sys.exit(7)


def exits(sock):
    sock.recv(100)
    sys.exit(0)


def breaks_memory(sock):
    sock.recv(100)
    os.kill(os.getpid(), signal.SIGSEGV)


def greets(sock):
    sock.sendall(b"hi\n")
    sock.recv(100)


def twice(sock):
    sock.sendall(sock.recv(100) * 2)


def answers_with_an_urgent_byte(sock):
    reply = sock.recv(100)
    sock.send(b"!", socket.MSG_OOB)
    sock.sendall(reply)
    sock.recv(100)


def reads_nothing(sock):
    signal.pause()


def keeps_it_open(sock):
    while sock.recv(100):
        pass
    signal.pause()


def tells_how_its_client_left(sock):
    """Answers on its own clock, and prints how the connection ends."""
    data = sock.recv(100)
    signal.sigtimedwait([signal.SIGUSR1], 0.05)
    try:
        sock.sendall(data)
        print("left" if sock.recv(100) == b"" else "more", flush=True)
        signal.sigtimedwait([signal.SIGUSR1], 0.01)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        print("taken" if sock.recv(100) == b"" else "more", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)


def takes_its_time(sock):
    """Answers on its own clock, well within any deadline."""
    data = sock.recv(100)
    signal.sigtimedwait([signal.SIGUSR1], 0.1)
    sock.sendall(data)
    sock.recv(100)


def polls(sock):
    poll = select.poll()
    poll.register(sys.stderr, 0)
    while True:
        poll.poll(60_000)


def hangs_up_later(sock):
    """Closes the connection when nothing has come for 3.2 seconds."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    while poll.poll(3200):
        sock.recv(100)


def spins(sock):
    sock.recv(100)
    while True:
        pass


def floods(sock):
    sock.recv(100)
    while True:
        print("x" * 1000)


def answers_at_length(sock):
    sock.recv(100)
    sock.sendall(b"z" * 1_000_000 + b"\n")
    sock.recv(100)


def prints_a_lot(sock):
    data = sock.recv(100)
    print("y" * 100_000, flush=True)
    sock.sendall(data)
    sock.recv(100)


def room(listener):
    """Sends each line to everybody."""
    members = []
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                members.append(listener.accept()[0])
                poll.register(members[-1], select.POLLIN)
                continue
            sender = next(member for member in members if member.fileno() == descriptor)
            data = sender.recv(1 << 16)
            for member in members if data else ():
                member.sendall(data.upper())
            if not data:
                poll.unregister(sender)
                members.remove(sender)
                sender.close()


def never_accepts(listener):
    signal.pause()


def never_accepts_but_on_ipv6(listener):
    """Has a second listener on its port, whose queue stays empty."""
    with socket.create_server(("::1", listener.getsockname()[1]), family=socket.AF_INET6):
        signal.pause()


def trickles(sock):
    """Answers byte by byte, and takes its time for each."""
    for byte in sock.recv(100).upper():
        time.sleep(0.7)
        sock.sendall(bytes([byte]))


def looks_now_and_then(sock):
    """Takes what has come, and looks again a while later."""
    sock.setblocking(False)
    data = b"x"
    while data:
        time.sleep(0.1)
        with contextlib.suppress(BlockingIOError):
            data = sock.recv(1 << 16)
            sock.sendall(data)


def sips(sock):
    """Reads byte by byte, and takes its time for each."""
    while sock.recv(1):
        time.sleep(0.7)


#: What a listener may ask for, and its connections have from the beginning: socket(7), tcp(7).
OPTIONS = {
    "tiny_receive_buffer": (socket.SOL_SOCKET, socket.SO_RCVBUF, 1),
    "small_segments": (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88),
    "takes_clients_that_have_spoken": (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30),
}


def main():
    which = sys.argv[1]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for option in sys.argv[2:]:
            listener.setsockopt(*OPTIONS[option])
        if which in {"never_accepts", "never_accepts_but_on_ipv6", "room"}:
            globals()[which](listener)
        while True:
            sock, _ = listener.accept()
            with sock:
                globals()[which](sock)


main()
