"""Whose fault it is, in closed lists.

Every way in which a check can fail to pass is a `Reason`, and the table beside it says whose fault that is: the
student's (the check failed), nobody's (it could not be judged), or ours (an error).  Errors that end a whole run
are `GraderError`s; they carry one sentence for the user and the exit code.  Nothing here knows sockets,
processes or reports; nothing outside `cli/` exits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final


class Reason(StrEnum):
    """Why a check did not pass.  The value is what `report.json` holds."""

    WRONG_REPLY = "wrong_reply"
    NO_REPLY = "no_reply"
    INCOMPLETE_REPLY = "incomplete_reply"
    EXTRA_REPLY = "extra_reply"
    NOT_HEARD = "not_heard"
    EARLY_REPLY = "early_reply"
    NOT_READ = "not_read"
    NOT_ACCEPTED = "not_accepted"
    BACKLOG = "backlog"
    WRONG_SOURCE = "wrong_source"
    REFUSED = "refused"
    NOT_CONNECTED = "not_connected"
    OTHER_PORT = "other_port"
    OTHER_ADDRESS = "other_address"
    NO_PROMPT = "no_prompt"
    NO_REQUEST = "no_request"
    INCOMPLETE_REQUEST = "incomplete_request"
    WRONG_REQUEST = "wrong_request"
    EXTRA_REQUEST = "extra_request"
    NOT_SHOWN = "not_shown"
    SHOWN_ON_STDERR = "shown_on_stderr"
    NOT_FLUSHED = "not_flushed"
    BYTES_SHOWN = "bytes_shown"
    WRONG_SHOWN = "wrong_shown"
    NOT_WRITTEN = "not_written"
    NO_TIMEOUT = "no_timeout"
    GAVE_UP_EARLY = "gave_up_early"
    PUT_OFF = "put_off"
    CLOSED_EARLY = "closed_early"
    NOT_CLOSED = "not_closed"
    RESET = "reset"
    NOT_LISTENING = "not_listening"
    WRONG_PORT = "wrong_port"
    WRONG_ADDRESS = "wrong_address"
    ADDRESS_IN_USE = "address_in_use"
    EXITED = "exited"
    CRASHED = "crashed"
    STILL_RUNNING = "still_running"
    LEFT_RUNNING = "left_running"
    ACCEPTED_BAD_ARGUMENTS = "accepted_bad_arguments"
    EXIT_STATUS = "exit_status"
    SILENT = "silent"
    TRACEBACK = "traceback"
    NOISY = "noisy"
    FD_LEAK = "fd_leak"
    THREAD_LEAK = "thread_leak"
    PROCESS_LEAK = "process_leak"
    WORKER_LOST = "worker_lost"
    ZOMBIES = "zombies"
    MEMORY_GROWS = "memory_grows"
    BUSY_LOOP = "busy_loop"
    OUTPUT_FLOOD = "output_flood"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MANY_PROCESSES = "too_many_processes"
    ENDED_BY_STOP = "ended_by_stop"
    TOO_SLOW = "too_slow"
    TOO_MANY_FILES = "too_many_files"
    HIDDEN = "hidden"
    UNUSABLE = "unusable"
    NOT_HANDED_IN = "not_handed_in"
    BUILD_FAILED = "build_failed"
    NOT_STARTED = "not_started"
    TIME_BUDGET = "time_budget"
    PREREQUISITE = "prerequisite"
    PREREQUISITE_UNJUDGED = "prerequisite_unjudged"
    UNPROVED = "unproved"
    STARVED = "starved"
    TOOL_MISSING = "tool_missing"
    NOT_AS_REQUIRED = "not_as_required"
    ASSIGNMENT_ERROR = "assignment_error"
    GRADER_ERROR = "grader_error"
    UNDISCLOSED = "undisclosed"


#: One clause for each reason, as reports show it behind a check's title.
REASONS: dict[Reason, str] = {
    Reason.WRONG_REPLY: "it sent a different reply",
    Reason.NO_REPLY: "no reply came",
    Reason.INCOMPLETE_REPLY: "only part of the reply came",
    Reason.EXTRA_REPLY: "it sent more than the reply",
    Reason.NOT_HEARD: "another client did not receive what everyone should receive",
    Reason.EARLY_REPLY: "it replied before the message was complete",
    Reason.NOT_READ: "it never read what was sent",
    Reason.NOT_ACCEPTED: "the connection was never accepted",
    Reason.BACKLOG: "its backlog is too short",
    Reason.WRONG_SOURCE: "the reply came from a different socket than the one that was asked",
    Reason.REFUSED: "the connection was refused",
    Reason.NOT_CONNECTED: "it did not connect where it was told to",
    Reason.OTHER_PORT: "it used a different port than the one it was given",
    Reason.OTHER_ADDRESS: "it used a different address than the one it was given",
    Reason.NO_PROMPT: "it does not wait for the next line",
    Reason.NO_REQUEST: "it sent nothing",
    Reason.INCOMPLETE_REQUEST: "it sent only part of what it should send",
    Reason.WRONG_REQUEST: "it sent different bytes",
    Reason.EXTRA_REQUEST: "it sent more than it should",
    Reason.NOT_SHOWN: "what it should print is not in its output",
    Reason.SHOWN_ON_STDERR: "it printed on stderr what belongs on standard output",
    Reason.NOT_FLUSHED: "what it printed came too late",
    Reason.BYTES_SHOWN: "it printed a bytes object instead of its text",
    Reason.WRONG_SHOWN: "it printed something that is not the reply to the line",
    Reason.NOT_WRITTEN: "what it should write is not in its file",
    Reason.NO_TIMEOUT: "it waits without a timeout of its own",
    Reason.GAVE_UP_EARLY: "it did not wait for its reply",
    Reason.PUT_OFF: "what was not the reply restarted its timeout",
    Reason.CLOSED_EARLY: "it closed the connection too early",
    Reason.NOT_CLOSED: "it left the connection open",
    Reason.RESET: "it reset the connection",
    Reason.NOT_LISTENING: "it does not listen",
    Reason.WRONG_PORT: "it listens on a different port than the one it was given",
    Reason.WRONG_ADDRESS: "it listens on the wrong address",
    Reason.ADDRESS_IN_USE: "it could not bind its port again",
    Reason.EXITED: "the program exited",
    Reason.CRASHED: "the program crashed or exited with an error",
    Reason.STILL_RUNNING: "the program is still running",
    Reason.LEFT_RUNNING: "it left something running",
    Reason.ACCEPTED_BAD_ARGUMENTS: "it kept running despite bad arguments",
    Reason.EXIT_STATUS: "it exited with the wrong status",
    Reason.SILENT: "it printed nothing on stderr",
    Reason.TRACEBACK: "it printed a traceback instead of a message",
    Reason.NOISY: "it printed an error message at its end",
    Reason.FD_LEAK: "it does not close its sockets",
    Reason.THREAD_LEAK: "its threads never end",
    Reason.PROCESS_LEAK: "its processes never end",
    Reason.WORKER_LOST: "it lost threads or processes that serve its clients",
    Reason.ZOMBIES: "it does not reap its child processes",
    Reason.MEMORY_GROWS: "its memory grows with what it has read",
    Reason.BUSY_LOOP: "it uses CPU time while there is nothing to do",
    Reason.OUTPUT_FLOOD: "it printed without end",
    Reason.OUT_OF_MEMORY: "it used more memory than allowed",
    Reason.TOO_MANY_PROCESSES: "it started more processes and threads than allowed",
    Reason.ENDED_BY_STOP: "it exits when it is stopped and continued (Ctrl-Z, fg)",
    Reason.TOO_SLOW: "it was too slow altogether",
    Reason.TOO_MANY_FILES: "it has more files and sockets open than allowed",
    Reason.HIDDEN: "it hides what it does",
    Reason.UNUSABLE: "the submission can't be used",
    Reason.NOT_HANDED_IN: "it was not handed in",
    Reason.BUILD_FAILED: "it could not be built",
    Reason.NOT_STARTED: "it could not be started",
    Reason.TIME_BUDGET: "the time for all checks of this program ran out",
    Reason.PREREQUISITE: "a check that this one depends on did not pass",
    Reason.PREREQUISITE_UNJUDGED: "a check that this one depends on could not be judged",
    Reason.UNPROVED: "the situation to be tested could not be set up or verified",
    Reason.STARVED: "the program did not get enough CPU time to tell",
    Reason.TOOL_MISSING: "what the program needs to be built or started is not installed here",
    Reason.NOT_AS_REQUIRED: "it does not do what is required",
    Reason.ASSIGNMENT_ERROR: "the assignment has a mistake in it",
    Reason.GRADER_ERROR: "the grader itself failed",
    Reason.UNDISCLOSED: "what this check tests is not shown",
}

#: Those of them that are not the program's fault: no check can fail a program with one.
NOT_THE_PROGRAMS = frozenset(
    {
        *(Reason.PREREQUISITE, Reason.PREREQUISITE_UNJUDGED, Reason.TIME_BUDGET, Reason.UNPROVED, Reason.STARVED),
        *(Reason.TOOL_MISSING, Reason.ASSIGNMENT_ERROR, Reason.GRADER_ERROR),
    }
)


#: Exit code of a run that could not be judged: broken by a fault of our own, or interrupted by the user.
NOT_JUDGED: Final = 3


class GraderError(Exception):
    """A run that can't go on.  Its arguments are sentences for the user, mostly one; `str(error)` has all of them."""

    exit_code: ClassVar[int] = NOT_JUDGED

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each for a line of its own."""
        return tuple(map(str, self.args))


class UsageError(GraderError):
    """Wrong usage or unusable input: the user's to mend (exit code 2)."""

    exit_code = 2


class AssignmentError(GraderError):
    """A fault in an assignment's folder: its author's to mend (exit code 2)."""

    exit_code = 2


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that nobody knows: the one that was probably meant; "" if none is alike."""
    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


class CannotJudgeError(GraderError):
    """Nobody's fault in the submission: the engine, the image or the sandbox (exit code 3)."""


class OfflineError(CannotJudgeError):
    """What is lacking could be had, but the user forbids it: nothing else is tried in its place."""
