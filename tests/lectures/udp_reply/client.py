"""udpclient.py of the third lecture, carried over to Python 3."""

import socket  # for sockets
import sys

# create dgram udp socket
try:
    # Call Socket
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
except OSError:
    print("Failed to create socket")
    sys.exit()

host = "localhost"
port = 8888

while 1:
    msg = input("Enter message to send : ")
    try:
        # Send the string to the server
        s.sendto(msg.encode(), (host, port))
        # receive data from client (data, addr)
        d = s.recvfrom(1024)
        reply = d[0]
        addr = d[1]
        # display server reply
        print("Server reply : " + reply.decode())
    except OSError as msg:
        print("Error Code : " + str(msg.errno) + " Message " + str(msg.strerror))
        sys.exit()
