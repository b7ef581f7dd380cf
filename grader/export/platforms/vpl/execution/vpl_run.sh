#!/bin/bash
# "Run": nothing but a hint, since a socket program needs somebody to talk to.
printf '#!/bin/sh\necho "Evaluate plays the checks with your program, and shows what was sent and received."\n' > vpl_execution
chmod +x vpl_execution
