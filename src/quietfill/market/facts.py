"""How much an instrument trades in a day and how much it moves, as far as that was seen. Constant work an update.

Volatility: the mid is sampled with the first update in each minute, and the squares of the log returns are added up
over the trading time between samples; a return across a break, a night or a weekend counts nowhere. Daily volatility
is sqrt(sum r^2 / trading time spanned x trading time of a day): open to close, without the overnight move. Realized
variance from sparse samples, T. Andersen, T. Bollerslev, F. Diebold and P. Labys, "Modeling and forecasting realized
volatility", Econometrica 71 (2003); a minute is long enough that what a mid has of bid-ask bounce does not dominate
in liquid names. A feed that is conflated to less than an update a minute gives longer returns, not wrong ones. None
before ten returns, and while nothing has moved. Older returns count less.

Average daily volume: what was seen to trade, over how much of the day's curve that was: sum of volumes / sum of
shares, finished days and the present one alike. None before 5 % of a day's curve has passed.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.types import MINUTE, Duration, Price, Quantity, Timestamp
from quietfill.market.volume import curve_of, default_curve

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument

LEAST_RETURNS = 10
"""How many returns a volatility needs."""

LEAST_SHARE = 0.05
"""How much of the days' curve must have passed before their volume says how much trades in a day."""

HALF_LIFE_RETURNS = 2_000
"""After so many further returns one counts half: about a week of days of six and a half hours."""

_FADE = 0.5 ** (1 / HALF_LIFE_RETURNS)


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What impact models need to know of a market, and where each figure is from.

    Attributes:
        adv: average daily volume in 1e-8 of a share or contract; None when it is not known.
        volatility: of a day, as a fraction of the price, 0.02 for 2 %; None when it is not known.
        adv_source, volatility_source: for people; None with the figure.
    """

    adv: Quantity | None = None
    adv_source: str | None = None
    volatility: float | None = None
    volatility_source: str | None = None


def with_true_range(facts: MarketFacts, true_range: Price, price: float) -> MarketFacts:
    """Return *facts* with the volatility that an average true range of daily bars stands for, where there is none.

    The expected range of a driftless diffusion over a day is sqrt(8 / pi) sigma; M. Parkinson, "The extreme value
    method for estimating the variance of the rate of return", Journal of Business 53 (1980). The overnight gap that a
    true range holds besides makes it an upper estimate of the day's own volatility.
    """
    if facts.volatility is not None or price <= 0:
        return facts
    sigma = true_range / price / sqrt(8 / pi)
    return msgspec.structs.replace(facts, volatility=sigma, volatility_source="from the average true range given")


class FactsObserver:
    """Watches one instrument. Call `sample` with the first update, and with each at or after `next_sample`.

    Attributes:
        next_sample: the next full minute.
    """

    __slots__ = (
        "_mid_at",
        "_mid_twice",
        "_returns",
        "_share",
        "_shares",
        "_spanned",
        "_squares",
        "_volume",
        "_volumes",
        "next_sample",
    )

    def __init__(self, time: Timestamp) -> None:
        """Start at *time* with nothing seen."""
        self.next_sample = _next_minute(time)
        self._mid_twice: Price | None = None
        self._mid_at: Timestamp = 0
        self._returns = 0
        self._squares = 0.0
        self._spanned = 0.0
        self._volume: Quantity | None = None
        self._share = 0.0
        self._volumes: Quantity = 0
        self._shares = 0.0

    def sample(
        self,
        now: Timestamp,
        *,
        mid_twice: Price | None,
        volume: Quantity | None,
        told_at: Timestamp,
        instrument: Instrument | None,
        profile: tuple[float, ...] | None,
    ) -> None:
        """Take the first update of a minute.

        Args:
            now: when it came.
            mid_twice: twice the others' mid from now on, None without one.
            volume, told_at: the day's volume as the update before this one had it, and when that was; so the last
                figure of a session is never missed, however long the feed was silent since.
            instrument: for its trading days; None while nobody registered it.
            profile: the instrument's own volume profile, None for the default.
        """
        self.next_sample = _next_minute(now)
        if instrument is None:
            return
        self._sample_mid(now, mid_twice, instrument)
        if volume is not None and volume != self._volume:
            self._sample_volume(volume, _share_done(told_at, instrument, profile))

    def facts(
        self, now: Timestamp, volume: Quantity | None, instrument: Instrument | None, profile: tuple[float, ...] | None
    ) -> MarketFacts:
        """Return what is known at *now*, with the day's volume; what was not seen, as the instrument states it."""
        if instrument is None:
            return MarketFacts()
        stated = facts_stated(instrument)
        adv, share = self._observed_volume(now, volume, instrument, profile)
        volatility = self._observed_volatility(now, instrument)
        return MarketFacts(
            adv=stated.adv if adv is None else adv,
            adv_source=stated.adv_source if adv is None else f"observed over {share:.2f} days",
            volatility=stated.volatility if volatility is None else volatility,
            volatility_source=(
                stated.volatility_source if volatility is None else f"observed in {self._returns} returns of the mid"
            ),
        )

    def _sample_mid(self, at: Timestamp, mid_twice: Price | None, instrument: Instrument) -> None:
        before, since = self._mid_twice, self._mid_at
        self._mid_twice, self._mid_at = mid_twice, at
        if before is None or mid_twice is None or before <= 0 or mid_twice <= 0:
            return
        if not _unbroken(since, at, instrument):
            return
        move = log(mid_twice / before)
        self._squares = self._squares * _FADE + move * move
        self._spanned = self._spanned * _FADE + (at - since)
        self._returns += 1

    def _sample_volume(self, volume: Quantity, share: float) -> None:
        before, self._volume = self._volume, volume
        if before is not None and 2 * volume < before:  # a new session
            self._volumes += before
            self._shares += self._share
        self._share = share

    def _observed_volume(
        self, now: Timestamp, volume: Quantity | None, instrument: Instrument, profile: tuple[float, ...] | None
    ) -> tuple[Quantity | None, float]:
        volumes, shares = self._volumes, self._shares
        if self._volume is not None and (volume is None or volume == self._volume or 2 * volume < self._volume):
            volumes, shares = volumes + self._volume, shares + self._share
        if volume is not None and volume != self._volume:
            volumes, shares = volumes + volume, shares + _share_done(now, instrument, profile)
        known = shares >= LEAST_SHARE and volumes > 0
        return (round(volumes / shares) if known else None), shares

    def _observed_volatility(self, now: Timestamp, instrument: Instrument) -> float | None:
        if self._returns < LEAST_RETURNS or not self._squares:
            return None
        return sqrt(self._squares / self._spanned * _length(now, instrument))


def facts_stated(instrument: Instrument) -> MarketFacts:
    """Return what an instrument says of itself."""
    adv, volatility = instrument.average_daily_volume, instrument.daily_volatility
    return MarketFacts(
        adv=adv,
        adv_source=None if adv is None else "instrument",
        volatility=volatility,
        volatility_source=None if volatility is None else "instrument",
    )


def _next_minute(time: Timestamp) -> Timestamp:
    return (time // MINUTE + 1) * MINUTE


def _unbroken(start: Timestamp, end: Timestamp, instrument: Instrument) -> bool:
    """Say whether time passed and trading went on all of it: no break, night or weekend lies between."""
    return 0 < end - start <= instrument.day_of(start, end).elapsed(start, end)


def _length(now: Timestamp, instrument: Instrument) -> Duration:
    day = instrument.day_of(now)
    return day.elapsed(day.spans[0][0], day.spans[-1][1])


def _share_done(at: Timestamp, instrument: Instrument, profile: tuple[float, ...] | None) -> float:
    """Return the share of its day's volume that the curve expects by *at*."""
    day, length = instrument.day_of(at), _length(at, instrument)
    curve = default_curve(length) if profile is None else curve_of(profile)
    return curve.share(day.elapsed(day.spans[0][0], at) / length)
