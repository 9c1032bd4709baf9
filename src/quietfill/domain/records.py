"""Facts that were decided or learned: what the journal holds, and all that state is made of.

A record is past tense, immutable and versioned. `engine.state` is a fold over records and nothing
else, so that replaying a journal *is* recovery. Requests to the broker are records too: the outbox
sends a `ChildRequested`, `ReplaceRequested` or `CancelRequested` only once it is durable, and what
goes on the wire is made from the record itself.

A field may be added with a default; anything else needs a new `SCHEMA_VERSION` and an up-caster.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.execution_report import Fill
from quietfill.domain.instrument import Instrument
from quietfill.domain.messages import Holding, KillScope, Resolution, Rule
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import Duration, OrderSide, OrderType, Price, Quantity, TimeInForce, Timestamp

SCHEMA_VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """The base of all records; `at` is the engine's time when it was decided or learned."""

    at: Timestamp


class RunStarted(Record, frozen=True, tag="run_started"):
    """A process took this journal over. `details` says what a continuation must know (seed, tape, options)."""

    run_id: str
    details: dict[str, Any]


class RunEnded(Record, frozen=True, tag="run_ended"):
    """The run came to its end; nothing is left to continue."""

    reason: str


class DecisionReceived(Record, frozen=True, tag="decision_received"):
    """A decision was heard on the bus and is remembered until its validation comes."""

    decision_id: str
    content: dict[str, Any]


class OrderAccepted(Record, frozen=True, tag="order_accepted"):
    """A parent order passed admission. Carries its terms in force and the market at arrival.

    `timed`: its end is a time-out of ours, nobody stated it. `flattens`: the kill whose exit it is.
    """

    order_id: str
    decision_id: str
    symbol: str
    side: OrderSide
    quantity: Quantity
    algo: str
    params: dict[str, Any]
    order_type: OrderType
    limit_price: Price | None
    stop_price: Price | None
    start: Timestamp
    end: Timestamp
    time_in_force: TimeInForce
    account: str | None
    reduce_only: bool
    direct: bool
    by: str
    decision_price: Price | None
    decided_at: Timestamp | None
    bid: Price | None
    ask: Price | None
    bid_size: Quantity
    ask_size: Quantity
    quote_age: int
    day_volume: Quantity | None
    notes: tuple[str, ...] = ()
    timed: bool = False
    flattens: str | None = None


class ArrivalQuoted(Record, frozen=True, tag="arrival_quoted"):
    """The first valid quote at or after acceptance, for a parent that was accepted without one."""

    order_id: str
    bid: Price
    ask: Price
    bid_size: Quantity
    ask_size: Quantity
    quote_age: int
    day_volume: Quantity | None


class OrderRefused(Record, frozen=True, tag="order_refused"):
    """An order was refused; its decision id is used up all the same, unless the refusal is not `final`."""

    order_id: str
    decision_id: str
    symbol: str
    reasons: tuple[str, ...]
    duplicate_of: str | None = None
    final: bool = True


class OrderAmended(Record, frozen=True, tag="order_amended"):
    """Terms of a running parent changed. Only what changed is set."""

    order_id: str
    by: str
    quantity: Quantity | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    end: Timestamp | None = None
    params: dict[str, Any] = {}
    reason: str = ""


class AmendRefused(Record, frozen=True, tag="amend_refused"):
    """An amendment was refused; nothing changed."""

    order_id: str
    by: str
    reasons: tuple[str, ...]


class OrderPaused(Record, frozen=True, tag="order_paused"):
    """A parent was paused: its children are withdrawn, its clock runs on."""

    order_id: str
    by: str
    reason: str = ""


class OrderResumed(Record, frozen=True, tag="order_resumed"):
    """A paused parent goes on."""

    order_id: str
    by: str
    reason: str = ""


class ScheduleRebased(Record, frozen=True, tag="schedule_rebased"):
    """The schedule starts anew from here, so that missed slices are spread and not fired at once."""

    order_id: str
    start: Timestamp
    filled: Quantity
    market_volume: Quantity
    reason: str


class OrderCancelAsked(Record, frozen=True, tag="order_cancel_asked"):
    """Somebody asked to stop a parent; it ends when its children have."""

    order_id: str
    by: str
    reason: str


class OrderFrozen(Record, frozen=True, tag="order_frozen"):
    """A parent sends nothing new until a person looks at it."""

    order_id: str
    reason: str


class WorkingMark(Record, frozen=True, tag="working_mark"):
    """What a parent must remember of the market across a restart.

    Attributes:
        market_volume: the others' volume since arrival.
        print_volume, turnover: volume and value of those of their prints that were observed.
        mid_sum, mid_time: 2 x mid integrated since arrival over the time that was observed, and that time in ns.
    """

    order_id: str
    market_volume: Quantity
    print_volume: Quantity = 0
    turnover: int = 0
    mid_sum: int = 0
    mid_time: Duration = 0


class MemoKept(Record, frozen=True, tag="memo_kept"):
    """What an algo must remember across a restart: a stop's trigger, a trailing extreme. Replaces the last one."""

    order_id: str
    memo: dict[str, int]
    why: str


class OrderDone(Record, frozen=True, tag="order_done"):
    """A parent ended. `state` is its final state; `timed_out` says that its deadline came with something left.

    `bid` and `ask` are the others' touch then, which tells what the unfilled rest missed.
    """

    order_id: str
    state: OrderState
    filled: Quantity
    reason: str
    timed_out: bool = False
    bid: Price | None = None
    ask: Price | None = None


class ChildRequested(Record, frozen=True, tag="child_requested"):
    """A child order is wanted at the broker. This record is the message that leaves.

    `broker_algo` is written only where the broker is to work the child by an algo of its own.
    """

    child_id: str
    order_id: str
    key: str
    symbol: str
    side: OrderSide
    quantity: Quantity
    limit_price: Price | None
    time_in_force: TimeInForce
    good_till: Timestamp | None
    why: str
    account: str | None = None
    displayed: Quantity | None = None
    crossing: bool = False
    bid: Price | None = None
    ask: Price | None = None
    broker_algo: BrokerAlgo | UnsetType = UNSET


class ReplaceRequested(Record, frozen=True, tag="replace_requested"):
    """New terms are wanted for a working child. `total` counts what is already filled."""

    child_id: str
    revision: int
    total: Quantity
    limit_price: Price | None
    why: str
    crossing: bool = False
    bid: Price | None = None
    ask: Price | None = None


class CancelRequested(Record, frozen=True, tag="cancel_requested"):
    """A child order is no longer wanted."""

    child_id: str
    attempt: int
    why: str


class RequestWithdrawn(Record, frozen=True, tag="request_withdrawn"):
    """A request was stopped at the second gate, or its cause went away; it never reached the wire."""

    child_id: str
    revision: int
    reason: str


class ChildAcknowledged(Record, frozen=True, tag="child_acknowledged"):
    """The broker has the child."""

    child_id: str
    broker_order_id: int | None
    exchange_time: Timestamp


class ChildNoted(Record, frozen=True, tag="child_noted"):
    """The broker said who works the child; a report of it must say the same."""

    child_id: str
    note: str


class FillMarks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The market as we saw it when a fill was booked, kept with it so that a report needs no join.

    Attributes:
        bid, ask, bid_size, ask_size: the others' touch then; None where a side was missing.
        quote_age: how old that was, in ns.
        market_volume: the others' volume since arrival; None when the feed does not say.
        vwap: of the others' prints since arrival, in 1e-9 of the currency; None without prints or coverage.
        twap: of the others' mid since arrival, over the time that was observed; None while there was none.
        observed: that time, in ns.
    """

    bid: Price | None
    ask: Price | None
    bid_size: Quantity
    ask_size: Quantity
    quote_age: Duration
    market_volume: Quantity | None = None
    vwap: Price | None = None
    twap: Price | None = None
    observed: Duration = 0


class ChildFilled(Record, frozen=True, tag="child_filled"):
    """One execution was booked."""

    child_id: str
    fill: Fill
    marks: FillMarks | None = None


class FillRevised(Record, frozen=True, tag="fill_revised"):
    """What was booked of an execution is replaced: the broker corrected it, or said what it cost."""

    child_id: str
    fill: Fill
    why: str


class ChildDone(Record, frozen=True, tag="child_done"):
    """The broker's last word: cancelled, expired, rejected, or never arrived."""

    child_id: str
    state: OrderState
    cumulative: Quantity
    reason: str
    exchange_time: Timestamp


class ChildAssumedCancelled(Record, frozen=True, tag="child_assumed_cancelled"):
    """A broker that reports no status took a cancel and stayed silent: we count the child as cancelled, unconfirmed."""

    child_id: str
    cumulative: Quantity
    reason: str
    exchange_time: Timestamp


class Resolved(Record, frozen=True, tag="resolved"):
    """A person said what became of a child, or that a frozen parent may go on."""

    subject: str
    outcome: Resolution
    by: str
    reason: str


class RuleSwitched(Record, frozen=True, tag="rule_switched"):
    """A rule of the house was switched on or off."""

    rule: Rule
    on: bool
    by: str


class InstrumentRegistered(Record, frozen=True, tag="instrument_registered"):
    """An instrument was added to the table; later records may name its symbol."""

    instrument: Instrument
    by: str
    reason: str = ""


class VolumeProfileSet(Record, frozen=True, tag="volume_profile_set"):
    """A volume profile is followed from now on: relative weights per equal bucket of the session's trading time."""

    symbol: str
    weights: tuple[float, ...]
    by: str
    source: str = ""


class OrdersImported(Record, frozen=True, tag="orders_imported"):
    """Orders were taken over from another journal; their records follow, so many of them."""

    orders: tuple[str, ...]
    by: str
    records: int = 0


class ReplaceConfirmed(Record, frozen=True, tag="replace_confirmed"):
    """The new terms are in force."""

    child_id: str
    revision: int
    total: Quantity
    limit_price: Price | None
    exchange_time: Timestamp


class ReplaceRefused(Record, frozen=True, tag="replace_refused"):
    """The old terms stay in force."""

    child_id: str
    revision: int
    reason: str


class CancelRefused(Record, frozen=True, tag="cancel_refused"):
    """The broker would not cancel; what the child is now must be asked."""

    child_id: str
    reason: str


class ChildInDoubt(Record, frozen=True, tag="child_in_doubt"):
    """A request had no answer in time, or the process died before one came: fully exposed until settled."""

    child_id: str
    reason: str


class ChildAdopted(Record, frozen=True, tag="child_adopted"):
    """Reconciliation found the child alive at the broker, on these terms."""

    child_id: str
    broker_order_id: int | None
    total: Quantity
    limit_price: Price | None
    revision: int


class KillSwitchEngaged(Record, frozen=True, tag="kill_switch_engaged"):
    """No new risk in this scope until it is released."""

    kill_id: str
    by: str
    reason: str
    scope: KillScope
    cancel_pending: bool
    close_positions: bool = False


class KillSwitchReleased(Record, frozen=True, tag="kill_switch_released"):
    """A kill was lifted by two people."""

    by: str
    second: str
    reason: str
    scope: KillScope


class LinkChanged(Record, frozen=True, tag="link_changed"):
    """The line to the broker went down or came back."""

    up: bool
    reason: str


class Reconciled(Record, frozen=True, tag="reconciled"):
    """The broker was asked what it knows, and every difference was settled or named.

    `others`: what accounts hold beyond what we traded, where that is known for the first time or has changed.
    """

    complete: bool
    adopted: int
    filled_while_away: int
    ended_while_away: int
    never_arrived: int
    foreign: tuple[str, ...] = ()
    still_in_doubt: int = 0
    others: tuple[Holding, ...] | UnsetType = UNSET


class AlertRaised(Record, frozen=True, tag="alert_raised"):
    """Something a person should see."""

    subject: str
    severity: str
    text: str


AnyRecord: TypeAlias = (
    RunStarted | RunEnded | DecisionReceived
    | OrderAccepted | ArrivalQuoted | OrderRefused | OrderAmended | AmendRefused
    | OrderPaused | OrderResumed | ScheduleRebased
    | OrderCancelAsked | OrderFrozen | WorkingMark | MemoKept | OrderDone
    | ChildRequested | ReplaceRequested | CancelRequested | RequestWithdrawn
    | ChildAcknowledged | ChildNoted | ChildFilled | FillRevised | ChildDone
    | ReplaceConfirmed | ReplaceRefused | CancelRefused
    | ChildInDoubt | ChildAdopted | ChildAssumedCancelled
    | Resolved | RuleSwitched | InstrumentRegistered | VolumeProfileSet | OrdersImported
    | KillSwitchEngaged | KillSwitchReleased | LinkChanged | Reconciled | AlertRaised
)  # fmt: skip

WireRequest: TypeAlias = ChildRequested | ReplaceRequested | CancelRequested
"""The records that leave for the broker once they are durable and have passed the second gate."""
