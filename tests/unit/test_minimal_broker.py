"""The edge around a user's broker, part by part: what is read, what is believed, what is kept."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from quietfill import BadInput, BrokerError, FillEvent, OrderSide, OrderState
from quietfill.brokers.face import BrokerFace, is_edge
from quietfill.brokers.lanes import Lane, Lanes, Terms
from quietfill.brokers.minimal import MinimalEdge
from quietfill.brokers.shelf import Shelf
from quietfill.brokers.words import Status, fill_report, order_event_of, public_price, read_listed, read_status
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.records import ChildRequested
from quietfill.domain.types import SECOND, TimeInForce, price_from, quantity_from
from quietfill.venue.broker import VenueBroker
from quietfill.venue.simulated import SimulatedBroker
from quietfill.venue.virtual_clock import VirtualClock
from tests.own_broker import NOON, HandBroker, TalkingBroker, fill_of


def request(child_id: str = "p-1", quantity: int = 100, price: str | None = "10.00") -> ChildRequested:
    """Return a request to place a child."""
    return ChildRequested(
        at=NOON,
        child_id=child_id,
        order_id="p",
        key="a",
        symbol="ACME",
        side=OrderSide.BUY,
        quantity=quantity_from(quantity),
        limit_price=None if price is None else price_from(price),
        time_in_force=TimeInForce.DAY,
        good_till=None,
        why="test",
    )


def a_fill(**changes: Any) -> FillEvent:
    """Return a fill of 40."""
    order = order_event_of(request(), sender="desk", decision_id="d")
    return fill_of(order, 40, **changes)


# What an object offers


def test_brokers_of_ours_are_edges_and_others_are_not() -> None:
    """What speaks in records and reports is used as it is; a mock that answers to every name is none."""
    assert is_edge(object.__new__(VenueBroker))
    assert is_edge(object.__new__(SimulatedBroker))
    assert not is_edge(HandBroker())
    assert not is_edge(MagicMock())


def test_what_else_is_there_is_used() -> None:
    """Modifying needs status reports too, since nobody else would tell which terms are in force."""

    class Mute(HandBroker):
        async def modify_order(self, _number: int, **_terms: Any) -> bool:
            return True

    assert [BrokerFace(broker).can_modify for broker in (HandBroker(), TalkingBroker(), Mute(), MagicMock())] == [
        False,
        True,
        False,
        False,
    ]
    assert BrokerFace(TalkingBroker()).lists_orders


@pytest.mark.parametrize("connected", [True, lambda: True, MagicMock(return_value=True)])
def test_connected_may_be_a_property_or_a_method(connected: Any) -> None:
    """Both are asked the same way."""
    broker = SimpleNamespace(
        is_connected=connected, place_order=AsyncMock(), cancel_order=AsyncMock(), on_fill=MagicMock()
    )

    assert BrokerFace(broker).is_connected() is True


def test_connected_must_not_be_awaited() -> None:
    """A coroutine function is always true, so it is refused instead of believed."""

    class Later(HandBroker):
        async def is_connected(self) -> bool:  # type: ignore[override]
            return False

        def __init__(self) -> None:
            """Leave out the flag."""

    with pytest.raises(BadInput, match="is_connected must be a property or a plain method"):
        BrokerFace(Later()).is_connected()


def test_a_broker_that_does_not_let_us_listen_cannot_be_used() -> None:
    """What `on_fill` raises ends the start with a broker error."""
    broker = HandBroker()
    broker.on_fill = MagicMock(side_effect=OSError("reset"))  # type: ignore[method-assign]
    edge = MinimalEdge(broker, VirtualClock(NOON))

    with pytest.raises(BrokerError, match="cannot be used"):
        asyncio.run(edge.connect())


@pytest.mark.parametrize(("answer", "expected"), [(7, 7), (None, None), (MagicMock(__index__=lambda _self: 8), 8)])
def test_place_returns_an_id_or_nothing(answer: Any, expected: int | None) -> None:
    """Any whole number is an id."""
    face = BrokerFace(
        SimpleNamespace(
            is_connected=True, place_order=lambda _order: answer, cancel_order=AsyncMock(), on_fill=MagicMock()
        )
    )
    order = order_event_of(request(), sender="desk", decision_id="")

    assert asyncio.run(face.place(order, "p-1")) == expected


@pytest.mark.parametrize("answer", ["7", True, 7.0, object()])
def test_place_returns_nothing_else(answer: Any) -> None:
    """What is no id is not guessed at."""
    place = AsyncMock(return_value=answer)
    face = BrokerFace(
        SimpleNamespace(is_connected=True, place_order=place, cancel_order=AsyncMock(), on_fill=MagicMock())
    )
    order = order_event_of(request(), sender="desk", decision_id="")

    with pytest.raises(BadInput, match="what place_order returned must be a whole number"):
        asyncio.run(face.place(order, "p-1"))
    place.assert_called_once_with(order, idempotency_key="p-1")


@pytest.mark.parametrize("answer", [5, "orders", None])
def test_a_listing_is_a_list(answer: Any) -> None:
    """Anything else is no answer."""
    broker = TalkingBroker()
    broker.open_orders = AsyncMock(return_value=answer)  # type: ignore[method-assign]
    face = BrokerFace(broker)

    with pytest.raises(BadInput, match="open_orders must return a list"):
        asyncio.run(face.open_orders())


# Words


def test_an_order_event_says_exactly_what_is_wanted() -> None:
    """Prices are floats where a float means the same; an order without a limit is a market order."""
    event = order_event_of(request(price=None), sender="desk", decision_id="d")

    assert (event.order_type, event.limit_price, event.algo, event.source_agent) == ("market", None, "MARKET", "desk")
    assert public_price(10_010_000_000) == 10.01
    assert isinstance(public_price(10_010_000_000), float)
    assert public_price(9_007_199_254_740_993_001) == Decimal("9007199254.740993001")


def test_a_fill_too_small_to_count_is_refused() -> None:
    """Less than 1e-8 cannot be booked, so it is said."""
    with pytest.raises(BadInput, match="too small"):
        fill_report("p-1", a_fill(filled_quantity=1e-12))


def test_a_fill_keeps_what_the_broker_said() -> None:
    """Venue, liquidity, time and commission are taken over; 0 is no broker id."""
    report = fill_report("p-1", a_fill(commission=-0.25, exchange="XNAS", liquidity="passive"))

    assert report.fill is not None
    assert (report.kind, report.broker_order_id, report.exchange_time) == (ReportKind.FILL, None, NOON)
    assert (report.fill.commission, report.fill.venue, report.fill.liquidity) == (-250_000_000, "XNAS", "passive")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("working", OrderState.WORKING),
        ("PreSubmitted", OrderState.ACKNOWLEDGED),
        ("Partially-Filled", OrderState.PARTIAL),
        ("partially_filled", OrderState.PARTIAL),
        ("CANCELED", OrderState.CANCELLED),
        ("pending cancel", OrderState.PENDING_CANCEL),
        (OrderState.EXPIRED, OrderState.EXPIRED),
    ],
)
def test_status_words_of_many_brokers_are_understood(word: str, state: OrderState) -> None:
    """In any case and with any separator."""
    assert read_status(SimpleNamespace(broker_order_id=7, status=word)).state is state
    assert read_status({"order_id": "p-1", "state": word}).state is state


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"broker_order_id": 7, "status": "inactive"}, "status must be a known word, not 'inactive'"),
        ({"status": "working"}, "names no order"),
        ({"broker_order_id": "x", "status": "working"}, "broker_order_id must be a whole number"),
        ({"broker_order_id": 7, "status": "working", "filled": float("nan")}, "filled must be finite"),
        (None, "status must be a known word"),
    ],
)
def test_a_status_that_cannot_be_read_is_refused_by_name(said: Any, message: str) -> None:
    """The field and the value are in the message."""
    with pytest.raises(BadInput, match=message):
        read_status(said)


def test_a_listed_order_may_count_its_total_in_parts() -> None:
    """Filled and remaining make a total where none is stated; what was not said stays unknown."""
    listed = read_listed({"broker_order_id": 7, "filled": 40, "remaining": 60})

    assert (listed.total, listed.filled, listed.limit_price) == (quantity_from(100), quantity_from(40), None)
    assert read_listed({"order_id": "p-1"}).total is None


# Whose it is


def test_an_id_that_comes_again_stands_for_the_newest() -> None:
    """A broker that starts its numbers anew each day confuses nobody."""
    lanes = Lanes()
    old, new = lanes.open(request("p-1")), lanes.open(request("p-2"))
    lanes.name(old, 7)
    old.end()
    lanes.name(new, 7)

    assert lanes.find("", 7) is new
    assert lanes.find("p-1", 7) is old
    assert lanes.find("", 0) is None


def test_ended_lanes_are_forgotten_when_there_are_many() -> None:
    """Memory stays bounded; what is live stays."""
    lanes = Lanes()
    first = lanes.open(request("live"))
    lanes.placed(first)
    for number in range(10_100):
        lane = lanes.open(request(f"c-{number}"))
        lanes.placed(lane)
        lane.end()

    assert len(list(lanes)) < 10_001
    assert lanes.get("live") is first
    assert lanes.get("c-0") is None


def test_a_lane_ends_when_everything_under_any_terms_is_filled() -> None:
    """While an increase is on its way the larger total counts."""
    lane = Lane("p-1", OrderSide.BUY, Terms(0, quantity_from(40), None))
    lane.wanted = Terms(1, quantity_from(60), None)
    lane.take(fill_report("p-1", a_fill(execution_id="a")))
    before = lane.is_ended
    lane.take(fill_report("p-1", a_fill(execution_id="a")))
    lane.take(fill_report("p-1", a_fill(execution_id="b")))

    assert (before, lane.is_ended, lane.filled) == (False, True, quantity_from(80))


def test_the_shelf_tells_once_and_keeps_the_latest() -> None:
    """Each word is told once, stays claimable, and a flood of them does not fill memory."""
    shelf = Shelf(SECOND)
    told: list[Any] = []
    claimed: list[int] = []
    for number in range(1_500):
        shelf.put(read_status({"broker_order_id": number + 1, "status": "working"}), NOON)
    for _ in range(2):
        shelf.review(lambda _word: False, told.append, NOON, ids_may_come=False)

    def claim(word: Any) -> bool:
        claimed.append(word.broker_order_id)
        return True

    shelf.review(claim, told.append, NOON, ids_may_come=False)
    assert len(told) == 1_500
    assert (min(claimed), max(claimed), len(claimed)) == (501, 1_500, 1_000)


def test_the_shelf_waits_while_an_id_may_come() -> None:
    """Nothing is told before its patience is over."""
    shelf = Shelf(SECOND)
    told: list[Any] = []
    word = Status(order_id="", broker_order_id=7, state=OrderState.WORKING, filled=None, remaining=None, reason="")
    shelf.put(word, NOON)
    shelf.review(lambda _word: False, told.append, NOON, ids_may_come=True)
    before = list(told)
    shelf.review(lambda _word: False, told.append, NOON + SECOND, ids_may_come=True)

    assert (before, told) == ([], [word])


# The edge alone


def test_nothing_is_called_back_inside_submit() -> None:
    """A broker that fills and answers at once is heard in a later turn of the loop, in order."""

    class Quick(HandBroker):
        def place_order(self, order_event: Any) -> int:  # type: ignore[override]
            self.fill(fill_of(order_event, 40))
            return 7

    async def run() -> list[ReportKind]:
        broker, heard = Quick(), []
        edge = MinimalEdge(broker, VirtualClock(NOON))
        edge.on_report(lambda report: heard.append(report.kind))
        await edge.connect()
        edge.submit(request())
        assert heard == []
        for _ in range(5):
            await asyncio.sleep(0)
        await edge.disconnect()
        broker.fill(a_fill())  # nobody listens any more: it is in the log, and no error
        return heard

    assert asyncio.run(run()) == [ReportKind.FILL, ReportKind.ACCEPTED]


def test_a_snapshot_of_a_silent_broker_is_incomplete() -> None:
    """What we heard ourselves is all there is, and absence proves nothing."""

    async def run() -> None:
        broker = HandBroker()
        broker.on_place = lambda call: call.gives(7)
        edge = MinimalEdge(broker, VirtualClock(NOON))
        await edge.connect()
        edge.submit(request())
        broker.fill(a_fill())
        for _ in range(5):
            await asyncio.sleep(0)
        snapshot = await edge.snapshot()
        await edge.disconnect()

        assert (snapshot.complete, snapshot.orders) == (False, ())
        assert [report.child_id for report in snapshot.fills] == ["p-1"]

    asyncio.run(run())


def test_executions_without_ids_make_an_answer_incomplete() -> None:
    """They would be booked a second time, so they are not taken, and absence proves nothing."""

    async def run() -> None:
        broker = TalkingBroker()
        broker.on_place = lambda call: call.gives(7)
        edge = MinimalEdge(broker, VirtualClock(NOON))
        await edge.connect()
        edge.submit(request())
        await asyncio.sleep(0)
        full = await edge.snapshot()
        broker.executed = [a_fill(execution_id="x1"), a_fill()]
        partly = await edge.snapshot()
        await edge.disconnect()

        assert (full.complete, partly.complete) == (True, False)
        assert [report.fill.execution_id for report in partly.fills if report.fill] == ["x1"]

    asyncio.run(run())
