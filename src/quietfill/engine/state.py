"""What the engine knows, as a fold over records.

`EngineState.apply` is the only place that changes it, and it decides nothing: given a record it
books the fact. So any prefix of a journal gives a legal state, and replaying all of it *is* recovery.
What is merely observed (quotes, volume, timers) is not here but in `engine/watch.py`.
"""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.errors import JournalError
from quietfill.domain.messages import Resolution, Rule
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    AnyRecord,
    ArrivalQuoted,
    CancelRefused,
    CancelRequested,
    ChildAcknowledged,
    ChildAdopted,
    ChildAssumedCancelled,
    ChildDone,
    ChildFilled,
    ChildInDoubt,
    ChildNoted,
    ChildRequested,
    DecisionReceived,
    FillRevised,
    InstrumentRegistered,
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    MemoKept,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderDone,
    OrderFrozen,
    OrderPaused,
    OrderRefused,
    OrderResumed,
    OrdersImported,
    Reconciled,
    ReplaceConfirmed,
    ReplaceRefused,
    ReplaceRequested,
    RequestWithdrawn,
    Resolved,
    RuleSwitched,
    RunEnded,
    RunStarted,
    ScheduleRebased,
    VolumeProfileSet,
    WorkingMark,
)
from quietfill.domain.types import TimeInForce
from quietfill.engine.child import ChildState
from quietfill.engine.parent import ParentState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quietfill.domain.execution_report import Fill
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.types import Quantity, Timestamp

_DAY = 86_400 * 10**9
FINISHED_KEPT = 1_000
"""Ended parents held in memory, so that late fills and repeats still find them."""


class SymbolTotals:
    """What we traded in one instrument on the current UTC day, and in all."""

    __slots__ = ("day", "filled_today", "position", "traded", "traded_value")

    def __init__(self) -> None:
        """Start with nothing traded."""
        self.day = -1
        self.filled_today: Quantity = 0
        self.position: Quantity = 0
        self.traded: Quantity = 0
        self.traded_value = 0

    def traded_before(self, at: Timestamp) -> Quantity:
        """Return what we traded on the UTC days before that of *at*."""
        return self.traded - (self.filled_today if self.day == at // _DAY else 0)

    def book(self, sign: int, fill: Fill) -> None:
        """Add one execution, bought for +1 and sold for -1."""
        day = fill.exchange_time // _DAY
        if day != self.day:
            self.day, self.filled_today = day, 0
        self.filled_today += fill.quantity
        self.traded += fill.quantity
        self.traded_value += fill.quantity * fill.price
        self.position += sign * fill.quantity

    def revise(self, sign: int, more: Quantity, value: int, at: Timestamp) -> None:
        """Add what a correction changed of an execution that was made at *at*."""
        if at // _DAY == self.day:
            self.filled_today += more
        self.traded += more
        self.traded_value += value
        self.position += sign * more


class EngineState:
    """Everything that must survive a restart."""

    def __init__(self, instruments: dict[str, Instrument], resolve_params: Callable[[ParentState], None]) -> None:
        """Start empty.

        Args:
            instruments: the instrument table, by symbol.
            resolve_params: turns a parent's journaled parameters into its algo's typed ones.
        """
        self.sequence = 0
        self.instruments = instruments
        self.parents: dict[str, ParentState] = {}
        self.live: dict[str, ParentState] = {}
        self.live_by_symbol: dict[str, dict[str, ParentState]] = {}
        self.children: dict[str, ChildState] = {}
        self.finished: deque[ParentState] = deque()
        self.decisions: dict[str, str] = {}
        self.remembered: dict[str, DecisionReceived] = {}
        self.kills: list[KillSwitchEngaged] = []
        self.totals: dict[str, SymbolTotals] = {}
        self.positions: dict[tuple[str, str | None], Quantity] = {}
        self.others: dict[tuple[str, str], Quantity] = {}
        """What accounts hold beyond what we traded, by symbol and account, as far as the broker said."""
        self.profiles: dict[str, tuple[float, ...]] = {}
        self.link_up = True
        self.last_at: Timestamp = 0
        self.runs: list[RunStarted] = []
        self.ended: RunEnded | None = None
        self.messages_sent = 0
        self.alerts: list[AlertRaised] = []
        self.rules = dict.fromkeys(Rule, True)
        self.registered: set[str] = set()
        self.resolutions = 0
        self._resolve_params = resolve_params
        self._book = self._bookings()

    def _bookings(self) -> dict[type, Callable[..., None]]:
        """Return what books each kind of record."""
        return {
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            DecisionReceived: self._decision_received,
            OrderAccepted: self._accepted,
            ArrivalQuoted: self._arrival_quoted,
            OrderRefused: self._refused,
            OrderAmended: self._amended,
            AmendRefused: self._nothing,
            OrderPaused: self._paused,
            OrderResumed: self._resumed,
            ScheduleRebased: self._rebased,
            OrderCancelAsked: self._cancel_asked,
            OrderFrozen: self._frozen,
            WorkingMark: self._marked,
            MemoKept: self._memo_kept,
            OrderDone: self._done,
            ChildRequested: self._child_requested,
            ReplaceRequested: self._replace_requested,
            CancelRequested: self._cancel_requested,
            RequestWithdrawn: self._withdrawn,
            ChildAcknowledged: self._acknowledged,
            ChildNoted: self._noted,
            ChildFilled: self._filled,
            FillRevised: self._fill_revised,
            ChildDone: self._child_done,
            ChildAssumedCancelled: self._assumed_cancelled,
            ReplaceConfirmed: self._replaced,
            ReplaceRefused: self._replace_refused,
            CancelRefused: self._cancel_refused,
            ChildInDoubt: self._in_doubt,
            ChildAdopted: self._adopted,
            Resolved: self._resolved,
            RuleSwitched: self._rule_switched,
            InstrumentRegistered: self._instrument_registered,
            VolumeProfileSet: self._profile_set,
            OrdersImported: self._imported,
            KillSwitchEngaged: self._killed,
            KillSwitchReleased: self._released,
            LinkChanged: self._link_changed,
            Reconciled: self._reconciled,
            AlertRaised: self._alerted,
        }

    def apply(self, record: AnyRecord) -> None:
        """Book one record."""
        self._book[type(record)](record)
        self.sequence += 1  # after it: a record that cannot be booked is none, and the journal counts alike
        self.last_at = max(self.last_at, record.at)  # an import brings older ones

    def replay(self, records: Iterable[AnyRecord]) -> None:
        """Book a journal's records in order."""
        for record in records:
            self.apply(record)

    def is_killed(self, symbol: str, account: str | None) -> bool:
        """Say whether new risk is barred for this symbol and account."""
        return any(kill.scope.covers(symbol, account) for kill in self.kills)

    def bars(self, parent: ParentState) -> bool:
        """Say whether a kill bars new risk for this parent; the exit of a kill that is in force is none."""
        return self.is_killed(parent.symbol, parent.account) and not self.is_exit(parent)

    def is_exit(self, parent: ParentState) -> bool:
        """Say whether a kill that is in force asked for this parent itself."""
        asked_by = parent.accepted.flattens
        return asked_by is not None and any(kill.kill_id == asked_by for kill in self.kills)

    def bars_child(self, child: ChildState) -> bool:
        """Say whether a kill bars new risk for this child."""
        return self.bars(self.parents[child.order_id])

    def parent_of(self, child_id: str) -> ParentState:
        """Return the parent that a child belongs to."""
        return self.parents[self.children[child_id].order_id]

    # Runs and decisions

    def _run_started(self, record: RunStarted) -> None:
        self.runs.append(record)
        self.ended = None

    def _run_ended(self, record: RunEnded) -> None:
        self.ended = record

    def _decision_received(self, record: DecisionReceived) -> None:
        self.remembered[record.decision_id] = record

    # Parents

    def _accepted(self, record: OrderAccepted) -> None:
        instrument = self.instruments.get(record.symbol)
        if instrument is None:  # only a replay can meet this: admission knows every symbol it accepts
            raise JournalError(f"order {record.order_id} is in {record.symbol}, and no such instrument is registered")
        parent = ParentState(record, instrument)
        self._resolve_params(parent)
        self.parents[record.order_id] = parent
        self.live[record.order_id] = parent
        self.live_by_symbol.setdefault(record.symbol, {})[record.order_id] = parent
        self.decisions[record.decision_id] = f"accepted as order {record.order_id}"
        self.remembered.pop(record.decision_id, None)

    def _arrival_quoted(self, record: ArrivalQuoted) -> None:
        self.parents[record.order_id].set_arrival(record)

    def _refused(self, record: OrderRefused) -> None:
        if not record.final:
            return
        self.remembered.pop(record.decision_id, None)
        if record.duplicate_of is None:
            self.decisions[record.decision_id] = "refused: " + "; ".join(record.reasons)

    def _amended(self, record: OrderAmended) -> None:
        parent = self.parents[record.order_id]
        parent.amend(record)
        self._resolve_params(parent)

    def _paused(self, record: OrderPaused) -> None:
        self.parents[record.order_id].is_paused = True

    def _resumed(self, record: OrderResumed) -> None:
        self.parents[record.order_id].is_paused = False

    def _rebased(self, record: ScheduleRebased) -> None:
        parent = self.parents[record.order_id]
        parent.schedule_start = record.start
        parent.schedule_filled = record.filled
        parent.schedule_volume = record.market_volume
        parent.rebases += 1

    def _cancel_asked(self, record: OrderCancelAsked) -> None:
        self.parents[record.order_id].cancel_reason = record.reason or f"cancelled by {record.by}"

    def _frozen(self, record: OrderFrozen) -> None:
        self.parents[record.order_id].frozen_reason = record.reason

    def _marked(self, record: WorkingMark) -> None:
        self.parents[record.order_id].mark = record

    def _memo_kept(self, record: MemoKept) -> None:
        self.parents[record.order_id].memo = MappingProxyType(record.memo)

    def _done(self, record: OrderDone) -> None:
        parent = self.parents[record.order_id]
        parent.move_to(record.state)
        parent.timed_out = record.timed_out
        parent.done_at, parent.done_reason = record.at, record.reason
        self.live.pop(record.order_id, None)
        self.live_by_symbol[parent.symbol].pop(record.order_id, None)
        self.finished.append(parent)
        if len(self.finished) > FINISHED_KEPT:
            self._forget(self.finished.popleft())

    def _forget(self, parent: ParentState) -> None:
        """Drop a parent that ended long ago. Its decision stays used up; the rest is in the journal."""
        del self.parents[parent.order_id]
        for child in parent.children():
            del self.children[child.child_id]

    # Children: what we asked

    def _child_requested(self, record: ChildRequested) -> None:
        parent = self.parents[record.order_id]
        child = ChildState(record, parent.children_count)
        self.children[record.child_id] = child
        parent.add_child(child)
        self.messages_sent += 1

    def _replace_requested(self, record: ReplaceRequested) -> None:
        self.children[record.child_id].ask_replace(record)
        self.messages_sent += 1

    def _cancel_requested(self, record: CancelRequested) -> None:
        self.children[record.child_id].ask_cancel(record)
        self.messages_sent += 1

    def _withdrawn(self, record: RequestWithdrawn) -> None:
        child = self.children[record.child_id]
        self.messages_sent -= 1 + (child.cancel_pending and not record.revision)
        if record.revision:
            child.drop_replace(record.at)
            self._retire_if_filled(child, record.at)
        else:
            child.end(OrderState.FAILED, 0, record.reason, record.at)
            self._retire(child)

    # Children: what the broker said

    def _acknowledged(self, record: ChildAcknowledged) -> None:
        self.children[record.child_id].acknowledge(record)

    def _noted(self, record: ChildNoted) -> None:
        self.children[record.child_id].note = record.note

    def _filled(self, record: ChildFilled) -> None:
        child = self.children[record.child_id]
        child.book_fill(record.fill, record.at)
        parent = self.parents[child.order_id]
        parent.book_fill(record.fill)
        totals = self.totals.setdefault(child.symbol, SymbolTotals())
        totals.book(child.side.sign, record.fill)
        self._hold(parent, record.fill.quantity)
        self._retire_if_filled(child, record.at)

    def _fill_revised(self, record: FillRevised) -> None:
        child = self.children[record.child_id]
        more, value = child.revise_fill(record.fill)
        parent = self.parents[child.order_id]
        parent.revise_fill(more, value)
        self._hold(parent, more)
        self.totals[child.symbol].revise(child.side.sign, more, value, record.fill.exchange_time)
        self._retire_if_filled(child, record.at)

    def _hold(self, parent: ParentState, more: Quantity) -> None:
        holding = parent.symbol, parent.account
        self.positions[holding] = self.positions.get(holding, 0) + parent.side.sign * more

    def _retire_if_filled(self, child: ChildState, at: Timestamp) -> None:
        if child.complete_if_filled(at):
            self._retire(child)

    def _child_done(self, record: ChildDone) -> None:
        child = self.children[record.child_id]
        solicited = child.cancel_pending
        is_remainder = record.state is OrderState.CANCELLED and child.time_in_force in _AT_ONCE
        child.end(record.state, record.cumulative, record.reason, record.at)
        parent = self._retire(child)
        if solicited or is_remainder or record.state is OrderState.EXPIRED:
            parent.consecutive_rejects = 0  # it lived its life
        else:
            parent.note_reject(record.reason, record.at)

    def _assumed_cancelled(self, record: ChildAssumedCancelled) -> None:
        child = self.children[record.child_id]
        child.end(OrderState.CANCELLED, record.cumulative, record.reason, record.at)
        self._retire(child)

    def _retire(self, child: ChildState) -> ParentState:
        parent = self.parents[child.order_id]
        parent.retire(child)
        return parent

    def _replaced(self, record: ReplaceConfirmed) -> None:
        child = self.children[record.child_id]
        child.confirm_replace(record)
        self._retire_if_filled(child, record.at)

    def _replace_refused(self, record: ReplaceRefused) -> None:
        child = self.children[record.child_id]
        why = f"change refused: {record.reason}"
        child.drop_replace(record.at, why)
        self._retire_if_filled(child, record.at)
        parent = self.parents[child.order_id]
        if child.is_live:  # a replace that came too late is no fault of ours
            parent.note_reject(why, record.at)

    def _cancel_refused(self, record: CancelRefused) -> None:
        self.children[record.child_id].refuse_cancel(record.at, record.reason)

    def _in_doubt(self, record: ChildInDoubt) -> None:
        self.children[record.child_id].doubt(record.reason)

    def _adopted(self, record: ChildAdopted) -> None:
        child = self.children[record.child_id]
        if child.state is OrderState.FAILED:
            child.revive()
            self.parents[child.order_id].take_back(child)
        child.adopt(record)
        self._retire_if_filled(child, record.at)

    def _resolved(self, record: Resolved) -> None:
        self.resolutions += 1
        parent = self.parents.get(record.subject)
        if parent is not None:
            parent.frozen_reason = None
            parent.consecutive_rejects = 0
            return
        child = self.children[record.subject]
        if record.outcome is Resolution.WORKING:
            child.settle_working(record.at)
            return
        # Given up, like what never arrived: should the broker have it after all, it is taken back with an alarm.
        reason = f"{record.outcome}, says {record.by}: {record.reason}"
        child.write_off(reason, record.at)
        self._retire(child)

    # The house

    def _rule_switched(self, record: RuleSwitched) -> None:
        self.rules[record.rule] = record.on

    def _instrument_registered(self, record: InstrumentRegistered) -> None:
        self.instruments[record.instrument.symbol] = record.instrument
        for parent in self.live_by_symbol.get(record.instrument.symbol, {}).values():
            if parent.instrument.ticks != record.instrument.ticks:  # prices move in other steps from now on
                parent.instrument = msgspec.structs.replace(parent.instrument, ticks=record.instrument.ticks)
        self.registered.add(record.instrument.symbol)

    def _profile_set(self, record: VolumeProfileSet) -> None:
        self.profiles.pop(record.symbol, None)
        if record.weights:
            self.profiles[record.symbol] = record.weights

    def _killed(self, record: KillSwitchEngaged) -> None:
        self.kills.append(record)

    def _released(self, record: KillSwitchReleased) -> None:
        self.kills = [kill for kill in self.kills if kill.scope != record.scope]

    def _link_changed(self, record: LinkChanged) -> None:
        self.link_up = record.up

    def _imported(self, _record: OrdersImported) -> None:
        self.others.clear()  # what comes is ours from now on, and the broker had it all along

    def _reconciled(self, record: Reconciled) -> None:
        if record.others is not msgspec.UNSET:
            self.others.update({(one.symbol, one.account): one.quantity for one in record.others})

    def _alerted(self, record: AlertRaised) -> None:
        self.alerts.append(record)
        if len(self.alerts) > _ALERTS_KEPT:
            del self.alerts[: _ALERTS_KEPT // 2]

    def _nothing(self, record: AnyRecord) -> None:
        """Some facts are kept for people and change nothing."""


_ALERTS_KEPT = 1_000
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
"""What the venue ends by itself with something left; nobody refused anything."""
