import socket
import struct
import sys


def main():
    host, port, name = sys.argv[1:]
    with open(name, "rb") as file:
        content = file.read()
    try:
        with socket.create_connection((host, int(port))) as server, server.makefile("rb") as replies:
            server.sendall(struct.pack("!I", len(content)) + content)
            line = replies.readline()
    except OSError as error:
        sys.exit(f"{host} port {port}: {error}")
    if not line.endswith(b"\n"):
        sys.exit("the server closed the connection before its reply was complete")
    print(line.decode(), end="")


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
