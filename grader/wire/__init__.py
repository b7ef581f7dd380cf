"""Talks to programs over sockets and asks the kernel what became of it; knows neither Docker nor pytest."""
