"""Round trips to a gateway over loopback beside bare ib_async, and how long a cancel waits behind a thousand orders."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bench.ib_desks import RESTING, Ours, Theirs, gateway, quiet
from bench.measuring import Budget, Row, Size, Yardstick, percentile

if TYPE_CHECKING:
    from bench.ib_desks import Desk

_ADDED = 1_000.0  # us that the edge may add at the median
_PAUSE = 0.03  # s behind each order, so that neither side ever waits for its own pace
_CANCEL_EVERY = 0.3  # s between cancels behind the queue: less often than the reserve for them allows
_RESTING = 150  # of the queued orders, the first of all: those that can be cancelled; the others go to the market
_REAL_LIMIT = ("--fault", "pacing:limit=50,breaches=1")
_NOTE = (
    "Both clients on one event loop, order by order in turn, the gateway in a process of its own without latency to its"
    " venue; the clock stops in the first callback about it. The budget is the yardstick and 1 ms."
)
_QUEUE_NOTE = (
    "The gateway resets the connection at the first second in which it hears more than 50 messages. The edge sends 45"
    " in 1.2 s, 5 of them for cancels, which go first. ib_async sends 45 in 1 s, first in, first out, here to a gateway"
    " without that limit; one cancel behind all orders."
)


@dataclass
class Trips:
    """How long round trips of one desk took, in us."""

    accepted: list[float] = field(default_factory=list)
    cancelled: list[float] = field(default_factory=list)
    filled: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Queued:
    """What became of orders that were all placed at once.

    Attributes:
        seconds: until the last was acknowledged.
        cancels: us that each cancel took that was asked for behind them.
    """

    seconds: float
    cancels: list[float]


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    with quiet():
        ours, theirs, queued, bare = _measured(size)
    return [
        _trip_row("placed to acknowledged", ours.accepted, theirs.accepted, _NOTE),
        _trip_row("placed to filled", ours.filled, theirs.filled),
        _trip_row("cancel asked to confirmed", ours.cancelled, theirs.cancelled),
        Row(
            what=f"{size.queued:,} orders queued at once, until the last is acknowledged",
            measured=queued.seconds,
            unit="s",
            yardstick=Yardstick("ib_async", bare.seconds),
            note=_QUEUE_NOTE,
        ),
        Row(
            what=f"a cancel asked for behind {size.queued:,} queued orders, to confirmed",
            measured=median(queued.cancels) / 1e3,
            unit="ms",
            yardstick=Yardstick("with nothing queued", median(ours.cancelled) / 1e3),
            tail={"max": max(queued.cancels) / 1e3, "ib_async": bare.cancels[0] / 1e3},
        ),
    ]


def _measured(size: Size) -> tuple[Trips, Trips, Queued, Queued]:
    with gateway() as port:
        ours, theirs = asyncio.run(_trips(port, max(1, size.samples * size.rounds // 2)))
    with gateway(*_REAL_LIMIT) as port:
        queued = asyncio.run(_queued(Ours(port, 1), size.queued, spread=True))
    with gateway() as port:
        bare = asyncio.run(_queued(Theirs(port, 1), size.queued, spread=False))
    return ours, theirs, queued, bare


async def _trips(port: int, count: int) -> tuple[Trips, Trips]:
    """Have both desks rest, cancel and fill orders in turn."""
    desks: list[tuple[Desk, Trips]] = [(Ours(port, 1), Trips()), (Theirs(port, 2), Trips())]
    for desk, _ in desks:
        await desk.open()
    for number in range(count):
        for desk, trips in desks:
            await _rest(desk, 2 * number, trips)
            await asyncio.sleep(_PAUSE)
        for desk, trips in desks:
            await _fill(desk, 2 * number + 1, trips)
            await asyncio.sleep(_PAUSE)
    for desk, _ in desks:
        await desk.close()
    return desks[0][1], desks[1][1]


async def _rest(desk: Desk, number: int, trips: Trips) -> None:
    start = perf_counter_ns()
    desk.place(number, RESTING)
    trips.accepted.append((await desk.watch.until(number, "accepted") - start) / 1e3)
    await asyncio.sleep(0)  # what else was said with it is heard before the next clock starts
    start = perf_counter_ns()
    desk.cancel(number)
    trips.cancelled.append((await desk.watch.until(number, "cancelled") - start) / 1e3)


async def _fill(desk: Desk, number: int, trips: Trips) -> None:
    start = perf_counter_ns()
    desk.place(number, None)
    trips.filled.append((await desk.watch.until(number, "fill") - start) / 1e3)


async def _queued(desk: Desk, count: int, *, spread: bool) -> Queued:
    """Place so many orders at once and cancel one behind them, or one after the other while they leave."""
    await desk.open()
    await asyncio.sleep(1)  # what connecting said counts against no pace any more
    start = perf_counter_ns()
    for number in range(count):
        desk.place(number, RESTING if number < _RESTING else None)
    cancelling = asyncio.create_task(_cancels(desk, min(_RESTING, count) if spread else 1, count - 1))
    end = await desk.watch.until(count - 1, "accepted")
    cancels = await cancelling
    await desk.close()
    return Queued((end - start) / 1e9, cancels)


async def _cancels(desk: Desk, count: int, last: int) -> list[float]:
    """Cancel so many orders that were acknowledged, one at a time, while the last of all is not."""
    taken: list[float] = []
    for number in range(count):
        await desk.watch.until(number, "accepted")
        if taken and desk.watch.knows(last, "accepted"):
            break
        start = perf_counter_ns()
        desk.cancel(number)
        taken.append((await desk.watch.until(number, "cancelled") - start) / 1e3)
        await asyncio.sleep(_CANCEL_EVERY)
    return taken


def _trip_row(what: str, ours: list[float], theirs: list[float], note: str = "") -> Row:
    yardstick = median(theirs)
    tail = {f"p{percent}": percentile(ours, percent) for percent in (90, 99)}
    tail |= {f"p{percent} of ib_async": percentile(theirs, percent) for percent in (90, 99)}
    return Row(
        what=f"IBBroker over loopback, {what}",
        measured=median(ours),
        unit="us",
        budget=Budget(round(yardstick + _ADDED)),
        yardstick=Yardstick("ib_async", yardstick),
        note=note,
        tail=tail,
    )
