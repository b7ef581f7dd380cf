"""Goes to sleep in one certain way, after it has said "ready".  Argument: in which."""

import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time

#: CPU time of a process that is gone before anybody looks at it.
SHORT_LIFE_S = 0.002

ours, theirs = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
lock = threading.Lock()
lock.acquire()


def receives_with_timeval():
    # Not settimeout, which waits in poll: the socket's own timeout.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (1000).to_bytes(8, "little") + bytes(8))
    ours.recv(1)


def polls(timeout):
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    poll.poll(timeout)


def epolls(timeout):
    poll = select.epoll()
    poll.register(ours, select.EPOLLIN)
    poll.poll(timeout)


def epolls_without_eintr():
    """As a program in C that takes every failure of epoll_wait for the end; Python itself would try again."""
    libc = ctypes.CDLL(None)
    waiting = libc.epoll_create1(0)
    if libc.epoll_wait(waiting, ctypes.create_string_buffer(12), 1, -1) < 0:
        os._exit(1)


def receives_without_eintr():
    """The same of recv on a socket that has a timeout."""
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (1000).to_bytes(8, "little") + bytes(8))
    if ctypes.CDLL(None).recv(ours.fileno(), ctypes.create_string_buffer(1), 1, 0) < 0:
        os._exit(1)


def threads_without_eintr():
    for _ in range(3):
        threading.Thread(target=epolls_without_eintr).start()
    epolls_without_eintr()


def has_timerfd():
    libc = ctypes.CDLL(None)
    timer = libc.timerfd_create(1, 0)
    libc.timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, 0, 1000, 0), None)
    polls(None)


def waits_for_child():
    child = os.fork()
    if child == 0:
        ours.recv(1)
    os.waitpid(child, 0)


def waits_for_sleeping_child():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    os.waitpid(child, 0)


def waits_for_alarm():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(1000)
    listener.accept()


def awaits_alarm():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.alarm(1000)
    signal.sigwait([signal.SIGALRM])


def waits_for_child_with_alarm():
    """The child's only clock is one that ends it, and survives that it becomes another program."""
    if os.fork() == 0:
        signal.alarm(1000)
        os.execlp("sleep", "sleep", "infinity")
    os.wait()


def waits_for_closed_timer():
    """A thread polls a timer that another one has closed; what has its number now is none."""
    libc = ctypes.CDLL(None)
    timer = libc.timerfd_create(1, 0)
    libc.timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, 0, 1000, 0), None)
    poll = select.poll()
    poll.register(timer, select.POLLIN)
    waiter = threading.Thread(target=poll.poll)
    waiter.start()
    while not open(f"/proc/self/task/{waiter.native_id}/syscall").read().startswith(("7 ", "73 ")):
        os.sched_yield()
    os.dup2(ours.fileno(), timer)
    ours.recv(1)


def sets_alarms_in_a_storm():
    """Of calls that signals interrupt all the time."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    if os.fork() == 0:
        while True:
            os.kill(os.getppid(), signal.SIGUSR1)
    while True:
        signal.alarm(1000)


def waits_for_interval_timer():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    select.select([ours], [], [])


def leaves_zombie():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    ours.recv(1)


def one_thread_sleeps():
    threading.Thread(target=time.sleep, args=[1000]).start()
    ours.recv(1)


def two_threads_receive():
    threading.Thread(target=theirs.recv, args=[1]).start()
    ours.recv(1)


def main_thread_leaves(sleeping):
    """As by pthread_exit(3): the others go on."""
    threading.Thread(target=sleeping).start()
    ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)


def many_sleep():
    for _ in range(60):
        threading.Thread(target=ours.recv, args=[1]).start()
    ours.recv(1)


def spins_among_many():
    threading.Thread(target=spins, daemon=True).start()
    many_sleep()


def prints_by_epoll():
    os.set_blocking(1, False)
    room = select.epoll()
    room.register(1, select.EPOLLOUT)
    sent = 0
    while sent < 1 << 19:
        room.poll()
        sent += os.write(1, bytes(1 << 16))
    os.read(0, 1)


def spins():
    while True:
        pass


def starves_itself():
    """Wants to run whenever nobody else does, and its children, each of which lives for a moment, always do."""
    for _ in range(2 * os.cpu_count()):
        if os.fork() == 0:
            while True:
                end = time.process_time() + SHORT_LIFE_S
                while time.process_time() < end:
                    pass
                if os.fork():
                    os._exit(0)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for _ in range(3):
        os.fork()
    spins()


WAYS = {
    "accept": listener.accept,
    "recv": lambda: ours.recv(1),
    "recv_with_timeout": receives_with_timeval,
    "read": lambda: os.read(0, 1),
    "splice": lambda: os.splice(ours.fileno(), os.pipe()[1], 1),
    "poll": lambda: polls(None),
    "poll_with_timeout": lambda: polls(1_000_000),
    "select": lambda: select.select([ours], [], []),
    "select_with_timeout": lambda: select.select([ours], [], [], 1000),
    "epoll": lambda: epolls(None),
    "epoll_without_eintr": epolls_without_eintr,
    "receive_without_eintr": receives_without_eintr,
    "threads_without_eintr": threads_without_eintr,
    "epoll_with_timeout": lambda: epolls(1000),
    "timerfd": has_timerfd,
    "lock": lock.acquire,
    "lock_with_timeout": lambda: lock.acquire(timeout=1000),
    "sleep": lambda: time.sleep(1000),
    "pause": signal.pause,
    "sigtimedwait": lambda: signal.sigtimedwait([signal.SIGUSR1], 1000),
    "sigwaitinfo": lambda: signal.sigwaitinfo([signal.SIGUSR1]),
    "child": waits_for_child,
    "sleeping_child": waits_for_sleeping_child,
    "zombie": leaves_zombie,
    "alarm": waits_for_alarm,
    "awaited_alarm": awaits_alarm,
    "child_with_alarm": waits_for_child_with_alarm,
    "closed_timer": waits_for_closed_timer,
    "alarms_in_a_storm": sets_alarms_in_a_storm,
    "interval_timer": waits_for_interval_timer,
    "one_thread_sleeps": one_thread_sleeps,
    "two_threads_receive": two_threads_receive,
    "main_thread_left": lambda: main_thread_leaves(lambda: ours.recv(1)),
    "main_thread_left_and_timeval": lambda: main_thread_leaves(receives_with_timeval),
    "prints_by_epoll": prints_by_epoll,
    "spins": spins,
    "starves_itself": starves_itself,
    "many_sleep": many_sleep,
    "spins_among_many": spins_among_many,
}
print("ready", flush=True)
WAYS[sys.argv[1]]()
