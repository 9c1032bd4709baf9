"""Listings: what a snapshot must hold, in this session and in the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import OrderSide, quantity_number
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.ears import newest
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.domain.messages import BrokerOrder, BrokerSnapshot
    from quietfill.domain.types import Quantity
    from quietfill.testing.conformance.desk import Desk

LISTINGS = Subject()

_BUY, _SELL = OrderSide.BUY, OrderSide.SELL


@LISTINGS.check(
    "A snapshot lists every working order as open, under its child id, once, with its terms.",
    why="after a restart only what is listed can be adopted; what is not is in doubt until a person looks",
    needs=(Ability.RESTING, Ability.LISTS_ORDERS),
)
async def working_orders_are_listed(desk: Desk) -> None:
    """Rest one on each side and ask."""
    for child in (await desk.resting(), await desk.resting(desk.stage.lot, side=_SELL)):
        asked = desk.request_of(child)
        await desk.expect_listed(child, total=asked.quantity)
        order = _only(desk, await desk.snapshot(), child)
        desk.expect(order.is_open, f"{child} open")
        desk.expect(order.limit_price == asked.limit_price, f"the limit of {child} in its listing")
        desk.expect(order.cumulative == 0, f"nothing filled of {child} in its listing")
        desk.expect(order.broker_order_id is not None, f"the broker's id of {child} in its listing")


@LISTINGS.check(
    "An order that is filled in part is listed as open with what its executions add up to.",
    why="what a listing counts as filled beyond the executions is looked for, and what it counts less is traded twice",
    needs=(Ability.PARTIAL_FILLS, Ability.LISTS_ORDERS),
)
async def part_filled_order_is_listed_with_its_count(desk: Desk) -> None:
    """Fill in part and ask; executions that come while the answer does may be in it or not."""
    child = await desk.partly_traded()
    before = desk.filled(child)
    snapshot = await desk.snapshot()
    order = _only(desk, snapshot, child)
    await desk.settle()
    desk.expect(order.is_open, f"{child} open")
    counted = before <= order.cumulative <= desk.filled(child)
    desk.expect(counted, f"{child} listed with what its executions add up to, not {quantity_number(order.cumulative)}")


@LISTINGS.check(
    "A snapshot lists every execution under its child id, with the id and content that were reported.",
    why="a fill that was missed is found in no other way; under another id it is booked a second time",
    needs=(Ability.LISTS_EXECUTIONS,),
)
async def executions_are_listed(desk: Desk) -> None:
    """Trade on both sides and ask."""
    for child in (await desk.traded(side=_BUY), await desk.traded(side=_SELL)):
        await desk.settle()
        listed = _executions(await desk.snapshot(), child)
        told = {name: (fill.quantity, fill.price) for name, fill in desk.executions(child).items()}
        desk.expect(listed == told, f"the executions of {child} as they were reported in the snapshot")


@LISTINGS.check(
    "Orders that ended are not listed as open.",
    why="an ended order that is open at the broker is taken back as alive, with an alarm",
    needs=(Ability.RESTING, Ability.LISTS_ORDERS),
)
async def ended_orders_are_not_open(desk: Desk) -> None:
    """End one by a cancel, one by a fill, and ask."""
    cancelled = await desk.resting()
    await desk.cancelled(cancelled)
    traded = await desk.traded()
    await desk.settle()
    for child in (cancelled, traded):
        await desk.expect_gone(child)


@LISTINGS.check(
    "A snapshot says that it is complete only when it holds every order that works and every execution.",
    why="what a complete snapshot does not hold never arrived: believed of a short list, that places orders twice",
)
async def snapshot_says_whether_it_is_complete(desk: Desk) -> None:
    """Rest an order and trade one, as far as both can be, and ask twice."""
    working = await desk.resting() if Ability.RESTING not in desk.stage.lacks else None
    traded = await desk.traded()
    await desk.settle()
    lists_all = not {Ability.LISTS_ORDERS, Ability.LISTS_EXECUTIONS} & desk.stage.lacks.keys()
    for _ in range(2):
        snapshot = await desk.snapshot()
        if snapshot.complete:
            desk.expect(lists_all, "not complete, since the broker cannot list everything")
            known = {order.child_id for order in snapshot.orders if order.is_open}
            desk.expect(working is None or working in known, f"{working} in a complete snapshot, or not complete")
            told = sum(quantity for quantity, _ in _executions(snapshot, traded).values())
            is_full = told == desk.filled(traded)
            desk.expect(is_full, f"the executions of {traded} in a complete snapshot, or not complete")
        await desk.settle()


@LISTINGS.check(
    "A snapshot is stamped with when the broker was asked.",
    why="what changed after the question was not in the answer, and must not be undone by it",
)
async def snapshot_is_stamped_when_asked(desk: Desk) -> None:
    """Ask twice with time between."""
    before = 0
    for _ in range(2):
        asked = desk.stage.clock.now()
        snapshot = await desk.snapshot()
        answered = desk.stage.clock.now()
        expected = f"asked_at from {asked} to {answered}, not {snapshot.asked_at}"
        desk.expect(max(asked, before) <= snapshot.asked_at <= answered, expected)
        before = snapshot.asked_at
        await desk.settle()


@LISTINGS.check(
    "Asking for a snapshot changes nothing.",
    why="the engine asks whenever it is in doubt, and several times",
    needs=(Ability.RESTING,),
)
async def snapshot_changes_nothing(desk: Desk) -> None:
    """Ask three times with an order working and one filled."""
    working, traded = await desk.resting(), await desk.traded()
    await desk.settle()
    filled = desk.filled(traded)
    for _ in range(3):
        await desk.snapshot()
        await desk.settle()
    desk.expect(not desk.ends(working), f"{working} still working")
    desk.expect(not desk.fills(working) and desk.filled(traded) == filled, "no execution by asking")
    await desk.cancelled(working)


# The next session


@LISTINGS.check(
    "An order outlives its session: the next one lists it under our child id, and can cancel it.",
    why="a process that dies leaves its orders at the broker; the next one must find and end them",
    needs=(Ability.RESTING, Ability.LISTS_ORDERS, Ability.REOPEN),
)
async def order_outlives_its_session(desk: Desk) -> None:
    """Close with an order working, open another session, find and cancel it."""
    child = await desk.resting()
    await desk.close()
    await desk.stage.go_on()
    await desk.reopen()
    await desk.expect_listed(child, total=desk.request_of(child).quantity)
    desk.expect(not desk.ends(child), f"no end of {child} by the end of a session")
    kind = await desk.cancelled(child)
    await desk.settle()
    desk.expect(kind.value.endswith("cancelled"), f"{child} cancelled")
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    await desk.expect_gone(child)


@LISTINGS.check(
    "What was executed in an earlier session is in the snapshot of the next, under the same ids.",
    why="a crash between a fill and its record loses it unless the next snapshot has it",
    needs=(Ability.LISTS_EXECUTIONS, Ability.REOPEN),
)
async def executions_outlive_their_session(desk: Desk) -> None:
    """Trade, close, open another session and ask."""
    child = await desk.traded()
    await desk.settle()
    told = {name: (fill.quantity, fill.price) for name, fill in desk.executions(child).items()}
    await desk.close()
    await desk.reopen()
    await desk.listed(lambda snapshot: _executions(snapshot, child) == told, f"the executions of {child} as before")


@LISTINGS.check(
    "What is executed while nobody listens is in the snapshot of the next session.",
    why="filled while away is found by asking, or never",
    needs=(Ability.RESTING, Ability.LATER_FILLS, Ability.LISTS_EXECUTIONS, Ability.REOPEN),
)
async def executions_while_away_are_listed(desk: Desk) -> None:
    """Rest at a price that trades later, close, let it trade, open another session and ask."""
    child = desk.place(desk.stage.later_price(_BUY))
    await desk.accepted(child)
    await desk.close()
    heard = len(desk.fills(child))
    for _ in range(desk.stage.rounds):
        await desk.stage.go_on()
    desk.expect(len(desk.fills(child)) == heard, "nothing heard from a session that was closed")
    await desk.reopen()
    wanted = desk.request_of(child).quantity

    def is_full(snapshot: BrokerSnapshot) -> bool:
        return sum(quantity for quantity, _ in _executions(snapshot, child).values()) == wanted

    await desk.listed(is_full, f"executions of {child} that add up to what it asked for in the snapshot")


def _only(desk: Desk, snapshot: BrokerSnapshot, child_id: str) -> BrokerOrder:
    found = [order for order in snapshot.orders if order.child_id == child_id]
    desk.expect(len(found) == 1, f"{child_id} listed once")
    return found[0]


def _executions(snapshot: BrokerSnapshot, child_id: str) -> dict[str, tuple[Quantity, int]]:
    fills = [report.fill for report in snapshot.fills if report.child_id == child_id and report.fill is not None]
    return {name: (fill.quantity, fill.price) for name, fill in newest(fills).items()}
