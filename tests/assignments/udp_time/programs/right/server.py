import contextlib
import signal
import socket
import sys
import time

signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    port = int(sys.argv[1])
    if port == 0:
        raise ValueError("port 0")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", port))
except (IndexError, ValueError, OverflowError, OSError) as error:
    sys.exit(f"usage: server PORT ({error})")
with contextlib.suppress(KeyboardInterrupt):
    while True:
        data, client = sock.recvfrom(65536)
        with contextlib.suppress(OSError):
            sock.sendto(b"%d %s" % (time.time(), data), client)
