"""Everything a check may use: the running program, scripted peers, keyboards, ports.  Only `fixtures` knows pytest."""
