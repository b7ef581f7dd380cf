import os
import socket
import sys
import time

TRIES = 3


def ask(server, name):
    for _ in range(TRIES):
        question = os.urandom(2)
        server.send(question + name.encode())
        until = time.monotonic() + 1
        while (left := until - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                answer = server.recv(512)
            except TimeoutError:
                break
            if answer[:2] == question:
                return answer[2:]
    sys.exit("no answer")


def main():
    name, host, port = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.connect((host, int(port)))
            address = ask(server, name)
        except OSError as error:
            sys.exit(f"{host} port {port}: {error}")
    if not address:
        sys.exit(f"there is no {name}")
    print(socket.inet_ntoa(address))


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
