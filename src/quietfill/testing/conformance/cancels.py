"""Cancels: each ends its order once, or is refused and ends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import CancelRequested
from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.ears import ENDS
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.testing.conformance.desk import Desk

CANCELS = Subject()

_BUY = OrderSide.BUY
_STRANGER = "never-placed-1"
_ANSWERS = frozenset({ReportKind.CANCEL_REJECTED, ReportKind.NOT_FOUND})


@CANCELS.check(
    "A cancel of a working order ends it as cancelled, once, and no quantity comes after it.",
    why="the engine places the rest anew when the old order has ended: what trades after that is too much",
    needs=(Ability.RESTING,),
)
async def cancel_ends_the_order_once(desk: Desk) -> None:
    """Cancel and listen on."""
    child = await desk.resting()
    kind = await desk.cancelled(child)
    await desk.settle()
    desk.expect(kind in {ReportKind.CANCELLED, ReportKind.ASSUMED_CANCELLED}, f"{child} cancelled")
    desk.expect_assumed_only_without_status(child)
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    desk.expect(not desk.fills(child), f"no execution of {child} after its end")
    after = desk.kinds(child)[desk.kinds(child).index(kind) + 1 :]
    desk.expect(ReportKind.ACCEPTED not in after, f"no acceptance of {child} after its end")
    await desk.expect_gone(child)


@CANCELS.check(
    "Two cancels of one order end it once.",
    why="cancels are sent again when no answer comes; the second must not look like another order's end",
    needs=(Ability.RESTING,),
)
async def two_cancels_end_the_order_once(desk: Desk) -> None:
    """Cancel twice in one turn, and once more after the end."""
    child = await desk.resting()
    desk.cancel(child)
    desk.cancel(child)
    await desk.ended(child)
    desk.cancel(child)
    await desk.settle()
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    state = desk.engine.child(child).state
    desk.expect(state is OrderState.CANCELLED, f"{child} cancelled in the engine's books, not {state}")


@CANCELS.check(
    "A cancel in the turn of its placement leaves nothing working: the order ends, or never leaves.",
    why="a kill may come in the turn in which an order was decided",
    needs=(Ability.RESTING,),
)
async def cancel_right_behind_its_placement(desk: Desk) -> None:
    """Place and cancel without a turn between."""
    child = desk.place(desk.stage.resting_price(_BUY))
    desk.cancel(child)
    await desk.ended(child)
    await desk.settle()
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    desk.expect(not desk.fills(child), f"no execution of {child}")
    await desk.expect_gone(child)


@CANCELS.check(
    "A cancel that comes after the last fill ends nothing: the fills stand.",
    why="a cancel and a fill cross every day; a filled order that is told cancelled would be bought again",
)
async def cancel_after_the_last_fill_changes_nothing(desk: Desk) -> None:
    """Trade, then cancel what is over."""
    child = await desk.traded()
    filled = desk.filled(child)
    desk.cancel(child)
    await desk.settle()
    desk.expect(not desk.ends(child), f"no end of {child} but its fills")
    desk.expect(desk.filled(child) == filled, f"the fills of {child} as they were")
    state = desk.engine.child(child).state
    desk.expect(state is OrderState.FILLED, f"{child} filled in the engine's books, not {state}")


@CANCELS.check(
    "A cancel of an order that the broker never had is answered, or refused with an error: it is never silent.",
    why="a cancel that vanishes leaves everybody believing that the order is going",
)
async def cancel_of_a_stranger_is_not_silent(desk: Desk) -> None:
    """Cancel an id that was never placed."""
    now = desk.stage.clock.now()
    try:
        desk.submit(CancelRequested(at=now, child_id=_STRANGER, attempt=1, why="check"))
    except Exception:  # noqa: BLE001 - whatever it raises, it did not stay silent
        return
    await desk.until(lambda: _ANSWERS & set(desk.kinds(_STRANGER)), f"a word about {_STRANGER}: it is not there")
    desk.expect(not ENDS & set(desk.kinds(_STRANGER)), f"no end of {_STRANGER}, which never began")


@CANCELS.check(
    "A cancel of one order leaves the others working.",
    why="a cancel that takes others along leaves their algos believing that they work",
    needs=(Ability.RESTING,),
)
async def cancel_leaves_others_working(desk: Desk) -> None:
    """Rest two orders of the same terms, cancel the second."""
    first, second = await desk.resting(), await desk.resting()
    await desk.cancelled(second)
    await desk.settle()
    desk.expect(not desk.ends(first), f"{first} working")
    await desk.expect_listed(first)
    await desk.expect_gone(second)
