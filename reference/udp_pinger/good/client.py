import socket
import sys
import time


def round_trip_ms(server, number):
    """None: it was lost."""
    started = time.perf_counter()
    server.send(b"PING %d %.6f" % (number, time.time()))
    while (left := started + 1 - time.perf_counter()) > 0:
        server.settimeout(left)
        try:
            words = server.recv(65536).split(b" ")
        except (TimeoutError, ConnectionRefusedError):
            continue
        if len(words) == 3 and words[:2] == [b"PING", b"%d" % number]:
            return 1000 * (time.perf_counter() - started)
    return None


def main():
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.connect((host, port))
        for number in range(1, count + 1):
            try:
                took_ms = round_trip_ms(server, number)
            except ConnectionRefusedError:
                took_ms = None
            if took_ms is None:
                print(f"{number}: lost", flush=True)
            else:
                print(f"{number}: {took_ms:.3f} ms", flush=True)
                times.append(took_ms)
    print(f"{count} sent, {len(times)} received, {100 * (count - len(times)) / count:.0f}% lost")
    if not times:
        sys.exit("no answer came")
    average = sum(times) / len(times)
    print(f"minimum {min(times):.3f} ms, average {average:.3f} ms, maximum {max(times):.3f} ms")


try:
    main()
except OSError as problem:
    sys.exit(f"client: {problem}")
except KeyboardInterrupt:
    sys.exit(130)
