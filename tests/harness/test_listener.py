"""Ports of ours to which a server connects while it serves, with real programs that do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from grader.errors import Reason
from grader.harness.listener import ScriptedListener
from grader.harness.listening import Server
from grader.harness.stage import Stage
from grader.link.channel import Channel
from grader.protocol.script import Exchange
from grader.wire import tcp_server
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient
from tests.harness.conftest import MakeStage
from tests.wire.stand import warden_process


class Scene(NamedTuple):
    """A server that calls where its client says; its client; and where it may call."""

    stage: Stage
    server: Server
    client: ScriptedClient
    tracker: ScriptedListener

    def say(self, words: bytes) -> None:
        """Have it say this to the tracker."""
        self.client.send(b"%d %b\n" % (self.tracker.port, words))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    """To a warden of our own: what it remembers of its folder is nobody else's business."""
    with warden_process(tmp_path_factory.mktemp("work")) as (_, sock):
        yield Channel(sock)


@pytest.fixture
def scene(make_stage: MakeStage) -> Scene:
    stage = make_stage("calls")
    server = stage.shared()
    return Scene(stage, server, stage.connect(server), stage.listen("the tracker"))


def test_what_it_says_is_heard_and_answered(scene: Scene) -> None:
    scene.say(b"hello")
    connection = scene.tracker.expect_connection(scene.server)
    assert connection.name == "the tracker"
    connection.expect(b"hello\n")
    scene.client.expect_nothing(Reason.EXTRA_REPLY, "it answers before it is answered")
    connection.send(b"well\n", pieces=1)
    scene.client.expect(b"WELL\n")


def test_it_speaks_over_the_connection_that_it_has_or_over_a_new_one(scene: Scene) -> None:
    scene.say(b"one")
    first = scene.tracker.expect_speaker(scene.server)
    first.expect(b"one\n")
    first.send(b"1\n")
    scene.client.expect(b"1\n")
    scene.say(b"two")
    assert scene.tracker.expect_speaker(scene.server) is first
    first.expect(b"two\n")
    with scene.stage.connect(scene.server) as other:
        other.send(b"%d three\n" % scene.tracker.port)
        second = scene.tracker.expect_speaker(scene.server)
        assert second is not first
        second.expect(b"three\n")
    assert scene.tracker.connections == (first, second)


def test_a_server_that_connects_without_end_is_told_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_server, "_MOST_CONNECTIONS", 1)
    scene.say(b"one")
    scene.tracker.expect_connection(scene.server)
    with scene.stage.connect(scene.server) as other:
        other.send(b"%d two\n" % scene.tracker.port)
        with pytest.raises(FaultError, match="connected 2 times, and there is no end of it"):
            scene.tracker.expect_connection(scene.server)


def test_a_server_that_does_not_connect_is_told_so_immediately(scene: Scene) -> None:
    for expect in (scene.tracker.expect_connection, scene.tracker.expect_speaker):
        with pytest.raises(FaultError) as caught:
            expect(scene.server)
        assert (caught.value.reason, caught.value.what) == (Reason.NOT_CONNECTED, "it did not connect to the tracker")


def test_a_server_that_says_nothing_more_is_told_so(scene: Scene) -> None:
    scene.say(b"one")
    scene.tracker.expect_speaker(scene.server).expect(b"one\n")
    with pytest.raises(FaultError) as caught:
        scene.tracker.expect_speaker(scene.server)
    assert caught.value.reason is Reason.NO_REQUEST
    assert caught.value.what.startswith("the tracker received nothing, and never will")


def test_a_server_that_has_exited_is_told_so(scene: Scene) -> None:
    scene.server.kill()
    with pytest.raises(FaultError) as caught:
        scene.tracker.expect_connection(scene.server)
    assert caught.value.what == "it did not connect to the tracker: the program exited"


def test_what_nobody_expected_is_a_fault(scene: Scene) -> None:
    scene.say(b"one")
    scene.tracker.expect_speaker(scene.server).expect(b"one\n")
    scene.tracker.expect_nothing_more(scene.server)
    with scene.stage.connect(scene.server) as other:
        other.send(b"%d two\n" % scene.tracker.port)
        other.wait_read()
        scene.server.wait_rest()
        with pytest.raises(FaultError) as caught:
            scene.tracker.expect_nothing_more(scene.server)
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REQUEST, b"two\n")


def test_where_nobody_listens_any_more_it_is_refused(scene: Scene) -> None:
    scene.tracker.refuse()
    scene.say(b"one")
    scene.client.expect(b"REFUSED\n")


def test_at_the_end_of_a_check_our_ports_are_closed_and_the_server_is_kept(scene: Scene) -> None:
    scene.say(b"one")
    connection = scene.tracker.expect_connection(scene.server)
    connection.expect(b"one\n")
    connection.send(b"1\n")
    scene.client.expect(b"1\n")
    scene.stage.finish(passed=True)
    assert not connection.is_open
    scene.stage.begin()
    assert scene.stage.shared() is scene.server
    again = scene.stage.connect(scene.server)
    again.ask(Exchange(b"%d two\n" % scene.tracker.port, b"REFUSED\n"))


def test_what_others_print_is_read_while_one_is_waited_for(scene: Scene) -> None:
    other = scene.stage.launch_beside()
    client = scene.stage.connect(other)
    client.ask(Exchange(b"%d print 300000\n" % scene.server.port, b"PRINTED\n"))


def test_started_again_it_has_the_arguments_that_it_had(make_stage: MakeStage) -> None:
    stage = make_stage("says_its_argument")
    server = stage.launch(arguments=("{port}", "this"))
    stage.connect(server).ask(Exchange(b"?\n", b"this\n"))
    server.kill()
    stage.connect(stage.launch_again(server)).ask(Exchange(b"?\n", b"this\n"))


def test_one_that_is_started_beside_nothing_finds_the_folder_as_it_was(make_stage: MakeStage) -> None:
    stage = make_stage("right")
    server = stage.launch_beside()
    server.program.warden.remember()
    server.write_file("left.txt", b"over")
    stage.finish(passed=False)
    stage.begin()
    server = stage.launch_beside()
    with pytest.raises(FaultError, match="left"):
        server.read_file("left.txt")
    server.write_file("left.txt", b"over")
    assert stage.launch_beside().read_file("left.txt") == b"over"


def test_of_several_programs_it_is_told_once_what_they_do(scene: Scene) -> None:
    other = scene.stage.launch_beside()
    scene.stage.connect(other).ask(Exchange(b"print 3\n", b"PRINTED\n"))
    other.expect_printed(b"xxx")
    told = [(voice.doing, voice.printed.strip()) for voice in scene.stage.programs.voices("blocked in accept")]
    assert told == [("blocked in accept", b"xxx"), ("", b"")]
