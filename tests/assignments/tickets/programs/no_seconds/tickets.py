import itertools
import socketserver
import sys
import time

numbers = itertools.count(1)


def ticket(line):
    return b"%d %s %s\n" % (next(numbers), time.strftime("%H:%M").encode(), line.split()[-1])


class Machine(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if line.endswith(b"\n"):
                self.wfile.write(ticket(line))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


server = Server(("", int(sys.argv[1])), Machine)
while True:
    server.handle_request()
