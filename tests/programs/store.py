"""What the examples of docs/authors.md are played against.  Arguments: its port, and a journal to begin with."""

import os
import socket
import socketserver
import struct
import sys
import threading

values = {}
mirrors = []
if len(sys.argv) > 2:
    with open(sys.argv[2], "rb") as journal:
        values.update(line.rstrip(b"\n").split(b" = ") for line in journal)


class Store(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            verb, *words = line.split()
            if verb == b"SET":
                self.store(*words)
            elif verb == b"GET":
                self.wfile.write(values.get(words[0], b"") + b"\n")
            elif verb == b"MIRROR":
                mirrors.append(socket.create_connection(("127.0.0.1", int(words[0]))))
            elif verb == b"COUNT":
                self.wfile.write(struct.pack("!I", len(values)) if words else b"COUNT %d\n" % len(values))
            elif verb == b"DUMP":
                self.wfile.write(b"DUMP:" + b",".join(values))

    def store(self, key, value):
        values[key] = value
        with open("journal.txt", "ab") as journal:
            journal.write(key + b" = " + value + b"\n")
        os.write(1, key + b" = " + value + b"\n")
        self.wfile.write(b"OK\n")
        for mirror in mirrors:
            mirror.sendall(key + b" = " + value + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


server = Server(("", int(sys.argv[1])), Store)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    threading.Event().wait()
except KeyboardInterrupt:
    pass
