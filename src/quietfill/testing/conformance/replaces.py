"""Replaces: new terms are confirmed with their revision, or refused and the old ones stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.testing.conformance.desk import Desk

REPLACES = Subject()

_BUY = OrderSide.BUY
_ANSWERS = frozenset({ReportKind.REPLACED, ReportKind.REPLACE_REJECTED})


@REPLACES.check(
    "A replace is confirmed with its revision and the terms now in force.",
    why="until it is, both the old and the new terms count as exposed; without terms nobody knows what works",
    needs=(Ability.RESTING, Ability.REPLACE),
)
async def replace_is_confirmed(desk: Desk) -> None:
    """Change size and price, then price alone."""
    child = await desk.resting()
    less, deeper = desk.stage.order_quantity - desk.stage.lot, _deeper(desk, child, 1)
    first = await _answered(desk, child, less, deeper)
    _expect_terms(desk, first, less, deeper)
    second = await _answered(desk, child, less, _deeper(desk, child, 2))
    _expect_terms(desk, second, less, _deeper(desk, child, 2))
    desk.expect(not desk.ends(child), f"{child} still working")
    await desk.expect_listed(child, total=less)


@REPLACES.check(
    "The total of a replace counts what is filled: after it, total less fills can still trade.",
    why="a broker that takes the total for what is left buys the filled part twice",
    needs=(Ability.PARTIAL_FILLS, Ability.REPLACE),
)
async def replace_total_counts_what_is_filled(desk: Desk) -> None:
    """Fill in part, ask for somewhat more than that, at a price that trades it."""
    child = await desk.partly_traded()
    filled = desk.filled(child)
    # So much more that fills which are under way do not make the request come too late.
    more = (desk.request_of(child).quantity - filled) // 8
    total = filled + max(2 * desk.stage.lot, more - more % desk.stage.lot)
    answer = await _answered(desk, child, total, desk.stage.trading_price(_BUY))
    desk.expect(answer.kind is ReportKind.REPLACED, f"{child} replaced")
    await desk.until(lambda: desk.filled(child) >= total, f"the rest of the new total of {child}")
    await desk.settle()
    desk.expect(desk.filled(child) == total, f"executions of {child} that add up to the new total")


@REPLACES.check(
    "A replace to less than is filled adds nothing: it is refused, or the order ends with what it has.",
    why="a fill and a smaller size cross every day",
    needs=(Ability.PARTIAL_FILLS, Ability.REPLACE),
)
async def replace_below_what_is_filled_adds_nothing(desk: Desk) -> None:
    """Fill in part, ask for less than that."""
    child = await desk.partly_traded()
    filled = desk.filled(child)
    revision = desk.replace(child, filled - desk.stage.lot, desk.stage.part_fill(_BUY).price)
    await desk.until(lambda: _answers(desk, child, revision) or desk.ends(child), f"an answer about {child}")
    await desk.settle()
    confirmed = [report for report in _answers(desk, child, revision) if report.kind is ReportKind.REPLACED]
    desk.expect(all((report.total or 0) >= filled for report in confirmed), f"no total of {child} below its fills")
    desk.expect(desk.filled(child) <= desk.request_of(child).quantity, f"no more of {child} than was ever asked for")


@REPLACES.check(
    "A replace after the end is refused with its revision and changes nothing.",
    why="a confirmation would bring an order back to life that the engine has placed anew elsewhere",
    needs=(Ability.RESTING, Ability.REPLACE),
)
async def replace_after_the_end_is_refused(desk: Desk) -> None:
    """Cancel, then ask for new terms; the same after a fill."""
    for child in (await _cancelled(desk), await desk.traded()):
        filled, ends = desk.filled(child), len(desk.ends(child))
        more = desk.stage.order_quantity + desk.stage.lot
        answer = await _answered(desk, child, more, desk.stage.trading_price(_BUY))
        desk.expect(answer.kind is ReportKind.REPLACE_REJECTED, f"the replace of {child} refused: it is over")
        await desk.settle()
        same = (desk.filled(child), len(desk.ends(child))) == (filled, ends)
        desk.expect(same, f"nothing new of {child} after its end")


@REPLACES.check(
    "A refused replace leaves the order working on its old terms.",
    why="the engine counts the old terms again, and must be able to cancel them",
    needs=(Ability.RESTING, Ability.REPLACE, Ability.REJECTS),
)
async def refused_replace_leaves_the_old_terms(desk: Desk) -> None:
    """Ask for a price that is refused, then see what works."""
    child = await desk.resting()
    answer = await _answered(desk, child, desk.stage.order_quantity, desk.stage.refused_price(_BUY))
    desk.expect(answer.kind is ReportKind.REPLACE_REJECTED, f"the replace of {child} refused")
    await desk.settle()
    desk.expect(not desk.ends(child), f"{child} still working")
    await desk.expect_listed(child, total=desk.request_of(child).quantity)
    await desk.cancelled(child)


@REPLACES.check(
    "A replaced order that is cancelled ends once, with nothing traded.",
    why="some brokers replace by cancel and new: the old one's end must not be told as the child's",
    needs=(Ability.RESTING, Ability.REPLACE),
)
async def replaced_order_can_be_cancelled(desk: Desk) -> None:
    """Replace, cancel, listen on."""
    child = await desk.resting()
    await _answered(desk, child, desk.stage.order_quantity, _deeper(desk, child, 1))
    await desk.settle()
    desk.expect(not desk.ends(child), f"no end of {child} by the replace alone")
    await desk.cancelled(child)
    await desk.settle()
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    await desk.expect_gone(child)


async def _cancelled(desk: Desk) -> str:
    child = await desk.resting()
    await desk.cancelled(child)
    return child


def _deeper(desk: Desk, child: str, ticks: int) -> int:
    """Return a price so many ticks further behind than the order's first."""
    limit = desk.request_of(child).limit_price
    assert limit is not None, "it rests at a limit"
    return limit - ticks * desk.stage.instrument.tick_at(limit)


def _answers(desk: Desk, child: str, revision: int) -> list[ExecutionReport]:
    return [report for report in desk.about(child) if report.kind in _ANSWERS and report.revision == revision]


async def _answered(desk: Desk, child: str, total: int, price: int) -> ExecutionReport:
    """Ask for new terms and return the answer that names their revision."""
    revision = desk.replace(child, total, price)
    await desk.until(lambda: _answers(desk, child, revision), f"an answer to revision {revision} of {child}")
    return _answers(desk, child, revision)[0]


def _expect_terms(desk: Desk, answer: ExecutionReport, total: int, price: int) -> None:
    child = answer.child_id
    desk.expect(answer.kind is ReportKind.REPLACED, f"revision {answer.revision} of {child} confirmed")
    desk.expect((answer.total, answer.limit_price) == (total, price), f"the new terms with the confirmation of {child}")
