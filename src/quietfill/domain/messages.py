"""Everything that can happen to the engine. Inputs only; what came of them is a record.

The firm's bus owns the word *event*; these are *messages*. Each is frozen, validated where it enters,
and carries no clock: the time it is handled at is an argument of `Engine.handle`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from quietfill.domain.execution_report import ExecutionReport
from quietfill.domain.fields import named, texts
from quietfill.domain.instrument import Instrument
from quietfill.domain.types import Duration, OrderSide, OrderType, Price, Quantity, TimeInForce, Timestamp


class Resolution(StrEnum):
    """What a person may say became of an order that is in doubt or frozen."""

    CANCELLED = "cancelled"
    """It can trade no more; what was booked is all."""
    NEVER_ARRIVED = "never_arrived"
    """The broker never had it."""
    WORKING = "working"
    """It lives on the terms last asked for."""
    GO_ON = "go_on"
    """A frozen parent may send again."""


class Rule(StrEnum):
    """Rules of the house that can be switched."""

    STOPS = "stops"
    """Stop triggers fire."""
    TIMEOUTS = "timeouts"
    """Orders without a stated end get one."""
    ZOMBIES = "zombies"
    """Children that are silent for long are asked about."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all inputs."""


class NewOrder(Message, frozen=True, tag="new_order"):
    """A parent order that the caller wants worked.

    Attributes:
        order_id: chosen by the caller, never used twice.
        decision_id: used up for ever by acceptance and by refusal alike.
        algo: name in the algo registry; `params` are checked against its schema.
        start, end: the window; None means now, and the configured horizon.
        direct: no approved decision stands behind it.
        timed: nobody stated the end: it is a time-out of ours.
        flattens: the kill whose exit this is; it alone may pass that kill.
    """

    order_id: str
    decision_id: str
    symbol: str
    side: OrderSide
    quantity: Quantity
    algo: str
    params: dict[str, Any] = {}
    order_type: OrderType = OrderType.LIMIT
    limit_price: Price | None = None
    stop_price: Price | None = None
    start: Timestamp | None = None
    end: Timestamp | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    decision_price: Price | None = None
    decided_at: Timestamp | None = None
    account: str | None = None
    reduce_only: bool = False
    direct: bool = False
    by: str = ""
    timed: bool = False
    flattens: str | None = None


class StartRun(Message, frozen=True, tag="start_run"):
    """A process takes the journal over."""

    run_id: str
    details: dict[str, Any]


class EndRun(Message, frozen=True, tag="end_run"):
    """The run is over; nothing is left to continue."""

    reason: str


class RememberDecision(Message, frozen=True, tag="remember_decision"):
    """A decision was heard; its validation may come."""

    decision_id: str
    content: dict[str, Any]


class RefuseOrder(Message, frozen=True, tag="refuse_order"):
    """A door refused an order before it became one (not approved, stale, unknown decision...).

    `final` is False when the decision may still be validated by somebody who may.
    """

    order_id: str
    decision_id: str
    symbol: str
    reasons: tuple[str, ...]
    final: bool = True


class CancelOrder(Message, frozen=True, tag="cancel_order"):
    """Stop working a parent: every child of it is cancelled."""

    order_id: str
    by: str
    reason: str = ""


class AmendOrder(Message, frozen=True, tag="amend_order"):
    """Change terms of a running parent: quantity, limit_price, end, or any of the algo's parameters."""

    order_id: str
    by: str
    changes: dict[str, Any]
    reason: str = ""


class PauseOrder(Message, frozen=True, tag="pause_order"):
    """Withdraw a parent's children; its clock runs on."""

    order_id: str
    by: str
    reason: str = ""


class ResumeOrder(Message, frozen=True, tag="resume_order"):
    """Go on with a paused parent; what was missed is spread over the time that is left."""

    order_id: str
    by: str
    reason: str = ""


class Resolve(Message, frozen=True, tag="resolve"):
    """A person settles what evidence could not.

    Attributes:
        subject: a child order, a parent order, or a symbol (everything of it that is in doubt or frozen).
        outcome: what became of it; see `Resolution`.
    """

    subject: str
    outcome: Resolution
    by: str
    reason: str


class SwitchRule(Message, frozen=True, tag="switch_rule"):
    """Switch a rule of the house on or off."""

    rule: Rule
    on: bool
    by: str


class RegisterInstrument(Message, frozen=True, tag="register_instrument"):
    """Add an instrument to the table for good."""

    instrument: Instrument
    by: str
    reason: str = ""


class SetVolumeProfile(Message, frozen=True, tag="set_volume_profile"):
    """Say how an instrument's volume is spread over its session; empty weights mean the default curve again."""

    symbol: str
    weights: tuple[float, ...]
    by: str
    source: str = ""


class ImportOrders(Message, frozen=True, tag="import_orders"):
    """Take over orders from another journal, each with its records from the acceptance on."""

    records: tuple[Any, ...]
    by: str


class KillScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a kill covers: everything, or these symbols, or this account."""

    symbols: tuple[str, ...] = ()
    account: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no scope: a bare symbol would be read letter by letter.

        Raises:
            BadInput: naming the field.
        """
        symbols = tuple(sorted(set(texts(self.symbols, "symbols"))))
        msgspec.structs.force_setattr(self, "symbols", symbols)  # a scope is a set: its order means nothing
        if self.account is not None:
            named(self.account, "account")

    @property
    def in_words(self) -> str:
        """What it covers, as people are told."""
        symbols = ", ".join(self.symbols) or "everything"
        return symbols if self.account is None else f"{symbols} of account {self.account}"

    def covers(self, symbol: str, account: str | None) -> bool:
        """Say whether an order of *symbol* and *account* falls under the kill."""
        if self.symbols and symbol not in self.symbols:
            return False
        return self.account is None or self.account == account


class Kill(Message, frozen=True, tag="kill"):
    """The kill switch: no new risk in its scope, and (by default) a cancel for every child."""

    kill_id: str
    by: str
    reason: str
    scope: KillScope = KillScope()
    cancel_pending: bool = True
    close_positions: bool = False


class ReleaseKill(Message, frozen=True, tag="release_kill"):
    """Lift kills of exactly this scope. A second person's name is needed."""

    by: str
    second: str
    reason: str
    scope: KillScope = KillScope()


class BookUpdate(Message, frozen=True, tag="book_update"):
    """The market as the feed shows it, our own resting orders included. Conflated, never journaled.

    Attributes:
        bids, asks: (price, quantity), best first.
        last_trusted: the last price was said by somebody who vouches for it, so no bad-tick filter applies.
        volume: cumulative volume of the day, or None when the feed does not say.
        time: when the venue says this was true.
        turnover: cumulative price x quantity of the day's prints, our own included; None when the feed does not say.
        print_low, print_high: extremes of the prints since the last update, so that none passes a stop unseen;
            None when there was none or the feed does not say, then `last` is all there is.
        mid_sum, mid_time: the others' 2 x mid integrated over trading time in ns, and that time, since any fixed
            instant. A feed that is conflated and keeps them loses nothing of a time-weighted average by it.
        problem: why there are no quotes that may be traded on, for a person to read; "" while nothing is wrong.
    """

    symbol: str
    time: Timestamp
    bids: tuple[tuple[Price, Quantity], ...]
    asks: tuple[tuple[Price, Quantity], ...]
    last: Price | None = None
    volume: Quantity | None = None
    last_trusted: bool = False
    turnover: int | None = None
    mid_sum: int | None = None
    mid_time: Duration = 0
    print_low: Price | None = None
    print_high: Price | None = None
    problem: str = ""


class LinkState(Message, frozen=True, tag="link_state"):
    """Whether the broker can be reached."""

    up: bool
    reason: str = ""


class BrokerOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the broker lists it when asked."""

    child_id: str
    broker_order_id: int | None
    total: Quantity
    cumulative: Quantity
    limit_price: Price | None
    is_open: bool
    revision: int = 0
    state: str = ""


class Holding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of an instrument in an account, positive when long."""

    symbol: str
    account: str
    quantity: Quantity


class BrokerSnapshot(Message, frozen=True, tag="broker_snapshot"):
    """Everything the broker knows, asked in one go; the input of reconciliation.

    Attributes:
        complete: the broker answered every question in full, so absence is evidence.
        positions: what is held of each instrument in each account that it speaks of, nothing (0) included; None when
            it does not say.
        account: which one orders are for that name none.
    """

    orders: tuple[BrokerOrder, ...]
    fills: tuple[ExecutionReport, ...]
    complete: bool
    asked_at: Timestamp
    positions: tuple[Holding, ...] | None = None
    account: str = ""


AnyMessage: TypeAlias = (
    StartRun | EndRun | RememberDecision | RefuseOrder
    | NewOrder | CancelOrder | AmendOrder | PauseOrder | ResumeOrder | Kill | ReleaseKill
    | Resolve | SwitchRule | RegisterInstrument | SetVolumeProfile | ImportOrders
    | BookUpdate | LinkState | BrokerSnapshot | ExecutionReport
)  # fmt: skip
