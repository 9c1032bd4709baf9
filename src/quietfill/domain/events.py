"""The firm's events: what is said on the bus, and what the audit log keeps.

Inside the engine inputs are *messages* and facts are *records*; these are their public faces. Every event is
frozen and validated on construction. A constructor refuses what can never be meant. What may be meant but
must not be traded, such as `action=None` or a quantity of zero, can be constructed: the agent refuses it with
a reason, which is worth more on the bus than an exception in the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec

from quietfill.domain import fields
from quietfill.domain.fields import Number, Size, optional
from quietfill.domain.order_state import OrderState
from quietfill.domain.stamps import new_event_id, utc_now
from quietfill.domain.types import Liquidity, OrderSide, OrderType, TimeInForce

EVENT_SCHEMA_VERSION = 1

_Text: TypeAlias = Annotated[str, fields.text]
_Named: TypeAlias = Annotated[str, fields.named]
_MaybeText: TypeAlias = Annotated[str | None, optional(fields.named)]
_Flag: TypeAlias = Annotated[bool, fields.flag]
_Whole: TypeAlias = Annotated[int, fields.whole]
_MaybeWhole: TypeAlias = Annotated[int | None, optional(fields.whole)]
_Number: TypeAlias = Annotated[Number, fields.number]
_MaybeNumber: TypeAlias = Annotated[Number | None, optional(fields.number)]
_MaybeFraction: TypeAlias = Annotated[Number | None, optional(fields.fraction)]
_AnySize: TypeAlias = Annotated[Size, fields.size]
_Size: TypeAlias = Annotated[Size, fields.size_not_negative]
_Moment: TypeAlias = Annotated[datetime, fields.moment]
_MaybeMoment: TypeAlias = Annotated[datetime | None, optional(fields.moment)]
_Side: TypeAlias = Annotated[OrderSide, fields.side]
_State: TypeAlias = Annotated[OrderState, fields.member(OrderState)]
_Type: TypeAlias = Annotated[OrderType, fields.member(OrderType)]
_Mapping: TypeAlias = Annotated[Mapping[str, Any], fields.mapping]
_Texts: TypeAlias = Annotated[tuple[str, ...], fields.texts]


class EventType(StrEnum):
    """What an event is about; the key of subscriptions."""

    DECISION = "decision"
    VALIDATED_DECISION = "validated_decision"
    ORDER = "order"
    FILL = "fill"
    KILL_SWITCH = "kill_switch"
    ORDER_STATE_CHANGE = "order_state_change"
    MARKET_DATA = "market_data"
    RISK_ALERT = "risk_alert"
    SYSTEM = "system"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all events.

    Attributes:
        event_id: uuid4 text; fresh unless stated.
        timestamp: when it was said, UTC; now unless stated.
        source_agent: who says it. Approval is checked against this name.
    """

    event_id: _Named = msgspec.field(default_factory=new_event_id)
    timestamp: _Moment = msgspec.field(default_factory=utc_now)
    event_type: EventType
    source_agent: _Named = "unknown"
    schema_version: _Whole = EVENT_SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse what can never be meant.

        Raises:
            BadInput: naming the field and the value.
        """
        fields.read_fields(self)

    def __hash__(self) -> int:
        """Hash by id, since some fields hold mappings."""
        return hash(self.event_id)

    def to_audit_dict(self) -> dict[str, Any]:
        """Return all fields in what JSON can hold: enums and Decimals as text, datetimes as ISO text."""
        return {name: fields.plain(getattr(self, name)) for name in self.__struct_fields__}


class DecisionEvent(Event, frozen=True, kw_only=True):
    """Somebody decided to trade. Nothing is sent before the decision is validated.

    Attributes:
        action: None when the decision is to do nothing; the agent refuses to execute it.
        limit_price, stop_price: in the instrument's currency; the limit bounds every child of every algo.
        urgency: 0 (patient) to 1 (now); None leaves it to the algo.
        time_in_force: None when the decision does not say.
        start, end: the window of a scheduled algo; None means now, and the configured horizon.
        decision_price: the price in the decider's mind; delay cost is measured from it.
    """

    event_type: Annotated[EventType, fields.exactly(EventType.DECISION)] = EventType.DECISION
    symbol: _Named
    action: Annotated[OrderSide | None, optional(fields.side)] = None
    quantity: _AnySize
    order_type: _Type = OrderType.LIMIT
    limit_price: _MaybeNumber = None
    stop_price: _MaybeNumber = None
    rationale: _Text = ""
    conviction_score: _Number = 0.0
    algo: _MaybeText = None
    algo_params: _Mapping = {}
    urgency: _MaybeFraction = None
    time_in_force: Annotated[TimeInForce | None, optional(fields.member(TimeInForce))] = None
    good_till: _MaybeMoment = None
    start: _MaybeMoment = None
    end: _MaybeMoment = None
    decision_price: _MaybeNumber = None
    account: _MaybeText = None
    reduce_only: _Flag = False
    outside_rth: _Flag = False


class ValidatedDecisionEvent(Event, frozen=True, kw_only=True):
    """Somebody who may approve looked at a decision.

    Attributes:
        adjusted_quantity: what may be traded instead; 0 means nothing, None leaves it as decided.
    """

    event_type: Annotated[EventType, fields.exactly(EventType.VALIDATED_DECISION)] = EventType.VALIDATED_DECISION
    original_decision_id: _Named
    approved: _Flag = False
    adjusted_quantity: Annotated[Size | None, optional(fields.size)] = None
    rejection_reason: Annotated[str | None, optional(fields.text)] = None
    risk_metrics: _Mapping = {}
    compliance_checks: _Texts = ()


class OrderEvent(Event, frozen=True, kw_only=True):
    """An order to work. `decision_id` and `validation_id` are empty for a direct order."""

    event_type: Annotated[EventType, fields.exactly(EventType.ORDER)] = EventType.ORDER
    decision_id: _Text = ""
    validation_id: _Text = ""
    symbol: _Named
    side: _Side = OrderSide.BUY
    quantity: Annotated[Size, fields.size_positive]
    order_type: _Type = OrderType.LIMIT
    limit_price: _MaybeNumber = None
    stop_price: _MaybeNumber = None
    broker_order_id: _MaybeWhole = None
    algo: _Named = "TWAP"
    time_in_force: Annotated[TimeInForce, fields.member(TimeInForce)] = TimeInForce.DAY
    account: _MaybeText = None
    reduce_only: _Flag = False
    outside_rth: _Flag = False


class FillEvent(Event, frozen=True, kw_only=True):
    """One execution.

    Attributes:
        execution_id: the venue's own id, by which a fill is booked once; None when the broker gives none.
        commission: in `commission_currency`, positive when paid, negative for a rebate.
        exchange_time: when the venue traded, UTC.
    """

    event_type: Annotated[EventType, fields.exactly(EventType.FILL)] = EventType.FILL
    order_id: _Text
    broker_order_id: _Whole = 0
    symbol: _Named
    side: _Side
    filled_quantity: Annotated[Size, fields.size_positive]
    fill_price: _Number
    commission: _Number = 0.0
    exchange: _Text = ""
    execution_id: _MaybeText = None
    exchange_time: _MaybeMoment = None
    liquidity: Annotated[Liquidity, fields.member(Liquidity)] = Liquidity.UNKNOWN
    account: _MaybeText = None
    commission_currency: _MaybeText = None


class KillSwitchEvent(Event, frozen=True, kw_only=True):
    """Stop. `activated=False` on the bus never lifts a kill: only `release_kill_switch` does.

    Attributes:
        affected_symbols: which symbols; empty means all.
        cancel_pending_orders: False stops new risk and leaves children working.
        close_positions: flatten afterwards with reduce-only, collared exits.
    """

    event_type: Annotated[EventType, fields.exactly(EventType.KILL_SWITCH)] = EventType.KILL_SWITCH
    activated: _Flag = True
    reason: _Text = ""
    trigger_type: Annotated[str, fields.choice("manual", "automatic", "regulatory")] = "manual"
    affected_symbols: _Texts = ()
    cancel_pending_orders: _Flag = True
    close_positions: _Flag = False


class OrderStateChangeEvent(Event, frozen=True, kw_only=True):
    """An order moved from one state to another, or was filled further in the same.

    Attributes:
        order_id: whose state it is: a parent's, or a child order's own.
        parent_order_id: the parent of a child order; None for a parent itself.
        remaining_quantity: asked for and not filled, also where it never will be.
    """

    event_type: Annotated[EventType, fields.exactly(EventType.ORDER_STATE_CHANGE)] = EventType.ORDER_STATE_CHANGE
    order_id: _Named
    parent_order_id: _MaybeText = None
    broker_order_id: _MaybeWhole = None
    symbol: _Named
    previous_state: _State
    new_state: _State
    reason: _Text = ""
    filled_quantity: _Size = 0
    remaining_quantity: _Size = 0
    avg_fill_price: _MaybeNumber = None


class MarketDataEvent(Event, frozen=True, kw_only=True):
    """A quote or print. What the feed did not say is None."""

    event_type: Annotated[EventType, fields.exactly(EventType.MARKET_DATA)] = EventType.MARKET_DATA
    symbol: _Named
    exchange: _Text = ""
    bid: _MaybeNumber = None
    ask: _MaybeNumber = None
    last: _MaybeNumber = None
    volume: Annotated[Size | None, optional(fields.size_not_negative)] = None
    bid_size: Annotated[Size | None, optional(fields.size_not_negative)] = None
    ask_size: Annotated[Size | None, optional(fields.size_not_negative)] = None


class RiskAlertEvent(Event, frozen=True, kw_only=True):
    """Something a person should see. `subject` is an order id, a symbol or a part of the house."""

    event_type: Annotated[EventType, fields.exactly(EventType.RISK_ALERT)] = EventType.RISK_ALERT
    subject: _Text = ""
    severity: Annotated[str, fields.choice("info", "warning", "critical")] = "warning"
    message: _Text
    details: _Mapping = {}


class SystemEvent(Event, frozen=True, kw_only=True):
    """Something happened to the house itself: started, stopped, reconnected, recovered."""

    event_type: Annotated[EventType, fields.exactly(EventType.SYSTEM)] = EventType.SYSTEM
    subject: _Text = ""
    message: _Text
    details: _Mapping = {}


AnyEvent: TypeAlias = (
    DecisionEvent | ValidatedDecisionEvent | OrderEvent | FillEvent | KillSwitchEvent
    | OrderStateChangeEvent | MarketDataEvent | RiskAlertEvent | SystemEvent
)  # fmt: skip
