"""All that a check may use: the running program, scripted peers, keyboards, ports.  Knows pytest only in `fixtures`."""
