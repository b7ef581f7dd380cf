"""Where a submission runs, and how the parties communicate.

Theory of operation.  A sandbox is two things that share one network namespace and nothing else: the *warden* with the
student's program, and the *driver* that plays the checks.  The host starts both, and tells each one
thing, once: the warden, what to unpack and within which limits; the driver, which assignment to grade.  From then on
the driver asks the warden (`channel.py`: one JSON frame per question and per answer, descriptors by SCM_RIGHTS) and
tells the host each verdict immediately.

Both hold a lifeline to the host: a descriptor that is closed when the host exits.  The warden then kills the program
and exits, which ends the process namespace; so a host killed at any moment leaves nothing behind.

Loading libraries takes longest, so `begun.py` starts the processes of a local sandbox before the command has loaded its
own, and before it is known what is to be graded.

Two sandboxes, one path: `docker.py` puts warden and driver in two containers, `local.py` in child processes with
namespaces of their own if the kernel allows it.  The warden and the driver are the same files in both, and do not know
where they are.  Near the student's program, this package uses only the standard library (`warden.py` and
what it imports, `nest.py`, `namespaces.py`); it knows no check and no expected answer.
"""
