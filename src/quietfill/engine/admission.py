"""The door: an order is accepted with the market at its arrival, or refused with every reason at once.

All entries (a validated decision, a direct call, an import) come through here. A decision id is used up
by acceptance and by refusal alike; a repeat sends nothing and names the first outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from quietfill.algos.registry import parse_params
from quietfill.domain.messages import NewOrder
from quietfill.domain.records import AlertRaised, AnyRecord, OrderAccepted, OrderRefused
from quietfill.domain.types import (
    OrderType,
    TimeInForce,
    Timestamp,
    iso_time,
    price_from,
    quantity_decimal,
    quantity_number,
)
from quietfill.risk.changes import adds_risk, change_reasons
from quietfill.risk.checks import account_reasons, admission_reasons, amount_reasons, size_reasons

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from quietfill.algos.base import AlgoParams
    from quietfill.algos.registry import AlgoRegistry, AlgoSpec
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.types import Price
    from quietfill.engine.observed import ObservedMarkets
    from quietfill.engine.parent import ParentState
    from quietfill.engine.settings import EngineSettings
    from quietfill.engine.state import EngineState
    from quietfill.risk.limits import RiskLimits


_Window: TypeAlias = tuple[Timestamp, Timestamp]

_FACTS = ("adv", "volatility")
_HOW_KNOWN = "state it, register it with the instrument, or let the market be observed for longer"


class Admission:
    """Checks new orders against instruments, limits, algos and what was decided before."""

    def __init__(
        self,
        state: EngineState,
        observed: ObservedMarkets,
        settings: EngineSettings,
        limits: RiskLimits,
        algos: AlgoRegistry,
    ) -> None:
        """Take what orders are checked against."""
        self._state = state
        self._observed = observed
        self._settings = settings
        self._limits = limits
        self._algos = algos
        self._accounts: tuple[str, ...] = ()
        self._own_account: str | None = None

    def serve(self, accounts: Collection[str], own: str | None) -> None:
        """Take which accounts orders may name from now on, and whose an order is that names none."""
        self._accounts, self._own_account = tuple(accounts), own

    def decide(self, order: NewOrder, now: Timestamp) -> Iterator[AnyRecord]:
        """Yield the acceptance or the refusal of *order*."""
        first = self._state.decisions.get(order.decision_id)
        if first is not None or order.order_id in self._state.parents:
            yield from self._duplicate(order, first or f"order id {order.order_id} was used before", now)
            return
        order, notes = self._informed(order)
        params, window, reasons = self._check(order, now)
        if params is None or window is None or reasons:
            yield OrderRefused(
                at=now,
                order_id=order.order_id,
                decision_id=order.decision_id,
                symbol=order.symbol,
                reasons=tuple(reasons),
            )
            return
        yield self._acceptance(order, params, window, notes, now)

    def _duplicate(self, order: NewOrder, first: str, now: Timestamp) -> Iterator[AnyRecord]:
        yield OrderRefused(
            at=now,
            order_id=order.order_id,
            decision_id=order.decision_id,
            symbol=order.symbol,
            reasons=(f"duplicate: decision {order.decision_id} was {first}",),
            duplicate_of=first,
        )
        if self._differs(order):
            text = f"decision {order.decision_id} came again with other content; nothing was sent"
            yield AlertRaised(at=now, subject=order.decision_id, severity="warning", text=text)

    def _differs(self, order: NewOrder) -> bool:
        for parent in self._state.parents.values():
            accepted = parent.accepted
            if accepted.decision_id == order.decision_id:
                return (accepted.symbol, accepted.side, accepted.quantity) != (order.symbol, order.side, order.quantity)
        return False

    def _informed(self, order: NewOrder) -> tuple[NewOrder, list[str]]:
        """Fill in what an algo wants to know of the market and the caller did not state, as far as it is known.

        It is kept with the order from here on: the same after a restart, whatever is observed by then.
        """
        if order.algo not in self._algos:
            return order, []
        fields = self._algos.get(order.algo).params.__struct_fields__
        wanted = [name for name in _FACTS if name in fields and order.params.get(name) is None]
        if not wanted:
            return order, []
        facts = self._observed.facts(order.symbol)
        found: dict[str, tuple[Any, str | None]] = {
            "adv": (None if facts.adv is None else format(quantity_decimal(facts.adv), "f"), facts.adv_source),
            "volatility": (facts.volatility, facts.volatility_source),
        }
        known = {name: found[name] for name in wanted if found[name][0] is not None}
        notes = [f"{name} {value} {source}" for name, (value, source) in known.items()]
        params = {**order.params, **{name: value for name, (value, _) in known.items()}}
        return msgspec.structs.replace(order, params=params), notes

    def _check(self, order: NewOrder, now: Timestamp) -> tuple[AlgoParams | None, _Window | None, list[str]]:
        """Return the algo's parameters and the window, where there are such, and all reasons against the order."""
        instrument = self._state.instruments.get(order.symbol)
        reasons = list(
            admission_reasons(
                order,
                instrument,
                self._limits,
                now=now,
                known_algos=[spec.name for spec in self._algos],
                live_orders=len(self._state.live),
                reference_price=self._reference(order.symbol),
                accounts=self._accounts,
                own_account=self._own_account,
            )
        )
        if order.direct and not self._settings.allow_direct_orders:
            reasons.append("direct orders are not allowed here: no approved decision stands behind it")
        if order.flattens is None and self._state.is_killed(order.symbol, order.account):
            reasons.append(f"kill switch is engaged for {order.symbol}")
        params: AlgoParams | None = None
        if order.algo in self._algos:
            try:
                params = parse_params(self._algos.get(order.algo), order.params)
            except ValueError as error:
                reasons.append(str(error))
        window: _Window | None = None
        if instrument is not None and not reasons:
            window = self._window(order, instrument, now)
            reasons += _window_reasons(order, window, now)
        if params is not None and instrument is not None:
            spec = self._algos.get(order.algo)
            if spec.needs_stop and order.stop_price is None:
                reasons.append(f"algo {order.algo} needs a stop_price")
            if spec.day_only and order.time_in_force is not TimeInForce.DAY:
                reasons.append(f"algo {order.algo} takes day orders only: {order.time_in_force} does not go with it")
            bound = _limit_price(order, params)
            if bound != order.limit_price:  # a limit among the parameters binds like the order's own, and is checked so
                bounded = msgspec.structs.replace(order, limit_price=bound)
                reasons += [reason for reason in self._too_much(bounded, instrument) if reason not in reasons]
            needs_limit = spec.needs_limit or order.order_type is OrderType.STOP_LIMIT
            reasons += _limit_reasons(order, params, instrument, needs_limit=needs_limit)
            reasons += parameter_reasons(spec, params, order.time_in_force, instrument)
        return params, window, reasons

    def change_reasons(self, parent: ParentState, changed: NewOrder) -> list[str]:
        """Return why a running order may not have the terms of *changed*: they are checked like a new order's.

        What only takes risk away is not refused because of a limit that the order exceeds already.
        """
        standing = terms_of(parent)
        reference = self._reference(parent.symbol)
        reasons = list(change_reasons(changed, standing, parent.instrument, self._limits, reference))
        if adds_risk(changed, standing) and self._state.bars(parent):
            reasons.append(f"kill switch is engaged for {parent.symbol}")
        return reasons

    def import_reasons(self, parents: Collection[ParentState]) -> Iterator[str]:
        """Yield why live orders of another journal may not be taken over.

        How far through the market a limit reaches was checked when it was stated; the market has moved since.
        """
        together, most = len(self._state.live) + len(parents), self._limits.max_open_orders
        if parents and together > most:
            yield f"{together} orders would be live, max_open_orders is {most}"
        for parent in parents:
            reference = _arrival_mid(parent) if (now := self._reference(parent.symbol)) is None else now
            reasons = [*size_reasons(terms_of(parent), parent.instrument, self._limits, reference)]
            reasons += account_reasons(parent.account, self._accounts, self._own_account)
            yield from (f"order {parent.order_id}: {reason}" for reason in reasons)

    def _too_much(self, order: NewOrder, instrument: Instrument) -> list[str]:
        return list(amount_reasons(order, instrument, self._limits, self._reference(order.symbol)))

    def _reference(self, symbol: str) -> Price | None:
        twice = self._observed.view(symbol).mid_twice
        return None if twice is None else twice // 2

    def _window(self, order: NewOrder, instrument: Instrument, now: Timestamp) -> _Window:
        start = now if order.start is None else max(order.start, now)
        end = order.end
        if end is None and self._algos.get(order.algo).all_day:
            end = instrument.day_of(start).spans[-1][1]
        elif end is None:
            end = start + self._settings.default_horizon
        return instrument.window(start, end, order.time_in_force).clip(start, end)

    def _acceptance(
        self, order: NewOrder, params: AlgoParams, window: _Window, known: list[str], now: Timestamp
    ) -> OrderAccepted:
        start, end = window
        view = self._observed.view(order.symbol)
        quoted = view.is_tradable
        raw, notes = self._widened(order, params)
        return OrderAccepted(
            at=now,
            order_id=order.order_id,
            decision_id=order.decision_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            algo=order.algo,
            params=raw,
            order_type=order.order_type,
            limit_price=_limit_price(order, params),
            stop_price=order.stop_price,
            start=start,
            end=end,
            time_in_force=order.time_in_force,
            account=order.account,
            reduce_only=order.reduce_only,
            direct=order.direct,
            by=order.by,
            decision_price=order.decision_price,
            decided_at=order.decided_at,
            bid=view.best_bid if quoted else None,
            ask=view.best_ask if quoted else None,
            bid_size=view.bids[0][1] if quoted else 0,
            ask_size=view.asks[0][1] if quoted else 0,
            quote_age=max(0, now - view.time) if quoted else 0,
            day_volume=view.volume,
            notes=(*known, *notes),
            timed=order.timed,
            flattens=order.flattens,
        )

    def _widened(self, order: NewOrder, params: AlgoParams) -> tuple[dict[str, object], list[str]]:
        """Widen a schedule that asks for more placements than the budget has, and say so."""
        raw: dict[str, object] = dict(order.params)
        wanted: float | None = getattr(params, "slice_seconds", None)
        if wanted is None:
            return raw, []
        sharing = 1 + sum("slice_seconds" in p.params.__struct_fields__ for p in self._state.live.values())
        least = 60.0 * sharing / self._settings.max_orders_per_minute
        if wanted >= least:
            return raw, []
        raw["slice_seconds"] = least
        note = f"slices widened from {wanted:g} s to {least:g} s: {sharing} schedule(s) share the placement budget"
        return raw, [note]


def _window_reasons(order: NewOrder, window: _Window, now: Timestamp) -> list[str]:
    start, end = window
    if start < end:
        return []
    wanted = f"{iso_time(order.start or now)} to {iso_time(order.end or end)}"
    return [f"the window {wanted} holds no continuous trading"]


def _limit_price(order: NewOrder, params: AlgoParams) -> Price | None:
    """The tighter of the order's own limit and the one among the algo's parameters."""
    limits = [price for price in (order.limit_price, _param_limit(params)) if price is not None]
    if not limits:
        return None
    return min(limits) if order.side.sign > 0 else max(limits)


def _arrival_mid(parent: ParentState) -> Price | None:
    bid, ask = parent.arrival_bid, parent.arrival_ask
    return None if bid is None or ask is None else (bid + ask) // 2


def _param_limit(params: AlgoParams) -> Price | None:
    return None if params.limit_price is None else price_from(params.limit_price, "limit_price")


def _limit_reasons(order: NewOrder, params: AlgoParams, instrument: Instrument, *, needs_limit: bool) -> list[str]:
    reasons: list[str] = []
    limit = _param_limit(params)
    if limit is not None and not instrument.on_tick(limit):
        reasons.append(f"limit_price {params.limit_price} is not on the tick of {order.symbol}")
    if needs_limit and _limit_price(order, params) is None:
        reasons.append(f"algo {order.algo} needs a limit_price")
    return reasons


def parameter_reasons(
    spec: AlgoSpec, params: AlgoParams, time_in_force: TimeInForce, instrument: Instrument
) -> list[str]:
    """Return what is wrong with an algo's parameters beside the rest of its order's terms."""
    reasons = [f"algo {spec.name} needs {name}: {_HOW_KNOWN}" for name in getattr(params, "missing", ())]
    if time_in_force is TimeInForce.FOK and (params.max_child or params.participation_cap):
        reasons.append("a fill-or-kill order cannot be cut: max_child and participation_cap do not go with it")
    maximum = params.max_child_quantity
    if maximum is not None and maximum < max(params.min_child_quantity, instrument.lot):
        least = quantity_number(max(params.min_child_quantity, instrument.lot))
        reasons.append(f"max_child {params.max_child} is below the smallest child of {least}")
    return reasons


def terms_of(parent: ParentState) -> NewOrder:
    """Return a running order's terms as those of an order that is asked for."""
    return NewOrder(
        order_id=parent.order_id,
        decision_id=parent.accepted.decision_id,
        symbol=parent.symbol,
        side=parent.side,
        quantity=parent.quantity,
        algo=parent.algo,
        limit_price=parent.limit_price,
        stop_price=parent.stop_price,
        end=parent.end,
        account=parent.account,
    )
