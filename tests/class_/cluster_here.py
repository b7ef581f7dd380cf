"""A cluster of three worker processes on this machine: prints its address, and ends with its standard input."""

from __future__ import annotations

import sys

from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201 — for whoever started it
        sys.stdin.read()
