"""What really happened in the market over a day, as columns: the yardstick of cost analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quietfill.domain.instrument import TradingDay
    from quietfill.domain.types import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketHistory:
    """The observed prints and touch changes of one instrument and day.

    Attributes:
        print_time: ns UTC, never falling, shape (p,).
        print_price: in 1e-9 of the currency, shape (p,).
        print_quantity: in 1e-8 of a share or coin, shape (p,).
        touch_time: ns UTC of each change of the best bid or ask in continuous trading, shape (t,).
        bid, ask: the touch from that instant on, in 1e-9 of the currency; 0 where a side is empty.
        has_touch: whether both sides are there, shape (t,).
        day: the continuous sessions, so that breaks can be left out of time averages.
        includes_own: whether our own trades are among the prints: yes in a live feed, no in the recording that a
            simulated venue replays.
        since: when observation began; None when it was from the start of the day.
        until: when it ended, where that is later than the last row; None when the last row is the end.
    """

    symbol: str
    print_time: NDArray[np.int64]
    print_price: NDArray[np.int64]
    print_quantity: NDArray[np.int64]
    touch_time: NDArray[np.int64]
    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    has_touch: NDArray[np.bool_]
    day: TradingDay
    includes_own: bool = False
    since: Timestamp | None = None
    until: Timestamp | None = None

    @property
    def observed_until(self) -> Timestamp:
        """The last instant of which anything is known; 0 when nothing is."""
        rows = [int(times[-1]) for times in (self.touch_time, self.print_time) if len(times)]
        return max(rows + ([] if self.until is None else [self.until]), default=0)

    @property
    def mids_until(self) -> Timestamp:
        """The last instant at which a mid can be known: the end of observation, or the last close if that is earlier.

        After the close the touch stands still because nobody quotes, which is not a market that did not move.
        """
        spans = self.day.spans
        return min(self.observed_until, spans[-1][1]) if spans else self.observed_until

    def covers(self, start: Timestamp) -> bool:
        """Say whether everything from *start* on was observed."""
        return self.since is None or self.since <= start

    def seen_at(self, at: Timestamp) -> MarketHistory:
        """Return what was known at an instant: nothing later than *at*. Views, no copies."""
        prints = int(self.print_time.searchsorted(at, side="right"))
        touches = int(self.touch_time.searchsorted(at, side="right"))
        return replace(
            self,
            print_time=self.print_time[:prints],
            print_price=self.print_price[:prints],
            print_quantity=self.print_quantity[:prints],
            touch_time=self.touch_time[:touches],
            bid=self.bid[:touches],
            ask=self.ask[:touches],
            has_touch=self.has_touch[:touches],
            until=at if self.until is None else min(at, self.until),
        )
