# ruff: noqa: INP001, T201 - a script whose output is a table
"""Fit the default volume curve of `quietfill.market.volume` to one-minute bars.

    python tools/fit_default_curve.py ../shared/data/bars/us_1min_20190211_20190215

Reads every `*_1min.csv.zst` (columns datetime, ..., volume; the label is the end of the minute, so 09:31 to
16:00), gives each name and day the same weight, and fits the density of volume over the session x in 0..1,

    v(x) = base + opening exp(-x / OPENING_DECAY) + closing exp(-(1 - x) / CLOSING_DECAY).

The first minute holds the opening auction's print, which is no continuous trading: the mean of the five
minutes after it stands in. Fitted by least squares on the cumulative share, scaled to 1 at the end.
Prints the constants and how far the curve is from each name and day, beside the straight line.
"""

from __future__ import annotations

import io
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import zstandard

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINUTES = 390
DECAYS = np.round(np.arange(0.01, 0.31, 0.005), 3)


def day_shares(folder: Path) -> NDArray[np.float64]:
    """Return the cumulative share of the day's volume at each minute's end, shape (names x days, 390)."""
    rows = []
    for path in sorted(folder.glob("*_1min.csv.zst")):
        text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
        days: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(MINUTES))
        for line in list(io.StringIO(text))[1:]:
            stamp, *_, volume = line.strip().split(",")
            day, clock = stamp.split(" ")
            minute = int(clock[:2]) * 60 + int(clock[3:5]) - (9 * 60 + 31)
            if 0 <= minute < MINUTES:
                days[day][minute] += float(volume)
        for _, volumes in sorted(days.items()):
            volumes[0] = volumes[1:6].mean()
            rows.append(np.cumsum(volumes) / volumes.sum())
    return np.array(rows)


def basis(x: NDArray[np.float64], opening: float, closing: float) -> NDArray[np.float64]:
    """Return the integrals from 0 to x of the three terms of the density, shape (len(x), 3)."""
    return np.stack(
        [
            x,
            opening * (1 - np.exp(-x / opening)),
            closing * (np.exp(-(1 - x) / closing) - np.exp(-1 / closing)),
        ],
        axis=1,
    )


def fit(mean: NDArray[np.float64]) -> tuple[float, float, NDArray[np.float64]]:
    """Return both decays and the three weights, scaled so that the curve ends at 1."""
    x = np.arange(1, MINUTES + 1) / MINUTES
    best = (np.inf, 0.0, 0.0, np.zeros(3))
    for opening in DECAYS:
        for closing in DECAYS:
            terms = basis(x, float(opening), float(closing))
            weights, *_ = np.linalg.lstsq(terms, mean, rcond=None)
            weights = weights / (terms[-1] @ weights)
            error = float(np.square(terms @ weights - mean).sum())
            if error < best[0] and (weights > 0).all():
                best = (error, float(opening), float(closing), weights)
    return best[1:]


def main() -> None:
    """Fit and print."""
    shares = day_shares(Path(sys.argv[1]))
    x = np.arange(1, MINUTES + 1) / MINUTES
    opening, closing, weights = fit(shares.mean(axis=0))
    curve = basis(x, opening, closing) @ weights
    print(f"name-days {len(shares)}")
    print(f"decays {opening:g} {closing:g}, weights {' '.join(f'{weight:.4f}' for weight in weights)}")
    for name, line in (("curve", curve), ("straight line", x)):
        gap = np.abs(shares - line)
        print(f"{name}: largest distance from the mean day {np.abs(shares.mean(axis=0) - line).max():.4f}, ", end="")
        print(f"from one name and day: median {np.median(gap.max(axis=1)):.4f}, worst {gap.max():.4f}")


if __name__ == "__main__":
    main()
