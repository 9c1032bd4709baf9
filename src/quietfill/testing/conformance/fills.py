"""Fills: every execution told once, inside the limit, adding up to what the order asked for and never to more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.domain.execution_report import Fill
    from quietfill.testing.conformance.desk import Desk

FILLS = Subject()

_SIDES = (OrderSide.BUY, OrderSide.SELL)


@FILLS.check(
    "A marketable order is filled: its executions add up to exactly what it asked for, on either side.",
    why="a parent ends when its fills add up; less leaves it open, more is a position that nobody wanted",
)
async def marketable_order_is_filled(desk: Desk) -> None:
    """Trade on both sides and listen on."""
    for side in _SIDES:
        child = await desk.traded(side=side)
        await desk.settle()
        desk.expect(
            desk.filled(child) == desk.request_of(child).quantity, f"executions of {child} that add up to its quantity"
        )
        desk.expect(not desk.ends(child), f"no other end of {child}, which is filled")


@FILLS.check(
    "An order without a limit is filled.",
    why="the market algo, and the exits of a kill without a collar, send such orders",
    needs=(Ability.MARKET_ORDERS,),
)
async def market_order_is_filled(desk: Desk) -> None:
    """Buy at the market."""
    child = desk.place(None)
    await desk.full(child)
    await desk.settle()
    desk.expect(desk.filled(child) == desk.request_of(child).quantity, f"exactly the quantity of {child}")


@FILLS.check(
    "Execution ids are unique; one that is told again says the same, a correction has a higher revision.",
    why="an execution is booked once by its id: two under one id lose a fill, one under two ids makes two of it",
)
async def execution_ids_are_unique(desk: Desk) -> None:
    """Trade four orders and compare every word about every execution."""
    children = [await desk.traded(side=side) for side in (*_SIDES, *_SIDES)]
    await desk.settle()
    owners: dict[str, str] = {}
    for child in children:
        for fill in desk.fills(child):
            desk.expect(fill.execution_id, f"an id with each execution of {child}")
            owner = owners.setdefault(fill.execution_id, child)
            desk.expect(owner == child, f"execution {fill.execution_id} with {owner} alone")
        _expect_one_word(desk, desk.fills(child))
        whole = desk.filled(child) == desk.request_of(child).quantity
        desk.expect(whole, f"executions of {child} that add up to its quantity, each told under one id")


def _expect_one_word(desk: Desk, fills: list[Fill]) -> None:
    said: dict[tuple[str, int], Fill] = {}
    for fill in fills:
        first = said.setdefault((fill.execution_id, fill.revision), fill)
        same = (first.quantity, first.price) == (fill.quantity, fill.price)
        desk.expect(same, f"the same about execution {fill.execution_id} each time, or a higher revision")


@FILLS.check(
    "Executions are positive, and at the limit or better, on either side.",
    why="a limit is a promise to whoever decided; an order on the wrong side shows here first",
)
async def fills_stay_inside_the_limit(desk: Desk) -> None:
    """Trade on both sides and look at each price."""
    for side in _SIDES:
        child = await desk.traded(side=side)
        limit = desk.request_of(child).limit_price
        assert limit is not None, "the stage trades at a limit"
        for fill in desk.fills(child):
            desk.expect(fill.quantity > 0, f"a positive quantity of execution {fill.execution_id}")
            inside = side.sign * (limit - fill.price) >= 0
            desk.expect(inside, f"{side} execution {fill.execution_id} at its limit or better")


@FILLS.check(
    "Prices of executions lie on the tick grid.",
    why="a price off the grid is most often an average or a wrong scale, and every cost is computed from it",
    needs=(Ability.ON_GRID,),
)
async def fill_prices_lie_on_the_grid(desk: Desk) -> None:
    """Trade on both sides and look at each price."""
    for side in _SIDES:
        child = await desk.traded(side=side)
        for fill in desk.fills(child):
            on_grid = desk.stage.instrument.on_tick(fill.price)
            desk.expect(on_grid, f"the price of execution {fill.execution_id} on the tick grid")


@FILLS.check(
    "Counts never fall, never pass the total, and end at what the executions add up to.",
    why="a count above the executions makes the engine look for fills that do not exist, one below hides some",
)
async def counts_agree_with_executions(desk: Desk) -> None:
    """Trade, and follow every count that is stated."""
    child = await desk.traded()
    await desk.settle()
    total, before = desk.request_of(child).quantity, 0
    counts = [report.cumulative for report in desk.about(child) if report.cumulative is not None]
    for count in counts:
        desk.expect(before <= count <= total, f"counts of {child} that rise to {total} at most, not {counts}")
        before = count
    fills = [r for r in desk.about(child) if r.kind is ReportKind.FILL and r.cumulative is not None]
    agrees = not fills or fills[-1].cumulative == desk.filled(child)
    desk.expect(agrees, f"a last count of {child} that is what its executions add up to")


@FILLS.check(
    "What happened is stamped with when it happened: never later than it is heard, never before it was asked for.",
    why="arrival costs, time-weighted averages and the day's volume are all computed from these stamps",
)
async def stamps_are_true(desk: Desk) -> None:
    """Trade, and compare every stamp with the clock."""
    child = await desk.traded()
    await desk.settle()
    asked = desk.request_of(child).at
    for report, heard_at in zip(desk.reports, desk.heard_at, strict=True):
        stamps = [report.exchange_time, *([report.fill.exchange_time] if report.fill else [])]
        second = 10**9  # some brokers stamp to the second
        true = all(asked - second < stamp <= heard_at for stamp in stamps)
        desk.expect(true, f"stamps from {asked} (to the second) to {heard_at}, not {stamps}, in {report.kind}")


@FILLS.check(
    "An order that is filled in part stays working with the rest, and its counts say how much is left.",
    why="what is left must be counted as exposed, and must be there to be cancelled",
    needs=(Ability.PARTIAL_FILLS,),
)
async def part_fill_leaves_the_rest_working(desk: Desk) -> None:
    """Trade in part, then cancel the rest."""
    child = await desk.partly_traded()
    desk.expect(not desk.ends(child), f"{child} still working")
    await desk.expect_listed(child)
    await desk.cancelled(child)
    await desk.settle()
    end = desk.ends(child)[0]
    desk.expect(end.cumulative in {None, desk.filled(child)}, f"a count at the end of {child} that its executions give")
    desk.expect(desk.filled(child) < desk.request_of(child).quantity, f"{child} filled in part")


@FILLS.check(
    "An order that rests and trades later is filled under its own id.",
    why="most of what algos do is to rest first; a fill that nobody asked about must find its order",
    needs=(Ability.RESTING, Ability.LATER_FILLS),
)
async def resting_order_is_filled_later(desk: Desk) -> None:
    """Rest at a price that trades later, and wait."""
    child = desk.place(desk.stage.later_price(OrderSide.BUY))
    await desk.accepted(child)
    await desk.full(child)
    await desk.settle()
    desk.expect(desk.filled(child) == desk.request_of(child).quantity, f"exactly the quantity of {child}")
