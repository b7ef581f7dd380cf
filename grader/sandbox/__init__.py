"""Where a submission runs, and how the parties talk.

Theory of operation.  A sandbox is two things that share one network namespace and nothing else: the *warden* with the
student's program, and the *driver* that plays the checks.  The host starts both, and says two things, once: to the
warden what to unpack and within which limits, to the driver which assignment to grade.  From then on the driver
asks the warden (`channel.py`: one JSON frame a question, one an answer, descriptors by SCM_RIGHTS) and tells the host
each verdict as it falls.

Both hold a lifeline to the host: a descriptor that ends when the host does.  The warden's answer to its end is to
kill the program and leave, and with it goes the process namespace; so a host killed at any moment leaves nothing.

What takes longest is loading libraries, so `begun.py` starts the processes of a local sandbox before the command has
loaded its own, and before anybody knows what is to be graded.

Two sandboxes, one path: `docker.py` puts warden and driver in two containers, `local.py` in child processes with
namespaces of their own where the kernel lets it.  The warden and the driver are the same files in both, and do not know
where they are.  This package runs with the standard library alone where the student's program is near (`warden.py` and
what it imports, `nest.py`, `namespaces.py`); it knows no check and no expected answer.
"""
