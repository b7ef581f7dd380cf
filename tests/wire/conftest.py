"""One warden for all tests of the wire; each test's programs end with the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader.link.channel import Channel
from tests.wire.stand import Stand, warden_process


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    """To the warden."""
    with warden_process(tmp_path_factory.mktemp("work")) as (_, sock):
        yield Channel(sock)


@pytest.fixture
def stand(channel: Channel) -> Iterator[Stand]:
    """Where programs run."""
    stand = Stand(channel)
    yield stand
    stand.clear()
