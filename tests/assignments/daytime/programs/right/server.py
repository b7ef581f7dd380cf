import socket
import sys
from datetime import datetime, timezone

with socket.create_server(("", int(sys.argv[1])), backlog=32) as listener:
    try:
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    client.sendall(datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S\r\n").encode())
                except OSError:
                    pass
    except KeyboardInterrupt:
        pass
