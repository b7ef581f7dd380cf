"""Udpserver.py of the third lecture, carried over to Python 3; HOST is '' as its comment says, and no space."""

import socket
import sys

HOST = ""  # Symbolic name meaning all available interfaces
PORT = 8888  # Arbitrary non-privileged port

# Datagram (udp) socket
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("Socket created")
except OSError as msg:
    print("Failed to create socket. Error Code : " + str(msg.errno) + " Message " + str(msg.strerror))
    sys.exit()

# Bind socket to local host and port
try:
    s.bind((HOST, PORT))
except OSError as msg:
    print("Bind failed. Error Code : " + str(msg.errno) + " Message " + str(msg.strerror))
    sys.exit()
print("Socket bind complete")

# now keep talking with the client
while 1:
    # receive data from client (data, addr)
    d = s.recvfrom(1024)
    data = d[0]
    addr = d[1]
    if not data:
        break
    reply = b"OK..." + data
    s.sendto(reply, addr)
    print("Message[" + addr[0] + ":" + str(addr[1]) + "] - " + data.decode().strip())
s.close()
