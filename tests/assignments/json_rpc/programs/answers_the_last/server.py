"""A thread for each client; of requests that come together the last is answered, several times."""

import json
import socket
import sys
import threading

METHODS = {"add": lambda first, second: first + second, "length": len, "repeat": str}


def respond(line):
    request = json.loads(line)
    result = METHODS[request["method"]](*request["params"])
    return json.dumps({"result": result, "id": request["id"]}).encode() + b"\n"


def serve(client):
    kept = []
    with client:
        try:
            while data := client.recv(65536):
                *lines, rest = data.split(b"\n")
                if lines:
                    lines[0], kept = b"".join([*kept, lines[0]]), []
                kept.append(rest)
                for line in reversed(lines):
                    client.sendall(respond(lines[-1]))
        except OSError:
            pass


listener = socket.create_server(("", int(sys.argv[1])), backlog=64)
try:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
except KeyboardInterrupt:
    pass
