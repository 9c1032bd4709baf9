"""Interactive Brokers' own algos, which work a market or limit order at their side, as tags and values on the wire.

Their parameters are theirs; what is named here is what their order ticket names. Where the paper gateway runs one, a
stand-in of ours does the work, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.errors import BadInput
from quietfill.domain.types import Timestamp, datetime_of

_LEAST_SHARE, _MOST_SHARE = Decimal("0.01"), Decimal("0.5")


class Priority(StrEnum):
    """How fast `Adaptive` fills."""

    URGENT = "Urgent"
    NORMAL = "Normal"
    PATIENT = "Patient"


class RiskAversion(StrEnum):
    """How much price risk `ArrivalPx` and `ClosePx` bear."""

    GET_DONE = "Get Done"
    AGGRESSIVE = "Aggressive"
    NEUTRAL = "Neutral"
    PASSIVE = "Passive"


class TwapStyle(StrEnum):
    """How `Twap` prices its slices."""

    MARKETABLE = "Marketable"
    MIDPOINT = "Matching Midpoint"
    SAME_SIDE = "Matching Same Side"
    LAST = "Matching Last"


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One of the broker's algos with its parameters; what is None is left to its default."""

    name: ClassVar[str]
    tags: ClassVar[dict[str, str]]

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Return tags and values in the order of the ticket."""
        return tuple(self._filled_in())

    def on_the_wire(self) -> BrokerAlgo:
        """Return it as a record and an order carry it."""
        return BrokerAlgo(self.name, self.parameters())

    def _filled_in(self) -> Iterator[tuple[str, str]]:
        for field, tag in self.tags.items():
            value = getattr(self, field)
            if value is not None:
                yield tag, self._text(field, value)

    def _text(self, field: str, value: Any) -> str:
        if field in _TIMES:
            return utc_text(value)
        if isinstance(value, bool):
            return str(int(value))
        return format(value, "f") if isinstance(value, Decimal) else str(value)


class Adaptive(Strategy, frozen=True, kw_only=True):
    """Between the spread, faster or slower."""

    name = "Adaptive"
    tags: ClassVar = {"priority": "adaptivePriority"}
    priority: Priority = Priority.NORMAL


class Twap(Strategy, frozen=True, kw_only=True):
    """Evenly over time."""

    name = "Twap"
    tags: ClassVar = {
        "style": "strategyType",
        "start": "startTime",
        "end": "endTime",
        "past_end": "allowPastEndTime",
    }
    style: TwapStyle = TwapStyle.MARKETABLE
    start: Timestamp | None = None
    end: Timestamp | None = None
    past_end: bool = False


class Vwap(Strategy, frozen=True, kw_only=True):
    """After the day's volume curve, at most *share* of the volume."""

    name = "Vwap"
    tags: ClassVar = {
        "share": "maxPctVol",
        "start": "startTime",
        "end": "endTime",
        "past_end": "allowPastEndTime",
        "passive": "noTakeLiq",
        "speed_up": "speedUp",
    }
    share: Decimal = Decimal("0.1")
    start: Timestamp | None = None
    end: Timestamp | None = None
    past_end: bool = False
    passive: bool = False
    speed_up: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a share that the ticket refuses."""
        _check_share(self.share)


class ArrivalPx(Strategy, frozen=True, kw_only=True):
    """Near the price at arrival, at most *share* of the volume."""

    name = "ArrivalPx"
    tags: ClassVar = {
        "share": "maxPctVol",
        "risk_aversion": "riskAversion",
        "start": "startTime",
        "end": "endTime",
        "complete": "forceCompletion",
        "past_end": "allowPastEndTime",
    }
    share: Decimal = Decimal("0.1")
    risk_aversion: RiskAversion = RiskAversion.NEUTRAL
    start: Timestamp | None = None
    end: Timestamp | None = None
    complete: bool = False
    past_end: bool = False

    def __post_init__(self) -> None:
        """Refuse a share that the ticket refuses."""
        _check_share(self.share)


class ClosePx(Strategy, frozen=True, kw_only=True):
    """Near the close, at most *share* of the volume."""

    name = "ClosePx"
    tags: ClassVar = {
        "share": "maxPctVol",
        "risk_aversion": "riskAversion",
        "start": "startTime",
        "complete": "forceCompletion",
    }
    share: Decimal = Decimal("0.1")
    risk_aversion: RiskAversion = RiskAversion.NEUTRAL
    start: Timestamp | None = None
    complete: bool = False

    def __post_init__(self) -> None:
        """Refuse a share that the ticket refuses."""
        _check_share(self.share)


class PctVol(Strategy, frozen=True, kw_only=True):
    """A constant *share* of the volume."""

    name = "PctVol"
    tags: ClassVar = {
        "share": "pctVol",
        "start": "startTime",
        "end": "endTime",
        "passive": "noTakeLiq",
    }
    share: Decimal = Decimal("0.1")
    start: Timestamp | None = None
    end: Timestamp | None = None
    passive: bool = False

    def __post_init__(self) -> None:
        """Refuse a share that the ticket refuses."""
        _check_share(self.share)


class DarkIce(Strategy, frozen=True, kw_only=True):
    """An iceberg that varies what it shows and when."""

    name = "DarkIce"
    tags: ClassVar = {
        "display": "displaySize",
        "start": "startTime",
        "end": "endTime",
        "past_end": "allowPastEndTime",
    }
    display: int
    start: Timestamp | None = None
    end: Timestamp | None = None
    past_end: bool = False

    def __post_init__(self) -> None:
        """Refuse to show nothing."""
        if self.display <= 0:
            raise BadInput(f"display must be positive, not {self.display}")


class AccumulateDistribute(Strategy, frozen=True, kw_only=True):
    """Small pieces at intervals; its times are always GMT."""

    name = "AD"
    tags: ClassVar = {
        "component": "componentSize",
        "seconds_between": "timeBetweenOrders",
        "vary_time": "randomizeTime20",
        "vary_size": "randomizeSize55",
        "give_up": "giveUp",
        "catch_up": "catchUp",
        "wait_for_fill": "waitForFill",
        "start": "activeTimeStart",
        "end": "activeTimeEnd",
    }
    component: int
    seconds_between: int
    vary_time: bool = True
    vary_size: bool = True
    give_up: int | None = None
    catch_up: bool = True
    wait_for_fill: bool = True
    start: Timestamp | None = None
    end: Timestamp | None = None

    def __post_init__(self) -> None:
        """Refuse pieces of nothing, and no interval."""
        for name in ("component", "seconds_between"):
            if getattr(self, name) <= 0:
                raise BadInput(f"{name} must be positive, not {getattr(self, name)}")

    def _text(self, field: str, value: Any) -> str:
        return f"{utc_text(value)} GMT" if field in _TIMES else super()._text(field, value)


def utc_text(instant: Timestamp) -> str:
    """Return an instant as the gateway reads it, in UTC, rounded up to the second."""
    return datetime_of(-(-instant // 10**9) * 10**9).strftime("%Y%m%d-%H:%M:%S")


_TIMES = frozenset({"start", "end"})


def _check_share(share: Decimal) -> None:
    if not _LEAST_SHARE <= share <= _MOST_SHARE:
        raise BadInput(f"share must be between {_LEAST_SHARE} and {_MOST_SHARE} of the volume, not {share}")
