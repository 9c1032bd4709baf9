"""What people ask of the house itself: kill and release, settle by word of mouth, switch a rule, take orders over.

Each act is a record with who and why. A kill is in force from its record on; what it covers is cancelled, and the
stops among it are disarmed and named, since a position that one protected is unprotected from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import TRIGGERED
from quietfill.domain.errors import BadInput, QuietfillError
from quietfill.domain.messages import NewOrder, Resolution
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    InstrumentRegistered,
    KillSwitchEngaged,
    KillSwitchReleased,
    OrderAccepted,
    OrderCancelAsked,
    OrdersImported,
    Resolved,
    RuleSwitched,
    VolumeProfileSet,
)
from quietfill.domain.types import OrderSide, quantity_number
from quietfill.engine.state import EngineState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quietfill.algos.registry import AlgoRegistry
    from quietfill.domain.messages import (
        ImportOrders,
        Kill,
        RegisterInstrument,
        ReleaseKill,
        Resolve,
        SetVolumeProfile,
        SwitchRule,
    )
    from quietfill.domain.types import Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.parent import ParentState


def kill_records(kill: Kill, state: EngineState, algos: AlgoRegistry, now: Timestamp) -> Iterator[AnyRecord]:
    """Yield the kill, and what ends by it: everything it covers, or (without cancels) the untriggered stops."""
    yield KillSwitchEngaged(
        at=now,
        kill_id=kill.kill_id,
        by=kill.by,
        reason=kill.reason,
        scope=kill.scope,
        cancel_pending=kill.cancel_pending,
        close_positions=kill.close_positions,
    )
    for parent in list(state.live.values()):
        if not kill.scope.covers(parent.symbol, parent.account):
            continue
        is_armed = algos.get(parent.algo).is_stop and TRIGGERED not in parent.memo
        if is_armed:
            yield _unprotected(parent, now)
        if (is_armed or kill.cancel_pending) and parent.cancel_reason is None:
            reason = f"kill switch: {kill.reason}"
            yield OrderCancelAsked(at=now, order_id=parent.order_id, by=kill.by, reason=reason)


def release_record(release: ReleaseKill, state: EngineState, now: Timestamp) -> KillSwitchReleased | None:
    """Return the release of the kills of exactly this scope; None when there is none."""
    if all(kill.scope != release.scope for kill in state.kills):
        return None
    return KillSwitchReleased(at=now, by=release.by, second=release.second, reason=release.reason, scope=release.scope)


def exits(state: EngineState, now: Timestamp) -> Iterator[NewOrder]:
    """Yield the orders that close positions under a kill that asks for it, once everything else of a symbol is done.

    The position is what this journal traded; each exit is asked for once per kill.
    """
    for kill in state.kills:
        if not kill.close_positions:
            continue
        for symbol, totals in state.totals.items():
            decision_id = f"flatten:{kill.kill_id}:{symbol}"
            waits = bool(state.live_by_symbol.get(symbol)) or not kill.scope.covers(symbol, kill.scope.account)
            if waits or not totals.position or decision_id in state.decisions:
                continue
            yield NewOrder(
                order_id=decision_id,
                decision_id=decision_id,
                symbol=symbol,
                side=OrderSide.SELL if totals.position > 0 else OrderSide.BUY,
                quantity=abs(totals.position),
                algo="market",
                decided_at=now,
                account=kill.scope.account,
                reduce_only=True,
                by=kill.by,
                flattens=kill.kill_id,
            )


def resolution(message: Resolve, state: EngineState, now: Timestamp) -> Iterator[Resolved]:
    """Yield one record for each child or parent that the word settles; none where it fits nothing."""
    for subject in _subjects(message, state):
        yield Resolved(at=now, subject=subject, outcome=message.outcome, by=message.by, reason=message.reason)


def switch(message: SwitchRule, state: EngineState, now: Timestamp) -> Iterator[RuleSwitched]:
    """Yield the switching of a rule; nothing when it stands so already."""
    if state.rules[message.rule] != message.on:
        yield RuleSwitched(at=now, rule=message.rule, on=message.on, by=message.by)


def registration(message: RegisterInstrument, state: EngineState, now: Timestamp) -> Iterator[InstrumentRegistered]:
    """Yield the registration of an instrument; nothing when the journal has it already, days off included.

    Raises:
        BadInput: when the symbol stands for something else.
    """
    symbol = message.instrument.symbol
    known = state.instruments.get(symbol)
    if known is not None and not known.differs_in_days_only(message.instrument):
        raise BadInput(f"{symbol} is registered as another instrument already")
    if symbol not in state.registered or known != message.instrument:
        yield InstrumentRegistered(at=now, instrument=message.instrument, by=message.by, reason=message.reason)


def profile_setting(message: SetVolumeProfile, state: EngineState, now: Timestamp) -> Iterator[VolumeProfileSet]:
    """Yield the new volume profile of a symbol; nothing when it is followed already."""
    if state.profiles.get(message.symbol, ()) != message.weights:
        yield VolumeProfileSet(
            at=now, symbol=message.symbol, weights=message.weights, by=message.by, source=message.source
        )


def importation(message: ImportOrders, state: EngineState, now: Timestamp) -> Iterator[AnyRecord]:
    """Yield the taking over of the orders that are not known here, and their records as they were.

    Raises:
        BadInput: when the records do not make up whole orders; nothing is taken over.
    """
    accepted = [record for record in message.records if isinstance(record, OrderAccepted)]
    known = {record.order_id for record in accepted if _is_known(record, state)}
    fresh = [record for record in message.records if _order_of(record) not in known]
    trial = EngineState(state.instruments, lambda _parent: None)
    try:
        trial.replay(fresh)
    except (KeyError, AssertionError, QuietfillError) as error:
        raise BadInput(f"the orders cannot be imported: {type(error).__name__}: {error}") from None
    for order_id in sorted(known):
        text = "an import brought it again; what is known here was kept"
        yield AlertRaised(at=now, subject=order_id, severity="warning", text=text)
    if trial.parents:
        yield OrdersImported(at=now, orders=tuple(trial.parents), by=message.by, records=len(fresh))
    yield from fresh


def _is_known(record: OrderAccepted, state: EngineState) -> bool:
    return record.order_id in state.parents or record.decision_id in state.decisions


def _order_of(record: AnyRecord) -> str:
    """Return the order that a record is about; a child's id is its order's, a dash and a number."""
    order_id = getattr(record, "order_id", None)
    return str(order_id) if order_id is not None else str(getattr(record, "child_id", "")).rpartition("-")[0]


def _unprotected(parent: ParentState, now: Timestamp) -> AlertRaised:
    quantity = quantity_number(parent.leaves)
    text = f"stop disarmed by the kill switch: {parent.side} {quantity} {parent.symbol} is unprotected"
    return AlertRaised(at=now, subject=parent.order_id, severity="critical", text=text)


def _subjects(message: Resolve, state: EngineState) -> Sequence[str]:
    child = state.children.get(message.subject)
    if child is not None:
        return [child.child_id] if _fits(child, message.outcome) else []
    one = state.live.get(message.subject)
    parents = [one] if one is not None else list(state.live_by_symbol.get(message.subject, {}).values())
    if message.outcome is Resolution.GO_ON:
        return [parent.order_id for parent in parents if parent.frozen_reason is not None]
    doubtful = [child for parent in parents for child in parent.live_children.values()]
    return [child.child_id for child in doubtful if child.in_flight and _fits(child, message.outcome)]


def _fits(child: ChildState, outcome: Resolution) -> bool:
    if not child.is_live or outcome is Resolution.GO_ON:
        return False
    return outcome is not Resolution.NEVER_ARRIVED or not child.filled
