"""Gradebooks: the class as a table, plain or as a platform imports it.  Pure: a class in, a file's bytes out."""
