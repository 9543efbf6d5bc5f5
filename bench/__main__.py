"""`make bench`: measure everything, one part after the other, each in its own process.

Figures that are compared are measured in turns in one run. The report has the median of every figure.
`make bench PARTS="ledger feed"` measures only these parts, and reports only their figures.
"""

from __future__ import annotations

import argparse
import json
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
import bench.hostile
import bench.ledger
import bench.start
from bench import machine, report

PARTS: dict[str, Callable[[], dict[str, float]]] = {
    "gateway": bench.gateway.measure,
    "directives": bench.directives.measure,
    "feed": bench.feed.measure,
    "flood": bench.flood.measure,
    "hostile": bench.hostile.measure,
    "ledger": bench.ledger.measure,
    "decisions": bench.decisions.measure,
    "casework": bench.casework.measure,
    "start": bench.start.measure,
}


def main() -> int:
    parts = _asked()
    values: dict[str, float] = {}
    on = machine.told()  # before the load is ours
    failed = [name for name in parts if not _measured(name, values)]
    report.write(values, Path("build/bench.json"))
    Path("build/bench-machine.json").write_text(json.dumps(on, indent=2) + "\n")
    print(report.table(values))
    if absent := [name for name, version in on["peers"].items() if version is None]:
        print(f"not installed, and not measured: {', '.join(absent)}", file=sys.stderr)
    if missing := report.missing(values) if len(parts) == len(PARTS) else failed:
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def _asked() -> list[str]:
    """The parts to measure, in the order of the table: those that are named, or all."""
    parser = argparse.ArgumentParser("make bench", description="Measure against the budgets.")
    parser.add_argument("part", nargs="*", help=f"one of: {', '.join(PARTS)}; all if left out")
    named = parser.parse_args().part
    if unknown := [name for name in named if name not in PARTS]:
        parser.error(f"no part is called {unknown[0]!r}: choose from {', '.join(PARTS)}")
    return [name for name in PARTS if name in named or not named]


def _measured(part: str, values: dict[str, float]) -> bool:
    """Measure a part in a process of its own, and add its figures. False: it failed, and says why."""
    began_s = time.monotonic()
    print(f"{part} …", end=" ", flush=True)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        try:
            values |= alone.submit(PARTS[part]).result()
        except Exception:  # noqa: BLE001 - the other parts are measured, and what is missing is told
            traceback.print_exc()
            return False
    print(f"{time.monotonic() - began_s:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
