"""The firm's events: what their constructors read, refuse, freeze and tell the audit log."""

import json
import operator
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from quietfill.domain import events
from quietfill.domain.events import (
    DecisionEvent,
    Event,
    EventType,
    FillEvent,
    KillSwitchEvent,
    MarketDataEvent,
    OrderEvent,
    OrderStateChangeEvent,
    RiskAlertEvent,
    SystemEvent,
    ValidatedDecisionEvent,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.stamps import install_stamps, new_event_id, seeded_event_id
from quietfill.domain.types import Liquidity, OrderSide, OrderType, TimeInForce

NOON = datetime(2023, 7, 11, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)

# The least that each event needs, and its type.
LEAST: dict[type[Event], tuple[dict[str, Any], EventType]] = {
    DecisionEvent: ({"symbol": "600961", "quantity": 100}, EventType.DECISION),
    ValidatedDecisionEvent: ({"original_decision_id": "d-1"}, EventType.VALIDATED_DECISION),
    OrderEvent: ({"symbol": "600961", "quantity": 100}, EventType.ORDER),
    FillEvent: (
        {"order_id": "o-1", "symbol": "600961", "side": "buy", "filled_quantity": 100, "fill_price": 9.11},
        EventType.FILL,
    ),
    KillSwitchEvent: ({}, EventType.KILL_SWITCH),
    OrderStateChangeEvent: (
        {"order_id": "o-1", "symbol": "600961", "previous_state": "working", "new_state": "filled"},
        EventType.ORDER_STATE_CHANGE,
    ),
    MarketDataEvent: ({"symbol": "600961"}, EventType.MARKET_DATA),
    RiskAlertEvent: ({"message": "overfilled"}, EventType.RISK_ALERT),
    SystemEvent: ({"message": "started"}, EventType.SYSTEM),
}
KINDS = pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)


class FixedStamps:
    """Always the same id and time."""

    def new_id(self):
        return "0"

    def utc_now(self):
        return NOON


def least(kind, **changes) -> Any:
    """Build an event from what it needs at least."""
    return kind(**{**LEAST[kind][0], **changes})


@KINDS
def test_every_event_has_the_base_fields(kind):
    """An event that states nothing about itself is fresh, of its class's type, and signed unknown."""
    event = least(kind)

    assert LEAST[kind][1] is event.event_type
    assert uuid.UUID(event.event_id).version == 4
    assert event.timestamp.tzinfo is UTC
    assert event.source_agent == "unknown"
    assert event.schema_version == events.EVENT_SCHEMA_VERSION


@KINDS
def test_every_event_is_frozen(kind):
    """Nobody changes what was said."""
    event = least(kind)

    with pytest.raises(AttributeError):
        event.source_agent = "somebody else"


@KINDS
def test_every_event_writes_itself_as_json(kind):
    """The audit form holds every field in order and nothing that JSON does not know."""
    event = least(kind, event_id="e-1", timestamp=NOON)

    audit = event.to_audit_dict()

    assert tuple(audit) == event.__struct_fields__
    assert json.loads(json.dumps(audit, allow_nan=False)) == audit
    assert audit["event_type"] == LEAST[kind][1].value
    assert audit["timestamp"] == "2023-07-11T12:00:00+00:00"


@KINDS
def test_events_can_be_members_of_a_set(kind):
    """Equal events hash alike although some of their fields are mappings."""
    first = least(kind, event_id="e-1", timestamp=NOON)
    again = least(kind, event_id="e-1", timestamp=NOON)

    assert {first, again} == {first}


@KINDS
def test_an_event_of_another_type_is_refused(kind):
    """A class's type can be stated, and only that one."""
    own = LEAST[kind][1]
    other = next(member for member in EventType if member is not own)

    assert least(kind, event_type=own.value).event_type is own
    with pytest.raises(ValueError, match="event_type"):
        least(kind, event_type=other)


def test_the_table_covers_every_event():
    """No event escapes the tests above."""
    assert set(LEAST) == set(Event.__subclasses__())


def test_the_defaults_are_those_of_the_contract():
    """A decision, an order, a validation and a kill that state little mean what the contract says."""
    decision, order = least(DecisionEvent), least(OrderEvent)
    validation, kill, fill = least(ValidatedDecisionEvent), least(KillSwitchEvent), least(FillEvent)

    assert (decision.action, decision.order_type, decision.limit_price) == (None, OrderType.LIMIT, None)
    assert (decision.conviction_score, decision.time_in_force, decision.urgency) == (0.0, None, None)
    assert (order.side, order.algo, order.time_in_force) == (OrderSide.BUY, "TWAP", TimeInForce.DAY)
    assert (validation.approved, validation.adjusted_quantity, validation.compliance_checks) == (False, None, ())
    assert dict(validation.risk_metrics) == {}
    assert (kill.activated, kill.trigger_type, kill.affected_symbols) == (True, "manual", ())
    assert (kill.cancel_pending_orders, kill.close_positions) == (True, False)
    assert (fill.broker_order_id, fill.commission, fill.exchange) == (0, 0.0, "")
    assert (fill.execution_id, fill.liquidity) == (None, Liquidity.UNKNOWN)


def test_enumerations_are_read_in_any_letter_case():
    """A side, type, time in force or state may be written as text."""
    decision = least(DecisionEvent, action="SELL", order_type="Stop_Limit", time_in_force="gtc")
    change = least(OrderStateChangeEvent, new_state="PARTIAL")

    assert decision.action is OrderSide.SELL
    assert decision.order_type is OrderType.STOP_LIMIT
    assert decision.time_in_force is TimeInForce.GTC
    assert change.new_state is OrderState.PARTIAL


@pytest.mark.parametrize("quantity", [0, -5, 10**12])
def test_a_decision_may_ask_for_what_the_agent_will_refuse(quantity):
    """A refusal with a reason is worth more than an exception, so the constructor lets these pass."""
    assert least(DecisionEvent, quantity=quantity).quantity == quantity
    assert least(ValidatedDecisionEvent, adjusted_quantity=quantity).adjusted_quantity == quantity


def test_numbers_keep_what_was_given_exactly():
    """An int stays an int, a Decimal stays exact, a broken size becomes an exact Decimal, a numpy int an int."""
    decision = least(DecisionEvent, quantity=0.1, limit_price=Decimal("9.110000001"))

    assert decision.quantity == Decimal("0.1")
    assert decision.limit_price == Decimal("9.110000001")
    assert least(DecisionEvent, quantity=100.0).quantity == 100
    assert type(least(DecisionEvent, quantity=100.0).quantity) is int
    assert type(least(DecisionEvent, quantity=np.int64(7)).quantity) is int
    assert least(DecisionEvent, limit_price=-37.63).limit_price == -37.63
    assert least(DecisionEvent, limit_price=0).limit_price == 0


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (DecisionEvent, "symbol", ""),
        (DecisionEvent, "symbol", 600961),
        (DecisionEvent, "action", "hold"),
        (DecisionEvent, "action", 1),
        (DecisionEvent, "quantity", float("nan")),
        (DecisionEvent, "quantity", float("inf")),
        (DecisionEvent, "quantity", True),
        (DecisionEvent, "quantity", np.bool_(True)),
        (DecisionEvent, "quantity", "100"),
        (DecisionEvent, "quantity", None),
        (DecisionEvent, "order_type", "iceberg"),
        (DecisionEvent, "limit_price", float("nan")),
        (DecisionEvent, "limit_price", Decimal("sNaN")),
        (DecisionEvent, "limit_price", Decimal("Infinity")),
        (DecisionEvent, "limit_price", "9.11"),
        (DecisionEvent, "stop_price", float("-inf")),
        (DecisionEvent, "conviction_score", float("nan")),
        (DecisionEvent, "urgency", 1.01),
        (DecisionEvent, "urgency", -0.01),
        (DecisionEvent, "algo", ""),
        (DecisionEvent, "algo_params", ["rate", 0.1]),
        (DecisionEvent, "algo_params", {1: 0.1}),
        (DecisionEvent, "good_till", NAIVE),
        (DecisionEvent, "end", "15:00"),
        (DecisionEvent, "reduce_only", 1),
        (DecisionEvent, "event_id", ""),
        (DecisionEvent, "timestamp", NAIVE),
        (DecisionEvent, "source_agent", None),
        (DecisionEvent, "schema_version", 1.5),
        (ValidatedDecisionEvent, "original_decision_id", ""),
        (ValidatedDecisionEvent, "approved", "yes"),
        (ValidatedDecisionEvent, "adjusted_quantity", float("nan")),
        (ValidatedDecisionEvent, "compliance_checks", "all"),
        (ValidatedDecisionEvent, "risk_metrics", 3),
        (OrderEvent, "quantity", 0),
        (OrderEvent, "quantity", -1),
        (OrderEvent, "side", "short"),
        (OrderEvent, "broker_order_id", 1.5),
        (FillEvent, "filled_quantity", 0),
        (FillEvent, "fill_price", float("nan")),
        (FillEvent, "commission", float("inf")),
        (FillEvent, "liquidity", "lucky"),
        (KillSwitchEvent, "trigger_type", "panic"),
        (KillSwitchEvent, "affected_symbols", "AAPL"),
        (KillSwitchEvent, "affected_symbols", [1]),
        (KillSwitchEvent, "activated", None),
        (OrderStateChangeEvent, "new_state", "done"),
        (OrderStateChangeEvent, "filled_quantity", -1),
        (MarketDataEvent, "bid", float("nan")),
        (MarketDataEvent, "volume", -1),
        (RiskAlertEvent, "severity", "mild"),
    ],
)
def test_what_can_never_be_meant_is_refused_by_name_in_one_line(kind, field, value):
    """A wrong type, NaN, an infinity, a naive datetime or an unknown word names its field."""
    with pytest.raises(ValueError, match=field) as refused:
        least(kind, **{field: value})

    assert "\n" not in str(refused.value)


def test_a_long_wrong_value_is_shown_shortened():
    """An error message stays readable whatever was passed."""
    with pytest.raises(ValueError, match="quantity") as refused:
        least(DecisionEvent, quantity=np.zeros((50, 50)))

    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


def test_datetimes_are_kept_in_utc():
    """An aware datetime of any zone is the same instant in UTC."""
    shanghai = timezone(timedelta(hours=8))

    event = least(DecisionEvent, timestamp=datetime(2023, 7, 11, 20, tzinfo=shanghai), end=NOON)

    assert event.timestamp == NOON
    assert event.timestamp.tzinfo is UTC


def test_mappings_are_frozen_copies():
    """Neither the caller's dictionary nor the event's own can change what was said."""
    given = {"rate": 0.1}
    event = least(DecisionEvent, algo_params=given)

    given["rate"] = 0.9

    assert event.algo_params["rate"] == 0.1
    with pytest.raises(TypeError):
        operator.setitem(event.algo_params, "rate", 0.9)


def test_audit_form_writes_decimals_enums_and_odd_floats_as_text():
    """What JSON cannot hold exactly is written as text."""
    event = least(
        DecisionEvent,
        action="buy",
        limit_price=Decimal("1E+2"),
        algo_params={"a": Decimal("0.10"), "b": float("nan"), "c": {"x", "y"}, "d": (NOON, None), "e": object},
    )

    audit = event.to_audit_dict()

    assert audit["action"] == "buy"
    assert audit["limit_price"] == "100"
    assert audit["algo_params"]["a"] == "0.10"
    assert audit["algo_params"]["b"] == "nan"
    assert audit["algo_params"]["c"] == ["x", "y"]
    assert audit["algo_params"]["d"] == ["2023-07-11T12:00:00+00:00", None]
    assert audit["algo_params"]["e"] == "<class 'object'>"


def test_a_kill_takes_symbols_as_any_list():
    """A list or a set of symbols becomes a tuple."""
    assert least(KillSwitchEvent, affected_symbols=["A", "B"]).affected_symbols == ("A", "B")


def test_stamps_come_from_the_installed_source():
    """Whoever runs the house decides where ids and times come from; without a source they must be stated."""
    before = install_stamps(FixedStamps())
    try:
        event = least(DecisionEvent)
    finally:
        install_stamps(before)

    assert (event.event_id, event.timestamp) == ("0", NOON)
    assert new_event_id() != new_event_id()


def test_without_a_source_of_stamps_events_must_state_them(monkeypatch):
    """The domain never makes up an id or a time by itself."""
    monkeypatch.setattr("quietfill.domain.stamps._Slot.source", None)

    with pytest.raises(ValueError, match="event_id and timestamp"):
        least(DecisionEvent)
    assert least(DecisionEvent, event_id="e-1", timestamp=NOON).event_id == "e-1"


def test_seeded_ids_look_like_uuid4_and_never_repeat():
    """In simulation the same seed gives the same ids, another seed others."""
    ids = [seeded_event_id(7, number) for number in range(1000)]

    assert ids == [seeded_event_id(7, number) for number in range(1000)]
    assert len({*ids, *(seeded_event_id(8, number) for number in range(1000))}) == 2000
    assert all(uuid.UUID(text).version == 4 and uuid.UUID(text).variant == uuid.RFC_4122 for text in ids)
