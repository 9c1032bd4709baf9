"""Placements: how an order is taken, refused, told apart from others, and ended by what it states itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import SECOND, OrderSide, TimeInForce
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.ears import ENDS
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.testing.conformance.desk import Desk

PLACEMENTS = Subject()

_BUY, _SELL = OrderSide.BUY, OrderSide.SELL
_SOON = 5 * SECOND
"""How long an order that ends by itself is given, by the stage's clock."""


@PLACEMENTS.check(
    "A placement that is taken is reported as accepted, once, under our child id, with the broker's id.",
    why="a child without a word is in doubt after a few seconds; without the broker's id no restart could cancel it",
    needs=(Ability.RESTING,),
)
async def placement_is_accepted_once(desk: Desk) -> None:
    """Rest an order and listen on."""
    child = await desk.resting()
    await desk.settle()
    kinds = [kind for kind in desk.kinds(child) if kind is not ReportKind.STATUS]
    desk.expect(kinds == [ReportKind.ACCEPTED], f"{child} accepted once and nothing else")
    accepted = desk.about(child)[0]
    desk.expect(accepted.broker_order_id is not None, f"the broker's id with the acceptance of {child}")
    desk.expect(not desk.strangers(), f"every word under an id of ours, not {', '.join(desk.strangers())}")


@PLACEMENTS.check(
    "An acceptance that states terms states those that were asked for, as revision 0.",
    why="exposure is counted by the terms in force",
    needs=(Ability.RESTING,),
)
async def acceptance_states_the_terms(desk: Desk) -> None:
    """Compare what it says with what was asked."""
    child = await desk.resting()
    accepted, asked = next(r for r in desk.about(child) if r.kind is ReportKind.ACCEPTED), desk.request_of(child)
    desk.expect(accepted.revision == 0, f"revision 0 with the acceptance of {child}")
    desk.expect(accepted.total in {None, asked.quantity}, f"the total that was asked for in the acceptance of {child}")
    same = accepted.total is None or accepted.limit_price == asked.limit_price
    desk.expect(same, f"the limit that was asked for in the acceptance of {child}")


@PLACEMENTS.check(
    "A refused order is reported as rejected, once, with a reason, and never trades.",
    why="a refusal that is not told leaves its quantity counted as exposed, and nobody knows what to mend",
    needs=(Ability.REJECTS,),
)
async def refusal_is_told(desk: Desk) -> None:
    """Ask for what is certainly refused."""
    child = desk.place(desk.stage.refused_price(_BUY))
    await desk.ended(child)
    await desk.settle()
    desk.expect([end.kind for end in desk.ends(child)] == [ReportKind.REJECTED], f"{child} rejected, once")
    desk.expect(desk.ends(child)[0].reason.strip(), f"a reason for the rejection of {child}")
    desk.expect(not desk.fills(child), f"no execution of {child}")


@PLACEMENTS.check(
    "What is said about one order is never said about another, whatever works beside it.",
    why="a fill that is booked with another order is a position that two orders are wrong about",
    needs=(Ability.RESTING,),
)
async def orders_never_mix(desk: Desk) -> None:
    """Rest one on each side, trade one between them."""
    resting = [await desk.resting(), await desk.resting(desk.stage.lot, side=_SELL)]
    traded = await desk.traded()
    await desk.settle()
    for child in resting:
        desk.expect(not desk.fills(child) and not desk.ends(child), f"{child} still working and unfilled")
    desk.expect(desk.filled(traded) == desk.stage.order_quantity, f"{traded} filled with what it asked for")
    numbers = {child: {r.broker_order_id for r in desk.about(child)} - {None} for child in (*resting, traded)}
    desk.expect(all(len(ids) == 1 for ids in numbers.values()), f"one broker id an order, not {numbers}")
    desk.expect(len(set().union(*numbers.values())) == len(numbers), f"a broker id for each order, not {numbers}")


@PLACEMENTS.check(
    "The same child id submitted twice places one order, and the second time ends nothing.",
    why="our id is the only protection against a request that is sent twice around a crash",
    needs=(Ability.RESTING, Ability.KEYS),
)
async def same_id_places_one_order(desk: Desk) -> None:
    """Submit one placement twice, look for a second life, then cancel."""
    child = await desk.resting()
    desk.submit(desk.request_of(child))
    await desk.settle()
    desk.expect(not desk.ends(child), f"no end of {child}, which works")
    await desk.expect_listed(child)
    await desk.cancelled(child)
    await desk.settle()
    desk.expect(len(desk.ends(child)) == 1, f"one end of {child}")
    await desk.expect_gone(child)


@PLACEMENTS.check(
    "An order that states until when it is good ends by itself, and says so.",
    why="the end of a parent relies on it when nothing can be sent any more",
    needs=(Ability.RESTING, Ability.GOOD_TILL, Ability.STATUS),
)
async def good_till_ends_the_order(desk: Desk) -> None:
    """Rest an order for some seconds, and ask for no cancel."""
    good_till = desk.stage.clock.now() + _SOON
    child = desk.place(desk.stage.resting_price(_BUY), good_till=good_till)
    kind = await desk.ended(child)
    desk.expect(kind in {ReportKind.EXPIRED, ReportKind.CANCELLED}, f"{child} expired or cancelled")
    desk.expect(ReportKind.ACCEPTED in desk.kinds(child), f"{child} accepted before it ended")
    desk.expect(desk.ends(child)[0].exchange_time >= good_till, f"no end of {child} before {good_till}")
    await desk.expect_gone(child)


@PLACEMENTS.check(
    "An immediate-or-cancel order that finds nothing ends by itself, unfilled, and never rests.",
    why="what an algo sends to take and not to rest must not stay",
    needs=(Ability.RESTING, Ability.IMMEDIATE),
)
async def immediate_order_never_rests(desk: Desk) -> None:
    """Ask for what cannot trade now."""
    child = desk.place(desk.stage.resting_price(_BUY), time_in_force=TimeInForce.IOC)
    kind = await desk.ended(child)
    desk.expect(kind in ENDS - {ReportKind.REJECTED}, f"{child} ended by the venue, not rejected")
    desk.expect_assumed_only_without_status(child)
    desk.expect(not desk.fills(child), f"no execution of {child}")
    await desk.expect_gone(child)


@PLACEMENTS.check(
    "A day order that rests goes on resting until somebody ends it.",
    why="an order that goes by itself leaves its algo believing that it works",
    needs=(Ability.RESTING,),
)
async def day_order_goes_on_resting(desk: Desk) -> None:
    """Rest an order, let the market go on, cancel it."""
    child = await desk.resting()
    await desk.settle()
    await desk.settle()
    desk.expect(not desk.ends(child), f"{child} working")
    await desk.cancelled(child)
