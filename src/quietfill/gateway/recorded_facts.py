"""What a broker knows of a stock from earlier days, estimated from the whole of a recording.

The recording is all that there is, its future included: good enough for the two figures that set how fast a stand-in
trades, and for nothing that is measured.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from quietfill.domain.types import MINUTE
from quietfill.market.facts import MarketFacts, facts_stated
from quietfill.market.volume import default_curve
from quietfill.venue.recorded import history_of

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.venue.tape import Tape

_LEAST_RETURNS = 10


@lru_cache(maxsize=8)
def recorded_facts(tape: Tape) -> MarketFacts:
    """Return the day's volume and volatility that a recording stands for, else what its instrument states.

    Volume: what was printed, over the share of a usual day's curve that the recording spans. Volatility: of the mid
    from minute to minute of continuous trading, carried to the trading time of a day.
    """
    history, day = history_of(tape), tape.day
    length = day.elapsed(day.spans[0][0], day.spans[-1][1])
    curve = default_curve(length)
    start, end = (day.elapsed(day.spans[0][0], at) / length for at in (tape.first_time, tape.last_time))
    share, printed = curve.share(end) - curve.share(start), int(history.print_quantity.sum())
    stated = facts_stated(tape.instrument)
    volatility = _minute_volatility(history)
    return MarketFacts(
        adv=round(printed / share) if share > 0 and printed else stated.adv,
        volatility=stated.volatility if volatility is None else volatility * sqrt(length / MINUTE),
    )


def _minute_volatility(history: MarketHistory) -> float | None:
    """Return the root of the mean squared log return of a minute of continuous trading; None from too few."""
    squares: list[float] = []
    for opens, closes in history.day.spans:
        at = np.arange(opens, closes + 1, MINUTE, dtype=np.int64)
        rows = history.touch_time.searchsorted(at, side="right") - 1
        at_hand = (rows >= 0) & (at <= history.mids_until)
        rows = rows[at_hand]
        mids = (history.bid[rows] + history.ask[rows])[history.has_touch[rows]]
        squares += (np.diff(np.log(mids[mids > 0].astype(float))) ** 2).tolist()
    if len(squares) < _LEAST_RETURNS or not any(squares):
        return None
    return sqrt(sum(squares) / len(squares))
