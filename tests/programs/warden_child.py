"""A warden on an inherited socket.  Arguments: its settings as JSON, the socket's descriptor.  Standard input: lifeline."""

import json
import socket
import sys

from grader.sandbox.channel import Channel
from grader.sandbox.warden import Warden

Warden(json.loads(sys.argv[1])).serve(Channel(socket.socket(fileno=int(sys.argv[2]))), 0)
