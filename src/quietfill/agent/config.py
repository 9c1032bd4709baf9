"""How an agent is configured. The keys themselves are in `settings.py`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final

import msgspec

from quietfill.agent.keys import described_keys
from quietfill.agent.settings import Settings
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import flag, mapping, named, number, shown
from quietfill.domain.types import MILLISECOND, SECOND, price_from, quantity_from
from quietfill.engine.settings import EngineSettings
from quietfill.risk.limits import RiskLimits
from quietfill.tca.quality import checked_weights

_LONGEST_TIMEOUT_SECONDS: Final = 86_400
_PARTICIPATION_LADDER: Final = ("vwap_min_participation", "vwap_target_participation", "vwap_max_participation")


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """What an agent is told once, at the start; complete and checked on construction.

    Attributes:
        name: how the agent signs its events.
        enabled: a disabled agent starts, recovers and reports, and takes no new order.
        timeout_seconds: how long one call to the world (connect, reconcile) may take.
        shutdown_timeout_seconds: how long `stop` waits for cancels and the journal.
        parameters: the keys given, as a frozen copy; the page *Configuration* lists them all.
        settings: all parameters, those not given at their defaults, with types.

    Raises:
        BadInput: (a ValueError) naming every key that is unknown, of the wrong type or out of range.
    """

    name: str
    enabled: bool = True
    timeout_seconds: float = 30.0
    shutdown_timeout_seconds: float = 10.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check everything and freeze the parameters."""
        named(self.name, "name")
        flag(self.enabled, "enabled")
        for key in ("timeout_seconds", "shutdown_timeout_seconds"):
            seconds = float(number(getattr(self, key), key))
            if not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
                raise BadInput(f"{key} must be above 0 and at most {_LONGEST_TIMEOUT_SECONDS}, not {seconds:g}")
        object.__setattr__(self, "parameters", mapping(self.parameters, "parameters"))
        object.__setattr__(self, "settings", read_settings(self.parameters))
        checked_weights(self.settings.quality_score_weights)

    @property
    def unused(self) -> tuple[str, ...]:
        """Keys given that are accepted and have no effect; the agent reports them once."""
        rows = described_keys()
        return tuple(key for key in self.parameters if rows[key].is_unused or rows[key].alias_of in self.parameters)

    @property
    def risk_limits(self) -> RiskLimits:
        """The limits for admission, in internal numbers."""
        given = self.settings
        quantity, notional = given.max_order_quantity, given.max_order_notional
        return RiskLimits(
            max_order_quantity=None if quantity is None else quantity_from(quantity, "max_order_quantity"),
            max_order_notional=None if notional is None else price_from(notional, "max_order_notional"),
            max_open_orders=given.max_open_orders,
            max_children_per_parent=given.max_children_per_parent,
            max_limit_distance_bps=given.max_limit_distance_bps,
        )

    @property
    def engine_settings(self) -> EngineSettings:
        """What the engine is told, in internal numbers."""
        given = self.settings
        return EngineSettings(
            max_orders_per_minute=given.max_orders_per_minute,
            min_order_interval=round(given.min_order_interval_ms * MILLISECOND),
            max_replaces_per_minute=given.max_replaces_per_minute,
            max_messages_per_second=given.max_broker_messages_per_second,
            settle=round(given.settle_ms * MILLISECOND),
            request_timeout=round(given.request_timeout_seconds * SECOND),
            max_slippage_bps=given.max_slippage_bps,
            default_algo=given.default_algo.lower(),
            default_horizon=round(given.default_horizon_seconds * SECOND),
            awaiting_quote=round(given.awaiting_quote_seconds * SECOND),
            quote_age_limit=round(given.max_quote_age_seconds * SECOND),
            max_children_per_parent=given.max_children_per_parent,
            allow_direct_orders=given.allow_direct_orders,
            silence=round(given.zombie_order_timeout_seconds * SECOND),
        )


def read_settings(parameters: Mapping[str, Any]) -> Settings:
    """Return the complete settings that *parameters* stand for.

    Raises:
        BadInput: naming every key that is wrong, in one line.
    """
    given = {key: _plain(value) for key, value in parameters.items()}
    wrong = [text for key, value in given.items() if (text := _complaint(key, value))]
    if wrong:
        raise BadInput(f"parameters: {'; '.join(wrong)}")
    return msgspec.convert(_with_room(_without_aliases(given)), Settings)


def _plain(value: Any) -> Any:
    """Bring what users write (Decimal, Path, numpy scalars) to the types that the table knows."""
    if isinstance(value, (Decimal, float)):
        return float(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if not isinstance(value, (bool, int)) and hasattr(value, "__index__"):
        return int(value)
    return dict(value) if isinstance(value, Mapping) else value


def _complaint(key: str, value: Any) -> str | None:
    """Say what is wrong with one key, or nothing."""
    row = described_keys().get(key)
    if row is None:
        close = get_close_matches(key, described_keys(), 1)
        return f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else "")
    try:
        msgspec.convert({key: value}, Settings)
    except msgspec.ValidationError:
        return f"{key} must be {row.expected}, not {shown(value)}"
    return None


def _without_aliases(given: dict[str, Any]) -> dict[str, Any]:
    """Carry the values of older names over to today's keys, where those are not given themselves."""
    settled = dict(given)
    for key, value in given.items():
        target = described_keys()[key].alias_of
        if target and value is not None:
            settled.setdefault(target, value)
    return settled


def _with_room(settled: dict[str, Any]) -> dict[str, Any]:
    """Let the default participation bounds give way to those stated.

    Raises:
        BadInput: when stated bounds contradict each other.
    """
    stated = [(key, settled[key]) for key in _PARTICIPATION_LADDER if key in settled]
    for (low, lower), (high, higher) in pairwise(stated):
        if lower > higher:
            raise BadInput(f"parameters: {low} {lower:g} is above {high} {higher:g}")
    for key in (key for key in _PARTICIPATION_LADDER if key not in settled):
        place, value = _PARTICIPATION_LADDER.index(key), described_keys()[key].default
        below = [bound for name, bound in stated if _PARTICIPATION_LADDER.index(name) < place]
        above = [bound for name, bound in stated if _PARTICIPATION_LADDER.index(name) > place]
        settled[key] = min([max([value, *below]), *above])
    return settled
