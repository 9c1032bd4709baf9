"""What a whole agent says of its orders' costs, on the packaged market."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from math import fsum

import pytest

from quietfill import BadInput
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from quietfill.tca.figures import order_figures
from quietfill.tca.ledger import Ledger
from tests.agent.desk import open_desk
from tests.tca_records import known


async def worked(desk):
    """Work three orders: one filled, one that never trades, one that still runs; return their ids."""
    agent, clock = desk.agent, desk.broker.clock
    done = await desk.submit(quantity=1000, end=datetime_of(clock.now() + 3 * MINUTE), decision_price=9.19)
    await agent.wait_done(done)
    view = agent.runtime.engine.observed.view(desk.symbol)
    far = known(view.best_bid) / 1e9 - 0.2
    idle = await desk.submit(
        algo="limit", limit_price=round(far, 2), quantity=1000, end=datetime_of(clock.now() + 30 * SECOND)
    )
    await agent.wait_done(idle)
    return done, idle, await desk.submit(quantity=2000)


def on_a_desk(play):
    """Run a play on a desk that worked some orders."""

    async def run():
        async with open_desk() as desk:
            return await play(desk, *await asyncio.wait_for(worked(desk), 60))

    return asyncio.run(run())


def test_every_orders_parts_add_up():
    """Filled, idle and live: delay, impact, opportunity and fees meet the total in currency and bps to 1e-9."""

    async def play(desk, *orders):
        for order_id in orders:
            report = known(desk.agent.calculate_implementation_shortfall(order_id))
            costs, metrics = report["costs"], report["metrics"]
            parts = [costs[f"{part}_cost"] for part in ("delay", "impact", "opportunity")]
            assert fsum([*parts, costs["fees"]]) == pytest.approx(costs["total_shortfall"], abs=1e-9)
            bps = [metrics[f"{part}_bps"] for part in ("delay", "impact", "opportunity", "fees")]
            assert fsum(bps) == pytest.approx(metrics["shortfall_bps"], abs=1e-9)
        return desk.agent.get_implementation_shortfall_summary()

    summary = on_a_desk(play)
    assert summary["orders_analyzed"] == 3
    assert summary["orders_not_kept"] == 0


def test_the_agents_figures_are_those_of_its_journal():
    """Post-trade figures are the same from the live ledger and from the journal read again."""

    async def play(desk, done, idle, _):
        ledger = Ledger.of(entry.record for entry in desk.journal.read())
        for order_id in (done, idle):
            report = known(desk.agent.calculate_post_trade_tca(order_id, "vwap"))
            figures = order_figures(ledger.orders[order_id], desk.agent.history_of(desk.symbol))
            assert report["costs_bps"] == {f"vs_{name}": cost for name, cost in figures.costs_bps.items()}
            assert report["markout_bps"] == figures.markout_bps
            assert report["primary_cost_bps"] == figures.costs_bps["vwap"]
        return report

    report = on_a_desk(play)
    assert report["filled_quantity"] == 0
    assert report["duration_seconds"] == pytest.approx(30, abs=1)


def test_marks_alone_tell_what_the_recorded_market_tells():
    """VWAP, TWAP and participation from what was kept with the fills are those of the recording up to the last fill."""

    async def play(desk, done, *_):
        order = Ledger.of(entry.record for entry in desk.journal.read()).orders[done]
        return order_figures(order, None), order_figures(order, desk.agent.history_of(desk.symbol))

    alone, seen = on_a_desk(play)
    assert (alone.market_source, seen.market_source) == ("marks", "history")
    for name in ("vwap", "twap"):
        assert alone.benchmarks[name] == pytest.approx(known(seen.benchmarks[name]), rel=1e-5)
    assert alone.participation == pytest.approx(known(seen.participation), rel=0.02)
    assert known(alone.parts).total == known(seen.parts).total
    assert alone.effective_spread_bps == seen.effective_spread_bps


def test_the_future_is_not_looked_at():
    """While the session goes on the close is unknown, and markouts end where the clock stands."""

    async def play(desk, done, *_):
        return known(desk.agent.calculate_post_trade_tca(done))

    report = on_a_desk(play)
    assert report["benchmarks"]["close"] is None
    assert report["benchmarks"]["open"] is None  # the packaged hour begins after the open
    assert report["markout_bps"]["1s"] is not None
    assert report["markout_bps"]["30min"] is None


def test_periods_metrics_and_unknown_ids():
    """Orders are counted in their period; unknown ids give None, unknown benchmarks and naive times are refused."""

    async def play(desk, *_):
        agent, day = desk.agent, datetime_of(desk.broker.clock.now()).date()
        assert agent.generate_tca_report()["order_count"] == 3
        assert agent.generate_tca_report(day, day)["order_count"] == 3
        assert agent.generate_tca_report(start_date=date(2024, 1, 1))["order_count"] == 0
        assert agent.get_aggregate_fill_metrics()["total_orders"] == 3
        assert agent.calculate_implementation_shortfall("unknown") is None
        assert agent.calculate_post_trade_tca("unknown") is None
        with pytest.raises(BadInput, match="benchmark"):
            agent.calculate_post_trade_tca("unknown", "vwop")
        with pytest.raises(BadInput, match="naive"):
            agent.generate_tca_report(datetime(2023, 7, 11))  # noqa: DTZ001
        return True

    assert on_a_desk(play)
