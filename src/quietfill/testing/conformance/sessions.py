"""Sessions: what `is_connected`, `connect`, `disconnect` and `submit` promise whatever is traded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.testing.conformance.desk import Desk

SESSIONS = Subject()

_BUY = OrderSide.BUY

_TRIES = 5
"""Placements that are timed; the quickest counts, so that a busy machine is not taken for a broker that waits."""


@SESSIONS.check(
    "connect opens the session, and is_connected tells the truth before and after.",
    why="nothing that adds risk is sent unless the edge says that it would arrive",
    needs=(Ability.SESSION,),
    opens=False,
)
async def connect_opens(desk: Desk) -> None:
    """Look before and after."""
    desk.expect(not desk.edge.is_connected, "not connected before connect")
    await desk.open()
    desk.expect(desk.edge.is_connected, "connected after connect")


@SESSIONS.check(
    "After disconnect the edge is not connected, and nothing more is heard from it.",
    why="an agent that was stopped has closed its journal: what it hears then is booked nowhere",
    needs=(Ability.SESSION, Ability.RESTING),
)
async def disconnect_closes(desk: Desk) -> None:
    """Close with an order on its way, and go on listening."""
    await desk.resting()
    desk.place(desk.stage.resting_price(_BUY))
    await desk.close()
    desk.expect(not desk.edge.is_connected, "not connected after disconnect")
    heard = len(desk.reports)
    await desk.settle()
    desk.expect(len(desk.reports) == heard, "no report after disconnect")


@SESSIONS.check(
    "submit never calls a callback before it returns, not even for an answer that is known at once.",
    why="the engine books what it sent after it sent it; an answer from inside comes before the question",
)
async def submit_never_calls_back_from_inside(desk: Desk) -> None:
    """Submit each kind of request, those that are refused at once too."""
    child = desk.place(desk.stage.trading_price(_BUY))
    other = desk.place(desk.stage.trading_price(_BUY))
    desk.cancel(other)
    await desk.full(child)
    desk.cancel(child)
    if Ability.REPLACE not in desk.stage.lacks:
        desk.replace(child, desk.stage.order_quantity + desk.stage.lot, desk.stage.trading_price(_BUY))
    if Ability.REJECTS not in desk.stage.lacks:
        desk.place(desk.stage.refused_price(_BUY))
    await desk.settle()
    inside = [what for what in desk.out_of_turn if "inside" in what]
    desk.expect(not inside, f"every answer in a later turn of the loop, not {', '.join(inside)}")


@SESSIONS.check(
    "Callbacks are called on the event loop's thread.",
    why="the engine is one thread's; a second one would book two things into the same books at once",
)
async def callbacks_are_on_the_loops_thread(desk: Desk) -> None:
    """Trade, and see where it was heard."""
    await desk.traded()
    await desk.settle()
    elsewhere = [what for what in desk.out_of_turn if "thread" in what]
    desk.expect(not elsewhere, f"every callback on the thread of the loop, not {', '.join(elsewhere[:3])}")


@SESSIONS.check(
    "submit returns at once, and nothing that would have to be awaited.",
    why="one request that waits for the network holds up every other order, and every cancel",
)
async def submit_never_waits(desk: Desk) -> None:
    """Time some placements; the quickest counts."""
    loop = asyncio.get_running_loop()
    took: list[float] = []
    for _ in range(_TRIES):
        begun = loop.time()
        returned = desk.submit(desk.make(desk.stage.trading_price(_BUY)))
        took.append(loop.time() - begun)
        desk.expect(returned is None, f"submit to return None, not {type(returned).__name__}")
    allowed = desk.stage.submit_seconds
    desk.expect(min(took) <= allowed, f"submit to return within {allowed:g} s; each of {_TRIES} took longer")
