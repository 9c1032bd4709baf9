"""From the firm's events to the engine's messages: what is approved, known and fresh becomes an order.

A validation is executed only when it comes from an approving agent, is approved, and its decision is
known and fresh. Everything else is a refusal with a reason: a record and an event, never an exception.
The order id is made from the decision id, so a validation that comes again names the same order.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.events import DecisionEvent, OrderEvent, ValidatedDecisionEvent
from quietfill.domain.messages import NewOrder, RefuseOrder, RememberDecision, Rule
from quietfill.domain.types import (
    DAY,
    SECOND,
    OrderType,
    TimeInForce,
    Timestamp,
    price_from,
    quantity_from,
    timestamp_from,
)

if TYPE_CHECKING:
    from quietfill.agent.config import AgentConfig
    from quietfill.domain.types import Price
    from quietfill.ports.clock import Alarm
    from quietfill.runtime.runtime import Runtime

_OWN_ALGO = {
    OrderType.MARKET: "market",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MARKET_ON_CLOSE: "close",
    OrderType.LIMIT_ON_CLOSE: "close",
}
_UNSCHEDULED = frozenset(
    {"market", "limit", "midpoint_peg", "iceberg", "sniper", "stop", "stop_limit", "trailing_stop", "close"}
    | {"ib_dark_ice", "ib_close_px"}
)
_AUCTION = frozenset({OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE})
_STANDING = frozenset({"close", "ib_close_px", "stop", "stop_limit", "trailing_stop"})
_UNTIL_CANCELLED = _UNSCHEDULED - {"market", "close"}
"""What waits for its price; a schedule without an end is not spread over months."""

UNTIL_CANCELLED = 90 * DAY
"""How long an order lives that nobody cancels; brokers have such a limit too."""


class _Waiting(NamedTuple):
    """A validation that came before its decision."""

    validation: ValidatedDecisionEvent
    alarm: Alarm


class Intake:
    """Matches validations with decisions and turns the pair into one order."""

    def __init__(self, config: AgentConfig, runtime: Runtime) -> None:
        """Take the rules of admission from the configuration."""
        self._settings = config.settings
        self._enabled = config.enabled
        self._runtime = runtime
        self._waiting: dict[str, _Waiting] = {}
        self._heard: dict[str, DecisionEvent] = {}
        """Remembered decisions that this process heard itself; after a restart they are read from their records."""

    def remember(self, decision: DecisionEvent) -> int:
        """Journal a decision; return the sequence number to wait for."""
        known = self._runtime.engine.state.remembered
        if len(known) >= _MAX_REMEMBERED:
            oldest = next(iter(known))
            self._refuse(oldest, str(known[oldest].content.get("symbol", "")), "too many decisions wait")
        if decision.event_id not in known and decision.event_id not in self._runtime.engine.state.decisions:
            self._heard[decision.event_id] = decision
        sequence = self._runtime.submit(
            RememberDecision(decision_id=decision.event_id, content=decision.to_audit_dict())
        )
        waiting = self._waiting.pop(decision.event_id, None)
        if waiting is None:
            return sequence
        waiting.alarm.cancel()
        return self._execute(decision, waiting.validation)

    def validate(self, validation: ValidatedDecisionEvent) -> int:
        """Execute or refuse a validation, or keep it until its decision comes.

        It never waits itself: the decision may stand behind it in the same queue.

        Returns:
            The sequence number to wait for.
        """
        decision_id = validation.original_decision_id
        if validation.source_agent not in self._settings.approving_agents:
            # Not final: whoever may not approve may not use a decision up either.
            reason = f"{validation.source_agent} may not approve"
            return self._refuse(decision_id, self._symbol_of(decision_id), reason, final=False)
        unapproved = self._unapproved(validation)
        if unapproved is not None:
            return self._refuse(decision_id, self._symbol_of(decision_id), unapproved)
        state = self._runtime.engine.state
        if decision_id in state.remembered:
            return self._execute(self._remembered(decision_id), validation)
        if decision_id in state.decisions:
            return self._refuse(decision_id, "", f"duplicate: decision was {state.decisions[decision_id]}")
        return self._await_decision(validation)

    def _remembered(self, decision_id: str) -> DecisionEvent:
        heard = self._heard.get(decision_id)
        if heard is not None:
            return heard
        content = self._runtime.engine.state.remembered[decision_id].content
        return msgspec.convert(content, DecisionEvent, strict=False)

    def _execute(self, decision: DecisionEvent, validation: ValidatedDecisionEvent) -> int:
        decision_id = validation.original_decision_id
        self._heard.pop(decision_id, None)
        unfit = self._unfit(decision, validation)
        if unfit is not None:
            return self._refuse(decision_id, decision.symbol, unfit)
        try:
            order = self.order_of(decision, validation)
        except ValueError as error:  # finer or larger than any order can be
            return self._refuse(decision_id, decision.symbol, str(error))
        return self._runtime.submit(order)

    def order_of(self, decision: DecisionEvent, validation: ValidatedDecisionEvent) -> NewOrder:
        """Return the order that an approved decision asks for."""
        assert decision.action is not None, "unfit decisions are refused before"
        quantity = decision.quantity if validation.adjusted_quantity is None else validation.adjusted_quantity
        algo = self._algo_of(decision)
        end, timed = self._end_of(decision, algo)
        return NewOrder(
            order_id=order_id_of(decision.event_id),
            decision_id=decision.event_id,
            symbol=decision.symbol,
            side=decision.action,
            quantity=quantity_from(quantity),
            algo=algo,
            params=self._params_of(decision, algo),
            order_type=decision.order_type,
            limit_price=_maybe_price(decision.limit_price, "limit_price"),
            stop_price=_maybe_price(decision.stop_price, "stop_price"),
            start=None if decision.start is None else timestamp_from(decision.start),
            end=end,
            timed=timed,
            time_in_force=decision.time_in_force or TimeInForce.DAY,
            decision_price=_maybe_price(decision.decision_price, "decision_price"),
            decided_at=timestamp_from(decision.timestamp),
            account=decision.account,
            reduce_only=decision.reduce_only,
            by=validation.source_agent,
        )

    def direct_order(
        self, order: OrderEvent, params: dict[str, Any], *, algo: str | None = None, end: Timestamp | None = None
    ) -> NewOrder:
        """Return the order of a caller who states no decision; admission says whether that is allowed.

        Args:
            order: what is wanted.
            params: of the algo.
            algo: in place of the one that the order names.
            end: when it must be over; None leaves it to the order's time in force and the algo.
        """
        own = None if order.order_type is OrderType.MARKET else _OWN_ALGO.get(order.order_type)
        name = (algo or own or order.algo).lower()
        if end is None and name in _UNSCHEDULED and order.time_in_force is TimeInForce.DAY:
            end = self._session_end(order.symbol)
        if end is None and order.time_in_force is TimeInForce.GTC and name in _UNTIL_CANCELLED:
            end = self._runtime.clock.now() + UNTIL_CANCELLED
        return NewOrder(
            order_id=order_id_of(order.event_id),
            decision_id=order.event_id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity_from(order.quantity),
            algo=name,
            params=params,
            end=end,
            order_type=order.order_type,
            limit_price=_maybe_price(order.limit_price, "limit_price"),
            stop_price=_maybe_price(order.stop_price, "stop_price"),
            time_in_force=order.time_in_force,
            account=order.account,
            reduce_only=order.reduce_only,
            direct=True,
            by=order.source_agent,
        )

    @staticmethod
    def changes_of(changes: dict[str, Any]) -> dict[str, Any]:
        """Return an amendment's changes with its times as instants.

        Raises:
            ValueError: when `end` is no datetime, or a naive one.
        """
        end = changes.get("end")
        if end is None:
            return changes
        if not isinstance(end, datetime):
            raise BadInput(f"end must be an aware datetime, not {end!r}")
        return {**changes, "end": timestamp_from(end, "end")}

    def _unapproved(self, validation: ValidatedDecisionEvent) -> str | None:
        if not self._enabled:
            return "this agent is disabled"
        if not validation.approved:
            return validation.rejection_reason or "not approved"
        return None

    def _unfit(self, decision: DecisionEvent, validation: ValidatedDecisionEvent) -> str | None:
        age = self._runtime.clock.now() - timestamp_from(decision.timestamp)
        if age > self._settings.max_decision_age_seconds * SECOND:
            return f"stale: decided {age / SECOND:.0f} s ago"
        if decision.action is None:
            return "the decision has no action"
        if decision.time_in_force is TimeInForce.GTD and decision.good_till is None and decision.end is None:
            return "time in force GTD needs good_till"
        if validation.adjusted_quantity is not None and validation.adjusted_quantity == 0:
            return "adjusted to nothing"
        quantity = decision.quantity if validation.adjusted_quantity is None else validation.adjusted_quantity
        return None if quantity > 0 else f"quantity must be positive, not {quantity}"

    def _await_decision(self, validation: ValidatedDecisionEvent) -> int:
        """Keep a validation until its decision comes, or refuse it when that takes too long."""
        decision_id = validation.original_decision_id
        if decision_id in self._waiting:
            return self._refuse(decision_id, "", "another validation of it is waiting", final=False)
        if len(self._waiting) >= _MAX_REMEMBERED:
            return self._refuse(decision_id, "", "too many validations wait for their decisions")
        wait = self._settings.decision_wait_seconds

        def give_up() -> None:
            self._waiting.pop(decision_id, None)
            self._refuse(decision_id, "", f"decision {decision_id} is not known after {wait:g} s")

        at = self._runtime.clock.now() + round(wait * SECOND)
        self._waiting[decision_id] = _Waiting(validation, self._runtime.clock.call_at(at, give_up))
        return 0

    def _algo_of(self, decision: DecisionEvent) -> str:
        if decision.algo is not None:
            return decision.algo.lower()
        if decision.time_in_force is TimeInForce.MOC:
            return "close"
        if decision.order_type is OrderType.LIMIT:
            return "limit" if decision.limit_price is not None else self._settings.default_algo.lower()
        return _OWN_ALGO[decision.order_type]

    def _params_of(self, decision: DecisionEvent, algo: str) -> dict[str, Any]:
        params = dict(decision.algo_params)
        if decision.urgency is not None:
            params.setdefault("urgency", float(decision.urgency))
        if algo in {"twap", "vwap"}:
            params.setdefault("slice_seconds", self._settings.slice_interval_seconds)
        if algo == "vwap":
            params.setdefault("max_participation", self._settings.vwap_max_participation)
        if algo == "pov":
            self._set_participation(params)
        if algo == "close" and (decision.order_type in _AUCTION or decision.time_in_force is TimeInForce.MOC):
            params.setdefault("style", "auction")
        return params

    def _set_participation(self, params: dict[str, Any]) -> None:
        """Fill in rate and bounds as configured; bounds that do not hold a stated rate are left to the algo."""
        given = self._settings
        params.setdefault("rate", given.vwap_target_participation)
        params.setdefault("adjustment", given.participation_adjustment_factor)
        rate = params["rate"]
        if not isinstance(rate, (int, float)):  # text, which the algo's schema reads or refuses
            return
        if given.vwap_min_participation <= rate:
            params.setdefault("floor", given.vwap_min_participation)
        if given.vwap_max_participation >= rate:
            params.setdefault("cap", given.vwap_max_participation)

    def _end_of(self, decision: DecisionEvent, algo: str) -> tuple[Timestamp | None, bool]:
        """Return the end, and whether it is a time-out of ours: no time-out shortens a stated life.

        An order for the close lasts to it, and so does a stop: what it protects is there until then. Without a stated
        life other unscheduled orders get
        `order_timeout_seconds`, or the session while time-outs are switched off; scheduled ones get
        `default_horizon_seconds`, of which `algo_timeout_seconds` is the most.
        """
        stated = [timestamp_from(end) for end in (decision.end, decision.good_till) if end is not None]
        if stated:
            return min(stated), False
        if decision.time_in_force is TimeInForce.GTC and algo in _UNTIL_CANCELLED:
            return self._runtime.clock.now() + UNTIL_CANCELLED, False
        if decision.time_in_force is not None or algo in _STANDING:
            return self._session_end(decision.symbol), False
        begin = max(self._runtime.clock.now(), 0 if decision.start is None else timestamp_from(decision.start))
        if algo not in _UNSCHEDULED:
            horizon = min(self._settings.default_horizon_seconds, self._settings.algo_timeout_seconds)
            return begin + round(horizon * SECOND), True
        if not self._runtime.engine.state.rules[Rule.TIMEOUTS]:
            return self._session_end(decision.symbol), False
        return begin + round(self._settings.order_timeout_seconds * SECOND), True

    def _session_end(self, symbol: str) -> Timestamp | None:
        instrument = self._runtime.engine.state.instruments.get(symbol)
        return None if instrument is None else instrument.day_of(self._runtime.clock.now()).spans[-1][1]

    def _refuse(self, decision_id: str, symbol: str, reason: str, *, final: bool = True) -> int:
        if final:
            self._heard.pop(decision_id, None)
        return self._runtime.submit(
            RefuseOrder(
                order_id=order_id_of(decision_id),
                decision_id=decision_id,
                symbol=symbol,
                reasons=(reason,),
                final=final,
            )
        )

    def _symbol_of(self, decision_id: str) -> str:
        record = self._runtime.engine.state.remembered.get(decision_id)
        return "" if record is None else str(record.content.get("symbol", ""))


_MAX_REMEMBERED = 10_000


def order_id_of(decision_id: str) -> str:
    """Return the id of the one order that a decision can become."""
    return hashlib.blake2b(decision_id.encode(), digest_size=8, person=b"quietfill order").hexdigest()


def _maybe_price(value: Any, name: str) -> Price | None:
    return None if value is None else price_from(value, name)
