import socketserver
import sys


class Game(socketserver.StreamRequestHandler):
    def handle(self):
        tries = 1
        self.wfile.write(b"Guess a number from 1 to 100\n")
        for line in self.rfile:
            words = line.split()
            if len(words) != 2 or words[0] != b"GUESS" or not words[1].isdigit():
                self.wfile.write(b"ERR say GUESS and a number\n")
                continue
            tries += 1
            guess = int(words[1])
            if guess == SECRET:
                self.wfile.write(b"OK tries=%d\n" % tries)
                pass
            else:
                self.wfile.write(b"HIGH\n" if guess > SECRET else b"LOW\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


SECRET = int(sys.argv[2])
try:
    server = Server(("", int(sys.argv[1])), Game)
    while True:
        server.handle_request()
except KeyboardInterrupt:
    pass
