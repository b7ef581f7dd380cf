"""Measures what the project promises about speed, as ratios within one run.

Machines differ and are noisy, so nothing here is an absolute claim: what is compared is played alternately, several
times, and medians are divided.  No grading depends on this package.
"""

from __future__ import annotations


class NotMeasuredError(Exception):
    """Something did not go as it must for its time to mean anything; on a busy machine that is nobody's fault."""
