"""Order types that Interactive Brokers or the venue works by itself, and the fields they have on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import Price, price_decimal


class Exact(Decimal):
    """A number that reaches the wire digit by digit: ib_async writes what `str` gives, and that may be `1E+2`."""

    def __str__(self) -> str:
        """Return it without an exponent."""
        return format(Decimal(self), "f")


def wire_price(price: Price) -> Exact:
    """Return a price as the wire needs it."""
    return Exact(price_decimal(price))


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How an order trades. `lives_a_day` says that the type takes no date to end at."""

    lives_a_day: ClassVar[bool] = False

    def fields(self) -> dict[str, Any]:
        """Return the fields of an ib_async order."""
        raise NotImplementedError


class Market(Style, frozen=True, kw_only=True):
    """At once, at any price."""

    def fields(self) -> dict[str, Any]:
        """Return type alone."""
        return {"orderType": "MKT"}


class Limit(Style, frozen=True, kw_only=True):
    """At *price* or better."""

    price: Price

    def fields(self) -> dict[str, Any]:
        """Return type and limit."""
        return {"orderType": "LMT", "lmtPrice": wire_price(self.price)}


class Stop(Style, frozen=True, kw_only=True):
    """A market order once *stop* trades."""

    stop: Price

    def fields(self) -> dict[str, Any]:
        """Return type and trigger."""
        return {"orderType": "STP", "auxPrice": wire_price(self.stop)}


class StopLimit(Style, frozen=True, kw_only=True):
    """A limit order at *price* once *stop* trades."""

    stop: Price
    price: Price

    def fields(self) -> dict[str, Any]:
        """Return type, trigger and limit."""
        return {"orderType": "STP LMT", "auxPrice": wire_price(self.stop), "lmtPrice": wire_price(self.price)}


class Trail(Style, frozen=True, kw_only=True):
    """A stop that follows the market by *amount*, or by *percent*; *stop* is where it starts.

    With *limit_offset* it becomes a limit order that far beyond the stop instead of a market order.
    """

    amount: Price | None = None
    percent: Decimal | None = None
    stop: Price | None = None
    limit_offset: Price | None = None

    def __post_init__(self) -> None:
        """Refuse what trails by nothing, or twice."""
        if (self.amount is None) == (self.percent is None):
            raise BadInput("a trailing stop needs either amount or percent")

    def fields(self) -> dict[str, Any]:
        """Return type, distance, start and offset."""
        fields: dict[str, Any] = {"orderType": "TRAIL" if self.limit_offset is None else "TRAIL LIMIT"}
        if self.amount is not None:
            fields["auxPrice"] = wire_price(self.amount)
        if self.percent is not None:
            fields["trailingPercent"] = Exact(self.percent)
        if self.stop is not None:
            fields["trailStopPrice"] = wire_price(self.stop)
        if self.limit_offset is not None:
            fields["lmtPriceOffset"] = wire_price(self.limit_offset)
        return fields


class Midprice(Style, frozen=True, kw_only=True):
    """At the midpoint or better, never beyond *cap*; US stocks on SMART."""

    lives_a_day: ClassVar[bool] = True
    cap: Price | None = None

    def fields(self) -> dict[str, Any]:
        """Return type and cap."""
        return {"orderType": "MIDPRICE"} | ({} if self.cap is None else {"lmtPrice": wire_price(self.cap)})


class Relative(Style, frozen=True, kw_only=True):
    """At our side's best price, *offset* more aggressive, never beyond *cap*. *percent* of 0.01 is one percent."""

    offset: Price | None = None
    percent: Decimal | None = None
    cap: Price | None = None

    def __post_init__(self) -> None:
        """Refuse two offsets."""
        if self.offset is not None and self.percent is not None:
            raise BadInput("a relative order takes either offset or percent")

    def fields(self) -> dict[str, Any]:
        """Return type, offset and cap."""
        fields: dict[str, Any] = {"orderType": "REL", "auxPrice": wire_price(self.offset or 0)}
        if self.percent is not None:
            fields |= {"auxPrice": Exact(0), "percentOffset": Exact(self.percent)}
        return fields | ({} if self.cap is None else {"lmtPrice": wire_price(self.cap)})


class OnClose(Style, frozen=True, kw_only=True):
    """In the closing auction, at *price* or better where there is one."""

    lives_a_day: ClassVar[bool] = True
    price: Price | None = None

    def fields(self) -> dict[str, Any]:
        """Return type and limit."""
        if self.price is None:
            return {"orderType": "MOC"}
        return {"orderType": "LOC", "lmtPrice": wire_price(self.price)}
