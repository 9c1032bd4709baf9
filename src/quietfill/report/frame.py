"""The window of time and the grid of prices in which one order is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quietfill.domain.types import (
    MILLISECOND,
    PRICE_SCALE,
    SECOND,
    Duration,
    Price,
    Timestamp,
    datetime_of,
)

if TYPE_CHECKING:
    from quietfill.report.run import OrderReport

_LEAST_MARGIN = 5 * SECOND
_MARGIN_SHARE = 20  # of the order's life, on either side
_MOST_DECIMALS = 8
_SAMPLE = 1_000
_SHORT = 600 * SECOND


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where one order lies in time, in the venue's local clock.

    Attributes:
        start, end: what is drawn: the order's life and a margin.
        begins, ends: the order's life itself.
        decimals: of its prices.
    """

    start: Timestamp
    end: Timestamp
    begins: Timestamp
    ends: Timestamp
    timezone: str
    decimals: int

    @classmethod
    def of(cls, report: OrderReport) -> Frame:
        """Return the frame of an order from its arrival to its last fill or end."""
        order = report.order
        begins = order.arrival_at
        last = order.last_at if order.ended_at is None else order.ended_at
        ends = max(begins, last, order.last_fill_at or begins)
        margin = max(_LEAST_MARGIN, (ends - begins) // _MARGIN_SHARE)
        return cls(
            start=begins - margin, end=ends + margin, begins=begins, ends=ends, timezone=report.timezone,
            decimals=_decimals(report),
        )  # fmt: skip

    @cached_property
    def offset(self) -> Duration:
        """How far the venue's clock is ahead of UTC at arrival, in ns."""
        ahead = self.local(self.begins).utcoffset()
        return 0 if ahead is None else round(ahead.total_seconds()) * SECOND

    @cached_property
    def domain(self) -> list[int]:
        """The x axis: start and end as the venue's clock."""
        return [self.x(self.start), self.x(self.end)]

    @property
    def clock_format(self) -> str:
        """How instants are written on the axis."""
        return "%H:%M:%S" if self.end - self.start < _SHORT else "%H:%M"

    def x(self, instant: Timestamp) -> int:
        """Return an instant as milliseconds of the venue's clock, as charts on a UTC scale take it.

        No chart is fine enough to show less than a millisecond; longer numbers would only make the page larger.
        """
        return (instant + self.offset + MILLISECOND // 2) // MILLISECOND

    def local(self, instant: Timestamp) -> datetime:
        """Return an instant in the venue's local time, cut to the microsecond."""
        return datetime_of(instant).astimezone(ZoneInfo(self.timezone))

    def clock(self, instant: Timestamp) -> str:
        """Return an instant as the venue's time of day, in milliseconds."""
        return self.local(instant).isoformat(timespec="milliseconds")[11:23]

    def clock_in_seconds(self, instant: Timestamp) -> str:
        """Return an instant as the venue's time of day, in seconds."""
        return self.local(instant).strftime("%H:%M:%S")

    def price(self, price: Price | None) -> str:
        """Return a price as text on its grid, off-grid digits included; a dash for none."""
        if price is None:
            return "\N{EN DASH}"
        return f"{price / PRICE_SCALE:,.{max(self.decimals, decimals_of(price))}f}"


def decimals_of(price: Price) -> int:
    """Return how many decimals a price needs, at most 8."""
    exponent = (Decimal(price) / PRICE_SCALE).normalize().as_tuple().exponent
    return min(_MOST_DECIMALS, max(0, -exponent)) if isinstance(exponent, int) else 0


def _decimals(report: OrderReport) -> int:
    """Return how many decimals the order's quotes need; those of a sample stand for all."""
    order, history = report.order, report.history
    prices = {price for price in (order.arrival_bid, order.arrival_ask, order.limit_price) if price is not None}
    if history is not None:
        prices |= {*history.bid[:_SAMPLE].tolist(), *history.ask[:_SAMPLE].tolist()}
    return max((decimals_of(price) for price in prices), default=2)
