"""One forward pass over quotes for all marks of all fills: written plainly, compiled by `tca.marks`.

Fills and quotes are parted by symbol and in order of time within each. So every mark's place among the quotes only
moves forward, and the places of one fill's marks lie close together: each quote is read a few times from the cache
and none is searched for.
"""

from __future__ import annotations

from typing import Any


def forward_marks(  # noqa: C901 - compiled code calls little: a merge is one function
    fills: tuple[Any, ...], quotes: tuple[Any, ...], horizons: Any, places: Any, effective: Any, markouts: Any
) -> None:
    """Fill in *effective* and *markouts*; what has no mid stays as it is.

    Args:
        fills: start (s + 1,), time (n,) as of which the fill's own mid is taken, the fill's time (n,), price (n,),
            sign (n,).
        quotes: start (s + 1,), time (m,), bid (m,), ask (m,), has_touch (m,), until (s,).
        horizons: (h,).
        places: (h + 1,), room to work in.
        effective: (n,), filled with 2 s (price - mid) / |mid| 1e4.
        markouts: (n, h), filled with s (mid(t + h) - price) / |mid(t)| 1e4.
    """
    fill_start, mid_time, fill_time, price, sign = fills
    quote_start, quote_time, bid, ask, has_touch, until = quotes
    marks = len(horizons)
    for symbol in range(len(fill_start) - 1):
        last = quote_start[symbol + 1] - 1
        for mark in range(marks + 1):
            places[mark] = quote_start[symbol] - 1
        for fill in range(fill_start[symbol], fill_start[symbol + 1]):
            place = places[marks]
            while place < last and quote_time[place + 1] <= mid_time[fill]:
                place += 1
            places[marks] = place
            if place < quote_start[symbol] or not has_touch[place]:
                continue
            twice = bid[place] + ask[place]
            if twice == 0:
                continue
            scale = sign[fill] * 1e4 / abs(twice)
            paid = 2 * price[fill]
            effective[fill] = 2 * (scale * (paid - twice))
            for mark in range(marks):
                at = fill_time[fill] + horizons[mark]
                if at > until[symbol]:
                    continue
                place = places[mark]
                while place < last and quote_time[place + 1] <= at:
                    place += 1
                places[mark] = place
                if place >= quote_start[symbol] and has_touch[place]:
                    markouts[fill, mark] = scale * (bid[place] + ask[place] - paid)
