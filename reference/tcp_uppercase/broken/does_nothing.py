"""Fault: is the empty skeleton: it does nothing and ends with exit status 0."""


def main():
    # TODO: open the socket
    # TODO: answer the clients
    pass


main()
