"""What a source's text says about its program: which role and transport it is for, and how it wants to be started.

These rules decide only where names don't.  They look for words that a program can't do without: who waits for clients
calls `accept` or binds a port, whatever the language.  Each looks at a line or at a few words, so that no text takes
long to look at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Final

from grader.model import Role, Transport
from grader.roles import OTHER_ROLE

#: Calls and types of programs that wait for clients, in the languages of the table.
_WAITS: Final = re.compile(
    r"\b(?:accept4?|listen|bind|create_server|start_server|start_unix_server|serve_forever|createServer|async_accept)"
    r"[^\S\n]*\(|\b(?:ServerSocket|AsynchronousServerSocketChannel|ServerSocketChannel|TcpListener|TCPServer|UDPServer"
    r"|UdpSocket::bind|ThreadingTCPServer|ThreadingUDPServer|create_datagram_endpoint|ListenTCP|ListenUDP|ListenPacket)\b"
    r"|\bnet\.Listen\b|\bListen[^\S\n]*=>|\bLocalPort[^\S\n]*=>"
)
#: ... and of those that go to a server.
_GOES: Final = re.compile(
    r"\b(?:connect|connect_ex|create_connection|open_connection|createConnection|async_connect)[^\S\n]*\("
    r"|\bnew[^\S\n]+Socket[^\S\n]*\([^\S\n]*[^)\s]|\b(?:TcpStream::connect|TCPSocket|SocketChannel\.open)\b"
    r"|\bnet\.Dial\w*|\bPeerAddr[^\S\n]*=>|\bsocket\.tcp\b"
)
_SENDS: Final = re.compile(r"\b(?:sendto|send|send_to)[^\S\n]*\(|\bWriteTo\w*\b")
_DATAGRAMS: Final = re.compile(
    r"\b(?:SOCK_DGRAM|DatagramSocket|DatagramPacket|DatagramChannel|UdpSocket|UDPSocket|ListenUDP|ListenPacket|DialUDP"
    r"|dgram|UDPServer|ThreadingUDPServer|DatagramRequestHandler|DatagramProtocol)\b|[\"']udp[46]?[\"']"
)
_STREAMS: Final = re.compile(
    r"\b(?:SOCK_STREAM|ServerSocket|TcpListener|TcpStream|TCPServer|TCPSocket|ThreadingTCPServer|StreamRequestHandler"
    r"|create_connection|create_server|open_connection|start_server|ListenTCP|DialTCP)\b|\bnet\.createServer\b"
    r"|\bnet\.connect\b|\bnet\.createConnection\b|\bnew[^\S\n]+Socket\b|[\"']tcp[46]?[\"']"
)
#: A line that looks at an argument, and the word that it looks for.
_CHOICE: Final = re.compile(r"(?:arg|mode|role|parser|case|command|cmd|match|when)", re.IGNORECASE)
_CHOSEN: Final = re.compile(r"[\"'](-{0,2}(?:server|client))[\"']")
_LONGEST_LINE: Final = 300


def role_by_text(text: str) -> Role | None:
    """The role of the program with this text; None if it fits neither, or both."""
    waits, goes = _WAITS.search(text) is not None, _GOES.search(text) is not None
    if waits:
        return None if goes and _CHOSEN.search(text) else "server"
    # Over UDP a client need do nothing before it sends: a socket without a port gets one then.
    return "client" if goes or (_DATAGRAMS.search(text) and _SENDS.search(text)) else None


def transport_by_text(text: str) -> Transport | None:
    """What its messages go over; None if it fits neither, or both."""
    datagrams, streams = _DATAGRAMS.search(text) is not None, _STREAMS.search(text) is not None
    if datagrams == streams:
        return None
    return "udp" if datagrams else "tcp"


def chosen_by(text: str, role: Role) -> str:
    """The first argument that makes one program for both roles this one; "" if the text has no such choice."""
    if not (_WAITS.search(text) and _GOES.search(text)):
        return ""
    words = [
        word
        for line in text.split("\n")
        if len(line) < _LONGEST_LINE and _CHOICE.search(line)
        for word in _CHOSEN.findall(line)
    ]
    return next((word for word in words if word.strip("-") == role and _of_other(word, role) in words), "")


def _of_other(word: str, role: Role) -> str:
    return word.replace(role, OTHER_ROLE[role])


#: A text in a source that may name a file, and a way out of a program's own folder for what it imports.
_TEXT: Final = re.compile(r"\"([^\"\n\\]{1,200})\"|'([^'\n\\]{1,200})'|`([^`\n\\]{1,200})`")
_UPWARDS: Final = re.compile(r"\bsys\.path\.(?:append|insert)\((?:[^)\n]{0,20},)?[^\S\n]*[\"']\.\.?[/\"']")


def wants_its_own_folder(text: str, folder: str, files: Collection[str]) -> bool:
    """Whether a program in a folder names files by their way from there, and none by its way from the root.

    `files`: what was handed in.
    """
    if _UPWARDS.search(text):
        return True
    named = {posixpath.normpath(next(filter(None, groups))) for groups in _TEXT.findall(text)}
    return named.isdisjoint(files) and any(posixpath.normpath(f"{folder}/{name}") in files for name in named)
