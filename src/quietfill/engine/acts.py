"""What people ask of the house itself: kill and release, settle by word of mouth, switch a rule, take orders over.

Each act is a record with who and why. A kill is in force from its record on; what it covers is cancelled, and the
stops among it are disarmed and named, since a position that one protected is unprotected from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import TRIGGERED
from quietfill.domain.errors import BadInput, QuietfillError
from quietfill.domain.messages import Resolution
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    ChildRequested,
    DecisionReceived,
    InstrumentRegistered,
    KillSwitchEngaged,
    KillSwitchReleased,
    OrderAccepted,
    OrderCancelAsked,
    OrdersImported,
    Reconciled,
    Resolved,
    RuleSwitched,
    RunEnded,
    RunStarted,
    VolumeProfileSet,
)
from quietfill.domain.types import quantity_number
from quietfill.engine.state import EngineState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

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
        if kill.scope.covers(parent.symbol, parent.account) and not state.is_exit(parent):
            yield from endings(
                parent, algos, by=kill.by, why=kill.reason, cancels=kill.cancel_pending or kill.close_positions, now=now
            )


def endings(
    parent: ParentState, algos: AlgoRegistry, *, by: str, why: str, cancels: bool, now: Timestamp
) -> Iterator[AlertRaised | OrderCancelAsked]:
    """Yield what a kill does to an order under it: it is cancelled, or is a stop that is disarmed in any case."""
    is_armed = algos.get(parent.algo).is_stop and TRIGGERED not in parent.memo
    if is_armed:
        yield _unprotected(parent, now)
    if (is_armed or cancels) and parent.cancel_reason is None:
        yield OrderCancelAsked(at=now, order_id=parent.order_id, by=by, reason=f"kill switch: {why}")


def release_record(release: ReleaseKill, state: EngineState, now: Timestamp) -> KillSwitchReleased | None:
    """Return the release of the kills of exactly this scope; None when there is none."""
    if all(kill.scope != release.scope for kill in state.kills):
        return None
    return KillSwitchReleased(at=now, by=release.by, second=release.second, reason=release.reason, scope=release.scope)


def resolution(message: Resolve, state: EngineState, now: Timestamp) -> Iterator[Resolved]:
    """Yield one record for each child or parent that the word settles; none where it fits nothing."""
    for subject in _subjects(message, state):
        yield Resolved(at=now, subject=subject, outcome=message.outcome, by=message.by, reason=message.reason)


def unsettled(message: Resolve, state: EngineState) -> str | None:
    """Say why a word settles nothing of a child that is known; None where there is nothing to say."""
    child = state.children.get(message.subject)
    if child is not None and child.state is not OrderState.UNKNOWN:
        return f"{child.child_id} is not in doubt: it is {child.state}"
    if message.outcome is not Resolution.NEVER_ARRIVED:
        return None
    for child in _named(message.subject, state):
        if child.state is OrderState.UNKNOWN and not _fits(child, message.outcome):
            known = f"{quantity_number(child.filled)} of it filled" if child.filled else "the broker acknowledged it"
            return f"{child.child_id} did arrive, {known}: say cancelled or working"
    return None


def switch(message: SwitchRule, state: EngineState, now: Timestamp) -> Iterator[RuleSwitched]:
    """Yield the switching of a rule; nothing when it stands so already."""
    if state.rules[message.rule] != message.on:
        yield RuleSwitched(at=now, rule=message.rule, on=message.on, by=message.by)


def registration(message: RegisterInstrument, state: EngineState, now: Timestamp) -> Iterator[InstrumentRegistered]:
    """Yield the registration of an instrument; nothing when the journal has it already, ladder and days off included.

    Raises:
        BadInput: when the symbol stands for something else.
    """
    symbol = message.instrument.symbol
    known = state.instruments.get(symbol)
    if known and not (known.differs_in_days_only(message.instrument) or known.is_same_contract(message.instrument)):
        raise BadInput(f"{symbol} is registered as another instrument already")
    if symbol not in state.registered or known != message.instrument:
        yield InstrumentRegistered(at=now, instrument=message.instrument, by=message.by, reason=message.reason)


def profile_setting(message: SetVolumeProfile, state: EngineState, now: Timestamp) -> Iterator[VolumeProfileSet]:
    """Yield the new volume profile of a symbol; nothing when it is followed already."""
    if state.profiles.get(message.symbol, ()) != message.weights:
        yield VolumeProfileSet(
            at=now, symbol=message.symbol, weights=message.weights, by=message.by, source=message.source
        )


def importation(
    message: ImportOrders,
    state: EngineState,
    against: Callable[[Collection[ParentState]], Iterable[str]],
    now: Timestamp,
) -> Iterator[AnyRecord]:
    """Yield the taking over of the orders that are not known here, and their records as they were.

    Args:
        message: the records.
        state: what is known here.
        against: says why live orders may not be worked here.
        now: the present instant.

    Raises:
        BadInput: when the records do not make up whole orders, or hold anything else, or their orders are beyond what
            may be worked here; nothing is taken over.
    """
    orders = _by_order(message.records)
    known = [order_id for order_id, records in orders.items() if _is_known(records[0], state)]
    fresh = [record for order_id, records in orders.items() if order_id not in known for record in records]
    trial = EngineState(state.instruments, lambda _parent: None)
    try:
        trial.replay(fresh)
    except (KeyError, AssertionError, QuietfillError) as error:
        raise BadInput(f"the orders cannot be imported: {type(error).__name__}: {error}") from None
    reasons = list(against(trial.live.values()))
    if reasons:
        more = f"; and {len(reasons) - _TOLD} more" if len(reasons) > _TOLD else ""
        raise BadInput(f"the orders cannot be imported: {'; '.join(reasons[:_TOLD])}{more}")
    for order_id in sorted(known):
        text = "an import brought it again; what is known here was kept"
        yield AlertRaised(at=now, subject=order_id, severity="warning", text=text)
    if trial.parents:
        yield OrdersImported(at=now, orders=tuple(trial.parents), by=message.by, records=len(fresh))
    yield from fresh


def _by_order(records: Sequence[AnyRecord]) -> dict[str, list[AnyRecord]]:
    """Return the records of each order, in their order."""
    orders: dict[str, list[AnyRecord]] = {}
    owner: dict[str, str] = {}
    for record in records:
        if isinstance(record, OrderAccepted):
            orders.setdefault(record.order_id, [])
            owner[record.order_id] = record.order_id
        elif isinstance(record, ChildRequested):
            owner[record.child_id] = record.order_id
        subject = next((getattr(record, name) for name in _SUBJECTS if hasattr(record, name)), None)
        order_id = owner.get(str(subject))
        if order_id in orders:
            orders[order_id].append(record)
        elif not isinstance(record, _OF_THE_HOUSE):
            raise BadInput(f"the orders cannot be imported: {type(record).__name__} is of no order among them")
    return orders


_TOLD = 3
"""How many reasons against an import are told."""

_SUBJECTS = ("child_id", "order_id", "subject")
_OF_THE_HOUSE = (AlertRaised, DecisionReceived, RunStarted, RunEnded, Reconciled, InstrumentRegistered)
"""May stand among the records of a journal and are left where they are."""


def _is_known(record: AnyRecord, state: EngineState) -> bool:
    if not isinstance(record, OrderAccepted):
        raise BadInput("the orders cannot be imported: an order does not begin with its acceptance")
    return record.order_id in state.parents or record.decision_id in state.decisions


def _unprotected(parent: ParentState, now: Timestamp) -> AlertRaised:
    quantity = quantity_number(parent.leaves)
    text = f"stop disarmed by the kill switch: {parent.side} {quantity} {parent.symbol} is unprotected"
    return AlertRaised(at=now, subject=parent.order_id, severity="critical", text=text)


def _subjects(message: Resolve, state: EngineState) -> Sequence[str]:
    if message.outcome is Resolution.GO_ON and message.subject not in state.children:
        return [parent.order_id for parent in _parents(message.subject, state) if parent.frozen_reason is not None]
    return [child.child_id for child in _named(message.subject, state) if _fits(child, message.outcome)]


def _named(subject: str, state: EngineState) -> Sequence[ChildState]:
    """Return the child of this name, or what works of the order or the symbol."""
    child = state.children.get(subject)
    if child is not None:
        return [child]
    return [child for parent in _parents(subject, state) for child in parent.live_children.values()]


def _parents(subject: str, state: EngineState) -> Sequence[ParentState]:
    one = state.live.get(subject)
    return [one] if one is not None else list(state.live_by_symbol.get(subject, {}).values())


def _fits(child: ChildState, outcome: Resolution) -> bool:
    """Only what is in doubt needs a word; and what the broker acknowledged or filled did arrive."""
    if child.state is not OrderState.UNKNOWN or outcome is Resolution.GO_ON:
        return False
    return outcome is not Resolution.NEVER_ARRIVED or not (child.is_acknowledged or child.filled)
