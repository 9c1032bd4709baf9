"""Bad input of every kind is refused with an error that names it, and changes nothing: neither state nor journal."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quietfill import (
    AgentConfig,
    DecisionEvent,
    FillEvent,
    KillScope,
    OrderBookLevel,
    OrderBookSnapshot,
    OrderEvent,
    OrderSide,
    OrderType,
    PendingOrder,
    SliceFill,
    ValidatedDecisionEvent,
)
from tests.agent.desk import open_desk
from tests.engine.rig import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from quietfill import ExecutionAgentImpl


NOT_FINITE = st.sampled_from([math.nan, math.inf, -math.inf])
NOT_POSITIVE = st.one_of(NOT_FINITE, st.integers(-(10**6), 0), st.floats(-1e6, 0))
NEGATIVE = st.one_of(NOT_FINITE, st.integers(-(10**6), -1), st.floats(-1e6, -1e-3))
NO_SIDE = st.sampled_from(["", "long", "b", "buy ", "None", None, 1])
NO_SHARE = st.one_of(NOT_FINITE, st.floats(1.0001, 50), st.floats(-50, -0.0001))
NAIVE = st.datetimes()
WORDS = st.sampled_from(["", "arival", "nonsense", "VWAP2", "42"])
S = "600961"

CASES: dict[str, tuple[Any, Callable[[ExecutionAgentImpl, Any], Any], str]] = {
    "price": (NOT_FINITE, lambda a, v: a.update_price(S, v), "price"),
    "price that is no number": (st.sampled_from(["x", None, [], True]), lambda a, v: a.update_price(S, v), "price"),
    "volume": (NEGATIVE, lambda a, v: a.update_market_volume(S, v), "volume"),
    "book price": (NOT_FINITE, lambda a, v: a.update_order_book(S, [(v, 1, 1)], []), "price"),
    "book size": (NEGATIVE, lambda a, v: a.update_order_book(S, [(9.0, v, 1)], []), "size"),
    "unsorted bids": (
        st.floats(9.01, 20), lambda a, v: a.update_order_book(S, [(9.0, 1), (round(v, 2), 1)], []),
        "bids",
    ),
    "unsorted asks": (
        st.floats(1, 8.99), lambda a, v: a.update_order_book(S, [], [(9.0, 1), (round(v, 2), 1)]),
        "asks",
    ),
    "profile": (st.lists(NEGATIVE, max_size=3), lambda a, v: a.set_volume_profile(S, v), "profile"),
    "empty profile": (st.lists(st.just(0.0), max_size=4), lambda a, v: a.set_volume_profile(S, v), "profile"),
    "cost size": (NOT_POSITIVE, lambda a, v: a.estimate_execution_cost(S, "buy", v), "quantity"),
    "cost side": (NO_SIDE, lambda a, v: a.estimate_execution_cost(S, v, 100), "side"),
    "urgency": (NO_SHARE, lambda a, v: a.should_cross_spread(S, "buy", urgency=v), "urgency"),
    "opportunity cost": (
        NOT_FINITE, lambda a, v: a.should_cross_spread(S, "buy", opportunity_cost_bps=v),
        "opportunity",
    ),
    "crossing side": (NO_SIDE, lambda a, v: a.should_cross_spread(S, v), "side"),
    "queue size": (NOT_POSITIVE, lambda a, v: a.estimate_queue_position(S, "buy", v), "size"),
    "queue side": (NO_SIDE, lambda a, v: a.estimate_queue_position(S, v, 100), "side"),
    "queue price": (NOT_FINITE, lambda a, v: a.estimate_queue_position(S, "buy", 100, price=v), "price"),
    "impact size": (NOT_POSITIVE, lambda a, v: a.estimate_market_impact(S, "buy", v, 9.0, 1e6, 0.02), "quantity"),
    "impact adv": (NOT_POSITIVE, lambda a, v: a.estimate_market_impact(S, "buy", 100, 9.0, v, 0.02), "adv"),
    "impact volatility": (NEGATIVE, lambda a, v: a.estimate_market_impact(S, "buy", 100, 9.0, 1e6, v), "volatility"),
    "impact side": (NO_SIDE, lambda a, v: a.estimate_market_impact(S, v, 100, 9.0, 1e6, 0.02), "side"),
    "impact without data": (
        st.just("NOWHERE"), lambda a, v: a.estimate_market_impact(v, "buy", 100),
        "price|adv|volat",
    ),
    "eta": (NEGATIVE, lambda a, v: a.configure_market_impact_model(eta=v), "eta"),
    "gamma": (NEGATIVE, lambda a, v: a.configure_market_impact_model(gamma=v), "gamma"),
    "alpha": (NOT_POSITIVE, lambda a, v: a.configure_market_impact_model(alpha=v), "alpha"),
    "benchmark": (WORDS, lambda a, v: a.calculate_post_trade_tca("unknown", v), "benchmark"),
    "naive start": (NAIVE, lambda a, v: a.generate_tca_report(start_date=v), "start"),
    "naive end": (NAIVE, lambda a, v: a.generate_tca_report(end_date=v), "end"),
    "latency": (NEGATIVE, lambda a, v: a.record_venue_latency("V", v), "latency"),
    "latency event": (WORDS, lambda a, v: a.record_venue_latency("V", 1.0, v), "event_type"),
    "latency threshold": (NOT_POSITIVE, lambda a, v: a.set_latency_threshold(v), "threshold"),
    "lookback": (NOT_POSITIVE, lambda a, v: a.get_venue_latency_stats(lookback_minutes=v), "lookback"),
    "fill side": (NO_SIDE, lambda a, v: a.categorize_fill("unknown", 9.0, 100, v), "side"),
    "fill price": (NOT_FINITE, lambda a, v: a.categorize_fill("unknown", v, 100, "buy"), "price"),
    "true range": (NOT_POSITIVE, lambda a, v: a.update_atr(S, v), "atr"),
    "spread awareness": (NO_SHARE, lambda a, v: a.execute_with_spread_awareness(order(), v), "urgency"),
    "peg deviation": (NEGATIVE, lambda a, v: a.execute_midpoint_peg(order(), max_deviation_bps=v), "max_deviation_bps"),
    "peg time": (NOT_POSITIVE, lambda a, v: a.execute_midpoint_peg(order(), timeout_seconds=v), "timeout_seconds"),
    "iceberg display": (NOT_POSITIVE, lambda a, v: a.execute_iceberg(order(), v), "display_size"),
    "iceberg variance": (NO_SHARE, lambda a, v: a.execute_iceberg(order(), 100, v), "variance_pct"),
    "iceberg time": (NEGATIVE, lambda a, v: a.execute_iceberg(order(), 100, 0.1, v), "min_replenish_seconds"),
    "stop without price": (st.none(), lambda a, v: a.register_stop_order(pending(v)), "stop_price"),
    "release by one": (
        st.sampled_from(["", "anna"]), lambda a, v: a.release_kill_switch(KillScope(), "anna", v, "x"),
        "two",
    ),
    "kill by nobody": (st.just(""), lambda a, v: a.kill(KillScope(), v, "x"), "by"),
    "outcome": (WORDS, lambda a, v: a.resolve("x", v, "anna", "y"), "outcome"),
}  # fmt: skip

MAKERS: dict[str, tuple[Any, Callable[[Any], Any], str]] = {
    "decision size": (NOT_FINITE, lambda v: DecisionEvent(symbol=S, quantity=v), "quantity"),
    "decision limit": (NOT_FINITE, lambda v: DecisionEvent(symbol=S, quantity=1, limit_price=v), "limit_price"),
    "decision urgency": (NO_SHARE, lambda v: DecisionEvent(symbol=S, quantity=1, urgency=v), "urgency"),
    "decision side": (st.just("long"), lambda v: DecisionEvent(symbol=S, quantity=1, action=v), "action"),
    "naive decision": (NAIVE, lambda v: DecisionEvent(symbol=S, quantity=1, timestamp=v), "timestamp"),
    "naive good till": (NAIVE, lambda v: DecisionEvent(symbol=S, quantity=1, good_till=v), "good_till"),
    "adjusted": (
        NOT_FINITE, lambda v: ValidatedDecisionEvent(original_decision_id="d", adjusted_quantity=v),
        "adjusted",
    ),
    "order size": (NOT_POSITIVE, lambda v: OrderEvent(symbol=S, quantity=v), "quantity"),
    "order side": (st.just("long"), lambda v: OrderEvent(symbol=S, quantity=1, side=v), "side"),
    "fill": (
        NOT_FINITE, lambda v: FillEvent(order_id="o", symbol=S, side=OrderSide.BUY, filled_quantity=1, fill_price=v),
        "price",
    ),
    "book level": (NOT_FINITE, lambda v: book(OrderBookLevel(v, 1)), "price"),
    "book level size": (st.integers(-100, -1), lambda v: book(OrderBookLevel(9.0, v)), "size"),
    "naive book": (NAIVE, lambda v: OrderBookSnapshot(S, v, [], []), "timestamp"),
    "slice fill": (NOT_POSITIVE, lambda v: SliceFill(0, 1, 100).add_fill(v, 9.0), "quantity"),
    "slice price": (NOT_FINITE, lambda v: SliceFill(0, 1, 100).add_fill(1, v), "price"),
    "collar": (NEGATIVE, lambda v: AgentConfig("a", parameters={"max_slippage_bps": v}), "max_slippage_bps"),
    "unknown key": (st.just(1), lambda v: AgentConfig("a", parameters={"max_slipage_bps": v}), "max_slippage_bps"),
    "vwap to size": (st.integers(-100, 0), lambda v: book().vwap_to_size("buy", v), "target_size"),
    "vwap side": (NO_SIDE, lambda v: book().vwap_to_size(v, 10), "side"),
}  # fmt: skip


def order() -> OrderEvent:
    """Return an order that would be fine by itself."""
    return OrderEvent(symbol=S, quantity=100, source_agent="test")


def pending(stop_price: float | None) -> PendingOrder:
    """Return a stop as callers hold it."""
    event = OrderEvent(symbol=S, quantity=100, order_type=OrderType.STOP, stop_price=stop_price)
    return PendingOrder(event, DecisionEvent(symbol=S, action=OrderSide.BUY, quantity=100))


def book(bid: OrderBookLevel | None = None) -> OrderBookSnapshot:
    """Return a book of one level a side."""
    now = datetime(2024, 1, 2, tzinfo=UTC)
    return OrderBookSnapshot(S, now, [bid or OrderBookLevel(9.0, 10)], [OrderBookLevel(9.01, 10)])


@pytest.mark.parametrize("case", CASES)
def test_the_agent_refuses_it_by_name_and_nothing_changes(case: str) -> None:
    """A method given something that cannot be meant raises a ValueError that names it; journal and state stay."""
    values, call, named = CASES[case]

    async def play() -> None:
        async with open_desk() as desk:
            desk.broker.exchange.watch(())
            state = desk.agent.runtime.engine.state
            before = (fingerprint(desk.agent.runtime.engine), desk.journal.sequence, dict(state.profiles))

            @settings(
                max_examples=12,
                deadline=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
            )
            @given(values)
            def refuses(value: Any) -> None:
                with pytest.raises(ValueError, match=f"(?i){named}") as refusal:
                    finish(call(desk.agent, value))
                assert "\n" not in str(refusal.value)
                assert (fingerprint(desk.agent.runtime.engine), desk.journal.sequence, dict(state.profiles)) == before

            refuses()

    asyncio.run(play())


@pytest.mark.parametrize("case", MAKERS)
def test_what_can_never_be_meant_is_not_made(case: str) -> None:
    """A record, event or configuration that cannot be meant is refused when it is made, by name."""
    values, make, named = MAKERS[case]

    @settings(max_examples=25, deadline=None)
    @given(values)
    def refuses(value: Any) -> None:
        with pytest.raises(ValueError, match=f"(?i){named}"):
            make(value)

    refuses()


def finish(result: Any) -> None:
    """Run what a method gave as far as it goes by itself, if it is awaited at all."""
    if asyncio.iscoroutine(result):
        coroutine: Coroutine[Any, Any, Any] = result
        try:
            coroutine.send(None)
        finally:
            coroutine.close()
