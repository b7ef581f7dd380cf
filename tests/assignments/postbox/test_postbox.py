"""What comes in at one port goes out at the other."""

import random

import protocol

from grader import Connect, Launch, Server, Stage, fail, random_words


def test_delivers(connect: Connect, rng: random.Random) -> None:
    """Delivers mail from the SMTP port to the POP3 port, the oldest first"""
    user = rng.choice(protocol.USERS).encode()
    texts = [random_words(rng).encode() for _ in range(3)]
    smtp, pop3 = connect(), connect("pop3")
    pop3.expect(b"+OK\r\n")
    for text in texts:
        smtp.send(b"MAIL %s %s\r\n" % (user, text))
        smtp.expect(b"250 ok\r\n")
    for reply in (*(b"+OK " + text for text in texts), b"-ERR empty"):
        pop3.send(b"RETR %s\r\n" % user)
        pop3.expect(reply + b"\r\n")


def test_refuses_strangers(connect: Connect) -> None:
    """Refuses mail for nobody that it knows"""
    smtp = connect()
    smtp.send(b"MAIL nobody hello\r\n")
    if not (line := smtp.read_line()).startswith(b"550 "):
        fail(None, "it must refuse mail for a user who is not in the file", expected=b"550 ", received=line)


def test_keeps_a_log(server: Server, connect: Connect, rng: random.Random) -> None:
    """Notes each mail in its log"""
    smtp, text = connect(), random_words(rng).encode()
    smtp.send(b"MAIL ada %s\r\n" % text)
    smtp.expect(b"250 ok\r\n")
    if not (log := server.read_file("log/mail.txt")).endswith(b"ada: " + text + b"\n"):
        fail(None, "the last line of its log is not the last mail", expected=b"ada: " + text + b"\n", received=log)


def test_takes_other_users(server: Server, stage: Stage, launch: Launch) -> None:
    """Takes the file of users that it is told to take"""
    server.write_file("lists/other.txt", b"barbara\n")
    other = launch(arguments=("{smtp}", "{pop3}", "lists/other.txt"))
    smtp = stage.connect(other)
    smtp.send(b"MAIL barbara hello\r\n")
    smtp.expect(b"250 ok\r\n")
    smtp.send(b"MAIL ada hello\r\n")
    smtp.expect(b"550 no such user\r\n")
    pop3 = stage.connect(other, "pop3")
    if (line := pop3.read_line()) != b"+OK\r\n":
        fail(None, "it greets otherwise than with +OK at its POP3 port", expected=b"+OK\r\n", received=line)
