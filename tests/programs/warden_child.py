"""A warden on an inherited socket.  Arguments: its settings as JSON, the socket's descriptor.  Standard input: lifeline."""

import json
import socket
import sys

from grader.link.channel import Channel
from grader.sandbox.warden import Warden

channel = socket.socket(fileno=int(sys.argv[2]))
channel.set_inheritable(False)  # as accept(2) and socketpair(2) give it to the warden
Warden(json.loads(sys.argv[1])).serve(Channel(channel), 0)
