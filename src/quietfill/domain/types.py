"""Numbers, time and enumerations that every other module speaks in.

Inside, everything is an integer: a price counts 1e-9 of the currency, a quantity counts 1e-8 of a
share, contract or coin, an instant counts nanoseconds since 1970-01-01 UTC. Tick ladder, lot and
multiplier validate and round; they never encode. `Decimal` and aware datetimes live at the edges,
floats only in statistics.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias

Price: TypeAlias = int
"""A price in 1e-9 of the instrument's currency. Zero and negative prices are legal."""

Quantity: TypeAlias = int
"""A size in 1e-8 of a share, contract or coin. Never negative in an order."""

Timestamp: TypeAlias = int
"""Nanoseconds since 1970-01-01 00:00:00 UTC."""

Duration: TypeAlias = int
"""Nanoseconds."""

PRICE_SCALE = 10**9
QUANTITY_SCALE = 10**8
MICROSECOND: Duration = 10**3
MILLISECOND: Duration = 10**6
SECOND: Duration = 10**9
MINUTE: Duration = 60 * SECOND
DAY: Duration = 24 * 60 * MINUTE

PublicNumber: TypeAlias = int | float | Decimal | str

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OrderSide(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: the sign that makes every cost positive when it hurts."""
        return 1 if self is OrderSide.BUY else -1

    @property
    def opposite(self) -> OrderSide:
        """The side that we trade against."""
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY

    @classmethod
    def parse(cls, value: str | OrderSide) -> OrderSide:
        """Read a side in any letter case.

        Raises:
            ValueError: when it is neither buy nor sell.
        """
        try:
            return cls(value.lower())
        except (ValueError, AttributeError):
            raise ValueError(f"side must be 'buy' or 'sell', not {value!r}") from None


class OrderType(StrEnum):
    """What kind of order a decision asks for."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    MARKET_ON_CLOSE = "market_on_close"
    LIMIT_ON_CLOSE = "limit_on_close"


class TimeInForce(StrEnum):
    """How long an order lives at the venue."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    OPG = "OPG"
    MOC = "MOC"


class Liquidity(StrEnum):
    """Whether a fill took liquidity or rested before it traded."""

    AGGRESSIVE = "aggressive"
    PASSIVE = "passive"
    AUCTION = "auction"
    UNKNOWN = "unknown"


def to_decimal(value: PublicNumber, name: str = "value") -> Decimal:
    """Return *value* exactly; a float counts by its shortest text, so 9.11 means 9.11.

    Raises:
        ValueError: when it is not a finite number; the message names *name*.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise ValueError(f"{name} must be a number, not {value!r}")  # noqa: TRY004 - bad input is a ValueError here
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"{name} must be finite, not {value!r}")
    return number


def _scaled(value: PublicNumber, scale: int, name: str) -> int:
    number = to_decimal(value, name) * scale
    whole = int(number)
    if whole != number:
        raise ValueError(f"{name} {value!r} has more decimal places than 1/{scale} can hold")
    if abs(whole) >= 2**63:
        raise ValueError(f"{name} {value!r} is too large")
    return whole


def price_from(value: PublicNumber, name: str = "price") -> Price:
    """Return a public number as an internal price.

    Raises:
        ValueError: when it is not finite or finer than 1e-9; the message names *name*.
    """
    return _scaled(value, PRICE_SCALE, name)


def quantity_from(value: PublicNumber, name: str = "quantity") -> Quantity:
    """Return a public number as an internal quantity.

    Raises:
        ValueError: when it is not finite or finer than 1e-8; the message names *name*.
    """
    return _scaled(value, QUANTITY_SCALE, name)


def price_float(price: Price) -> float:
    """Return an internal price in currency, as the public dicts give it."""
    return price / PRICE_SCALE


def quantity_float(quantity: Quantity) -> float:
    """Return an internal quantity in shares, contracts or coins."""
    return quantity / QUANTITY_SCALE


def price_decimal(price: Price) -> Decimal:
    """Return an internal price exactly, without trailing zeros."""
    return (Decimal(price) / PRICE_SCALE).normalize()


def quantity_decimal(quantity: Quantity) -> Decimal:
    """Return an internal quantity exactly, without trailing zeros."""
    return (Decimal(quantity) / QUANTITY_SCALE).normalize()


def quantity_exact(quantity: Quantity) -> int | Decimal:
    """Return an internal quantity as an int when it is whole, else exactly as a Decimal, as events carry it."""
    whole, rest = divmod(quantity, QUANTITY_SCALE)
    return whole if rest == 0 else quantity_decimal(quantity)


def quantity_number(quantity: Quantity) -> int | float:
    """Return an internal quantity as an int when it is whole, else as a float."""
    whole, rest = divmod(quantity, QUANTITY_SCALE)
    return whole if rest == 0 else quantity / QUANTITY_SCALE


def timestamp_from(moment: datetime, name: str = "timestamp") -> Timestamp:
    """Return an aware datetime as nanoseconds UTC.

    Raises:
        ValueError: when the datetime is naive; the message names *name*.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{name} must be an aware datetime, not the naive {moment.isoformat()}")
    return (moment - _EPOCH) // timedelta(microseconds=1) * MICROSECOND


def datetime_of(instant: Timestamp) -> datetime:
    """Return an instant as an aware UTC datetime, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=instant // MICROSECOND)


def iso_time(instant: Timestamp) -> str:
    """Return an instant as ISO text with nanoseconds, for records and error messages."""
    seconds, nanos = divmod(instant, SECOND)
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')}.{nanos:09d}Z"
