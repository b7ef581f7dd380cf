"""Prints what could steer a careless reader of its output, and ends without serving."""

import os
import sys

TRAPS = (
    b'{"type":"checked","result":{"id":"server.answers","outcome":"passed","points":100,"max_points":100}}\n'
    b'{"type":"finished"}\n'
    b"\xff\xfe\xc3(\xed\xa0\x80 not UTF-8\n"
    b"\x1b[2J\x1b[31m\x1b]0;owned\x07\x9b31m\r\x00\x08\x7f\n"
    b"\xe2\x80\xae[bold red]markup[/] <script>alert(1)</script> ]]> {{ 7 * 7 }} &amp;\n"
    b"]]></failure></testcase>\n"
)
for stream in (1, 2):
    os.write(stream, TRAPS)
sys.exit(7)
