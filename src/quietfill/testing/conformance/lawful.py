"""The whole of it: what the engine would believe after a tour of everything, against what the broker says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.testing.conformance.desk import Desk

LAWFUL = Subject()

_BUY, _SELL = OrderSide.BUY, OrderSide.SELL


@LAWFUL.check(
    "The reports about each order follow the order-state table, and raise no alarm in the engine.",
    why="a report that the table forbids stops new risk; one that raises an alarm wakes somebody",
)
async def reports_are_lawful(desk: Desk) -> None:
    """Do everything that the broker can, and fold all reports as the engine does."""
    await _tour(desk)
    desk.expect(not desk.engine.unlawful, f"only lawful transitions, not {'; '.join(desk.engine.unlawful)}")
    desk.expect(not desk.engine.alerts(), f"no alarm, not {'; '.join(desk.engine.alerts())}")


@LAWFUL.check(
    "After everything was told, the engine's books say of each order what the broker says.",
    why="exposure, what is left and when a parent ends all follow from these books",
)
async def engine_and_broker_agree(desk: Desk) -> None:
    """Do everything that the broker can, then compare books and listing."""
    wanted = await _tour(desk)
    for child, state in wanted.items():
        known = desk.engine.child(child)
        desk.expect(known.state is state, f"{child} {state} in the engine's books, not {known.state}")
        desk.expect(known.filled == desk.filled(child), f"the fills of {child} in the engine's books")
    if Ability.LISTS_ORDERS not in desk.stage.lacks:
        snapshot = await desk.snapshot()
        open_there = {order.child_id for order in snapshot.orders if order.is_open} & wanted.keys()
        open_here = {child for child, state in wanted.items() if not state.is_terminal}
        desk.expect(open_there == open_here, f"{sorted(open_here)} open at the broker, not {sorted(open_there)}")


async def _tour(desk: Desk) -> dict[str, OrderState]:
    """Trade, rest, replace, cancel and be refused, as far as the stage can; return what each order should be."""
    lacks, stage = desk.stage.lacks, desk.stage
    wanted = {await desk.traded(side=side): OrderState.FILLED for side in (_BUY, _SELL)}
    if Ability.RESTING not in lacks:
        working, cancelled = await desk.resting(), await desk.resting(side=_SELL)
        if Ability.REPLACE not in lacks:
            desk.replace(cancelled, stage.order_quantity - stage.lot, stage.resting_price(_SELL))
            await desk.until(lambda: ReportKind.REPLACED in desk.kinds(cancelled), f"{cancelled} replaced")
        await desk.cancelled(cancelled)
        wanted |= {working: OrderState.WORKING, cancelled: OrderState.CANCELLED}
    if Ability.PARTIAL_FILLS not in lacks:
        part = await desk.partly_traded()
        await desk.cancelled(part)
        wanted[part] = OrderState.CANCELLED
    if Ability.REJECTS not in lacks:
        refused = desk.place(stage.refused_price(_BUY))
        await desk.ended(refused)
        wanted[refused] = OrderState.REJECTED
    await desk.settle()
    return wanted
