"""`python -m bench`: measure every budget and print one table.

    python -m bench [--json] [--full | --quick] [--only NAME ...] [--folder DIR]

Nothing here is a test: an over-run budget is printed as such and the exit code stays 0.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench import groups, table
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
    queued=200,
)
LEAST = Size(
    rounds=1,
    samples=10,
    orders=30,
    known=200,
    settled=20,
    finished=40,
    events=1,
    followed=1,
    chunk=1,
    marked=200,
    queued=50,
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
        rows: list[Row] = []
        for name in options.only or groups.NAMES:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            rows += groups.alone(name, size, Path(folder))
    if options.json:
        print(table.as_json(rows, size, load))
    else:
        table.show(rows, load)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Quietfill costs.")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="the followed replay too over 50 million events")
    extent.add_argument("--quick", action="store_true", help="smaller sizes, a minute instead of several")
    parser.add_argument(
        "--only", nargs="+", choices=groups.NAMES, metavar="NAME", help=f"some of: {', '.join(groups.NAMES)}"
    )
    parser.add_argument("--rounds", type=int, help="how often each contender has its turn")
    parser.add_argument("--folder", help="where to put journals: the disk whose speed counts (default: temporary)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
