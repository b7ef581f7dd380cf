"""Measures what the project promises about speed, as ratios within one run.

Machines differ and are noisy, so nothing here is an absolute claim: what is compared is played alternately, several
times, and medians are divided.  No grading depends on this package.
"""
