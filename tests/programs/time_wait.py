"""Makes a TIME_WAIT row, destroys it, and prints what came of it as JSON.  Argument: "up" brings the loopback up first."""

import fcntl
import json
import socket
import struct
import sys

from grader.wire.kernel import Endpoint, SocketTable, TcpState

if sys.argv[1:] == ["up"]:
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP



def bind(port):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


table = SocketTable()
with socket.create_server(("127.0.0.1", 0)) as listener:  # with SO_REUSEADDR, which is left to the TIME_WAIT row
    client = socket.create_connection(listener.getsockname())
    server, address = listener.accept()
here = Endpoint(*server.getsockname())
server.close()
client.recv(1)
client.close()


def row():
    return next((found for found in table.dump(TcpState.TIME_WAIT) if found.local == here), None)


def listener_is_spared():
    """Destroying what has gone by itself leaves a listener that came to the same port meanwhile."""
    with socket.create_server(("127.0.0.1", here.port)):
        table.destroy(found)
        return here in {found.local for found in table.dump(TcpState.LISTEN)}


# The client's FIN is answered in softirq; on loopback that is before close(2) returns.
found = row()
print(
    json.dumps(
        {
            "found": found is not None and found.remote == Endpoint(*address),
            "could_bind": bind(here.port),
            "destroyed": table.destroy(found),
            "gone": row() is None,
            "can_bind": bind(here.port),
            "again": table.destroy(found),
            "listener_is_spared": listener_is_spared(),
        }
    )
)
