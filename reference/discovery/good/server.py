import signal
import socket
import sys


def answer_to(datagram, service, service_port, name):
    """None: it is not for this server."""
    words = datagram.split(b" ")
    if len(words) != 4 or words[:3] != [b"FIND", b"1", service.encode()]:
        return None
    return b"HERE 1 %b %b %b %b" % (service.encode(), words[3], service_port.encode(), name.encode())


def main():
    try:
        port, service, service_port, name = int(sys.argv[1]), *sys.argv[2:]
        if not 0 < port < 65536:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit("usage: server PORT SERVICE SERVICEPORT NAME")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("", port))
        except OSError as error:
            sys.exit(f"port {port}: {error}")
        while True:
            datagram, client = server.recvfrom(65536)
            answer = answer_to(datagram, service, service_port, name)
            if answer:
                try:
                    server.sendto(answer, client)
                except OSError as error:
                    print(error, file=sys.stderr)


signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    main()
except KeyboardInterrupt:
    pass
