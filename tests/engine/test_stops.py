"""Stops in the engine: the trigger is journaled first, fires once, and survives restarts, broken lines and kills."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.algos.base import TRIGGERED
from quietfill.algos.stops import LATCHED
from quietfill.algos.trailing_stop import EXTREME
from quietfill.domain.messages import (
    AmendOrder,
    BookUpdate,
    BrokerOrder,
    Kill,
    LinkState,
    PauseOrder,
    ResumeOrder,
    Rule,
    SwitchRule,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import AlertRaised, ChildRequested, MemoKept, OrderAccepted, OrderDone, OrderRefused
from quietfill.domain.types import MINUTE, SECOND, OrderSide, OrderType, price_from, quantity_from
from tests.engine.rig import SYMBOL, Rig, fingerprint

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord

SIDES = [OrderSide.BUY, OrderSide.SELL]


def price(text: str) -> int:
    return price_from(Decimal(text))


class StopRig(Rig):
    """A rig whose market prints; the order is a stop at 10.00 with the market a dollar away from it."""

    def __init__(self, side: OrderSide = OrderSide.SELL, algo: str = "stop", **terms: Any) -> None:
        super().__init__()
        self.side = side
        self.volume = 1_000
        self.away()
        self.accepted = self.order(side=side, algo=algo, stop_price=price("10.00"), end=self.now + 60 * MINUTE, **terms)

    def print(self, last: str, bid: str | None = None, ask: str | None = None) -> list[AnyRecord]:
        """Show a print with the touch a cent around it, unless stated."""
        self.now += SECOND
        self.volume += 100
        middle = Decimal(last)
        return self.handle(
            BookUpdate(
                symbol=SYMBOL,
                time=self.now,
                bids=((price(bid or str(middle - Decimal("0.01"))), quantity_from(1_000)),),
                asks=((price(ask or str(middle + Decimal("0.01"))), quantity_from(1_000)),),
                last=price(last),
                volume=quantity_from(self.volume),
            )
        )

    def away(self) -> list[AnyRecord]:
        """Print where the stop is not met."""
        return self.print("9.50" if self.side is OrderSide.BUY else "10.50")

    def through(self) -> list[AnyRecord]:
        """Print at the stop price."""
        return self.print("10.00")

    def restarted(self) -> list[AnyRecord]:
        """Begin anew from the records, as after a crash; the broker has not said anything yet."""
        engine = self.fresh_engine()
        engine.restore(self.records)
        self.engine = engine
        return self._keep(engine.recover(self.now))


def kinds(records: list[AnyRecord], *wanted: type) -> list[type]:
    return [type(record) for record in records if isinstance(record, wanted)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("algo", ["stop", "stop_limit"])
def test_the_trigger_is_journaled_before_the_child(side: OrderSide, algo: str) -> None:
    """Nothing is sent until a print is through; then the memo stands before the request, in one commit."""
    rig = StopRig(side, algo, limit_price=price("10.00"))
    assert rig.print("9.99" if side is OrderSide.BUY else "10.01") == []
    records = rig.through()

    assert kinds(records, MemoKept, ChildRequested) == [MemoKept, ChildRequested]
    assert rig.parent.memo[TRIGGERED] == rig.now
    assert [request.quantity for request in rig.placed()] == [quantity_from(100)]


@pytest.mark.parametrize("side", SIDES)
def test_already_through_triggers_at_once(side: OrderSide) -> None:
    """A stop whose price is through when it comes is triggered by its acceptance."""
    rig = StopRig(side)
    rig.through()
    records = rig.order(name="p2", side=side, algo="stop", stop_price=price("10.00"))

    assert kinds(records, OrderAccepted, MemoKept, ChildRequested) == [OrderAccepted, MemoKept, ChildRequested]


def test_a_restart_between_trigger_and_fill_does_not_trigger_again() -> None:
    """After a crash the child is settled with the broker; the trigger holds, and nothing is asked for twice."""
    rig = StopRig()
    rig.through()
    (sent,) = rig.placed()
    rig.restarted()
    rig.away()
    rig.through()
    listed = BrokerOrder(
        child_id=sent.child_id, broker_order_id=1, total=sent.quantity, cumulative=0, limit_price=sent.limit_price,
        is_open=True,
    )  # fmt: skip
    records = rig.handle(rig.snapshot(listed))
    records += rig.through()

    assert kinds(records, MemoKept, ChildRequested) == []
    assert rig.requests() == []
    rig.fill(100)
    assert rig.parent.state is OrderState.FILLED


@pytest.mark.parametrize("still_through", [True, False])
def test_a_trigger_while_reconciling_is_latched(still_through: bool) -> None:
    """Until the broker has said what it has nothing is sent; then it fires, or is armed again with an alert."""
    rig = StopRig()
    rig.restarted()
    records = rig.through()
    assert [set(record.memo) for record in records if isinstance(record, MemoKept)] == [{LATCHED}]
    assert rig.requests() == []
    if not still_through:
        assert kinds(rig.away(), MemoKept) == []
    records = rig.handle(rig.snapshot())

    assert bool(rig.placed()) is still_through
    assert (TRIGGERED in rig.parent.memo) is still_through
    assert LATCHED not in rig.parent.memo
    alerts = [record.text for record in records if isinstance(record, AlertRaised)]
    assert any("armed again" in text for text in alerts) is not still_through


@pytest.mark.parametrize("still_through", [True, False])
def test_a_trigger_without_a_line_is_latched(still_through: bool) -> None:
    """The same while the line is down: one record of it, nothing sent, decided when the line is back."""
    rig = StopRig()
    rig.handle(LinkState(up=False))
    first = rig.through()
    again = rig.through()
    assert (kinds(first, MemoKept), kinds(again, MemoKept)) == ([MemoKept], [])
    if not still_through:
        rig.away()
    rig.handle(LinkState(up=True))
    rig.handle(rig.snapshot())

    assert bool(rig.placed()) is still_through
    if not still_through:
        assert rig.through()
        assert rig.placed()


@pytest.mark.parametrize("cancel_pending", [True, False])
def test_a_kill_disarms_and_a_release_does_not_arm_again(cancel_pending: bool) -> None:
    """A killed stop is cancelled, and nothing that comes later triggers it."""
    rig = StopRig()
    rig.handle(Kill(kill_id="k", by="risk", reason="test", cancel_pending=cancel_pending))
    rig.through()

    assert rig.parent.state is OrderState.CANCELLED
    assert rig.requests() == []


def test_off_and_on() -> None:
    """While stops are off nothing triggers; switched on, a price that is through does."""
    rig = StopRig()
    rig.handle(SwitchRule(rule=Rule.STOPS, on=False, by="a"))
    rig.through()
    assert rig.requests() == []
    rig.handle(SwitchRule(rule=Rule.STOPS, on=True, by="a"))

    assert rig.placed()


def test_a_paused_stop_does_not_trigger() -> None:
    """A pause holds the trigger; a print that came and went meanwhile is past."""
    rig = StopRig()
    rig.handle(PauseOrder(order_id="p1", by="a"))
    rig.through()
    rig.away()
    rig.handle(ResumeOrder(order_id="p1", by="a"))
    assert rig.requests() == []
    rig.through()

    assert rig.placed()


def test_an_untriggered_stop_ends_with_its_window() -> None:
    """At its end it expires without a child."""
    rig = StopRig()
    records = rig.pass_time(61 * MINUTE)

    assert kinds(records, ChildRequested, OrderDone) == [OrderDone]
    assert rig.parent.state is OrderState.EXPIRED


@pytest.mark.parametrize("side", SIDES)
def test_a_trailing_extreme_survives_a_restart(side: OrderSide) -> None:
    """The best price is journaled in steps; after a restart the level stands where it stood."""
    sign = side.sign
    rig = Rig()
    rig.quote()
    stops = StopRig(side, "trailing_stop", params={"trail_amount": "0.20"})
    best = Decimal("9.50" if side is OrderSide.BUY else "10.50") - sign * Decimal("0.30")
    assert kinds(stops.print(str(best)), MemoKept) == [MemoKept]
    assert stops.print(str(best + sign * Decimal("0.10"))) == []
    memo = dict(stops.parent.memo)
    stops.restarted()
    stops.handle(stops.snapshot())

    assert memo == {EXTREME: price(str(best))}
    assert stops.parent.memo == memo
    assert stops.print(str(best + sign * Decimal("0.19"))) == []
    stops.print(str(best + sign * Decimal("0.20")))
    assert stops.placed()


def test_a_trailing_level_follows_an_amended_trail() -> None:
    """A changed trail is in force at once, measured from the best price so far."""
    rig = StopRig(algo="trailing_stop", params={"trail_amount": "0.40"})
    rig.print("10.80")
    rig.print("10.60")
    assert rig.requests() == []
    rig.handle(AmendOrder(order_id="p1", by="a", changes={"trail_amount": "0.15"}))

    assert rig.placed()


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"algo": "stop"}, "algo stop needs a stop_price"),
        ({"algo": "stop_limit", "stop_price": price("10.00")}, "algo stop_limit needs a limit_price"),
        ({"algo": "stop", "order_type": OrderType.STOP}, "order type stop needs a stop_price"),
        ({"algo": "trailing_stop"}, "exactly one of trail_bps and trail_amount"),
        ({"algo": "stop", "stop_price": price("10.001")}, "stop_price 10.001 is not on the tick"),
    ],
)
def test_stops_that_cannot_be_meant_are_refused(terms: dict[str, Any], reason: str) -> None:
    """The refusal names what is missing."""
    rig = Rig()
    rig.quote()
    records = rig.order(**terms)

    refusals = [record for record in records if isinstance(record, OrderRefused)]
    assert any(reason in text for text in refusals[0].reasons)


def test_replay_equals_live() -> None:
    """A triggered, a latched and a trailing stop are the same after a replay."""
    rig = StopRig()
    rig.order(name="p2", side=OrderSide.SELL, algo="trailing_stop", params={"trail_amount": "0.60"})
    rig.through()
    rig.print("10.90")
    rig.handle(LinkState(up=False))
    rig.print("10.10")
    replayed = rig.fresh_engine()
    replayed.restore(rig.records)

    assert LATCHED in rig.engine.state.parents["p2"].memo
    assert fingerprint(replayed) == fingerprint(rig.engine)


def test_without_a_stated_end_a_stop_lasts_all_day() -> None:
    """A protective order does not end with the default horizon."""
    rig = Rig()
    rig.quote()
    rig.order(algo="stop", side=OrderSide.SELL, stop_price=price("9.00"), end=None)

    assert rig.parent.end == rig.parent.day.spans[-1][1]
