"""Orders through the edge, unmodified ib_async and a real socket, with a gateway that has its bad days."""

from __future__ import annotations

import asyncio

import pytest

from quietfill import BadInput, FillEvent, OrderSide, OrderType
from quietfill.brokers.ib.native import Trail
from quietfill.brokers.ib.pacing import SPAN
from quietfill.brokers.ib.settings import Patience
from quietfill.domain.types import SECOND, price_from, quantity_from
from quietfill.venue.virtual_clock import VirtualClock
from tests.ib.line import SYMBOL, Desk, desk, order_event, play, quick

NOON = 1_700_000_000 * SECOND


def test_an_order_is_placed_filled_and_costed():
    """Acknowledged under the session's id, executed, and told again when the commission is known."""

    async def scenario() -> None:
        async with desk() as one:
            one.child("c1", 300, "9.21")
            await one.until(lambda: one.kinds("c1").count("fill") == 2)

            assert one.kinds("c1") == ["accepted", "fill", "fill"]
            assert [report.fill.commission is None for report in one.reports if report.fill] == [True, False]
            assert one.filled("c1") == quantity_from(300)
            assert await one.broker.positions() == {SYMBOL: 300.0}

    play(scenario)


def test_a_resting_order_is_modified_and_cancelled():
    """Each is confirmed by the gateway's own word."""

    async def scenario() -> None:
        async with desk() as one:
            one.child("c1", 300, "9.10")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.replace("c1", 200, "9.11")
            await one.until(lambda: "replaced" in one.kinds("c1"))
            open_orders = await one.broker.open_orders()
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            replaced = next(report for report in one.reports if report.kind == "replaced")
            assert (replaced.total, replaced.limit_price) == (quantity_from(200), price_from("9.11"))
            assert [(order.child_id, order.total, order.revision) for order in open_orders] == [
                ("c1", quantity_from(200), 1)
            ]
            assert await one.broker.open_orders() == []

    play(scenario)


def test_one_modification_is_on_its_way_at_a_time():
    """A second one is refused here, before it could overtake the first."""

    async def scenario() -> None:
        async with desk() as one:
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.replace("c1", 200, "9.11")
            one.replace("c1", 100, "9.12")
            await one.until(lambda: "replaced" in one.kinds("c1"))

            refused = [report for report in one.reports if report.kind == "replace_rejected"]
            assert [(report.revision, "on its way" in report.reason) for report in refused] == [(2, True)]

    play(scenario)


def test_a_cancel_in_the_same_turn_as_its_placement_is_never_sent():
    """What has not left can be taken back for certain; nothing of it reaches the gateway."""

    async def scenario() -> None:
        async with desk() as one:
            one.child("c1")
            one.cancel("c1")
            await one.until(lambda: one.kinds("c1"))

            assert one.kinds("c1") == ["rejected"]
            assert "not sent" in one.reports[0].reason
            assert await one.broker.open_orders() == []
            assert one.broker.status()["order_messages_sent"] == 0

    play(scenario)


def test_a_thousand_orders_queued_at_once_all_leave():
    """Forty in each span, in the order of their ids, and a cancel leaves at once, past all that wait."""

    async def scenario() -> None:
        still = quick(working_per_side=2_000, patience=Patience(), probe_seconds=3_600)
        async with desk(settings=still, connects=False) as one:
            clock = VirtualClock(NOON)
            one.broker._clock = clock
            await one.connect()
            pace_is_free(clock)
            one.child("c0", 100, "9.00")
            for number in range(1, 1_000):
                one.child(f"c{number}", 100, "9.40")
            waiting = [await told_in_this_second(one, 40)]
            one.cancel("c0")
            await one.until(lambda: "cancelled" in one.kinds("c0"), plays=0.01)
            waiting_behind_the_cancel = one.broker.status()["waiting"]
            for second in range(2, 26):
                pace_is_free(clock)
                waiting.append(await told_in_this_second(one, 40 * second))

            ids = {report.child_id: report.broker_order_id for report in one.reports if report.kind == "accepted"}
            assert waiting == list(range(960, -1, -40))
            assert waiting_behind_the_cancel == 960
            assert ids == {f"c{number}": number + 1 for number in range(1_000)}
            assert (await one.broker.positions())[SYMBOL] == 99_900.0

    play(scenario)


def pace_is_free(clock: VirtualClock) -> None:
    """Let time pass until nothing sent before counts against the pace."""
    clock.set(clock.now() + SPAN)
    clock.ring()


async def told_in_this_second(one: Desk, count: int) -> int:
    """Wait until so many orders are acknowledged and filled, the first excepted; return how many did not leave."""
    await one.until(lambda: sum(report.kind == "accepted" for report in one.reports) >= count, plays=0.01)
    await one.until(lambda: len({report.child_id for report in one.reports if report.fill}) >= count - 1, plays=0.01)
    return int(one.broker.status()["waiting"])


def test_the_brokers_cap_on_working_orders_is_kept_here():
    """One more than it takes on a side of a contract is refused before it is sent; the other side is free."""

    async def scenario() -> None:
        async with desk(settings=quick(working_per_side=2)) as one:
            for name in ("c1", "c2", "c3"):
                one.child(name, 100, "9.00")
            one.child("c4", 100, "9.50", OrderSide.SELL)
            await one.until(lambda: all(one.kinds(f"c{number}") for number in (1, 2, 3, 4)))

            assert [one.kinds(f"c{number}")[0] for number in (1, 2, 3, 4)] == [
                "accepted", "accepted", "rejected", "accepted",
            ]  # fmt: skip

    play(scenario)


def test_a_price_off_the_ladder_is_refused_before_it_is_sent():
    """The market rule of the exchange is known, so the gateway need not refuse it."""

    async def scenario() -> None:
        async with desk() as one:
            one.child("c1", 300, "9.105")
            await one.until(lambda: one.kinds("c1"))

            assert one.kinds("c1") == ["rejected"]
            assert one.broker.status()["order_messages_sent"] == 0

    play(scenario)


def test_a_coarser_rule_than_the_smallest_step_is_known():
    """The instrument's ladder comes from the market rule, not from the smallest step."""

    async def scenario() -> None:
        async with desk("coarse-grid:step=0.05") as one:
            instrument = await one.broker.instrument(SYMBOL, currency="CNY")

            assert [rule.increment for rule in instrument.ticks] == [price_from("0.05")]

    play(scenario)


# Bad days


async def place_and_fill(one: Desk) -> None:
    """Buy 300 at the touch, and wait until all of it and its cost are told."""
    one.child("c1", 300, "9.21")
    await one.until(
        lambda: (
            one.filled("c1") == quantity_from(300)
            and any(report.fill and report.fill.commission is not None for report in one.reports)
        )
    )


@pytest.mark.parametrize(
    "fault",
    ["execution-twice", "commission-early", "commission-late", "status-late", "execution-late", "ack-late",
     "status-missing", "status-replayed", "perm-id-zero", "fill-before-ack", "split-segments",
     "stray-version", "notice:code=10349", "notice:code=399", "notice:code=2109", "completed-unasked"],
)  # fmt: skip
def test_an_order_is_filled_once_whatever_the_reports_are_like(fault):
    """Late, early, doubled, missing or in pieces: 300 are bought, told once, and never given up."""

    async def scenario() -> None:
        async with desk(fault) as one:
            await place_and_fill(one)

            assert not {"cancelled", "rejected", "expired"} & set(one.kinds("c1"))
            assert (await one.broker.positions())[SYMBOL] == 300.0

    play(scenario)


def test_a_corrected_execution_counts_once_at_its_last_word():
    """The revision replaces; what is told adds up to what is held."""

    async def scenario() -> None:
        async with desk("execution-corrected") as one:
            one.child("c1", 300, "9.21")
            await one.until(lambda: any(report.fill and report.fill.revision == 2 for report in one.reports))
            fills = {report.fill.execution_id for report in one.reports if report.fill}
            assert len(fills) == 1

    play(scenario)


def test_an_order_that_is_never_heard_of_is_found_by_asking():
    """Nothing is told unasked: a snapshot brings the execution, and it is booked."""

    async def scenario() -> None:
        async with desk("order-unheard") as one:
            one.child("c1", 300, "9.21")
            await one.gateway.play(5)
            snapshot = await one.broker.snapshot()

            assert snapshot.complete
            assert [report.fill.quantity for report in snapshot.fills if report.fill] == [quantity_from(300)]
            assert one.filled("c1") == quantity_from(300)

    play(scenario)


def test_an_execution_that_is_never_told_is_asked_for():
    """The status counts more than was told: reconciliation brings the execution."""

    async def scenario() -> None:
        async with desk("execution-missing") as one:
            one.child("c1", 300, "9.21")
            await one.until(lambda: one.filled("c1") == quantity_from(300))

    play(scenario)


def test_a_commission_that_never_comes_does_not_hold_the_fill():
    """The fill is told at once; its cost stays unknown, not zero."""

    async def scenario() -> None:
        async with desk("commission-missing") as one:
            one.child("c1", 300, "9.21")
            await one.until(lambda: one.filled("c1") == quantity_from(300))

            assert [report.fill.commission for report in one.reports if report.fill] == [None]

    play(scenario)


def test_a_refused_order_is_over_with_the_reason():
    """Code 201 answers the placement."""

    async def scenario() -> None:
        async with desk("reject") as one:
            one.child("c1")
            await one.until(lambda: one.kinds("c1"))

            assert one.kinds("c1") == ["rejected"]
            assert "(201)" in one.reports[0].reason

    play(scenario)


def test_a_rejection_after_the_acknowledgement_ends_the_order():
    """The status after the code is the end."""

    async def scenario() -> None:
        async with desk("reject-after-ack") as one:
            one.child("c1")
            await one.until(lambda: {"rejected", "cancelled"} & set(one.kinds("c1")))

            assert one.kinds("c1")[0] == "accepted"

    play(scenario)


def test_a_cancel_by_the_broker_is_told():
    """Nobody asked for it; it is over all the same."""

    async def scenario() -> None:
        async with desk("broker-cancels") as one:
            one.child("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            assert one.kinds("c1") == ["accepted", "cancelled"]

    play(scenario)


@pytest.mark.parametrize("code", ["161", "10147", "10148"])
def test_a_refused_cancel_ends_nothing(code):
    """The order works on, and says so."""

    async def scenario() -> None:
        async with desk(f"cancel-refused:code={code},times=1") as one:
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.cancel("c1")
            await one.until(lambda: "cancel_rejected" in one.kinds("c1"))
            open_orders = await one.broker.open_orders()
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            assert [order.child_id for order in open_orders] == ["c1"]

    play(scenario)


def test_a_fill_after_the_cancel_was_confirmed_is_told():
    """The venue traded before the cancel reached it."""

    async def scenario() -> None:
        async with desk("fill-after-cancel:seconds=600") as one:
            one.child("c1", 300, "9.19")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))
            await one.until(lambda: "fill" in one.kinds("c1"), plays=20)

    play(scenario)


def test_a_refused_modification_leaves_the_old_terms():
    """The order is asked about, and its listing shows the old terms at the old revision."""

    async def scenario() -> None:
        async with desk("modify-refused:times=1") as one:
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.replace("c1", 200, "9.11")
            await one.until(lambda: "replace_rejected" in one.kinds("c1"))
            listed = await one.broker.open_orders()

            assert [(order.total, order.limit_price) for order in listed] == [(quantity_from(300), price_from("9.10"))]
            assert "cancelled" not in one.kinds("c1")

    play(scenario)


def test_an_end_by_our_own_cancel_does_not_tell_an_earlier_refusal():
    """What the broker said of a refused modification is no reason of a cancel that was asked for after it."""

    async def scenario() -> None:
        async with desk("modify-refused:times=1") as one:
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.replace("c1", 200, "9.11")
            await one.until(lambda: "replace_rejected" in one.kinds("c1"))
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            refusal, end = (next(said for said in one.reports if said.kind == kind)
                            for kind in ("replace_rejected", "cancelled"))  # fmt: skip
            assert refusal.reason
            assert end.reason
            assert refusal.reason not in end.reason

    play(scenario)


def test_a_second_life_of_one_order_is_an_alarm_and_is_cancelled():
    """Two permanent ids under one reference: a person is told, and the order is cancelled."""

    async def scenario() -> None:
        async with desk("modify-doubles") as one:
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            one.replace("c1", 200, "9.11")
            await one.until(lambda: "not_found" in one.kinds("c1"))

            assert any("more than once" in text for _, text in one.broker.notices)

    play(scenario)


def test_an_id_that_was_used_is_looked_up_and_the_order_placed_once_under_another():
    """Code 103: the broker never heard of our reference, so a new number is certain not to double it."""

    async def scenario() -> None:
        async with desk("duplicate-id") as one:
            one.child("c1", 300, "9.10")
            await one.until(lambda: "accepted" in one.kinds("c1"))

            assert [order.child_id for order in await one.broker.open_orders()] == ["c1"]
            assert "rejected" not in one.kinds("c1")

    play(scenario)


def test_a_swallowed_order_stays_unanswered():
    """Silence is not a refusal: nothing is reported, and a complete listing does not have it."""

    async def scenario() -> None:
        async with desk("order-silent:times=1") as one:
            one.child("c1")
            await one.gateway.play(5)
            snapshot = await one.broker.snapshot()

            assert one.kinds("c1") == []
            assert snapshot.complete
            assert snapshot.orders == ()

    play(scenario)


# The methods of every broker


def test_the_contracts_own_methods_work_an_order():
    """Place returns the id, a second time with the same key the same; modify and cancel say whether they were sent."""

    async def scenario() -> None:
        async with desk(speed=None) as one:
            fills: list[FillEvent] = []
            one.broker.on_fill(fills.append)
            number = await one.broker.place_order(order_event(300, "9.10"), "my-key")
            again = await one.broker.place_order(order_event(300, "9.10"), "my-key")
            assert number is not None
            assert again == number
            assert await one.broker.modify_order(number, limit_price=9.11)
            await one.until(lambda: "replaced" in one.kinds("my-key"), plays=0)
            assert await one.broker.cancel_order(number)
            await one.until(lambda: "cancelled" in one.kinds("my-key"), plays=0)
            assert not await one.broker.cancel_order(number)
            assert not await one.broker.cancel_order(99_999)

            bought = await one.broker.place_order(order_event(300, "9.30"))
            await one.until(lambda: fills, plays=0)
            assert (fills[0].broker_order_id, fills[0].side, fills[0].symbol) == (bought, OrderSide.BUY, SYMBOL)
            executions = await one.broker.executions()
            assert sum(report.fill.quantity for report in executions if report.fill) == quantity_from(300)
            assert len(fills) == len(executions)

    play(scenario)


@pytest.mark.parametrize(
    "order",
    [
        order_event(order_type=OrderType.LIMIT, price=None, limit_price=None),
        order_event(order_type=OrderType.STOP),
        order_event(order_type=OrderType.TRAILING_STOP),
        order_event(account="U999"),
    ],
)
def test_what_cannot_be_expressed_is_refused_and_nothing_is_sent(order):
    """A missing price, a distance that nobody stated, an account that is not served: each by name."""

    async def scenario() -> None:
        async with desk() as one:
            with pytest.raises(BadInput):
                await one.broker.place_order(order)
            assert one.broker.status()["order_messages_sent"] == 0

    play(scenario)


def test_a_type_that_the_gateway_does_not_take_is_refused_by_it():
    """The order leaves as what it is, and comes back with the gateway's reason."""

    async def scenario() -> None:
        async with desk(speed=None) as one:
            trail = Trail(amount=price_from("0.05"))
            number = await one.broker.place_order(order_event(order_type=OrderType.TRAILING_STOP), "t", style=trail)
            await one.until(lambda: one.kinds("t"), plays=0)

            assert number is None or one.kinds("t")[0] == "accepted"
            if number is None:
                assert one.kinds("t") == ["rejected"]

    play(scenario)


def test_an_order_that_gets_no_answer_is_an_error_that_says_so(monkeypatch):
    """Nobody knows whether it works: that is what the error says."""

    async def scenario() -> None:
        async with desk("order-silent") as one:
            monkeypatch.setattr("quietfill.brokers.ib.broker._ANSWER_SECONDS", 0.05)
            with pytest.raises(Exception, match="may be working"):
                await one.broker.place_order(order_event())
            await asyncio.sleep(0)

    play(scenario)
