"""Books, costs of trading now, queues, crossing and fill categories on the agent's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from quietfill import Instrument, OrderEvent, TickRule
from quietfill.agent.intake import order_id_of
from quietfill.domain.records import ChildFilled, ChildRequested, MemoKept
from quietfill.domain.types import MINUTE, QUANTITY_SCALE, OrderSide, datetime_of, price_from, quantity_from
from tests.agent.desk import Desk
from tests.agent.test_agent import on_desk, pass_time
from tests.contract.page import CONTRACT, missing_keys
from tests.own_broker import OwnDesk, fill_of, play

if TYPE_CHECKING:
    from collections.abc import Callable

RETURNS: dict[str, Any] = CONTRACT["agent"]["returns"]
BIDS = [(10.00, 600, 3), (9.99, 900, 5), (9.97, 2_000, 1)]
ASKS = [(10.02, 200, 1), (10.03, 400, 2), (10.06, 100, 1)]


def on_hand(scene: Callable[[OwnDesk], None], **parameters: Any) -> None:
    """Run one scene on an agent whose book a test shows."""

    async def shown(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", BIDS, ASKS)
        await desk.turn()
        scene(desk)

    play(shown, **parameters)


def has_keys(method: str, answer: Any) -> bool:
    """Say whether an answer has every key that the contract names."""
    paths = {name: keys for name, keys in RETURNS.items() if name.partition(".")[0] == method}
    assert paths, f"the contract does not name {method}"
    return not [lack for name, keys in paths.items() for lack in missing_keys(answer, name.split(".")[1:], keys)]


def test_the_book_is_told_level_by_level() -> None:
    """Touch, depth and imbalance are the sums of what was shown."""

    def scene(desk: OwnDesk) -> None:
        told = desk.agent.analyze_order_book("ACME")

        assert told is not None
        assert has_keys("analyze_order_book", told)
        assert (told["best_bid"], told["best_ask"], told["mid_price"]) == (10.00, 10.02, 10.01)
        assert told["spread_bps"] == pytest.approx(19.98002)
        assert told["microprice"] == pytest.approx((10.00 * 200 + 10.02 * 600) / 800)
        assert told["depth"]["bid_depth_5"] == told["depth"]["total_bid_depth"] == 3_500
        assert told["depth"]["ask_depth_10"] == 700
        assert told["imbalance"]["imbalance_5"] == pytest.approx(2_800 / 4_200)
        assert (told["bid_levels"], told["ask_levels"]) == (3, 3)
        assert (told["is_locked"], told["is_crossed"]) == (False, False)
        assert told["timestamp"] == datetime_of(desk.clock.now())
        assert told["age"] == 0

    on_hand(scene)


def test_a_book_that_stands_still_grows_old() -> None:
    """Age counts from when the book was true."""

    async def scene(desk: OwnDesk) -> None:
        await desk.pass_time(90)
        told = desk.agent.analyze_order_book("ACME")

        assert told is not None
        assert told["age"] == pytest.approx(90)

    play(scene)


def test_no_book_is_said_as_the_contract_says() -> None:
    """None, no crossing with its reason, and no invented figure."""

    def scene(desk: OwnDesk) -> None:
        agent = desk.agent
        assert agent.analyze_order_book("NONE") is None
        assert agent.estimate_execution_cost("NONE", "buy", 10) is None
        choice = agent.should_cross_spread("NONE", "buy")
        assert has_keys("should_cross_spread", choice)
        assert (choice["should_cross"], choice["reason"]) == (False, "no_book_data")
        assert choice["net_benefit_bps"] is choice["spread_cost_bps"] is choice["book_imbalance"] is None
        place = agent.estimate_queue_position("NONE", "sell", 10)
        assert has_keys("estimate_queue_position", place)
        assert place["queue_depth_ahead"] is place["fill_probability_5min"] is place["at_nbbo"] is None

    on_hand(scene)


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([(10.00, 5, 1)], [], "one_sided_book"),
        ([(10.00, 5, 1)], [(10.00, 5, 1)], "locked_or_crossed_book"),
        ([(10.01, 5, 1)], [(10.00, 5, 1)], "locked_or_crossed_book"),
        ([(-0.01, 5, 1)], [(0.01, 5, 1)], "mid_is_zero"),
    ],
)
def test_a_book_that_cannot_be_judged_is_not_crossed(bids: Any, asks: Any, reason: str) -> None:
    """What bps or queues mean nothing for gives the reason and no figures."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", bids, asks)
        await desk.turn()
        choice = desk.agent.should_cross_spread("ACME", "buy", urgency=1)

        assert (choice["should_cross"], choice["reason"], choice["net_benefit_bps"]) == (False, reason, None)

    play(scene)


@pytest.mark.parametrize(
    ("side", "quantity", "vwap", "filled"),
    [("buy", 100, 10.02, 100), ("BUY", 500, (200 * 10.02 + 300 * 10.03) / 500, 500), ("sell", 700, 9.998571429, 700)],
)
def test_the_cost_of_trading_now_is_the_books(side: str, quantity: int, vwap: float, filled: int) -> None:
    """The average price against the mid, positive when it hurts, for buys and sells alike."""

    def scene(desk: OwnDesk) -> None:
        told = desk.agent.estimate_execution_cost("ACME", side, quantity)

        assert told is not None
        assert has_keys("estimate_execution_cost", told)
        assert told["expected_vwap"] == pytest.approx(vwap)
        assert told["expected_fill"] == filled
        assert told["slippage_bps"] == pytest.approx(abs(vwap - 10.01) / 10.01 * 1e4)
        assert told["slippage_cost"] == pytest.approx(abs(vwap - 10.01) * filled)
        assert (told["is_fully_marketable"], told["fill_rate"]) == (True, 1.0)

    on_hand(scene)


def test_what_the_book_cannot_cover_is_said() -> None:
    """More than is shown is partly marketable; the multiplier is in the money and not in the bps."""
    future = Instrument(symbol="FUT", ticks=(TickRule(0, price_from("0.01")),), lot=quantity_from(1), multiplier=50)

    def scene(desk: OwnDesk) -> None:
        desk.agent.register_instrument(future)
        desk.agent.update_order_book("FUT", BIDS, ASKS)
        told = desk.agent.estimate_execution_cost("FUT", OrderSide.BUY, 1_400)
        plain = desk.agent.estimate_execution_cost("ACME", OrderSide.BUY, 1_400)

        assert told is not None
        assert plain is not None
        assert (told["expected_fill"], told["fill_rate"], told["is_fully_marketable"]) == (700, 0.5, False)
        assert told["slippage_cost"] == pytest.approx(50 * plain["slippage_cost"])
        assert told["slippage_bps"] == plain["slippage_bps"]

    on_hand(scene)


def test_crossing_follows_imbalance_and_urgency() -> None:
    """A heavy bid urges buyers and calms sellers; urgency 1 crosses, and the figures say why."""

    def scene(desk: OwnDesk) -> None:
        ask = desk.agent.should_cross_spread
        buy, sell = ask("ACME", "buy"), ask("ACME", "Sell")

        assert has_keys("should_cross_spread", buy)
        assert buy["book_imbalance"] == sell["book_imbalance"] == pytest.approx(2_800 / 4_200)
        assert (buy["should_cross"], sell["should_cross"]) == (True, False)
        assert buy["net_benefit_bps"] > 0 > sell["net_benefit_bps"]
        assert buy["spread_cost_bps"] == pytest.approx(9.99001)
        assert ask("ACME", "sell", urgency=1)["should_cross"]
        assert not ask("ACME", "buy", urgency=0)["should_cross"]
        assert ask("ACME", "sell", opportunity_cost_bps=500)["should_cross"]
        assert buy["expected_queue_time_min"] is None

    on_hand(scene)


def test_our_own_order_is_no_sign_of_the_market() -> None:
    """A large order of ours in the bid neither urges us to cross nor stands in our own way."""

    def book(bid_size: float) -> Any:
        return [(10.00, bid_size, 1)], [(10.02, 1_000, 1)]

    async def scene(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", *book(1_000))
        await desk.turn()
        before = desk.agent.should_cross_spread("ACME", "buy")
        await desk.submit(quantity=9_000, limit_price=10.00)
        desk.broker.placed[0].gives(7)
        await desk.turn()
        desk.broker.fill(fill_of(desk.broker.placed[0].order, 1))  # the only word this broker has
        await desk.turn()
        desk.agent.update_order_book("ACME", *book(1_000 + 8_999))
        await desk.turn()

        assert desk.agent.should_cross_spread("ACME", "buy")["net_benefit_bps"] == pytest.approx(
            before["net_benefit_bps"]
        )
        assert desk.agent.estimate_queue_position("ACME", "buy", 100)["queue_depth_ahead"] == 1_000

    play(scene)


@pytest.mark.parametrize(
    ("price", "at_nbbo", "position", "ahead"),
    [(None, True, 600, 600), (10.00, True, 600, 600), (10.01, True, 0, 0), (9.99, False, 900, 1_500)],
)
def test_a_queue_is_what_stands_before_us(price: float | None, at_nbbo: bool, position: int, ahead: int) -> None:
    """Position at the price, depth before us, and whether nobody is better."""

    def scene(desk: OwnDesk) -> None:
        place = desk.agent.estimate_queue_position("ACME", "buy", 100, price)

        assert (place["at_nbbo"], place["queue_position"], place["queue_depth_ahead"]) == (at_nbbo, position, ahead)
        assert place["nbbo_depth"] == 600
        assert (
            place["estimated_fill_rate"] is place["estimated_fill_time_min"] is place["fill_probability_5min"] is None
        )

    on_hand(scene)


def test_the_queue_moves_at_the_pace_that_was_seen() -> None:
    """Half of the day's volume reaches each side, where a feed tells volume and no prints."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", BIDS, ASKS)
        desk.agent.update_market_volume("ACME", 1_000_000)
        await desk.turn()
        place = desk.agent.estimate_queue_position("ACME", "buy", 100)
        minutes = (desk.clock.now() % (86_400 * 10**9)) / MINUTE

        assert place["estimated_fill_rate"] == pytest.approx(500_000 / minutes)
        assert place["estimated_fill_time_min"] == pytest.approx(700 * minutes / 500_000)
        assert 0 < place["fill_probability_5min"] < 1
        choice = desk.agent.should_cross_spread("ACME", "buy")
        assert choice["expected_queue_time_min"] == pytest.approx(600 * minutes / 500_000)

    play(scene)


def test_a_price_that_trades_at_once_waits_for_nobody() -> None:
    """Beyond the far touch the fill time is zero as far as the book reaches."""

    def scene(desk: OwnDesk) -> None:
        place = desk.agent.estimate_queue_position("ACME", "buy", 150, 10.02)

        assert (place["estimated_fill_time_min"], place["fill_probability_5min"]) == (0.0, 1.0)

    on_hand(scene)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda agent: agent.should_cross_spread("ACME", "buy", 1.5), "urgency"),
        (lambda agent: agent.should_cross_spread("ACME", "buy", float("nan")), "urgency"),
        (lambda agent: agent.should_cross_spread("NONE", "buy", -1), "urgency"),
        (lambda agent: agent.should_cross_spread("ACME", "hold"), "side"),
        (lambda agent: agent.should_cross_spread("ACME", "buy", 0.5, -1), "opportunity_cost_bps"),
        (lambda agent: agent.estimate_execution_cost("ACME", "buy", 0), "quantity"),
        (lambda agent: agent.estimate_execution_cost("ACME", "up", 1), "side"),
        (lambda agent: agent.estimate_queue_position("ACME", "buy", float("inf")), "size"),
        (lambda agent: agent.estimate_queue_position("ACME", "buy", 1, float("nan")), "price"),
        (lambda agent: agent.categorize_fill("x", float("nan"), 1, "buy"), "fill_price"),
        (lambda agent: agent.categorize_fill("x", 1.0, -1, "buy"), "fill_quantity"),
        (lambda agent: agent.categorize_fill("x", 1.0, 1, "long"), "side"),
    ],
)
def test_bad_input_is_named(call: Callable[[Any], Any], name: str) -> None:
    """Each argument that can never be meant is refused by name, whether there is a book or not."""

    def scene(desk: OwnDesk) -> None:
        with pytest.raises(ValueError, match=name):
            call(desk.agent)

    on_hand(scene)


def test_an_urgency_out_of_range_submits_nothing() -> None:
    """The check comes before the order."""

    def scene(desk: OwnDesk) -> None:
        with pytest.raises(ValueError, match="urgency"):
            desk.agent.execute_with_spread_awareness(OrderEvent(symbol="ACME", quantity=100), urgency=2)
        assert desk.agent.get_pending_orders() == []

    on_hand(scene)


@pytest.mark.parametrize(("urgency", "kind", "limit"), [(0.0, "passive", 10.00), (1.0, "aggressive", 10.02)])
def test_spread_awareness_submits_what_it_says(urgency: float, kind: str, limit: float) -> None:
    """It returns at once; the first child rests or crosses as the choice was, within the order's limit."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", BIDS, ASKS)
        await desk.turn()
        order = OrderEvent(symbol="ACME", quantity=100, limit_price=10.05)
        told = desk.agent.execute_with_spread_awareness(order, urgency)
        await desk.turn()

        assert has_keys("execute_with_spread_awareness", told)
        assert (told["execution_type"], told["order"], told["order_id"]) == (kind, order, order_id_of(order.event_id))
        (pending,) = desk.agent.get_pending_orders()
        assert (pending["order_id"], pending["algo"]) == (told["order_id"], "adaptive")
        (child,) = desk.records(ChildRequested)
        assert child.limit_price == price_from(limit)
        assert child.crossing is (kind == "aggressive")

    play(scene, max_slippage_bps=100)


def test_an_adaptive_order_fills_and_its_fills_are_judged() -> None:
    """On the packaged market it completes; every fill is counted by the touch that was kept with it."""

    async def scene(desk: Desk) -> None:
        orders = [OrderEvent(symbol=desk.symbol, side=side, quantity=5_000) for side in OrderSide]
        told = [desk.agent.execute_with_spread_awareness(order, 0.5) for order in orders]
        for one in told:
            report = await desk.agent.wait_done(one["order_id"])
            assert report is not None
            assert report["filled_quantity"] == 5_000
        assert desk.broker.exchange.open_count == 0

        summary = desk.agent.get_fill_categorization_summary()
        assert has_keys("get_fill_categorization_summary", summary)
        fills = [entry.record for entry in desk.journal.read() if isinstance(entry.record, ChildFilled)]
        kinds = ("aggressive", "passive", "midpoint", "auction", "unknown")
        assert summary["total_fills"] == len(fills) == sum(summary[kind]["count"] for kind in kinds)
        assert summary["total_quantity"] == 10_000 == sum(summary[kind]["quantity"] for kind in kinds)
        assert sum(summary[kind]["pct"] for kind in kinds) == pytest.approx(100)
        assert sum(summary[kind]["quantity_pct"] for kind in kinds) == pytest.approx(100)
        assert summary["passive"]["quantity"] > 0
        assert summary["unknown"]["count"] == 0

        first = next(record.fill for record in fills if record.child_id.startswith(told[0]["order_id"]))
        judged = desk.agent.categorize_fill(
            told[0]["order_id"], first.price / 10**9, first.quantity // QUANTITY_SCALE, "buy"
        )
        assert judged.category in kinds
        await pass_time(desk, 5 * MINUTE)
        again = desk.agent.categorize_fill(
            told[0]["order_id"], first.price / 10**9, first.quantity // QUANTITY_SCALE, "buy"
        )
        assert again == judged

    on_desk(scene)


def test_a_recorded_market_tells_its_pace() -> None:
    """With prints to see, the fill rate of each side is what was printed there, and the chances are chances."""

    async def scene(desk: Desk) -> None:
        await pass_time(desk, 10 * MINUTE)
        for side in OrderSide:
            place = desk.agent.estimate_queue_position(desk.symbol, side, 500)
            assert place["estimated_fill_rate"] > 0
            assert place["estimated_fill_time_min"] > 0
            assert 0 <= place["fill_probability_5min"] <= 1
        near = desk.agent.estimate_queue_position(desk.symbol, "buy", 100)
        far = desk.agent.estimate_queue_position(desk.symbol, "buy", 5_000_000)
        assert near["fill_probability_5min"] > far["fill_probability_5min"]

    on_desk(scene)


def test_a_fill_that_was_not_booked_is_judged_by_the_book_now() -> None:
    """By hand it is placed in the present spread; of an unknown order nothing is known."""

    async def scene(desk: OwnDesk) -> None:
        order_id = await desk.submit()
        judge = desk.agent.categorize_fill

        assert judge(order_id, 10.00, 5, "buy").category == "passive"
        assert judge(order_id, 10.02, 5, "buy").is_aggressive
        assert judge(order_id, 10.02, 5, "sell").price_vs_spread_position == 0.0
        assert judge(order_id, 10.01, 5, "buy").category == "midpoint"
        assert judge(order_id, 10.02, 5, "buy").price_vs_arrival_bps == pytest.approx(0.01 / 10.01 * 1e4)
        unknown = judge("nobody's", 10.02, 5, "buy")
        assert (unknown.category, unknown.price_vs_arrival_bps) == ("unknown", None)

    play(scene)


def test_an_empty_day_has_no_shares() -> None:
    """Before the first fill the counts are zero and the percentages unknown."""

    def scene(desk: OwnDesk) -> None:
        summary = desk.agent.get_fill_categorization_summary()

        assert (summary["total_fills"], summary["passive"]["count"], summary["passive"]["pct"]) == (0, 0, None)
        assert summary["avg_arrival_slippage_bps"] is None

    on_hand(scene)


def test_a_clip_across_is_in_the_journal_before_its_request() -> None:
    """What the algo must remember of a crossing is durable before the order leaves."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.update_order_book("ACME", BIDS, ASKS)
        desk.agent.execute_with_spread_awareness(OrderEvent(symbol="ACME", quantity=900), 1.0)
        await desk.turn()
        kinds = [type(entry.record) for entry in desk.journal.read()]

        assert kinds.index(MemoKept) < kinds.index(ChildRequested)

    play(scene)
