"""What a feed that is looked at only now and then must keep, so that averages over it lose nothing.

Running sums over the recording: the value of the day's prints, and twice the others' mid integrated over trading
time. Made once from the recording's history, then one look-up an instant.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietfill.domain.types import Duration, Timestamp
    from quietfill.market.history import MarketHistory


class RecordedAverages:
    """The sums of one recording, up to any instant of it."""

    def __init__(self, history: MarketHistory) -> None:
        """Add up the recording; products are made in Python, since 64 bits do not hold a day of them."""
        self._print_time = history.print_time.tolist()  # lists: one look-up in an array takes ten times as long
        values = map(int.__mul__, history.print_price.tolist(), history.print_quantity.tolist())
        self._turnover = [0, *accumulate(values)]
        self._touch_time = history.touch_time.tolist()
        self._mid_twice = np.where(history.has_touch, history.bid + history.ask, 0).tolist()
        self._has_mid = history.has_touch.tolist()
        self._day = history.day
        lasting = self._trading_time(history.touch_time, history.has_touch).tolist()
        self._mid_time = [0, *accumulate(lasting)]
        self._mid_sum = [0, *accumulate(map(int.__mul__, self._mid_twice, lasting))]

    def turnover(self, at: Timestamp) -> int:
        """Return the price x quantity of all prints up to and including *at*."""
        return self._turnover[bisect_right(self._print_time, at)]

    def mid(self, at: Timestamp) -> tuple[int, Duration]:
        """Return 2 x mid x ns, and the ns of trading with a mid, up to *at*."""
        row = bisect_right(self._touch_time, at) - 1
        if row < 0:
            return 0, 0
        since = self._day.elapsed(self._touch_time[row], at) if self._has_mid[row] else 0
        return self._mid_sum[row] + self._mid_twice[row] * since, self._mid_time[row] + since

    def _trading_time(self, touch_time: NDArray[np.int64], has_touch: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how long each touch but the last stood while trading went on."""
        starts, ends = touch_time[:-1], touch_time[1:]
        lasting = np.zeros(len(starts), dtype=np.int64)
        for opens, closes in self._day.spans:
            lasting += np.maximum(0, np.minimum(ends, closes) - np.maximum(starts, opens))
        return np.where(has_touch[:-1], lasting, 0)
