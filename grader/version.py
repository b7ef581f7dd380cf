"""The version, in one place that every part can import."""

__version__ = "1.0.0rc1"
