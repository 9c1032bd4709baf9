# ruff: noqa: INP001, T201 - a script whose output is a table
"""Measure how well a learned volume curve tells days it has not seen, beside a flat and the default curve.

    python tools/measure_volume_curves.py ../shared/data/bars

Prints the Markdown tables of `docs/how-to/learn-a-volume-profile.md`. Reads the minute bars that it knows in that
folder; Parquet only where pyarrow is installed. Distances are root mean squares in % of the day's volume, as
`quietfill.market.volume_learning` defines them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import time, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from quietfill.agent.calendars import with_calendar
from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import MINUTE, datetime_of
from quietfill.market.volume import VolumeCurve, curve_of, default_curve
from quietfill.market.volume_days import Bars, Cutting, DayVolumes, daily_volumes
from quietfill.market.volume_learning import distance, held_out, learned_profile
from quietfill.venue.feeds.bars import read_bars

FLAT = VolumeCurve((0.0, 1.0))
NEW_YORK = (LocalSession(time(9, 30), time(16)),)
HALF_DAY = (LocalSession(time(9, 30), time(13)),)


class Sample(NamedTuple):
    """One instrument's bars, and how they are to be read."""

    name: str
    files: tuple[Path, ...]
    instrument: Instrument
    cutting: Cutting
    labelled_at_end: bool

    def bars(self) -> Bars:
        """Read the files."""
        return read_bars(self.files, timezone=self.instrument.timezone, labelled_at_end=self.labelled_at_end)


def samples(folder: Path) -> list[Sample]:
    """Return what lies in *folder* and can be read."""
    found: list[Sample] = []
    opening = Cutting(opening_auction=True)
    for path in sorted((folder / "us_1min_20190211_20190215").glob("*_1min.csv.zst")):
        name = path.name.split("_")[0]
        found.append(Sample(f"{name}, 2019-02", (path,), stock(name), opening, labelled_at_end=True))
    if find_spec("pyarrow") is not None:
        months = (("SPY 2009-09", "SPY_2009-09"), ("SPY 2009-11, 12", "SPY_2009-1*"), ("SPY 2008-10", "SPY_2008-10"),
                  ("QQQ 2004-05, 06", "QQQ_2004-*"))  # fmt: skip
        for name, pattern in months:
            files = tuple(sorted((folder / "etf_1min_monthly").glob(f"{pattern}.parquet")))
            found.append(Sample(name, files, stock(name[:3]), opening, labelled_at_end=False))
    future = Instrument(symbol="6EH4", ticks=(TickRule(0, 1),), lot=1, timezone="America/Chicago",
                        sessions=(LocalSession(time(17), time(16)),))  # fmt: skip
    file = folder / "cme_6EH4_1min_202401.csv.gz"
    found.append(Sample("6EH4 2024-01", (file,), future, Cutting(hole=15 * MINUTE), labelled_at_end=True))
    return found


def stock(symbol: str, sessions: tuple[LocalSession, ...] = NEW_YORK) -> Instrument:
    """Return a New York stock."""
    return Instrument(symbol=symbol, ticks=(TickRule(0, 1),), lot=1, timezone="America/New_York", sessions=sessions,
                      calendar="XNYS")  # fmt: skip


def days_of(sample: Sample, bars: Bars) -> tuple[list[DayVolumes], int]:
    """Return the whole days, and how many were left out."""
    first, last = (datetime_of(bars.start[end]).date() for end in (0, -1))
    instrument = with_calendar(sample.instrument, first - timedelta(days=1), last + timedelta(days=1))
    whole, left_out = daily_volumes(bars, instrument, sample.cutting)
    return whole, len(left_out)


def row(name: str, days: Sequence[DayVolumes], left_out: int) -> str:
    """Return one line of the table: every day told by all the others, and the later half by the earlier one."""
    volumes = [day.buckets for day in days]
    learned, half = held_out(volumes), len(volumes) // 2
    assert learned is not None, f"{name}: two days are needed"
    default = default_curve(len(volumes[0]) * 5 * MINUTE)
    later = distance(curve_of(learned_profile(volumes[:half])), volumes[half:])
    flat_later = distance(FLAT, volumes[half:])
    figures = (learned.rms, distance(FLAT, volumes).rms, distance(default, volumes).rms, later.rms, flat_later.rms)
    return f"| {name} | {len(days)} | {left_out} | " + " | ".join(f"{100 * figure:.2f}" for figure in figures) + " |"


def short_day_rows(sample: Sample, bars: Bars, days: Sequence[DayVolumes]) -> list[str]:
    """Return one line a half day: the curve of whole days, stretched over its trading time."""
    short, _ = daily_volumes(bars, stock(sample.name[:3], HALF_DAY), sample.cutting)
    closing_early = [day for day in short if day.date not in {whole.date for whole in days}]
    curve = curve_of(learned_profile([day.buckets for day in days]))
    return [
        f"| {sample.name[:3]} {day.date} | {100 * distance(curve, [day.buckets]).rms:.2f} |"
        f" {100 * distance(FLAT, [day.buckets]).rms:.2f} |"
        for day in closing_early
    ]


def main() -> None:
    """Measure and print."""
    print("| bars | days | left out | learned | flat | default | learned, later half | flat, later half |")
    print("|---|---|---|---|---|---|---|---|")
    short: list[str] = []
    for sample in samples(Path(sys.argv[1])):
        bars = sample.bars()
        days, left_out = days_of(sample, bars)
        print(row(sample.name, days, left_out))
        if sample.name.startswith("SPY 2009-11"):
            short = short_day_rows(sample, bars, days)
    if short:
        print("\n| half day | curve of whole days | flat |\n|---|---|---|")
        print("\n".join(short))


if __name__ == "__main__":
    main()
