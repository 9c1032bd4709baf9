"""What the broker counts and the edge keeps below its limits: messages for each order that trades, orders at work."""

from __future__ import annotations

from quietfill import IBBroker, MemoryJournal
from quietfill.domain.types import OrderSide
from quietfill.engine.state import EngineState
from tests.ib.line import desk, order_event, paper, play, quick
from tests.ib.test_an_agent_over_a_socket import Agent
from tests.ib.test_earlier_runs import Later, copy_of, killed_at_work

TIGHT = {"efficiency_free": 4, "efficiency_warning": 3.0, "efficiency_limit": 4.0}


def test_at_the_limit_of_order_efficiency_only_cancels_leave():
    """What adds risk is refused with the figures; cancels pass, and an order that trades opens the gate again."""

    async def scenario() -> None:
        async with desk(settings=quick(**TIGHT)) as one:
            one.child("crossing", 100, "9.30", OrderSide.SELL)
            await one.until(lambda: "accepted" in one.kinds("crossing"))
            for name in ("c1", "c2", "c3"):
                one.child(name, 100, "9.00")
            await one.until(lambda: "accepted" in one.kinds("c3"))
            one.child("c4", 100, "9.00")
            await one.until(lambda: one.kinds("c4"))
            barred = one.broker.status()["barred"]
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            refused = next(report for report in one.reports if report.child_id == "c4")
            assert refused.reason.startswith("not sent: order-efficiency ratio 4.0 (4 messages, 0 orders executed)")
            assert barred in refused.reason
            assert [link.up for link in one.links] == [False]
            assert one.broker.status()["order_efficiency"]["messages"] == 5
            assert any("Interactive Brokers calls more than 20 excessive" in text for _, text in one.broker.notices)

    play(scenario)


def test_an_order_that_trades_opens_the_gate_again():
    """The ratio falls with each order executed, as soon as that is told."""

    async def scenario() -> None:
        async with desk("execution-late:seconds=20", settings=quick(**TIGHT), connects=False) as one:
            one.broker.follow(EngineState({}, lambda _: None), one.gateway.floor.clock)
            await one.connect()
            one.child("trades", 100, "9.30")
            for name in ("c1", "c2", "c3"):
                one.child(name, 100, "9.00")
            await one.until(lambda: one.links, plays=0.1)
            await one.until(lambda: one.filled("trades"), plays=5)
            one.child("c4", 100, "9.00")
            await one.until(lambda: one.kinds("c4"))

            assert [link.up for link in one.links] == [False, True]
            assert one.kinds("c4")[0] == "accepted"

    play(scenario)


def test_the_day_goes_on_in_the_next_process():
    """Messages and orders executed by a run that died are counted from its journal."""

    async def scenario() -> None:
        async with paper() as gateway:
            left_behind, order_id = await killed_at_work(gateway)
            broker = IBBroker(port=gateway.port, settings=quick(working_per_side=100))
            await broker.connect()
            second = Later(gateway, left_behind, broker)
            await second.impl.start()
            await gateway.play(1)
            taken_up = broker.status()["order_efficiency"]
            await second.until_done(order_id)

            assert taken_up["messages"] >= len(gateway.trading.all_orders) // 2 > 0
            assert taken_up["orders_executed"] >= 1
            assert broker.status()["order_efficiency"]["messages"] > taken_up["messages"]
            await second.impl.stop()

    play(scenario)


def test_orders_that_an_earlier_run_left_working_count_for_the_cap():
    """The broker counts them too; what is one too many is refused here, with the reason."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            order_id = await first.order(300, "LIMIT", 30, limit_price=9.10)
            await gateway.play(5)
            left_behind = copy_of(first.journal)
            await first.broker.disconnect()
            await first.impl.stop()
            second = Agent(gateway, left_behind, "Second", working_per_side=1)
            await second.start()

            assert len(second.parent(order_id).live_children) == 1
            assert await second.broker.place_order(order_event(100, "9.00")) is None
            assert await second.broker.place_order(order_event(100, "9.50", side=OrderSide.SELL)) is not None
            assert second.broker.status()["order_messages_sent"] == 1
            await second.impl.stop()

    play(scenario)
