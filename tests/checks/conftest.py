"""The stage of the harness's tests, for checks."""

from tests.harness.conftest import channel, make_stage

__all__ = ["channel", "make_stage"]
