import socket
import sys
from datetime import datetime, timezone

with socket.create_server(("", int(sys.argv[1])), backlog=32) as listener:
    try:
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    client.sendall(b"2026-01-01 00:00:00\r\n")
                except OSError:
                    pass
    except KeyboardInterrupt:
        pass
