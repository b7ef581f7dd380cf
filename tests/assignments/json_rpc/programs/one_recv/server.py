"""Takes what one recv returns for one request."""

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
    with client:
        try:
            while data := client.recv(65536):
                client.sendall(respond(data))
        except (OSError, ValueError):
            pass


listener = socket.create_server(("", int(sys.argv[1])), backlog=64)
try:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
except KeyboardInterrupt:
    pass
