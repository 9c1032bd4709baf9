"""The line: that it broke is told, nothing leaves while it is down, and nothing is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.testing.conformance.desk import Desk

LINE = Subject()

_BUY = OrderSide.BUY


@LINE.check(
    "A broken line is told, once, and so is its return; is_connected agrees with the last word.",
    why="the engine sends nothing new into a broken line, and reconciles when it comes back",
    needs=(Ability.LINE,),
)
async def break_of_the_line_is_told(desk: Desk) -> None:
    """Break, wait, mend, wait."""
    await _break(desk)
    await desk.settle()
    desk.expect([link.up for link in desk.links] == [False], "down, told once")
    desk.expect(not desk.edge.is_connected, "not connected while the line is down")
    await _mend(desk)
    await desk.settle()
    desk.expect([link.up for link in desk.links] == [False, True], "down and up, each told once")
    desk.expect(desk.edge.is_connected, "connected when the line is back")


@LINE.check(
    "A placement while the line is down is answered as not sent, and is not sent later.",
    why="an order that leaves minutes after it was decided trades on a market that nobody looked at",
    needs=(Ability.LINE,),
)
async def nothing_leaves_while_the_line_is_down(desk: Desk) -> None:
    """Break, place what would trade, mend, and listen."""
    price = desk.stage.trading_price(_BUY)
    await _break(desk)
    child = desk.place(price)
    kind = await desk.ended(child)
    desk.expect(kind is ReportKind.REJECTED, f"{child} rejected: it was not sent")
    desk.expect(desk.ends(child)[0].reason.strip(), f"a reason for the rejection of {child}")
    await _mend(desk)
    await desk.settle()
    desk.expect(not desk.fills(child), f"no execution of {child}")
    await desk.expect_gone(child)


@LINE.check(
    "An order works on while the line is down, and can be cancelled when it is back.",
    why="a line breaks every night; no order ends by it",
    needs=(Ability.RESTING, Ability.LINE),
)
async def order_outlives_the_line(desk: Desk) -> None:
    """Break with an order working, mend, look, cancel."""
    child = await desk.resting()
    await _break(desk)
    await desk.settle()
    desk.expect(not desk.ends(child), f"no end of {child} by a broken line")
    await _mend(desk)
    await desk.settle()
    desk.expect(not desk.ends(child), f"no end of {child} by the line's return")
    await desk.expect_listed(child)
    await desk.cancelled(child)
    await desk.settle()
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")


@LINE.check(
    "What is executed while the line is down is told or listed when it is back, once.",
    why="the market does not wait for the line",
    needs=(Ability.RESTING, Ability.LATER_FILLS, Ability.LINE, Ability.LISTS_EXECUTIONS),
)
async def executions_behind_a_broken_line_are_told(desk: Desk) -> None:
    """Rest at a price that trades later, break, let it trade, mend, and ask."""
    child = desk.place(desk.stage.later_price(_BUY))
    await desk.accepted(child)
    await _break(desk)
    for _ in range(desk.stage.rounds):
        await desk.stage.go_on()
    await _mend(desk)
    snapshot = await desk.snapshot()
    listed = {r.fill.execution_id: r.fill.quantity for r in snapshot.fills if r.child_id == child and r.fill}
    told = {name: fill.quantity for name, fill in desk.executions(child).items()}
    wanted = desk.request_of(child).quantity
    desk.expect(sum((told | listed).values()) == wanted, f"executions of {child} that add up to what it asked for")


async def _break(desk: Desk) -> None:
    desk.log.append("-- the line is cut")
    await desk.stage.break_line()
    await desk.until(lambda: desk.links and not desk.links[-1].up, "the line told as down")


async def _mend(desk: Desk) -> None:
    desk.log.append("-- the line can be mended")
    await desk.stage.mend_line()
    await desk.until(lambda: desk.links[-1].up, "the line told as up again")
