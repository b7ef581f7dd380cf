import socket
import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            return
        if line.startswith(b"FILL "):
            reply = b"x" * (int(line.split()[1]) - 1) + b"\n"
        else:
            reply = line.upper()
        self.wfile.write(reply)
        self.request.shutdown(socket.SHUT_WR)
        while self.request.recv(65536):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


try:
    server = Server(("", int(sys.argv[1])), Handler)
    while True:
        server.handle_request()
except KeyboardInterrupt:
    pass
