"""The name that was typed into it."""

from grader import ConnectUdp, fail


def test_names_itself(connect_udp: ConnectUdp) -> None:
    """Knows the name that it was given"""
    client = connect_udp()
    client.send(b"WHO")
    if (name := client.receive()) != b"Bohr":
        fail(None, "it does not answer with its name", expected=b"Bohr", received=name)
