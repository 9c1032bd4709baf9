"""A learned volume profile with what a person must know to trust it: from which days, and how wrong it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MINUTE
from quietfill.market.volume import VolumeCurve, checked_profile, default_curve
from quietfill.market.volume_days import Cutting, DayVolumes, LeftOut
from quietfill.market.volume_learning import Distance, distance, held_out, learned_profile

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument

FORMAT: Literal["quietfill volume profile"] = "quietfill volume profile"
_Text = Annotated[str, Meta(min_length=1)]


class VolumeProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Relative weights per equal bucket of one instrument's trading time, and where they come from.

    Attributes:
        symbol: whose volume it is.
        weights: volume per bucket, adding up to 1.
        bucket_minutes: length of a bucket in minutes of trading time.
        timezone, sessions, calendar: the trading day that was learned, sessions as (opens, closes) in local time.
        days, first, last: how many whole days were learned from, and between which dates.
        left_out: days that were not, and why.
        auctions: which auctions' prints were replaced: open, close.
        learned, flat, default: distances of the days from this curve as the other days give it, from a straight line,
            and from the curve for an instrument of which nothing is known. `learned` is None with one day.
        source: names of the files read.
    """

    format: Literal["quietfill volume profile"]
    version: Literal[1]
    symbol: _Text
    weights: tuple[float, ...]
    bucket_minutes: Annotated[float, Meta(gt=0)]
    timezone: _Text
    sessions: tuple[tuple[time, time], ...]
    calendar: str | None
    days: Annotated[int, Meta(ge=1)]
    first: date
    last: date
    left_out: tuple[LeftOut, ...]
    auctions: tuple[str, ...]
    learned: Distance | None
    flat: Distance
    default: Distance
    source: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse weights that are none."""
        checked_profile(self.weights, "weights")

    def weights_for(self, symbol: str) -> tuple[float, ...]:
        """Return the weights, if they are those of *symbol*.

        Raises:
            BadInput: when they are another's.
        """
        if symbol != self.symbol:
            raise BadInput(f"the volume profile is that of {self.symbol}, not of {symbol}")
        return self.weights


def learn(
    instrument: Instrument,
    whole: Sequence[DayVolumes],
    left_out: Sequence[LeftOut],
    cutting: Cutting,
    *,
    source: Sequence[str] = (),
) -> VolumeProfile:
    """Return the profile that whole days teach, with its error on days held out.

    Raises:
        BadInput: when there is no whole day.
    """
    if not whole:
        why = f"; {left_out[0].date}: {left_out[0].reason}" if left_out else ""
        raise BadInput(f"{instrument.symbol}: no whole day of bars to learn from{why}")
    days = [day.buckets for day in whole]
    return VolumeProfile(
        format=FORMAT,
        version=1,
        symbol=instrument.symbol,
        weights=learned_profile(days),
        bucket_minutes=cutting.bucket / MINUTE,
        timezone=instrument.timezone,
        sessions=tuple((session.opens, session.closes) for session in instrument.sessions),
        calendar=instrument.calendar,
        days=len(days),
        first=whole[0].date,
        last=whole[-1].date,
        left_out=tuple(left_out),
        auctions=("open",) * cutting.opening_auction + ("close",) * cutting.closing_auction,
        learned=held_out(days),
        flat=distance(VolumeCurve((0.0, 1.0)), days),
        default=distance(default_curve(len(days[0]) * cutting.bucket), days),
        source=tuple(source),
    )


def encode(profile: VolumeProfile) -> bytes:
    """Return a profile as JSON text, a few lines long."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=1) + b"\n"


def decode(content: bytes) -> VolumeProfile:
    """Return the profile that a JSON text holds.

    Raises:
        BadInput: when it is none; the message says what is wrong with it.
    """
    try:
        return msgspec.json.decode(content, type=VolumeProfile)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"not a volume profile: {error}") from None
