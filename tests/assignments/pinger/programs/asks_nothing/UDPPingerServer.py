from socket import *

name = "nobody"
server = socket(AF_INET, SOCK_DGRAM)
server.bind(("", 12000))
while True:
    message, address = server.recvfrom(2048)
    server.sendto(name.encode() if message == b"WHO" else message.upper(), address)
