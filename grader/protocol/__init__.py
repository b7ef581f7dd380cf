"""What an assignment says about its messages, and what that must guarantee.  Pure: no socket, no file."""
