"""What only this client does: it takes times, and counts what is lost, late, doubled or none of its business."""

from __future__ import annotations

from msgspec.structs import replace
from protocol import pings

from grader import Answer, Turn, UdpClients, Values, behaviour, must_go_on_in_time

_IN_TIME, _LOST = Answer.WHOLE, Answer.NOTHING
_NEVER_SENT = b"PING 4711 1700000000.5"


@behaviour(
    does="three pings, of which two are answered a quarter of a second after they came",
    proves="the time between the ping's arrival and its answer",
    catches="seconds printed as milliseconds, the time of a wait that ended earlier, one clock read too late",
    hint="Read the clock just before you send and as soon as the answer has come, and print the difference in "
    "milliseconds{Python: : time.perf_counter() counts seconds}{C: : clock_gettime with CLOCK_MONOTONIC}{Java: : "
    "System.nanoTime()}.",
)
def test_round_trip_times(udp_clients: UdpClients) -> None:
    """Measures the time of each round trip"""
    udp_clients.play(pings(Answer.DELAYED, _IN_TIME, Answer.DELAYED))


@behaviour(
    does="four pings, of which the second and the last are never answered",
    proves="each ping has arrived here, with the kernel's time stamp; the one after a lost one came later by half a "
    "second or more",
    catches="waiting without a timeout, giving up too early, an exception that ends the program, the same ping sent "
    "again",
    hint="Set a timeout of one second{Python:  (settimeout)}{C:  (SO_RCVTIMEO, poll)}{Java:  (setSoTimeout)}. When it "
    "runs out, the ping is lost: print that, and go on with the next one.",
)
def test_lost_pings(udp_clients: UdpClients) -> None:
    """Says which pings were lost, and goes on"""
    udp_clients.play(pings(_IN_TIME, _LOST, _IN_TIME, _LOST))


@behaviour(
    does="six pings, one of which is lost; then three that are all answered",
    proves="the summary is compared with the program's own lines",
    catches="lost pings counted as received, a percentage that is cut and not rounded, the average over all pings "
    "instead of those that were answered, a minimum of 0",
    hint="Keep a list of the times that you have printed: sent, received, minimum, average and maximum follow from it.",
)
def test_summary(udp_clients: UdpClients) -> None:
    """Sums up what it has printed"""
    udp_clients.play(pings(_IN_TIME, Answer.DELAYED, _LOST, _IN_TIME, _IN_TIME, _IN_TIME, about="all"))
    udp_clients.play(pings(_IN_TIME, _IN_TIME, _IN_TIME, about="all"))


@behaviour(
    does="two pings, neither of which is answered",
    proves="each has arrived here; the program has exited",
    catches="a division by zero, the minimum of an empty list, exit status 0 though nobody answered",
    hint="Without a single answer there is no average: leave that line out, say on stderr that no answer came, and "
    "exit with status 1.",
)
def test_nothing_came(udp_clients: UdpClients) -> None:
    """Copes with no answer at all"""
    udp_clients.play(pings(_LOST, _LOST))
    udp_clients.play(pings(_LOST, about="all"))


@behaviour(
    does="four pings; the answers to the first and the third come only when the next ping has come; the last one is "
    "never answered",
    proves="the late answer has arrived at its socket while the client waits for another",
    catches="whatever comes is taken for the answer to the last ping",
    hint="An answer has the number of its ping: if that is another than the one you are waiting for, go on waiting, "
    "for as long as is left of the second.",
)
def test_late_answers(udp_clients: UdpClients) -> None:
    """Does not take a late answer for the next ping's"""
    udp_clients.play(pings(Answer.BEFORE_THE_NEXT, _IN_TIME, Answer.BEFORE_THE_NEXT, _LOST))


@behaviour(
    does="four pings; two answers come twice; the ping after the second of them is not answered",
    proves="both copies have arrived at its socket",
    catches="the copy is taken for the answer to the next ping",
    hint="UDP may deliver a datagram twice. Compare the number in each answer with the one that you are waiting for.",
)
def test_copies(udp_clients: UdpClients) -> None:
    """Does not count an answer twice"""
    udp_clients.play(pings(Answer.TWICE, _IN_TIME, Answer.TWICE, _LOST))


@behaviour(
    does="before the answers come an empty datagram, words, and an answer to a ping that was never sent; then a ping "
    "is lost while such an answer arrives every 125 ms, from the server and from a stranger in turn",
    proves="they have arrived at its socket before the answer; twice as much of its own time has passed as it took "
    "before to go on, and no two of the answers were nearly as far apart",
    catches="an exception where the datagram is taken apart; anything from the server taken for the answer; a second "
    "that whatever arrives begins anew",
    hint="Look at a datagram before you take it apart, and compare its number. If it isn't your answer, go on waiting "
    "for what is left of the second{Python:  (settimeout(end - time.monotonic()))}{C:  (poll's timeout, or "
    "SO_RCVTIMEO, set again from clock_gettime)}{Java:  (setSoTimeout, set again from System.nanoTime)}.",
)
def test_other_datagrams(udp_clients: UdpClients) -> None:
    """Ignores datagrams that are no answer to its ping"""

    def says(seen: Values) -> tuple[bytes, ...]:
        return b"", b"hello", b"PING", _NEVER_SENT, seen["line"]

    visit = pings(_IN_TIME, _IN_TIME, _LOST)
    *answered, lost = visit.turns
    noise = Turn(lost.hears, lambda seen: says(seen)[:-1])
    udp_clients.play(replace(visit, turns=(*(replace(turn, says=says) for turn in answered), noise)))
    must_go_on_in_time(udp_clients, pings(_LOST, _IN_TIME), _NEVER_SENT)
