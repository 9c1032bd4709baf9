"""Fewer points that show the same: a chart is a few hundred pixels wide, a day's touch has a million rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT_OF_BUCKET = 4


def kept_rows(
    time: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], is_known: NDArray[np.bool_], limit: int
) -> NDArray[np.intp]:
    """Return at most *limit* row numbers, ascending, that keep every extreme of a step series.

    The time is cut into equal stretches; of each its first and last row, its lowest low and its highest high stay.

    Args:
        time: never falling, shape (n,).
        low, high: the band, shape (n,).
        is_known: rows without a value are no extreme, shape (n,).
        limit: at least 4.
    """
    rows = len(time)
    if rows <= limit:
        return np.arange(rows, dtype=np.intp)
    edges = np.linspace(int(time[0]), int(time[-1]), limit // _KEPT_OF_BUCKET + 1)
    bounds = np.searchsorted(time, edges[1:-1], side="left").tolist()
    floor = np.where(is_known, low, np.iinfo(np.int64).max)
    ceiling = np.where(is_known, high, np.iinfo(np.int64).min)
    kept: set[int] = set()
    for first, stop in zip([0, *bounds], [*bounds, rows], strict=True):
        if first < stop:
            lowest, highest = int(floor[first:stop].argmin()), int(ceiling[first:stop].argmax())
            kept |= {first, stop - 1, first + lowest, first + highest}
    return np.array(sorted(kept), dtype=np.intp)


def every(rows: int, limit: int) -> list[int]:
    """Return at most *limit* row numbers of *rows*, evenly spread, first and last included."""
    if rows <= limit:
        return list(range(rows))
    return [round(row) for row in np.linspace(0, rows - 1, limit).tolist()]
