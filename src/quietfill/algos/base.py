"""The contract between an algorithm and the engine.

An algo never sends anything. Asked with the order as it stands, the others' market and the time, it
answers with the slices that *should* be working now; `engine/working_orders.py` compares the answer
with what *is* working and derives place, replace and cancel. Because an algo only ever looks at the
present, a lost, late or doubled event cannot leave it in a wrong state.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.types import Duration, OrderSide, Price, Quantity, TimeInForce, Timestamp, quantity_from
from quietfill.market.triggers import Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quietfill.domain.instrument import Instrument, TradingDay
    from quietfill.market.view import MarketView


TRIGGERED = "triggered_at"
"""Key of a stop's memo once its trigger was met: from then on it is an order like any other."""


class Rest(StrEnum):
    """What to do with what is left when the window ends."""

    COMPLETE = "complete"
    """Cross for it before the end, inside the collar and the limit."""
    ABANDON = "abandon"
    """Never cross for it; let it go at the end."""
    ALERT = "alert"
    """As abandon, and tell a person."""


class AlgoParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters that every algo has. An algo's own `Params` extends this; it is also its form and its docs.

    Attributes:
        limit_price: bound for every child, in the instrument's currency.
        participation_cap: most that we may be of all volume since the start, own volume included (0-1).
        min_child, max_child: smallest and largest size of one child order, in shares, contracts or coins.
        urgency: 0 waits as long as it may, 1 crosses early.
        rest: what to do with what is left at the end.
    """

    limit_price: Decimal | None = None
    participation_cap: Annotated[float, Meta(gt=0, le=1)] | None = None
    min_child: Decimal | None = None
    max_child: Decimal | None = None
    urgency: Annotated[float, Meta(ge=0, le=1)] = 0.5
    rest: Rest = Rest.COMPLETE

    @property
    def min_child_quantity(self) -> Quantity:
        """The smallest child, 0 when not stated."""
        return 0 if self.min_child is None else quantity_from(self.min_child, "min_child")

    @property
    def max_child_quantity(self) -> Quantity | None:
        """The largest child, None when not stated."""
        return None if self.max_child is None else quantity_from(self.max_child, "max_child")


class Slice(msgspec.Struct, frozen=True):
    """One thing that should be working now.

    Attributes:
        key: which slice this is; a child with the same key is replaced, not doubled.
        quantity: leaves wanted, compared with the child's leaves, so that a fill alone never causes a replace.
        limit_price: None is a plain market order, only when the caller asked for one.
        crossing: meant to trade at once; goes before resting ones when messages are scarce.
        displayed: size shown, None for all of it.
        broker_algo: which of the broker's algos works it once it is there; a working child keeps the one that it began
            with, so whoever wants another names another key.
    """

    key: str
    quantity: Quantity
    limit_price: Price | None
    time_in_force: TimeInForce = TimeInForce.DAY
    crossing: bool = False
    displayed: Quantity | None = None
    why: str = ""
    broker_algo: BrokerAlgo | None = None


class Outcome(StrEnum):
    """Why an algo is finished."""

    FILLED = "filled"
    ENDED = "window ended"
    ABANDONED = "rest abandoned"


class Plan(msgspec.Struct, frozen=True):
    """An algo's whole answer.

    Attributes:
        slices: what should be working; anything else of this parent is cancelled.
        wake_at: ask again then.
        wake_when: ask again when the others' market meets one of these.
        why: one sentence for people, kept in the journal with each request.
        finish: finished once nothing is working.
        alert: something a person should see, raised once per text.
        memo: what must be remembered across a crash; journaled, when it differs from the order's, before any request
            of this plan. None leaves the order's as it is.
    """

    slices: tuple[Slice, ...] = ()
    wake_at: Timestamp | None = None
    wake_when: tuple[Trigger, ...] = ()
    why: str = ""
    finish: Outcome | None = None
    alert: str | None = None
    memo: dict[str, int] | None = None


class ChildView(Protocol):
    """A child order that is live or may be, as an algo sees it."""

    @property
    def key(self) -> str:
        """Which slice it is."""
        ...

    @property
    def leaves(self) -> Quantity:
        """Quantity that can still trade, under the terms last asked for."""
        ...

    @property
    def limit_price(self) -> Price | None:
        """The limit last asked for."""
        ...

    @property
    def crossing(self) -> bool:
        """Whether it was last meant to trade at once."""
        ...

    @property
    def requested_at(self) -> Timestamp:
        """When it was first asked for."""
        ...


class ParentView(Protocol):
    """A parent order as an algo sees it: its terms, what was done, and where its schedule starts.

    `schedule_start` and `schedule_filled` are where the schedule was last rebased (the start of the
    order, or a resume, an amendment, a restart); `market_volume` is the others' volume since the start,
    `schedule_volume` what it was at the rebase.
    """

    order_id: str
    symbol: str
    side: OrderSide
    quantity: Quantity
    limit_price: Price | None
    stop_price: Price | None
    time_in_force: TimeInForce
    start: Timestamp
    end: Timestamp
    params: Any
    """The algo's own `Params`, checked."""
    memo: Mapping[str, int]
    """What the last plan with a memo asked to remember; empty at first."""
    may_send: bool
    """Whether requests can leave now: not while the line is down. Else only a plan's memo and alert are taken."""
    last_child_ended_at: Timestamp | None
    """When the last child was done, None before the first."""
    instrument: Instrument
    day: TradingDay
    filled: Quantity
    arrival_bid: Price | None
    arrival_ask: Price | None
    day_volume_at_start: Quantity | None
    schedule_start: Timestamp
    schedule_filled: Quantity
    schedule_volume: Quantity
    market_volume: Quantity
    children_count: int
    max_slippage_bps: int
    crossing_margin: Duration
    """How long before the end the last crossing must be decided: round trip, settle time, message queue."""
    profile: tuple[float, ...] | None
    """Volume curve set or learned for the instrument, relative weights per equal bucket of the session."""

    @property
    def leaves(self) -> Quantity:
        """Quantity not filled yet."""
        ...

    @property
    def working(self) -> Sequence[ChildView]:
        """Children that are live or may be."""
        ...


class Algo(Protocol):
    """Say which slices should be working now. Pure: no clock, no I/O, no hidden memory."""

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the slices that should be working at *now*."""
        ...
