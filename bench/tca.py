"""How fast the market is looked up at every fill: effective spread and five markouts, six as-of marks a fill."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # its stubs are a package of their own

from bench.measuring import Budget, Row, Size, Yardstick, interleaved
from quietfill.domain.types import MINUTE, SECOND
from quietfill.tca.marks import FillTable, Marks, QuoteTable, fill_marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SYMBOLS = 100
QUOTES_A_FILL = 10
HORIZONS = (SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE)
DAY = 6 * 3600 * SECOND + 30 * MINUTE
SEED = 7


class Frames(NamedTuple):
    """The same tables for pandas: sorted by time over all symbols, as its join wants them."""

    fills: pd.DataFrame
    quotes: pd.DataFrame


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    fills, quotes = tables(size.marked)
    frames = frames_of(fills, quotes)
    fill_marks(fills, quotes, HORIZONS, compiled=True)  # compiles, where that was not done ahead
    _same(fill_marks(fills, quotes, HORIZONS, compiled=True), joined(frames))
    rate = interleaved(
        min(size.rounds, 3),
        {
            "ours": lambda: [size.marked / _seconds(lambda: fill_marks(fills, quotes, HORIZONS, compiled=True))],
            "pandas": lambda: [size.marked / _seconds(lambda: joined(frames))],
        },
    )
    return [
        Row(
            what="fills marked, six as-of marks each",
            measured=rate["ours"] / 1e6,
            unit="M/s",
            budget=Budget(4, at_least=True),
            yardstick=Yardstick("pandas merge_asof", rate["pandas"] / 1e6),
            note=f"CPU time. {size.marked:,} fills of {SYMBOLS} symbols against {size.marked * QUOTES_A_FILL:,} quotes:"
            " effective spread and markouts at 1, 5, 15, 60 and 300 s, from tables parted by symbol. The yardstick"
            " joins six times by symbol and time and computes the same figures, which are compared first.",
        )
    ]


def tables(fills: int) -> tuple[FillTable, QuoteTable]:
    """Return made-up fills and quotes, a heavy-tailed share of them in each symbol."""
    draw = np.random.default_rng(SEED)
    share = draw.pareto(1.2, SYMBOLS) + 1
    share /= share.sum()
    fill_start, fill_time = _times(draw, share, fills)
    quote_start, quote_time = _times(draw, share, fills * QUOTES_A_FILL)
    mid = 100_000 + np.cumsum(draw.integers(-1, 2, len(quote_time)))
    half = draw.integers(1, 4, len(quote_time))
    sign = np.where(draw.random(fills) < 0.5, -1, 1)
    return (
        FillTable(
            start=fill_start,
            time=fill_time,
            price=(100_000 + sign * draw.integers(-3, 4, fills)) * 1_000_000,
            sign=sign.astype(np.int8),
        ),
        QuoteTable(
            start=quote_start,
            time=quote_time,
            bid=(mid - half) * 1_000_000,
            ask=(mid + half) * 1_000_000,
            has_touch=np.ones(len(quote_time), dtype=np.bool_),
            until=np.full(SYMBOLS, DAY, dtype=np.int64),
        ),
    )


def frames_of(fills: FillTable, quotes: QuoteTable) -> Frames:
    """Return the tables as frames in order of time."""
    ours = pd.DataFrame({"symbol": _symbols(fills.start), "time": fills.time, "price": fills.price, "sign": fills.sign})
    theirs = pd.DataFrame({"symbol": _symbols(quotes.start), "time": quotes.time, "twice": quotes.bid + quotes.ask})
    return Frames(ours.sort_values("time", kind="stable"), theirs.sort_values("time", kind="stable"))


def joined(frames: Frames) -> NDArray[np.float64]:
    """Return effective spreads and markouts in the order of the fills' frame, shape (n, 1 + h)."""
    fills = frames.fills
    first = _twice(fills, frames.quotes, 0)
    scale = fills["sign"].to_numpy() * 1e4 / np.abs(first)
    paid = 2 * fills["price"].to_numpy()
    figures = [2 * (scale * (paid - first))]
    for horizon in HORIZONS:
        later = np.where(fills["time"].to_numpy() + horizon > DAY, np.nan, _twice(fills, frames.quotes, horizon))
        figures.append(scale * (later - paid))
    return np.column_stack(figures)


def _twice(fills: pd.DataFrame, quotes: pd.DataFrame, horizon: int) -> NDArray[np.float64]:
    wanted = fills[["symbol", "time"]].assign(time=fills["time"] + horizon)
    found: NDArray[np.float64] = pd.merge_asof(wanted, quotes, on="time", by="symbol")["twice"].to_numpy(np.float64)
    return found


def _same(ours: Marks, theirs: NDArray[np.float64]) -> None:
    sums = np.nansum(np.column_stack([ours.effective_bps, ours.markout_bps]), axis=0)
    assert np.allclose(sums, np.nansum(theirs, axis=0), rtol=1e-9), "the yardstick computes something else"


def _times(draw: np.random.Generator, share: NDArray[np.float64], rows: int) -> tuple[NDArray[np.int64], ...]:
    start = np.concatenate([[0], np.round(np.cumsum(share) * rows)]).astype(np.int64)
    start[-1] = rows
    parts = (np.sort(draw.integers(0, DAY, count)) for count in np.diff(start).tolist())
    return start, np.concatenate(list(parts))


def _symbols(start: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _seconds(action: Callable[[], object]) -> float:
    begun = process_time()
    action()
    return process_time() - begun
