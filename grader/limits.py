"""Every limit and deadline, with its reason beside it.

A deadline is a safety net: a verdict comes from the kernel's facts long before.  When one expires the check says
so and never calls it the student's fault without proof.  The warden's side (`sandbox/`), which has the standard library
only, keeps the numbers of its own tools beside their code.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

# a run

#: Seeds are drawn from 1 to this: more than anybody can try, for a program sees its ports and its first inputs and must
#: not find out the others by them; and a whole number in every reader of JSON.  With 31 bits a table would do it.
MOST_SEED: Final = 1 << 53

#: Importing an assignment's files and trying each function of its protocol with three seeds: a second at most.
LINT_S: Final = 60.0

#: Asking a tool of this machine what is installed: a second, or some on a busy machine.
LOOK_S: Final = 20.0

# images of the docker sandbox

#: How long an engine that builds an image may say nothing: apt fetches the largest packages (150 MB) without a word,
#: which takes minutes over a slow line.
IMAGE_SILENT_S: Final = 900.0
#: Images of another version of the grader are kept so long after they were last built: a checkout beside this one may
#: be using them.
IMAGES_KEPT_S: Final = 24 * 3600.0

# a submission as handed in

#: Members of an archive, or files in a folder.  A C or Java assignment has tens; a node_modules has thousands.
MAX_MEMBERS: Final = 10_000
#: Folders in each other.  Java's packages are ten deep; a thousand make every look at a name slow.
MAX_DEPTH: Final = 100
#: Unpacked bytes.  Sources are kilobytes; 200 MB is a core dump or a virtual machine.
MAX_UNPACKED_BYTES: Final = 200 * 1000 * 1000
#: `grader.toml` is ten lines.
MAX_CONFIG_BYTES: Final = 64 * 1024

# a second look at a program in C or C++, built with sanitizers

#: Building takes twice as long as without them, and is for one report that may not come: larger programs do without.
SANITIZED_BUILD_S: Final = 20.0
#: One check and what it depends on, of a program at half its speed: a second or two.
SANITIZED_CHECKS_S: Final = 20.0
#: What sanitizers keep beside the program's own memory: an eighth of it, margins around each block and array, and what
#: was freed (1 MB); an idle server takes 10 MB more.
SANITIZER_BYTES: Final = 256 * 1024 * 1024

# the files that an assignment lays beside its programs

#: All of them: a document root or a word list has some hundred kilobytes.  They are sent with each job, and in a
#: container they lie in memory.
MAX_FILES_BYTES: Final = 16 * 1024 * 1024
MAX_FILES: Final = 1_000

# a program while it runs

#: termios(3): a line of a terminal in canonical mode holds no more, its end included.
MOST_TYPED_BYTES: Final = 4095
#: A file that a check reads from a program's folder: what a client downloads, or a server logs, in an assignment.
MOST_FILE_BYTES: Final = 16 * 1024 * 1024
#: What a server says unasked comes as soon as it has accepted; a correct program rests within milliseconds.
GREETING_S: Final = 0.5
#: No greeting is longer; more than that is a server that sends endlessly.
GREETING_BYTES: Final = 64 * 1024


# a reply, where the assignment names no bound of its own: a program that sends forever must be decided

#: A line.  The longest of any handout is 64 KiB, which is what people take for "unlimited".
LINE_BYTES: Final = 64 * 1024
#: The head of an HTTP reply: servers send some hundred bytes, and Apache, nginx and curl allow 8 to 100 KiB.
HEAD_BYTES: Final = 64 * 1024
#: Anything else: the longest replies of any check have a mebibyte, files of an assignment a few; it takes a tenth of a
#: second to receive so much.
REPLY_BYTES: Final = 16 * 1024 * 1024
#: Places of a form, all its alternatives together, repetitions counted out: a date has 20, a line of fields 100.  Each
#: byte received costs work for some of them.
FORM_PLACES: Final = 4096
#: Exchanges of one dialogue: a guessing game has ten, a mail with all its lines thirty.  An author's dialogue may go on
#: for as long as the replies tell it to, and replies are the program's.
DIALOGUE_EXCHANGES: Final = 1000


# what an assignment may change in its [limits]

#: A reply must come within this time, as the handout says; time in which the program wanted to run but was given no CPU
#: does not count.
REPLY_S: Final = 2.0
#: From start to a LISTEN row, counted likewise: CPython takes 25 ms idle, a loaded machine ten times that.
READY_S: Final = 5.0
#: After Ctrl-C or for an exit without it, counted likewise: a loop that checks once a second whether to stop makes it.
EXIT_S: Final = 5.0
#: Until a client gives up on a reply that never comes, after each time that it has asked: handouts say a second, and a
#: program that waits ten has a timeout too.
GIVE_UP_S: Final = 20.0


class Allowance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of something a program may have: some of it anyhow, and some for each client that has come to it."""

    anyhow: Annotated[int, msgspec.Meta(ge=1)]
    for_each: Annotated[int, msgspec.Meta(ge=0)]

    def of(self, clients: int) -> int:
        """What it may have when so many clients have come."""
        return self.anyhow + clients * self.for_each


# Each look at a program takes time for each of these, so that one which has thousands of them while nobody comes would
# use up the time of all its checks.  What leaks with each client must live to be told so.
#: Processes (ended ones that nobody waits for included) and threads: a pool of workers has tens, a runtime of its own
#: some more; one or two serve a client.
MOST_TASKS: Final = Allowance(128, 4)
#: Open descriptors of all processes together.  Each of a pool's processes may hold two pipes of all that were started
#: before it: 3 500 in a pool of 55; and so may the processes of 500 clients, 250 000.
MOST_DESCRIPTORS: Final = Allowance(4_000, 1_000)
#: Internet sockets.  A client takes one, and one more of a server that asks another; both of our own stand beside it.
MOST_SOCKETS: Final = Allowance(256, 4)


class SandboxLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submission may use; the same numbers in both sandboxes.  An assignment's own are in its table [limits]."""

    #: Resident memory of the whole program, and the container's memory.  A Python server needs 15 MB, gcc 60.
    memory_bytes: Annotated[int, msgspec.Meta(ge=32 * 1024 * 1024)] = 512 * 1024 * 1024
    #: Processes and threads together: 50 clients served by a thread each, with room to spare.
    processes: Annotated[int, msgspec.Meta(ge=8)] = 256
    #: Open files: 200 connections at the same time, with room to spare.
    open_files: Annotated[int, msgspec.Meta(ge=32)] = 1024
    #: The work folder, which holds the submission, its build and whatever it writes.
    disk_bytes: Annotated[int, msgspec.Meta(ge=1024 * 1024)] = 256 * 1024 * 1024
    #: Files and folders in it.
    disk_files: Annotated[int, msgspec.Meta(ge=16)] = 20_000
    #: Printed bytes kept for reports; the rest is read and dropped.
    output_kept_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024
    #: Printed bytes after which a program counts as flooding, besides what it was sent: a chatty right server prints
    #: kilobytes of its own.
    output_flood_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 8 * 1024 * 1024
    #: Building: gcc takes 0.1 s; a large Makefile under load still fits.
    build_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    #: One program's checks together: the slowest right one takes a few seconds; twenty deadlines must fit.
    whole_s: Annotated[float, msgspec.Meta(gt=0)] = 180.0
    #: The deadlines of one wait, at most as long as half of the wall time after which the machine is called starved.
    reply_s: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = REPLY_S
    ready_s: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = READY_S
    exit_s: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = EXIT_S
    give_up_s: Annotated[float, msgspec.Meta(ge=1, le=30)] = GIVE_UP_S
    #: What makes looking at a program slow.
    tasks: Allowance = MOST_TASKS
    descriptors: Allowance = MOST_DESCRIPTORS
    sockets: Allowance = MOST_SOCKETS


#: A busy machine may keep a build from its CPU for so many times the time that the build may take, and no longer.  At a
#: load of 70 on two cores a compiler that needs three seconds took more than two minutes.
BUILD_STALLED: Final = 9


#: A container's /tmp and its /dev/shm, each: small, since they count as memory, and few programs write there at all.
SCRATCH_BYTES: Final = 16 * 1024 * 1024
SCRATCH_FILES: Final = 2_000
#: A container's folder for what tools keep to be faster the next time, emptied when building has ended: of Go's own
#: libraries, which not every version brings compiled, 150 MB in 2000 files.
CACHE_BYTES: Final = 256 * 1024 * 1024
CACHE_FILES: Final = 20_000
#: What a program may fill between two looks of the warden's, which is some milliseconds late on a busy machine: a few
#: gigabytes in a second is the most that a machine does.
MEMORY_HEADROOM_BYTES: Final = 256 * 1024 * 1024
#: Kernel memory of all sockets of a container where it is counted apart from the rest (cgroup v1): 500 connections with
#: the smallest buffers take 5 MB, a full receive buffer 6.  Without it 1.2 GB were taken with 23 MB on the books.
SOCKET_BYTES: Final = 64 * 1024 * 1024
#: A container's share of the CPUs where several want them, beside the 1024 of the driver's and of any other: a program
#: never starves its own judge, and all programs are equal.
PROGRAM_CPU_SHARES: Final = 256

#: A long message may take longer as long as it moves at this rate, both directions together: each byte gives back its
#: share of the time.  A server in Python that receives and sends byte by byte moves 200 000 a second, and a mebibyte so
#: in half the time that this allows; one byte each second gives back nothing.
USEFUL_BYTES_PER_S: Final = 64 * 1024
#: ... and a datagram counts as so many bytes at least: ten a second, a process for each under load.
DATAGRAM_WORTH_BYTES: Final = USEFUL_BYTES_PER_S // 10
#: ... nor time in which it waited for a device or the kernel while the machine counts that somebody waits for I/O or a
#: CPU, up to this: a disk under load answers within milliseconds or a few seconds, and a program may well be the one
#: who keeps it busy.
IO_MOST_S: Final = 10.0
#: A thread on a CPU has its time counted at each tick of the clock, 1 to 10 ms apart: one that wants to run and whose
#: counts stand still for longer has not run.  (Its wait is counted only when it ends: measured, 2.2 s of it unseen.)
CPU_COUNTED_S: Final = 0.05
#: ... but after this much wall time the machine is called starved, and the check inconclusive.
REPLY_WALL_S: Final = 60.0
#: What a datagram over IPv4 carries at most (udp(7)): 65 535 less 20 bytes of IP and 8 of UDP headers.
MOST_UDP_BYTES: Final = 65_507
#: From the driver's start until the warden has unpacked and listens: milliseconds, or a slow disk.
WARDEN_READY_S: Final = 30.0
#: Until the kernel has ended or stopped all processes that were told to: milliseconds, or seconds where hundreds of
#: them share a CPU with others; what has not happened after this never will.
KERNEL_S: Final = 30.0
#: Until the warden has answered any question.  It waits for nothing longer than KERNEL_S, but beside a fork bomb it may
#: get a hundredth of a CPU.
ANSWER_S: Final = 120.0
#: Looking up a name that nobody has: where it fails later than this, a right client might not end within REPLY_S.
LOOKUP_S: Final = 0.5
#: A timer of the program's own that runs for so much longer than a deadline can't have a say within it: what is awaited
#: by then is looked at within milliseconds, or on a loaded machine within tens of them.
TIMER_MARGIN_S: Final = 0.05
#: A thread of HotSpot's that was seen with more time left than this waits where it does when it is idle: the shortest
#: of those waits is 50 ms, and those of a machine that ends are 10 ms.
HOTSPOT_IDLE_S: Final = 0.015
#: Threads that HotSpot compiles in, at most (CICompilerCount): 15 on 128 CPUs.  It starts and ends them as it needs.
HOTSPOT_COMPILERS: Final = 15
#: How long a client waits for a reply over UDP before it asks again or gives up, unless its handout says otherwise.
TIMEOUT_S: Final = 1.0
#: One that waits for less than this part of it has not waited, and what a busy machine lets us answer later than this
#: proves nothing.  Its own clock may have begun to run well before its datagram was sent, but not for so long.
LEAST_WAIT_PART: Final = 0.5
LEAST_WAIT_S: Final = TIMEOUT_S * LEAST_WAIT_PART
#: A reply that is delayed comes after so much of the least wait: in time for every client that waits, and longer than
#: any round trip within one machine takes by itself.
DELAY_PART: Final = 0.5
#: Datagrams that are no reply come so far apart: by turns of two kinds, each of them more often than any client may
#: give up ...
STRAY_S: Final = LEAST_WAIT_S / 4
#: ... for so many times as long as this client takes to give up when none come: one that counts from when it has sent
#: has given up in half of that, and one that counts from the last of them not at all.
STRAYS_FOR: Final = 2
#: How long a program is watched for CPU time while nothing is asked, when it never comes to rest.
IDLE_WINDOW_S: Final = 0.5
#: Part of that time on a CPU above which it is a busy loop: polling every 10 ms costs 1 to 2 %.
IDLE_CPU_SHARE: Final = 0.2
#: How long a check goes on that has begun when its program's whole time is used up: it may be about to end.
LAST_CHECK_S: Final = 20.0
#: How much longer than its own limits the host waits for a driver before it gives it up.
HOST_GRACE_S: Final = 30.0
#: Bytes of one event, and of one check's whole transcript, that are kept: a line of 64 KiB is there whole with what
#: comes around it, a mebibyte is not, since the seed makes it again; fifty checks are 25 MB at the very most.
EVENT_BYTES: Final = 128 * 1024
TRANSCRIPT_BYTES: Final = 512 * 1024
#: ... and so many of each event stand in a report; the rest is in a file beside it.
EVENT_SHOWN_BYTES: Final = 4096
#: ... until all together have so many times as much as a transcript should; then only this is kept of each: who floods
#: a scripted network sends 20,000 datagrams of 64 KiB before that is called its fault.
TRANSCRIPT_FULL: Final = 4
EVENT_LEAST_BYTES: Final = 256
#: How long a message may be in words, in a line that may have its bytes as well: two lines of a terminal.
DESCRIBED_CHARACTERS: Final = 160
#: An HTML report is no larger, whatever a program did: it goes by mail, and a telephone has to show it.
PAGE_BYTES: Final = 1_000_000
#: Characters of one check's transcript in a JUnit report: with fifty checks that is 3 MB, and GitLab reads 30 at most.
JUNIT_TRANSCRIPT_CHARACTERS: Final = 64 * 1024
#: Characters of one check's explanation for a platform, which shows it in a box: ours have 2 000, a build's log more.
PLATFORM_OUTPUT_CHARACTERS: Final = 10_000
#: PrairieLearn's `results.json`, whose documentation says 1 MB.
PRAIRIELEARN_BYTES: Final = 1_000_000
#: GitHub shows so many errors, and so many warnings, of each step of a job ...
GITHUB_ANNOTATIONS: Final = 10
#: ... of each 64 KB, and characters of ours have up to four bytes ...
GITHUB_ANNOTATION_CHARACTERS: Final = 10_000
#: ... and of a summary 1 MiB; one that is larger is refused as a whole.
GITHUB_SUMMARY_BYTES: Final = 1024 * 1024
#: Combining marks on one letter that a report shows as they are: Hebrew and Vietnamese need four at most; whole piles
#: of them cover the lines around.
MOST_MARKS: Final = 4
#: How often a build is looked at for whether it has started a program: seldom, for looking costs, and nobody minds a
#: second where else a minute would pass.
BUILD_LOOK_S: Final = 0.5
#: How long a program may take to come to rest between two steps; only speed and which program is kept hang on it.
SETTLE_S: Final = 0.25
#: ... and one that was seen not to come to rest, because it is on a CPU all the time.
RESTLESS_SETTLE_S: Final = 0.05
#: How long a program that never rests is waited for after something that it may have to work at, where no verdict hangs
#: on it; and how long its answers may stay in its send queue until they count as stuck there.
UNREST_S: Final = 0.5
#: How long a client that reads late leaves replies unread while the program waits with a timer of its own: many give up
#: on a send after a second (`settimeout(1.0)`), and throw away what it had not taken.  With SO_SNDTIMEO a send that
#: times out returns what it could take, and which later one fails can't be foreseen: that takes too long to be seen.
READS_LATE_S: Final = 1.25
#: Part of its own time on a CPU from which a program is said to spin: it can't be waiting much.
SPINS_FROM: Final = 0.8
#: After so many checks that a spinning program has kept waiting for a whole deadline, from the next one on ...
SPINNING_CHECKS: Final = 2
#: ... so much time on a CPU, in which no byte moves and no client is accepted, counts as a deadline wherever nothing
#: passes by that: a right reply of a mebibyte takes less, and silence is awaited as long as ever.
SPINNING_CPU_S: Final = 0.5
#: What a check may take of a program's own time in all steps that ended well (an answer, a start, an end): so much
#: alone, which two slow ends or ten starts of a large runtime need ...
SLOW_CHECK_S: Final = 10.0
#: ... and so much for each step, half of the handout's time for a reply: a client may look at its keyboard once a
#: second, a server sleep at each message; one that takes nearly all of it each time would leave none for other checks.
SLOW_STEP_S: Final = 1.0
#: So many steps; most checks have fewer ...
SLOW_STEPS: Final = 20
#: ... and so much for each further step, of which there are hundreds where messages are cut at all their places or many
#: clients come: a program that takes 100 ms for each passes.
SLOW_MORE_STEP_S: Final = 0.15
#: All pieces of a message are read in the time for a reply, plus so much for each: none is sent before the last one was
#: read, so a program that looks at its connection five times a second reads no more of them.
PIECE_S: Final = 0.2
#: So often something that was awaited may come in one check.  The most that any check of ours needs is 1500, and bytes
#: that are sent one by one count each; of a program that always has something to say there would be no end.
MOST_STEPS: Final = 100_000
#: Part of the whole time of a program's checks from which on it is the program that has used it up: the slowest right
#: one needs less, and what we take for ourselves is less than the rest.
SLOW_PART: Final = 0.5
#: What the machine takes of it is given back, up to so many times the whole: time in which the program or we had to
#: wait for a CPU, and that of our own looks, which the limits above bound for each.  Beside a dozen other gradings that
#: is half of it.
WHOLE_GIVEN_BACK: Final = 1.0
#: After so much of a program's own time in one check, a message is not cut at all its places any more, but at some of
#: those that are left, which the run's seed chooses, and at the last: a server that takes 25 ms for each of 700
#: messages is cut at each place, one that takes 250 ms at 80 and these.
SPLITS_S: Final = 20.0
SPLITS_SAMPLED: Final = 16
#: How long clients come and leave one after another until those that came are enough to judge by.  Two hundred take a
#: second; a server that uses the handout's whole time for each reply would use up the time of all other checks.
CROWD_S: Final = 20.0
#: What a program may take for the least that shows whether its memory stays flat, 48 MiB in each direction, until it is
#: sent less: most take a second.
FLAT_S: Final = 5.0

# a whole class

#: A grading's process that was interrupted removes its containers within a second or some; after this it is killed, and
#: the containers end by themselves.
TIDY_UP_S: Final = 20.0
#: What a grading takes beside the limits of its own programs: three processes in Python with their libraries.
GRADING_BYTES: Final = 256 * 1024 * 1024
#: ... and what its programs take where they are ordinary: a server in Java 120 MB, a compiler 300.  A class is not held
#: up for the few that use all they may, since they are killed in time.
PROGRAM_BYTES: Final = 384 * 1024 * 1024
#: On a worker: building an image that is missing, before the first grading that needs it.
IMAGE_BUILD_S: Final = 1800.0
#: Until a cluster's scheduler answers: milliseconds.
CLUSTER_ANSWER_S: Final = 20.0
#: How often a worker looks whether anybody still waits for what it does.
CLUSTER_LOOK_S: Final = 0.5
#: Until a worker that died must have been replaced; a nanny takes seconds, a batch system may take minutes.
CLUSTER_WORKERLESS_S: Final = 600.0
