"""What an assignment says of its messages, and what such a saying must keep to.  Pure: no socket, no file."""
