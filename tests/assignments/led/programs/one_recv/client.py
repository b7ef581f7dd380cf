import socket
import sys


def main():
    _, _, port, host, name = sys.argv
    try:
        with socket.create_connection((host, int(port))) as server, server.makefile("rb") as lines:
            while (line := server.recv(1024)):
                match line.decode().split():
                    case ["ASK", one, "+", other]:
                        server.sendall(f"{name} {int(one) + int(other)}\n".encode())
                    case ["BYE", "unknown"]:
                        sys.exit(f"the server does not know {name}")
                    case ["BYE", flag]:
                        print(flag)
                        return
                    case _:
                        sys.exit(f"what does {line!r} mean?")
    except OSError as error:
        sys.exit(f"{host} port {port}: {error}")
    sys.exit("the server closed the connection before it said goodbye")


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
