"""`python -m bench`: measure every budget and print one table.

    python -m bench [--json] [--full | --quick] [--only NAME ...] [--folder DIR]

Nothing here is a test: an over-run budget is printed as such and the exit code stays 0.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import (
    decisions,
    fills,
    journals,
    live,
    live_fills,
    live_kill,
    memory,
    orders,
    quotes,
    replay,
    startup,
    table,
    tca,
)
from bench.measuring import Row, Size

FULL = Size(followed=50_000_000)
QUICK = Size(
    rounds=2,
    samples=100,
    orders=2_000,
    known=10_000,
    finished=500,
    events=2_000_000,
    followed=500_000,
    chunk=2_000_000,
    marked=200_000,
)
LEAST = Size(
    rounds=1, samples=10, orders=30, known=200, settled=20, finished=40, events=1, followed=1, chunk=1, marked=200
)
"""Just enough to see that everything runs."""


def main(arguments: list[str]) -> int:
    """Measure what was asked for and print it."""
    options = _parser().parse_args(arguments)
    size = FULL if options.full else QUICK if options.quick else Size()
    if options.rounds:
        size = replace(size, rounds=options.rounds)
    load = os.getloadavg() if hasattr(os, "getloadavg") else ()
    with tempfile.TemporaryDirectory(prefix="quietfill-bench-", dir=options.folder) as folder:
        groups = measurements(size, Path(folder))
        rows: list[Row] = []
        for name in options.only or groups:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            rows += groups[name]()
    if options.json:
        print(table.as_json(rows, size, load))
    else:
        table.show(rows, load)
    return 0


GROUPS = (
    "decisions",
    "live",
    "kill",
    "quotes",
    "fills",
    "live_fills",
    "memory",
    "orders",
    "replay",
    "startup",
    "journals",
    "tca",
)


def measurements(size: Size, folder: Path) -> dict[str, Callable[[], list[Row]]]:
    """Return every group of rows by name; *folder* lies on the disk whose speed counts."""
    return {
        "decisions": partial(decisions.rows, size, folder),
        "live": partial(live.rows, size, folder),
        "kill": partial(live_kill.rows, size),
        "quotes": partial(quotes.rows, size),
        "fills": partial(fills.rows, size),
        "live_fills": partial(live_fills.rows, size),
        "memory": partial(memory.rows, size),
        "orders": partial(orders.rows, size),
        "replay": partial(replay.rows, size),
        "startup": partial(startup.rows, size),
        "journals": partial(journals.rows, size, folder),
        "tca": partial(tca.rows, size),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Quietfill costs.")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="the followed replay too over 50 million events")
    extent.add_argument("--quick", action="store_true", help="smaller sizes, a minute instead of several")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="NAME", help=f"some of: {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, help="how often each contender has its turn")
    parser.add_argument("--folder", help="where to put journals: the disk whose speed counts (default: temporary)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
