"""`make bench`: measure everything, one part after the other, each in its own process.

Figures that are compared are measured in turns in one run. The report has the median of every figure.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import bench.casework
import bench.decisions
import bench.directives
import bench.feed
import bench.flood
import bench.gateway
import bench.ledger
import bench.start
from bench import report

PARTS: dict[str, Callable[[], dict[str, float]]] = {
    "gateway": bench.gateway.measure,
    "directives": bench.directives.measure,
    "feed": bench.feed.measure,
    "flood": bench.flood.measure,
    "ledger": bench.ledger.measure,
    "decisions": bench.decisions.measure,
    "casework": bench.casework.measure,
    "start": bench.start.measure,
}


def main() -> int:
    values: dict[str, float] = {}
    for name, measure in PARTS.items():
        began_s = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            try:
                values |= alone.submit(measure).result()
            except Exception:  # noqa: BLE001 - the other parts are measured, and what is missing is told
                traceback.print_exc()
        print(f"{time.monotonic() - began_s:.0f} s", flush=True)
    report.write(values, Path("build/bench.json"))
    print(report.table(values))
    if missing := report.missing(values):
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
