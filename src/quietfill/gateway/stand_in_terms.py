"""Which algo of ours stands in for which of Interactive Brokers', and what its tags become there.

What a stand-in cannot do is refused with the reason; no tag is read and then dropped. Shares, sizes and times have the
meaning that the order ticket gives them. Where the ticket names a mood (a priority, an aversion to risk) a number of
ours is put for it: that is a choice, and all that a stand-in shares with the original is the intention.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.gateway.wire import instant_of

if TYPE_CHECKING:
    from quietfill.domain.broker_algo import BrokerAlgo
    from quietfill.domain.types import Timestamp


class StandInTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What works an order in place of the algo that its client asked for.

    Attributes:
        asked: the name of Interactive Brokers' algo.
        algo: the name of ours, and its parameters.
        start, end: the window that the tags state, ns UTC; None is at once, and the end of the day.
    """

    asked: str
    algo: str
    params: dict[str, Any]
    start: Timestamp | None = None
    end: Timestamp | None = None

    @property
    def sentence(self) -> str:
        """What clients are told."""
        return f"the paper gateway works {self.asked} by a stand-in: Quietfill's own {self.algo}"


def stand_in_for(asked: BrokerAlgo, zone: str) -> StandInTerms:
    """Return what stands in for an algo; times without a zone are in *zone*.

    Raises:
        BadInput: when nothing does, or when it cannot do what a tag asks for.
    """
    read = _READERS.get(asked.name)
    if read is None:
        raise BadInput(f"there is no stand-in for the algo {asked.name!r}; there is one for {', '.join(_READERS)}")
    tags = _Tags(asked, zone)
    algo, params = read(tags)
    start, end = tags.window()
    tags.check_all_read()
    return StandInTerms(asked=asked.name, algo=algo, params=params, start=start, end=end)


class _Tags:
    """The tags of one order, each read once."""

    def __init__(self, asked: BrokerAlgo, zone: str) -> None:
        self._name = asked.name
        self._zone = zone
        self._left = {tag: value.strip() for tag, value in asked.params}
        if len(self._left) < len(asked.params):
            tags = [tag for tag, _ in asked.params]
            twice = next(tag for tag in tags if tags.count(tag) > 1)
            raise BadInput(f"{self._name}: {twice} is given twice")

    def text(self, tag: str, default: str) -> str:
        return self._left.pop(tag, "") or default

    def flag(self, tag: str) -> bool:
        value = self.text(tag, "0").lower()
        if value not in _FLAGS:
            raise BadInput(f"{self._name}: {tag} must be 0 or 1, not {value!r}")
        return _FLAGS[value]

    def number(self, tag: str, default: str = "") -> Decimal:
        value = self.text(tag, default)
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise BadInput(f"{self._name}: {tag} must be a number, not {value!r}") from None
        if not number.is_finite() or number <= 0:
            raise BadInput(f"{self._name}: {tag} must be above 0, not {value!r}")
        return number

    def share(self, tag: str) -> float:
        number = self.number(tag, "0.1")
        if not _LEAST_SHARE <= number <= _MOST_SHARE:
            raise BadInput(f"{self._name}: {tag} must be between {_LEAST_SHARE} and {_MOST_SHARE}, not {number}")
        return float(number)

    def choice(self, tag: str, default: str, known: dict[str, Any]) -> Any:
        value = self.text(tag, default)
        if value not in known:
            raise BadInput(f"{self._name}: the stand-in has no {tag} {value!r}; it has {', '.join(known)}")
        return known[value]

    def never(self, tag: str, why: str) -> None:
        """Refuse a flag that is set, or a number that is not 0."""
        value = self.text(tag, "0").lower()
        if value not in {"0", "false"}:
            raise BadInput(f"{self._name}: the stand-in has no {tag}: {why}")

    def window(self) -> tuple[Timestamp | None, Timestamp | None]:
        found = [self._instant(tag) for tag in _START], [self._instant(tag) for tag in _END]
        start, end = (next((at for at in ats if at is not None), None) for ats in found)
        if start is not None and end is not None and start >= end:
            raise BadInput(f"{self._name}: its end time is not after its start time")
        return start, end

    def _instant(self, tag: str) -> Timestamp | None:
        words = self.text(tag, "")
        bare = words.removesuffix(" GMT")
        try:
            return instant_of(bare if "-" in bare else words, self._zone) if words else None
        except ValueError:
            raise BadInput(f"{self._name}: {tag} {words!r} is not like 20230711-02:30:00") from None

    def check_all_read(self) -> None:
        if self._left:
            raise BadInput(f"{self._name} has no parameter {next(iter(self._left))!r}")


_FLAGS: Final = {"0": False, "false": False, "1": True, "true": True}
_LEAST_SHARE, _MOST_SHARE = Decimal("0.01"), Decimal("0.5")
_START: Final = ("startTime", "activeTimeStart")
_END: Final = ("endTime", "activeTimeEnd")
_ENDS_THERE: Final = "it ends at its end time"

_Ours: TypeAlias = tuple[str, dict[str, Any]]

_PRIORITIES: Final = {"Urgent": 0.8, "Normal": 0.5, "Patient": 0.2}
_AVERSIONS: Final = {"Get Done": 0.9, "Aggressive": 0.7, "Neutral": 0.5, "Passive": 0.3}


def _adaptive(tags: _Tags) -> _Ours:
    return "adaptive", {"urgency": tags.choice("adaptivePriority", "Normal", _PRIORITIES), "rest": "abandon"}


def _twap(tags: _Tags) -> _Ours:
    tags.choice("strategyType", "Marketable", {"Marketable": None})
    tags.never("allowPastEndTime", _ENDS_THERE)
    return "twap", {"urgency": 1.0, "rest": "abandon"}


def _vwap(tags: _Tags) -> _Ours:
    tags.never("allowPastEndTime", _ENDS_THERE)
    tags.never("noTakeLiq", "it crosses at the end of a slice")
    tags.never("speedUp", "it keeps to its volume curve")
    return "vwap", {"participation_cap": tags.share("maxPctVol"), "rest": "abandon"}


def _arrival_px(tags: _Tags) -> _Ours:
    tags.never("allowPastEndTime", _ENDS_THERE)
    return "is", {
        "participation_cap": tags.share("maxPctVol"),
        "urgency": tags.choice("riskAversion", "Neutral", _AVERSIONS),
        "rest": _rest(tags),
    }


def _pct_vol(tags: _Tags) -> _Ours:
    params: dict[str, Any] = {"rate": tags.share("pctVol")}
    return "pov", params | ({"floor": 0.0} if tags.flag("noTakeLiq") else {})


def _close_px(tags: _Tags) -> _Ours:
    tags.choice("riskAversion", "Neutral", {"Neutral": None})
    return "close", {"participation_cap": tags.share("maxPctVol"), "rest": _rest(tags)}


def _dark_ice(tags: _Tags) -> _Ours:
    tags.never("allowPastEndTime", _ENDS_THERE)
    return "iceberg", {"display_size": str(tags.number("displaySize")), "variance_pct": 0.5}


def _accumulate_distribute(tags: _Tags) -> _Ours:
    tags.never("randomizeTime20", "its pieces follow one another at a fixed interval")
    tags.never("giveUp", "it never gives up")
    tags.never("catchUp", "it spreads nothing that it missed")
    if not tags.flag("waitForFill"):
        raise BadInput("AD: the stand-in always waits for a piece to be filled: waitForFill must be 1")
    return "iceberg", {
        "display_size": str(tags.number("componentSize")),
        "min_replenish_seconds": float(tags.number("timeBetweenOrders")),
        "variance_pct": 0.55 if tags.flag("randomizeSize55") else 0.0,
    }


def _rest(tags: _Tags) -> str:
    return "complete" if tags.flag("forceCompletion") else "abandon"


_READERS: Final[dict[str, Callable[[_Tags], _Ours]]] = {
    "Adaptive": _adaptive,
    "Twap": _twap,
    "Vwap": _vwap,
    "ArrivalPx": _arrival_px,
    "PctVol": _pct_vol,
    "ClosePx": _close_px,
    "DarkIce": _dark_ice,
    "AD": _accumulate_distribute,
}
