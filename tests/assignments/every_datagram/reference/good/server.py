"""A time service: `server.py PORT`."""

import socket
import sys
import time


def reply_to(data):
    return b"%d %s" % (time.time(), data)


def serve(service):
    while True:
        data, client = service.recvfrom(65535)
        try:
            service.sendto(reply_to(data), client)
        except OSError:
            pass  # there is no room for the time


def port_of(arguments):
    """The port that it is given (ValueError: there is none)."""
    if len(arguments) != 2:
        raise ValueError("server.py PORT")
    port = int(arguments[1])
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    return port


def main():
    try:
        port = port_of(sys.argv)
    except ValueError as error:
        sys.exit(f"usage: {error}")
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        service.bind(("", port))
    except OSError as error:
        sys.exit(f"port {port}: {error.strerror}")
    serve(service)


try:
    main()
except KeyboardInterrupt:
    pass
