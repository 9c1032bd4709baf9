"""The records of a journal, sorted by order: all that cost analysis knows of what we did.

`Ledger` is a fold over records and needs nothing else, so a report can be made from a journal alone,
while it grows or years later. It shares no state with the engine, which keeps only what deciding needs.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import msgspec

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
from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp
from quietfill.tca.children import BookedFill, ChildLedger, revise_booked
from quietfill.tca.fill_times import at_a_possible_time

if TYPE_CHECKING:
    from collections.abc import Iterable

Notice: TypeAlias = (
    KillSwitchEngaged | KillSwitchReleased | LinkChanged | Reconciled | Resolved | RuleSwitched | OrdersImported
)
"""What concerned the whole house and may explain an order's course."""


class Pause(msgspec.Struct, kw_only=True):
    """A time in which nothing was to work; `until` is None while it lasts."""

    since: Timestamp
    by: str
    until: Timestamp | None = None


class OrderLedger(msgspec.Struct, kw_only=True):
    """One parent order: its terms, its children, its fills and how it ended.

    Attributes:
        accepted: the terms at acceptance, and the market then.
        quantity, limit_price, start, end, params: the terms in force, amendments included.
        arrival_at, arrival_bid, arrival_ask: the arrival quote and when it was taken; None until there is one.
        fills: in the order in which they were booked.
        ended_at: when it was done; None while it runs.
        end_bid, end_ask: the others' touch then, where it was kept.
        last_at: time of the last record about it.
    """

    accepted: OrderAccepted
    quantity: Quantity
    limit_price: Price | None
    end: Timestamp
    arrival_at: Timestamp
    arrival_bid: Price | None
    arrival_ask: Price | None
    last_at: Timestamp
    state: OrderState = OrderState.CREATED
    children: list[ChildLedger] = []
    fills: list[BookedFill] = []
    filled: Quantity = 0
    value: int = 0
    amendments: list[OrderAmended] = []
    amendments_refused: list[AmendRefused] = []
    pauses: list[Pause] = []
    rebases: list[ScheduleRebased] = []
    alerts: list[AlertRaised] = []
    memos: list[MemoKept] = []
    cancel_asked: OrderCancelAsked | None = None
    frozen_reason: str | None = None
    ended_at: Timestamp | None = None
    end_bid: Price | None = None
    end_ask: Price | None = None
    end_reason: str = ""

    @classmethod
    def of(cls, record: OrderAccepted) -> OrderLedger:
        """Begin with the acceptance."""
        return cls(
            accepted=record,
            quantity=record.quantity,
            limit_price=record.limit_price,
            end=record.end,
            arrival_at=record.at,
            arrival_bid=record.bid,
            arrival_ask=record.ask,
            last_at=record.at,
        )

    @property
    def order_id(self) -> str:
        """The parent's id."""
        return self.accepted.order_id

    @property
    def symbol(self) -> str:
        """The instrument."""
        return self.accepted.symbol

    @property
    def side(self) -> OrderSide:
        """Which way it trades."""
        return self.accepted.side

    @property
    def unfilled(self) -> Quantity:
        """What was asked for and not filled."""
        return max(0, self.quantity - self.filled)

    @property
    def arrival_mid(self) -> Fraction | None:
        """The mid of the arrival quote, in 1e-9 of the currency; None while there is none."""
        if self.arrival_bid is None or self.arrival_ask is None:
            return None
        return Fraction(self.arrival_bid + self.arrival_ask, 2)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the broker said about who works it, each once: on a paper gateway, that a stand-in does."""
        return tuple(dict.fromkeys(child.note for child in self.children if child.note))

    @property
    def algo(self) -> str:
        """What worked it, as figures and reports name it: no figure of a stand-in passes for the broker's."""
        return self.accepted.algo + (" (stand-in)" if self.notes else "")

    @property
    def first_fill_at(self) -> Timestamp | None:
        """Venue time of the first execution."""
        return min((item.fill.exchange_time for item in self.fills), default=None)

    @property
    def last_fill_at(self) -> Timestamp | None:
        """Venue time of the last execution."""
        return max((item.fill.exchange_time for item in self.fills), default=None)

    @property
    def children_sent(self) -> int:
        """How many child orders left for the broker; withdrawn ones are left out."""
        return sum(child.was_sent for child in self.children)

    @property
    def messages(self) -> int:
        """How many placements, replaces and cancels left for the broker; withdrawn ones are left out."""
        return sum(len(child.requests) for child in self.children)

    # Called by the ledger, one record after another

    def quote(self, record: ArrivalQuoted) -> None:
        """Note the arrival quote of an order that was accepted without one."""
        self.arrival_at, self.arrival_bid, self.arrival_ask = record.at, record.bid, record.ask

    def amend(self, record: OrderAmended) -> None:
        """Put changed terms in force."""
        self.amendments.append(record)
        self.quantity = self.quantity if record.quantity is None else record.quantity
        self.limit_price = self.limit_price if record.limit_price is None else record.limit_price
        self.end = self.end if record.end is None else record.end

    def refuse_amendment(self, record: AmendRefused) -> None:
        """Note an amendment that changed nothing."""
        self.amendments_refused.append(record)

    def pause(self, record: OrderPaused) -> None:
        """Note that nothing is to work from here on."""
        self.pauses.append(Pause(since=record.at, by=record.by))

    def resume(self, record: OrderResumed) -> None:
        """Note that it goes on."""
        if self.pauses:
            self.pauses[-1].until = record.at

    def rebase(self, record: ScheduleRebased) -> None:
        """Note that the schedule starts anew."""
        self.rebases.append(record)

    def ask_cancel(self, record: OrderCancelAsked) -> None:
        """Note that somebody asked to stop it."""
        self.cancel_asked = record

    def freeze(self, record: OrderFrozen) -> None:
        """Note why it sends nothing new."""
        self.frozen_reason = record.reason

    def remember(self, record: MemoKept) -> None:
        """Note what its algo remembers from here on, and why."""
        self.memos.append(record)

    def finish(self, record: OrderDone) -> None:
        """Note how it ended."""
        self.state, self.ended_at, self.end_reason = record.state, record.at, record.reason
        self.end_bid, self.end_ask = record.bid, record.ask

    def book(self, record: ChildFilled) -> None:
        """Add one execution to the order's totals."""
        fill = record.fill
        self.fills.append(BookedFill(child_id=record.child_id, booked_at=record.at, fill=fill, marks=record.marks))
        self.filled += fill.quantity
        self.value += fill.quantity * fill.price
        if not self.state.is_terminal:
            self.state = OrderState.PARTIAL

    def revise(self, record: FillRevised) -> None:
        """Replace what was booked of one execution."""
        more, value = revise_booked(self.fills, record)
        self.filled += more
        self.value += value


class Ledger:
    """Everything a journal says, by order.

    Attributes:
        orders: by order id, in the order in which they were accepted.
        refusals: orders that never became one.
        runs: the processes that took the journal over; `run_ended` is the last one's end.
        notices: kills, releases, line changes and reconciliations, in order.
        last_at: time of the last record.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.orders: dict[str, OrderLedger] = {}
        self.refusals: list[OrderRefused] = []
        self.runs: list[RunStarted] = []
        self.run_ended: RunEnded | None = None
        self.notices: list[Notice] = []
        self.last_at: Timestamp = 0
        self._children: dict[str, ChildLedger] = {}
        self._parents: dict[str, OrderLedger] = {}
        self._book: dict[type, Callable[..., None]] = {
            **dict.fromkeys(_OF_CHILD, self._of_child),
            **dict.fromkeys(_OF_ORDER, self._of_order),
            **dict.fromkeys((KillSwitchEngaged, KillSwitchReleased, LinkChanged, Reconciled), self.notices.append),
            **dict.fromkeys((RuleSwitched, OrdersImported), self.notices.append),
            Resolved: self._resolved,
            **dict.fromkeys((DecisionReceived, WorkingMark, InstrumentRegistered, VolumeProfileSet), _of_no_concern),
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            OrderRefused: self.refusals.append,
            OrderAccepted: self._accepted,
            ChildRequested: self._child_requested,
            AlertRaised: self._alerted,
        }

    @classmethod
    def of(cls, records: Iterable[AnyRecord]) -> Ledger:
        """Return the ledger of a whole journal, or of any part from its beginning."""
        ledger = cls()
        for record in records:
            ledger.apply(record)
        return ledger

    def apply(self, record: AnyRecord) -> None:
        """Book one record.

        Raises:
            KeyError: when it speaks of an order or child that no earlier record introduced.
        """
        self.last_at = record.at
        self._book[type(record)](record)

    def forget(self, order_id: str) -> None:
        """Drop an order that ended; no record of it may come after."""
        for child in self.orders.pop(order_id).children:
            del self._children[child.child_id], self._parents[child.child_id]

    def _of_child(self, record: _ChildRecord) -> None:
        order = self._parents[record.child_id]
        child = self._children[record.child_id]
        order.last_at = record.at
        if isinstance(record, (ChildFilled, FillRevised)):
            record = at_a_possible_time(record, child)
        _OF_CHILD[type(record)](child, record)
        if isinstance(record, ChildFilled):
            order.book(record)
        elif isinstance(record, FillRevised):
            order.revise(record)

    def _of_order(self, record: _OrderRecord) -> None:
        order = self.orders[record.order_id]
        order.last_at = record.at
        _OF_ORDER[type(record)](order, record)

    def _resolved(self, record: Resolved) -> None:
        self.notices.append(record)
        child = self._children.get(record.subject)
        if child is None:
            self.orders[record.subject].frozen_reason = None
        else:
            child.resolve(record)

    def _run_started(self, record: RunStarted) -> None:
        self.runs.append(record)
        self.run_ended = None

    def _run_ended(self, record: RunEnded) -> None:
        self.run_ended = record

    def _accepted(self, record: OrderAccepted) -> None:
        self.orders[record.order_id] = OrderLedger.of(record)

    def _child_requested(self, record: ChildRequested) -> None:
        order = self.orders[record.order_id]
        child = ChildLedger.of(record, len(order.children))
        order.children.append(child)
        order.last_at = record.at
        if order.state is OrderState.CREATED:
            order.state = OrderState.WORKING
        self._children[record.child_id], self._parents[record.child_id] = child, order

    def _alerted(self, record: AlertRaised) -> None:
        order = self.orders.get(record.subject) or self._parents.get(record.subject)
        if order is not None:
            order.alerts.append(record)


def _of_no_concern(_record: AnyRecord) -> None:
    """Kept in the journal for others."""


_ChildRecord: TypeAlias = (
    ReplaceRequested | CancelRequested | RequestWithdrawn | ChildAcknowledged | ChildNoted | ChildFilled | FillRevised
    | ChildDone
    | ReplaceConfirmed | ReplaceRefused | CancelRefused | ChildInDoubt | ChildAdopted | ChildAssumedCancelled
)  # fmt: skip

_OF_CHILD: dict[type, Callable[..., None]] = {
    ReplaceRequested: ChildLedger.ask_replace,
    CancelRequested: ChildLedger.ask_cancel,
    RequestWithdrawn: ChildLedger.withdraw,
    ChildAcknowledged: ChildLedger.acknowledge,
    ChildNoted: ChildLedger.take_note,
    ChildFilled: ChildLedger.book,
    FillRevised: ChildLedger.revise,
    ChildDone: ChildLedger.end,
    ChildAssumedCancelled: ChildLedger.assume_cancelled,
    ReplaceConfirmed: ChildLedger.confirm_replace,
    ReplaceRefused: ChildLedger.refuse_replace,
    CancelRefused: ChildLedger.refuse_cancel,
    ChildInDoubt: ChildLedger.doubt,
    ChildAdopted: ChildLedger.adopt,
}

_OrderRecord: TypeAlias = (
    ArrivalQuoted | OrderAmended | AmendRefused | OrderPaused | OrderResumed | ScheduleRebased
    | OrderCancelAsked | OrderFrozen | MemoKept | OrderDone
)  # fmt: skip

_OF_ORDER: dict[type, Callable[..., None]] = {
    ArrivalQuoted: OrderLedger.quote,
    OrderAmended: OrderLedger.amend,
    AmendRefused: OrderLedger.refuse_amendment,
    OrderPaused: OrderLedger.pause,
    OrderResumed: OrderLedger.resume,
    ScheduleRebased: OrderLedger.rebase,
    OrderCancelAsked: OrderLedger.ask_cancel,
    OrderFrozen: OrderLedger.freeze,
    MemoKept: OrderLedger.remember,
    OrderDone: OrderLedger.finish,
}
