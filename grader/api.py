"""What an assignment's author imports from `grader`, each name once; docs/authors.md says what each is for."""

from __future__ import annotations

from grader.catalogue import behaviour
from grader.errors import Reason
from grader.harness.clients import Clients
from grader.harness.fixtures import Begin, Connect, ConnectUdp, Launch, Listen, TcpClients, UdpClients
from grader.harness.listener import ScriptedListener
from grader.harness.listening import Facts, Server
from grader.harness.part import Part
from grader.harness.putting_off import must_go_on_in_time
from grader.harness.session import Session
from grader.harness.stage import Stage
from grader.protocol.any_order import any_order
from grader.protocol.dialogues import Dialogue
from grader.protocol.form import form
from grader.protocol.frame import frame
from grader.protocol.http import http
from grader.protocol.http_request import http_request
from grader.protocol.inputs import (
    every_byte,
    not_utf8,
    numbered_line,
    random_blanks,
    random_characters,
    random_letters,
    random_words,
)
from grader.protocol.judged import judged
from grader.protocol.network import Fate, Network, Passing, Script, Station, fates
from grader.protocol.nothing import nothing
from grader.protocol.reply import Complete, Incomplete, Matching, Mismatch, Reply, Values
from grader.protocol.script import Answer, ClientProtocol, DatagramProtocol, Entry, Exchange, StreamProtocol
from grader.protocol.until import until
from grader.protocol.visit import OtherServer, Turn, Visit
from grader.wire.courier import BROADCAST
from grader.wire.faults import FaultError, UnprovedError, fail
from grader.wire.tcp import ScriptedClient
from grader.wire.tcp_server import ScriptedConnection
from grader.wire.udp import UdpClient

NAMES = sorted(name for name in globals() if not name.startswith("_") and name != "annotations")
