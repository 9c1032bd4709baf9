"""`Engine.handle(message, now) -> records`: decide, apply, and look again at the parents concerned.

The engine is synchronous and deterministic. It never reads a clock, never does I/O, never waits. Its
caller journals the records it returns, and asks `release` which requests may leave once they are
durable. The same calls are made by the asyncio runtime and by the simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.algos.base import AlgoParams
from quietfill.algos.registry import AcceptedAlgos, AlgoRegistry, parse_params
from quietfill.domain.execution_report import ExecutionReport
from quietfill.domain.messages import (
    AmendOrder,
    AnyMessage,
    BookUpdate,
    BrokerSnapshot,
    CancelOrder,
    EndRun,
    ImportOrders,
    Kill,
    LinkState,
    NewOrder,
    PauseOrder,
    RefuseOrder,
    RegisterInstrument,
    ReleaseKill,
    RememberDecision,
    Resolve,
    ResumeOrder,
    SetVolumeProfile,
    StartRun,
    SwitchRule,
)
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    CancelRequested,
    ChildInDoubt,
    ChildRequested,
    DecisionReceived,
    LinkChanged,
    OrderCancelAsked,
    OrderPaused,
    OrderRefused,
    OrderResumed,
    ReplaceRequested,
    Resolved,
    RunEnded,
    RunStarted,
    ScheduleRebased,
    WireRequest,
)
from quietfill.domain.types import quantity_number
from quietfill.engine.acts import (
    endings,
    importation,
    kill_records,
    profile_setting,
    registration,
    release_record,
    resolution,
    switch,
)
from quietfill.engine.admission import Admission
from quietfill.engine.amendment import amendment
from quietfill.engine.exits import Exits
from quietfill.engine.observed import ObservedMarkets
from quietfill.engine.pacing import Pacer
from quietfill.engine.planning import Planner
from quietfill.engine.reconcile import Reconciliation
from quietfill.engine.reports import consequences
from quietfill.engine.sender import Sender
from quietfill.engine.state import EngineState
from quietfill.engine.timers import Timers
from quietfill.risk.limits import RiskLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from quietfill.domain.instrument import Instrument
    from quietfill.domain.types import Timestamp
    from quietfill.engine.parent import ParentState
    from quietfill.engine.settings import EngineSettings
    from quietfill.market.triggers import Trigger


_EXITS = ""
"""Key of the timer of exits; no order has it."""

_HOLDINGS = "\0holdings"
"""Key of the timer at which the broker is asked what the accounts hold."""


class Engine:
    """The one decider of an agent."""

    def __init__(
        self,
        instruments: dict[str, Instrument],
        algos: AlgoRegistry,
        settings: EngineSettings,
        limits: RiskLimits | None = None,
    ) -> None:
        """Start empty; `restore` replays a journal."""
        self.settings = settings
        self.algos = algos
        self.state = EngineState(instruments, self._resolve_params)
        self.observed = ObservedMarkets(self.state)
        self._pacer = Pacer(settings)
        self._sender = Sender(self.state, self.observed, settings.quote_age_limit)
        self._timers = Timers()
        self._exits = Exits(self.state)
        self._accepted = AcceptedAlgos(algos)
        self._planner = Planner(self.state, self.observed, settings, self._accepted, self._pacer, self._emit)
        self._admission = Admission(self.state, self.observed, settings, limits or RiskLimits(), algos)
        self._reconciliation = Reconciliation(settings.request_timeout)
        self._dirty: dict[str, ParentState] = {}
        self._records: list[AnyRecord] = []
        self._reconciling = False
        self._watches_holdings = False
        self._decide: dict[type, Callable[[Any, Timestamp], None]] = {
            BookUpdate: self._book_update,
            ExecutionReport: self._report,
            NewOrder: self._new_order,
            CancelOrder: self._cancel_order,
            AmendOrder: self._amend_order,
            PauseOrder: self._pause_order,
            ResumeOrder: self._resume_order,
            Kill: self._kill,
            ReleaseKill: self._release_kill,
            LinkState: self._link_state,
            BrokerSnapshot: self._snapshot,
            StartRun: self._start_run,
            EndRun: self._end_run,
            RememberDecision: self._remember,
            RefuseOrder: self._refuse,
            Resolve: self._resolve,
            SwitchRule: self._switch_rule,
            RegisterInstrument: self._register,
            SetVolumeProfile: self._set_profile,
            ImportOrders: self._import_orders,
        }

    # The four calls of the shell

    def handle(self, message: AnyMessage, now: Timestamp) -> list[AnyRecord]:
        """Decide what *message* means at *now*; return the records, already applied."""
        self._decide[type(message)](message, now)
        return self._take_records(now)

    def wake(self, now: Timestamp) -> list[AnyRecord]:
        """Look at every parent whose time has come; return the records."""
        for order_id in self._timers.take_due(now):
            if order_id == _HOLDINGS:
                self._planner.questions.add(order_id)
                self._timers.set(_HOLDINGS, now + self.settings.silence)
            elif order_id != _EXITS:
                self._touch(self.state.parents[order_id])
        return self._take_records(now)

    def next_wake(self) -> Timestamp | None:
        """Return when `wake` is next needed, if at all."""
        return self._timers.next_at()

    def release(self, committed: int, now: Timestamp) -> tuple[list[WireRequest], list[AnyRecord]]:
        """Return the requests that may leave now that records up to *committed* are durable.

        The second gate is here, in the step that sends. The records returned beside them (withdrawn
        requests and what follows from them) must be journaled like any others.
        """
        leaving, withdrawn = self._sender.release(committed, now)
        for record in withdrawn:
            self._emit(record)
            self._touch(self.state.parent_of(record.child_id))
        return leaving, (self._take_records(now) if withdrawn else [])

    def stop_new_risk(self, reason: str, now: Timestamp) -> list[AnyRecord]:
        """After a bug of ours: bar new risk for everything, say so, and look at nobody who may meet it again."""
        self._dirty.clear()
        self._kill(Kill(kill_id=f"engine:{now}", by="engine", reason=reason, cancel_pending=False), now)
        self._emit(AlertRaised(at=now, subject="engine", severity="critical", text=f"new risk is stopped: {reason}"))
        records, self._records = self._records, []
        return records

    # What the shell may ask

    def serve_accounts(self, accounts: Collection[str], own: str | None) -> None:
        """Refuse new orders for others from now on; *own* is the account of those that name none, if there is one."""
        self._admission.serve(accounts, own)

    @property
    def is_idle(self) -> bool:
        """Whether no decided request waits for its commit."""
        return self._sender.is_idle

    @property
    def is_reconciling(self) -> bool:
        """Whether a restart waits for the broker's word before anything new is sent."""
        return self._reconciling

    def watch_holdings(self) -> None:
        """Have the broker asked from time to time what the accounts hold; for one that says it."""
        self._watches_holdings = True

    def triggers(self, symbol: str) -> list[Trigger]:
        """Return every market condition that a live parent of *symbol* waits for."""
        return [trigger for parent in self.state.live_by_symbol.get(symbol, {}).values() for trigger in parent.triggers]

    def take_questions(self) -> set[str]:
        """Return the children that the broker must be asked about, and forget that they were asked for."""
        questions, self._planner.questions = self._planner.questions, set()
        return questions

    def urgent_cancels(self) -> list[WireRequest]:
        """Take out the cancels that wait for a commit: they may leave when the journal is dead."""
        return self._sender.urgent_cancels()

    def placements_this_minute(self, now: Timestamp) -> int:
        """Return how many placements the last minute saw."""
        return self._pacer.placements_this_minute(now)

    # Start-up is recovery

    def restore(self, records: Iterable[AnyRecord]) -> None:
        """Replay a journal into an empty engine."""
        assert self.state.sequence == 0, "only an empty engine can be restored"
        self.state.replay(records)
        self._reconciling = bool(self.state.live)  # what is heard before `recover` is booked, nothing is asked for

    def recover(self, now: Timestamp) -> list[AnyRecord]:
        """After `restore`: every request without an answer is in doubt until a `BrokerSnapshot` comes."""
        self._reconciling = bool(self.state.live)
        self._doubt_unanswered("the process ended before the answer came", now)
        for parent in filter(self._planner.watches, self.state.live.values()):
            self._touch(parent)
        self._reconciliation.holdings.began = now
        if self._watches_holdings:
            self._timers.set(_HOLDINGS, now + self.settings.request_timeout)
        return self._take_records(now)

    # Deciding, one message kind each

    def _book_update(self, book: BookUpdate, _now: Timestamp) -> None:
        self.observed.update(book)
        parents = self.state.live_by_symbol.get(book.symbol)
        if not parents:
            return
        for parent in parents.values():
            if not parent.has_arrival or (parent.triggers and self._meets(parent)):
                self._touch(parent)

    def _meets(self, parent: ParentState) -> bool:
        """Say whether the market has met a condition that *parent* waits for."""
        view = self.observed.view(parent.symbol)
        return any(view.meets(trigger) for trigger in parent.triggers)

    def _report(self, report: ExecutionReport, now: Timestamp) -> None:
        for record in consequences(report, self.state, self.observed, now):
            self._emit(record)
        if report.child_id in self.state.children:
            child = self.state.children[report.child_id]
            parent = self.state.parents[child.order_id]
            parent.heard_at = now
            self._touch(parent)
            if child.is_asked_about:
                self._planner.questions.add(child.child_id)

    def _new_order(self, order: NewOrder, now: Timestamp) -> None:
        for record in self._admission.decide(order, now):
            self._emit(record)
        parent = self.state.live.get(order.order_id)
        if parent is not None:
            self._touch(parent)

    def _cancel_order(self, message: CancelOrder, now: Timestamp) -> None:
        parent = self.state.live.get(message.order_id)
        if parent is not None and parent.cancel_reason is None:
            self._emit(OrderCancelAsked(at=now, order_id=parent.order_id, by=message.by, reason=message.reason))
            self._touch(parent)

    def _amend_order(self, message: AmendOrder, now: Timestamp) -> None:
        parent = self.state.live.get(message.order_id)
        if parent is None:
            return
        before = parent.amendments
        for record in amendment(parent, message, self.algos, self._admission, now):
            self._emit(record)
        if parent.amendments > before:
            self._rebase(parent, now, "amended")

    def _pause_order(self, message: PauseOrder, now: Timestamp) -> None:
        parent = self.state.live.get(message.order_id)
        if parent is not None and not parent.is_paused:
            self._emit(OrderPaused(at=now, order_id=parent.order_id, by=message.by, reason=message.reason))
            self._touch(parent)

    def _resume_order(self, message: ResumeOrder, now: Timestamp) -> None:
        parent = self.state.live.get(message.order_id)
        if parent is not None and parent.is_paused:
            self._emit(OrderResumed(at=now, order_id=parent.order_id, by=message.by, reason=message.reason))
            self._rebase(parent, now, "resumed")

    def _kill(self, kill: Kill, now: Timestamp) -> None:
        for record in kill_records(kill, self.state, self._accepted, now):
            self._emit(record)
            if isinstance(record, OrderCancelAsked):
                self._touch(self.state.parents[record.order_id])

    def _release_kill(self, release: ReleaseKill, now: Timestamp) -> None:
        record = release_record(release, self.state, now)
        if record is None:
            return
        self._emit(record)
        for parent in list(self.state.live.values()):
            if release.scope.covers(parent.symbol, parent.account):
                self._rebase(parent, now, "kill switch released")

    def _resolve(self, message: Resolve, now: Timestamp) -> None:
        for record in resolution(message, self.state, now):
            self._emit(record)
            parent = self.state.parents.get(record.subject)
            if parent is None:
                self._touch(self.state.parent_of(record.subject))
            else:
                self._rebase(parent, now, f"{message.by} lets it go on")

    def _switch_rule(self, message: SwitchRule, now: Timestamp) -> None:
        for record in switch(message, self.state, now):
            self._emit(record)
        for parent in self.state.live.values():
            self._touch(parent)

    def _register(self, message: RegisterInstrument, now: Timestamp) -> None:
        for record in registration(message, self.state, now):
            self._emit(record)
            self.observed.forget_views(message.instrument.symbol)

    def _set_profile(self, message: SetVolumeProfile, now: Timestamp) -> None:
        for record in profile_setting(message, self.state, now):
            self._emit(record)
            for parent in self.state.live_by_symbol.get(message.symbol, {}).values():
                self._touch(parent)

    def _import_orders(self, message: ImportOrders, now: Timestamp) -> None:
        before = set(self.state.live)
        for record in importation(message, self.state, self._admission.import_reasons, now):
            self.state.apply(record)  # requests among them left long ago, from another process
            self._records.append(record)
        taken = [parent for order_id, parent in self.state.live.items() if order_id not in before]
        if not taken:
            return
        self._doubt_unanswered("imported from another journal", now)
        self._reconciling = True
        self._planner.questions.update(parent.order_id for parent in taken)
        for parent in taken:
            self._end_if_killed(parent, now)

    def _end_if_killed(self, parent: ParentState, now: Timestamp) -> None:
        """A kill that is in force covers what is taken over like what was there."""
        for kill in self.state.kills:
            if kill.scope.covers(parent.symbol, parent.account):
                cancels, why = kill.cancel_pending or kill.close_positions, kill.reason
                for record in endings(parent, self._accepted, by=kill.by, why=why, cancels=cancels, now=now):
                    self._emit(record)
                self._touch(parent)

    def _link_state(self, link: LinkState, now: Timestamp) -> None:
        if link.up == self.state.link_up:
            return
        self._emit(LinkChanged(at=now, up=link.up, reason=link.reason))
        self._reconciling = link.up and bool(self.state.live)
        if link.up:
            self._doubt_unanswered("the line broke before the answer came", now)

    def _snapshot(self, snapshot: BrokerSnapshot, now: Timestamp) -> None:
        was_reconciling, self._reconciling = self._reconciling, False
        for record in self._reconciliation.settle(snapshot, self.state, now, is_routine=not was_reconciling):
            self._emit(record)
        if self._reconciliation.holdings.look_again:
            self._timers.set(_HOLDINGS, now + self.settings.request_timeout)
        for parent in list(self.state.live.values()):
            if was_reconciling and parent.has_arrival:
                self._rebase(parent, now, "restarted")
            self._touch(parent)

    def _start_run(self, message: StartRun, now: Timestamp) -> None:
        self._emit(RunStarted(at=now, run_id=message.run_id, details=message.details))

    def _end_run(self, message: EndRun, now: Timestamp) -> None:
        self._emit(RunEnded(at=now, reason=message.reason))

    def _remember(self, message: RememberDecision, now: Timestamp) -> None:
        if message.decision_id not in self.state.decisions and message.decision_id not in self.state.remembered:
            self._emit(DecisionReceived(at=now, decision_id=message.decision_id, content=message.content))

    def _refuse(self, message: RefuseOrder, now: Timestamp) -> None:
        first = self.state.decisions.get(message.decision_id)
        self._emit(
            OrderRefused(
                at=now,
                order_id=message.order_id,
                decision_id=message.decision_id,
                symbol=message.symbol,
                reasons=message.reasons,
                duplicate_of=first,
                final=message.final,
            )
        )

    # Common steps

    def _doubt_unanswered(self, reason: str, now: Timestamp) -> None:
        for parent in list(self.state.live.values()):
            for child in list(parent.live_children.values()):
                if child.awaits_answer:
                    self._emit(ChildInDoubt(at=now, child_id=child.child_id, reason=reason))

    def _rebase(self, parent: ParentState, now: Timestamp, reason: str) -> None:
        """Spread what was missed over the time that is left, instead of firing it at once."""
        self.observed.observe(parent)
        self._emit(
            ScheduleRebased(
                at=now,
                order_id=parent.order_id,
                start=max(now, parent.start),
                filled=parent.filled,
                market_volume=parent.market_volume,
                reason=reason,
            )
        )
        self._touch(parent)

    def _touch(self, parent: ParentState) -> None:
        self._dirty[parent.order_id] = parent

    def _emit(self, record: AnyRecord) -> None:
        """Apply a record and keep it for the journal; a request also waits at the second gate."""
        self.state.apply(record)
        self._records.append(record)
        if isinstance(record, (ChildRequested, ReplaceRequested, CancelRequested)):
            self._sender.wait(self.state.sequence, record)
        named = record.subject if isinstance(record, Resolved) else getattr(record, "child_id", "")
        child = self.state.children.get(named)
        if child is not None:
            self.observed.forget_views(child.symbol)

    def _take_records(self, now: Timestamp) -> list[AnyRecord]:
        self._close_positions(now)
        if self._dirty:  # mostly nobody is: a quote, an answer to a question, a wake before its time
            self._look_at_dirty(now)
        records, self._records = self._records, []
        return records

    def _look_at_dirty(self, now: Timestamp) -> None:
        self._planner.is_reconciling = self._reconciling
        while parents := [parent for parent in self._dirty.values() if self._may_act(parent)]:
            if len(parents) > 1:
                parents.sort(key=_priority)
            for parent in parents:
                del self._dirty[parent.order_id]
                self._timers.set(parent.order_id, self._planner.look(parent, now))
            self._close_positions(now)

    def _close_positions(self, now: Timestamp) -> None:
        if not self.state.kills:
            return
        if self._exits.is_wanted and self.state.link_up and not self._reconciling:
            for due in list(self._exits.due(now)):
                if isinstance(due, AlertRaised):
                    self._emit(due)
                else:
                    self._exit(due, now)
        self._timers.set(_EXITS, self._exits.next_at(now))

    def _exit(self, order: NewOrder, now: Timestamp) -> None:
        self._new_order(order, now)
        if order.order_id not in self.state.live:
            text = f"the kill's exit was refused: {order.side} {quantity_number(order.quantity)} {order.symbol}"
            self._emit(AlertRaised(at=now, subject=order.order_id, severity="critical", text=text))

    def _may_act(self, parent: ParentState) -> bool:
        """While the broker's word is awaited nothing is asked for, except that what was cancelled goes.

        A stop that waits for its trigger watches on: what it sees then is latched.
        """
        return not self._reconciling or parent.cancel_reason is not None or self._planner.watches(parent)

    def _resolve_params(self, parent: ParentState) -> None:
        is_known = parent.algo in self.algos
        parent.params = parse_params(self.algos.get(parent.algo), parent.raw_params) if is_known else AlgoParams()


def _priority(parent: ParentState) -> tuple[int, int, str]:
    """Exits first, then parents that cross, then the oldest."""
    ending = parent.cancel_reason is not None
    crossing = any(child.crossing for child in parent.live_children.values())
    return (0 if ending else 1 if crossing else 2, parent.accepted.at, parent.order_id)
