"""The life of one child order, as the journal tells it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from quietfill.domain.execution_report import Fill
from quietfill.domain.messages import Resolution
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
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
    FillMarks,
    FillRevised,
    ReplaceConfirmed,
    ReplaceRefused,
    ReplaceRequested,
    RequestWithdrawn,
    Resolved,
)
from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp


class RequestKind(StrEnum):
    """What was asked of the broker."""

    PLACE = "place"
    REPLACE = "replace"
    CANCEL = "cancel"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was asked for, with the algo's reason and the market that it saw.

    Attributes:
        revision: 0 for the placement and for cancels.
        total: quantity asked for, fills included; None for a cancel.
        crossing: meant to trade at once.
        bid, ask: the others' touch when it was decided, where known.
    """

    at: Timestamp
    kind: RequestKind
    why: str
    revision: int = 0
    total: Quantity | None = None
    limit_price: Price | None = None
    crossing: bool = False
    bid: Price | None = None
    ask: Price | None = None


class Standing(msgspec.Struct, kw_only=True):
    """A stretch of time over which the venue had the child on these terms; `until` is None while it goes on."""

    since: Timestamp
    total: Quantity
    limit_price: Price | None
    until: Timestamp | None = None


class BookedFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, the child that it belongs to, and the market when it was booked where that was kept."""

    child_id: str
    booked_at: Timestamp
    fill: Fill
    marks: FillMarks | None = None


class ChildLedger(msgspec.Struct, kw_only=True):
    """One child order: what was asked, what stood at the venue and what was filled.

    Attributes:
        number: place among the parent's children, from 0.
        key: the slice that it worked.
        limit_price: of the placement; None for a market order.
        requests: what left for the broker, in order; withdrawn requests are not here.
        withdrawn: why requests were stopped before they left.
        standings: terms in force at the venue, oldest first, in venue time.
        total: the quantity in force, fills included; `wanted` is the one last asked for.
        doubts: how often an answer was missing.
        note: what the broker said about who works it.
    """

    child_id: str
    key: str
    number: int
    side: OrderSide
    limit_price: Price | None
    requests: list[Request]
    total: Quantity
    wanted: Quantity
    withdrawn: list[str] = []
    standings: list[Standing] = []
    fills: list[BookedFill] = []
    broker_order_id: int | None = None
    acknowledged_at: Timestamp | None = None
    filled: Quantity = 0
    value: int = 0
    state: OrderState = OrderState.PENDING
    done_at: Timestamp | None = None
    done_reason: str = ""
    refusals: list[str] = []
    doubts: int = 0
    note: str = ""

    @classmethod
    def of(cls, record: ChildRequested, number: int) -> ChildLedger:
        """Begin with the request for the child."""
        return cls(
            child_id=record.child_id,
            key=record.key,
            number=number,
            side=record.side,
            limit_price=record.limit_price,
            requests=[_placement(record)],
            total=record.quantity,
            wanted=record.quantity,
        )

    @property
    def was_sent(self) -> bool:
        """Whether the placement left, as far as the journal knows."""
        return any(request.kind is RequestKind.PLACE for request in self.requests)

    # Called by the ledger, one record after another

    def ask_replace(self, record: ReplaceRequested) -> None:
        """Note new terms that were asked for."""
        self.wanted = record.total
        self.requests.append(_revision(record))

    def ask_cancel(self, record: CancelRequested) -> None:
        """Note that it is not wanted any more."""
        self.requests.append(Request(at=record.at, kind=RequestKind.CANCEL, why=record.why))

    def withdraw(self, record: RequestWithdrawn) -> None:
        """Take back a request that never left. With the placement goes everything asked since."""
        self.withdrawn.append(record.reason)
        if record.revision:
            self.requests = [item for item in self.requests if item.revision != record.revision]
            self._keep_terms(record.at)
            return
        self.requests = []
        self._end(OrderState.FAILED, record.at, record.reason)

    def acknowledge(self, record: ChildAcknowledged) -> None:
        """Note that the broker has it, on its first terms; said again when only its id is news."""
        self.broker_order_id = record.broker_order_id
        if self.acknowledged_at is not None:
            return
        self.acknowledged_at = record.at
        self._stand(record.exchange_time, self.total, self.limit_price)

    def adopt(self, record: ChildAdopted) -> None:
        """Believe what the broker lists."""
        if self.acknowledged_at is None:
            self.acknowledged_at = record.at
        self.broker_order_id = record.broker_order_id
        self.wanted = record.total
        self._stand(record.at, record.total, record.limit_price)
        self._end_if_filled(record.at)

    def confirm_replace(self, record: ReplaceConfirmed) -> None:
        """Put new terms in force."""
        self._stand(record.exchange_time, record.total, record.limit_price)
        self._end_if_filled(record.exchange_time)

    def refuse_replace(self, record: ReplaceRefused) -> None:
        """Keep the old terms."""
        self.refusals.append(record.reason)
        self._keep_terms(record.at)

    def refuse_cancel(self, record: CancelRefused) -> None:
        """The cancel did not work; the child is what it was."""
        self.refusals.append(record.reason)

    def doubt(self, _record: ChildInDoubt) -> None:
        """Note that an answer is missing."""
        self.doubts += 1

    def book(self, record: ChildFilled) -> None:
        """Book one execution."""
        fill = record.fill
        self.fills.append(BookedFill(child_id=self.child_id, booked_at=record.at, fill=fill, marks=record.marks))
        self.filled += fill.quantity
        self.value += fill.quantity * fill.price
        if not self.state.is_terminal:
            self.state = OrderState.PARTIAL
        self._end_if_filled(fill.exchange_time)

    def revise(self, record: FillRevised) -> None:
        """Replace what was booked of one execution."""
        more, value = revise_booked(self.fills, record)
        self.filled += more
        self.value += value
        self._end_if_filled(record.fill.exchange_time)

    def end(self, record: ChildDone) -> None:
        """Note the broker's last word."""
        self._end(record.state, record.exchange_time, record.reason)

    def assume_cancelled(self, record: ChildAssumedCancelled) -> None:
        """Note that a silent broker is taken to have cancelled it."""
        self._end(OrderState.CANCELLED, record.exchange_time, record.reason)

    def take_note(self, record: ChildNoted) -> None:
        """Note who works it."""
        self.note = record.note

    def resolve(self, record: Resolved) -> None:
        """Note what a person said became of it."""
        if record.outcome is Resolution.WORKING:
            self._stand(record.at, self.wanted, self.limit_price)
            return
        self._end(OrderState.FAILED, record.at, f"{record.outcome}, says {record.by}: {record.reason}")

    def _keep_terms(self, at: Timestamp) -> None:
        self.wanted = self.total
        self._end_if_filled(at)

    def _stand(self, since: Timestamp, total: Quantity, limit_price: Price | None) -> None:
        if self.state.is_terminal:
            return
        if self.standings:
            self.standings[-1].until = max(since, self.standings[-1].since)
        self.standings.append(Standing(since=since, total=total, limit_price=limit_price))
        self.total = total
        if self.state is OrderState.PENDING:
            self.state = OrderState.WORKING

    def _end_if_filled(self, at: Timestamp) -> None:
        if self.filled >= max(self.total, self.wanted):
            self._end(OrderState.FILLED, at, "")

    def _end(self, state: OrderState, at: Timestamp, reason: str) -> None:
        if self.done_at is None:
            self.done_at, self.done_reason = at, reason
        self.state = state
        if self.standings and self.standings[-1].until is None:
            self.standings[-1].until = max(at, self.standings[-1].since)


def revise_booked(fills: list[BookedFill], record: FillRevised) -> tuple[Quantity, int]:
    """Replace one execution in a list of fills; return by how much quantity and value changed.

    Raises:
        ValueError: when it was never booked.
    """
    key = (record.child_id, record.fill.execution_id)
    place = [(item.child_id, item.fill.execution_id) for item in fills].index(key)
    before = fills[place].fill
    fills[place] = msgspec.structs.replace(fills[place], fill=record.fill)
    value = record.fill.quantity * record.fill.price - before.quantity * before.price
    return record.fill.quantity - before.quantity, value


def _placement(record: ChildRequested) -> Request:
    return Request(
        at=record.at, kind=RequestKind.PLACE, why=record.why, total=record.quantity, limit_price=record.limit_price,
        crossing=record.crossing, bid=record.bid, ask=record.ask,
    )  # fmt: skip


def _revision(record: ReplaceRequested) -> Request:
    return Request(
        at=record.at, kind=RequestKind.REPLACE, why=record.why, revision=record.revision, total=record.total,
        limit_price=record.limit_price, crossing=record.crossing, bid=record.bid, ask=record.ask,
    )  # fmt: skip
