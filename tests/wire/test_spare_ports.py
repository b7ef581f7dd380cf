"""Ports for clients of ours where the kernel has none left to give."""

from __future__ import annotations

import errno
import socket

import pytest

from grader.wire.spare_ports import bind_to_spare_port, has_address


class Crowded(socket.socket):
    """A socket of a machine on which all ports are held but one."""

    free: int | None = None
    code = errno.EADDRINUSE

    def bind(self, address: object) -> None:
        """Refuse all others."""
        assert isinstance(address, tuple)
        if address[1] != self.free:
            raise OSError(self.code, "no")


def test_a_port_is_found_below_those_that_the_kernel_gives() -> None:
    with socket.socket() as sock:
        assert bind_to_spare_port(sock)
        assert 1024 <= sock.getsockname()[1] < 20_000


@pytest.mark.parametrize("free", [1024, 19_999])
def test_the_last_free_port_is_found(free: int) -> None:
    with Crowded() as sock:
        sock.free = free
        assert bind_to_spare_port(sock)


def test_where_all_are_held_there_is_none_and_other_errors_are_ours() -> None:
    with Crowded() as sock:
        assert not bind_to_spare_port(sock)
        sock.code = errno.EACCES
        with pytest.raises(OSError, match="no"):
            bind_to_spare_port(sock)


def test_an_address_that_is_nobodys_is_known() -> None:
    assert has_address("127.0.0.1")
    assert not has_address("192.0.2.1")  # RFC 5737: for documentation
