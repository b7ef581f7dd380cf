"""tcpclient.py of the third lecture, carried over to Python 3."""

import socket

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
host = input("Server hostname or ip? ")
port = int(input("Server port? "))
sock.connect((host, port))
while True:
    data = input("message: ")
    sock.send(data.encode())
    print("response: ", sock.recv(1024).decode())
