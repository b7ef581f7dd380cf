import os
import socketserver
import sys
import threading

lock = threading.Lock()
boxes = {}
domain = os.environ["MAIL_DOMAIN"]


class Smtp(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(f"220 {domain}\r\n".encode())
        for line in self.rfile:
            verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
            self.wfile.write(self.answer(verb, rest) + b"\r\n")

    def answer(self, verb, rest):
        if verb == b"NOOP":
            return b"250 " + rest
        user, _, text = rest.partition(b" ")
        if verb != b"MAIL" or user not in boxes:
            return b"550 no such user"
        with lock:
            boxes[user].append(text)
            os.makedirs("log", exist_ok=True)
            with open("log/mail.txt", "ab") as log:
                log.write(user + b": " + text + b"\n")
        return b"250 ok"


class Pop3(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"+OK\r\n")
        for line in self.rfile:
            box = boxes.get(line.split()[1], [])
            with lock:
                reply = b"+OK " + box.pop(0) if box else b"-ERR empty"
            self.wfile.write(reply + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with open(sys.argv[3], "rb") as users:
    boxes.update((line.strip(), []) for line in users)
for port, handler in ((sys.argv[1], Smtp),):
    server = Server(("", int(port)), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    threading.Event().wait()
except KeyboardInterrupt:
    pass
