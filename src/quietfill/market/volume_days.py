"""From bars to days: how much of each day's volume fell into each bucket of its trading time.

Only whole days teach anything. A day that trades at other hours, or of which a stretch of bars is missing, is named
with its reason and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import TradingDay
from quietfill.domain.types import MINUTE, Duration, Timestamp, datetime_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.instrument import Instrument

AUCTION_NEIGHBOURS = 5
"""So many bars next to an auction's stand in for it: an auction is no continuous trading."""


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Traded volume per bar, in order of time.

    Attributes:
        start: when each bar begins, ns UTC, rising.
        volume: in shares, contracts or coins, not negative.
        length: of one bar in ns.
    """

    start: Sequence[Timestamp]
    volume: Sequence[float]
    length: Duration


class LeftOut(msgspec.Struct, frozen=True):
    """A day that could not be learned from, and why."""

    date: date
    reason: str


class DayVolumes(msgspec.Struct, frozen=True):
    """The volume of one whole day per bucket of its trading time."""

    date: date
    buckets: tuple[float, ...]


class Cutting(msgspec.Struct, frozen=True, kw_only=True):
    """How bars are cut into days.

    Attributes:
        bucket: length of a bucket in ns of trading time.
        hole: a longer stretch of trading time without a bar is a hole, in ns.
        opening_auction: the first bar of a day holds the opening auction's print.
        closing_auction: the last bar of a day holds the closing auction's print.
    """

    bucket: Duration = 5 * MINUTE
    hole: Duration = 5 * MINUTE
    opening_auction: bool = False
    closing_auction: bool = False


def daily_volumes(bars: Bars, instrument: Instrument, cutting: Cutting) -> tuple[list[DayVolumes], list[LeftOut]]:
    """Return the whole days of *bars*, and the others with what is wrong with them, both in order.

    Dates on which no bar falls into the sessions are taken for days off, unless the instrument's own days off are
    known and say otherwise.

    Raises:
        BadInput: when the bucket fits neither the bars nor the sessions.
    """
    whole_day = _whole_day(instrument)
    _check(cutting, bars.length, whole_day)
    by_date = _by_date(bars, instrument)
    has_days_off = bool(instrument.closed_weekdays or instrument.special_days)
    whole: list[DayVolumes] = []
    left_out: list[LeftOut] = []
    for when in _dates(by_date):
        found, day = by_date.get(when, []), instrument.trading_day(when)
        if not found and not (has_days_off and day.spans):
            continue
        fault = _fault(found, day, whole_day, bars.length, cutting.hole)
        if fault is not None:
            left_out.append(LeftOut(when, fault))
        else:
            whole.append(DayVolumes(when, _buckets(found, day, cutting)))
    return whole, left_out


def mislabelled(bars: Bars, instrument: Instrument, whole: Sequence[DayVolumes]) -> str | None:
    """Say which end of the bars their stamps seem to be instead, "end" or "start"; None where nothing speaks for it.

    Stamps that are off by one bar leave the first or last slot of every day empty, and fill the one beyond the day.
    """
    starts = frozenset(bars.start)
    spans = [instrument.trading_day(day.date).spans for day in whole]
    opens, closes = [span[0][0] for span in spans], [span[-1][1] for span in spans]
    if whole and not starts.intersection(opens) and starts.issuperset(closes):
        return "end"
    before_open, before_close = ([at - bars.length for at in edge] for edge in (opens, closes))
    if whole and not starts.intersection(before_close) and starts.issuperset(before_open):
        return "start"
    return None


_Found = list[tuple[Timestamp, float]]


def _whole_day(instrument: Instrument) -> Duration:
    """Return the trading time of a regular day."""
    minutes = 0
    for session in instrument.sessions:
        opens, closes = (each.hour * 60 + each.minute for each in (session.opens, session.closes))
        minutes += closes - opens if closes > opens else closes - opens + _DAY_MINUTES
    return (minutes or _DAY_MINUTES) * MINUTE


_DAY_MINUTES = 24 * 60


def _check(cutting: Cutting, bar: Duration, whole_day: Duration) -> None:
    bucket = cutting.bucket
    if bucket <= 0 or bucket % bar:
        raise BadInput(f"buckets of {_minutes(bucket)} minutes do not hold whole bars of {_minutes(bar)} minutes")
    if whole_day % bucket:
        fits = [size for size in (30, 15, 10, 6, 5, 3, 2, 1) if not whole_day % (size * MINUTE)]
        raise BadInput(
            f"a day of {_minutes(whole_day)} minutes is no whole number of buckets of {_minutes(bucket)} minutes;"
            f" {', '.join(map(str, fits))} would fit"
        )


def _by_date(bars: Bars, instrument: Instrument) -> dict[date, _Found]:
    """Return the bars of continuous trading by the local date on which their session opened."""
    zone = ZoneInfo(instrument.timezone)
    found: dict[date, _Found] = {}
    day, when = TradingDay(((0, 0),)), date.min
    for start, volume in zip(bars.start, bars.volume, strict=True):
        if not day.spans[0][0] <= start < day.spans[-1][1]:
            day = instrument.day_of(start)
            when = datetime_of(day.spans[0][0]).astimezone(zone).date()
        if day.is_open(start):
            found.setdefault(when, []).append((start, volume))
    return found


def _dates(by_date: dict[date, _Found]) -> Iterator[date]:
    for number in range((max(by_date) - min(by_date)).days + 1 if by_date else 0):
        yield min(by_date) + timedelta(days=number)


def _fault(found: _Found, day: TradingDay, whole_day: Duration, bar: Duration, hole: Duration) -> str | None:
    """Say why a day cannot be learned from, None if it can."""
    if not found:
        return "no bars"
    opens, closes = day.spans[0][0], day.spans[-1][1]
    traded = day.elapsed(opens, closes)
    if traded != whole_day:
        return f"trades {_minutes(traded)} minutes, not {_minutes(whole_day)}"
    seen = [-bar, *(day.elapsed(opens, start) for start, _ in found), traded]
    longest, begin = max((later - at - bar, at + bar) for at, later in pairwise(seen))
    if longest > hole:
        return f"no bars for {_minutes(longest)} minutes from minute {_minutes(begin)} of the day"
    return None if any(volume for _, volume in found) else "no volume"


def _buckets(found: _Found, day: TradingDay, cutting: Cutting) -> tuple[float, ...]:
    volumes = [volume for _, volume in found]
    if cutting.opening_auction:
        volumes[0] = _mean(volumes[1 : 1 + AUCTION_NEIGHBOURS])
    if cutting.closing_auction:
        volumes[-1] = _mean(volumes[-1 - AUCTION_NEIGHBOURS : -1])
    opens = day.spans[0][0]
    buckets = [0.0] * (day.elapsed(opens, day.spans[-1][1]) // cutting.bucket)
    for (start, _), volume in zip(found, volumes, strict=True):
        buckets[day.elapsed(opens, start) // cutting.bucket] += volume
    return tuple(buckets)


def _mean(volumes: Sequence[float]) -> float:
    return fsum(volumes) / len(volumes) if volumes else 0.0


def _minutes(duration: Duration) -> str:
    return f"{duration / MINUTE:g}"
