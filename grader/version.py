"""The version, in one place that every part can import."""

__version__ = "0.1.0"
