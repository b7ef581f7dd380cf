import re
import signal
import socket
import sys

PING = re.compile(rb"PING ([0-9]+) [^ ]+")


def answer(server):
    datagram, client = server.recvfrom(65536)
    ping = PING.fullmatch(datagram)
    if ping and int(ping[1]) % 5:
        server.sendto(datagram, client)


def main():
    try:
        port = int(sys.argv[1])
        if not 0 < port < 65536:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit("usage: server PORT")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("", port))
        except OSError as error:
            sys.exit(f"port {port}: {error}")
        while True:
            try:
                answer(server)
            except OSError as error:
                print(error, file=sys.stderr)


signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    main()
except KeyboardInterrupt:
    pass
