"""A subscriber that blocks for ten seconds: what it does to a kill, and to whoever else listens."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bench.live_desk import LiveDesk, turns
from bench.measuring import Row, Size, Yardstick, percentile
from quietfill.domain.events import EventType, KillSwitchEvent
from quietfill.domain.messages import KillScope
from quietfill.journal.memory import MemoryJournal

if TYPE_CHECKING:
    from quietfill.domain.events import AnyEvent

_BLOCK_SECONDS = 10.0
_TRIES = 50


class Blocker:
    """Takes one event and does not come back for ten seconds.

    Attributes:
        began, ended: how often it took one, and came back.
    """

    def __init__(self) -> None:
        self.began = 0
        self.ended = 0

    async def hear(self, event: AnyEvent) -> None:
        """Block."""
        del event
        self.began += 1
        await asyncio.sleep(_BLOCK_SECONDS)
        self.ended += 1


class Listener:
    """Notes when it heard of an acceptance.

    Attributes:
        at: `perf_counter_ns` of each.
    """

    def __init__(self) -> None:
        self.at: list[int] = []

    async def hear(self, event: AnyEvent) -> None:
        """Note the time."""
        del event
        self.at.append(perf_counter_ns())


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    return asyncio.run(_rows(size))


async def _rows(size: Size) -> list[Row]:
    blocker = Blocker()
    free, blocked = KillDesk(None), KillDesk(blocker)
    samples: dict[KillDesk, list[tuple[float, float]]] = {free: [], blocked: []}
    for desk in samples:
        await desk.open()
        await desk.kill()
    for _ in range(min(size.samples, _TRIES)):
        for desk, taken in samples.items():
            taken.append(await desk.kill())
    assert blocker.began > blocker.ended == 0, "it did not block"
    for desk in samples:
        await desk.close()
    (told, kills), (told_free, kills_free) = (list(zip(*samples[desk], strict=True)) for desk in (blocked, free))
    return [
        Row(
            what=f"{what}, a subscriber blocks {_BLOCK_SECONDS:g} s",
            measured=median(taken),
            unit="us",
            yardstick=Yardstick("with nobody blocking", median(without)),
            tail={"p99": percentile(taken, 99), "max": max(taken)},
            note=note,
        )
        for what, taken, without, note in (
            ("kill to cancel at the broker", kills, kills_free, _NOTE),
            ("approval to another subscriber's ear", told, told_free, ""),
        )
    ]


_NOTE = (
    "By the wall clock. The subscriber awaits something for ten seconds in its first event and is behind it when the"
    " bench ends; one that held the event loop itself would stop everything in the process."
)


class KillDesk:
    """An agent with everything on that is killed again and again with one order working."""

    def __init__(self, blocker: Blocker | None) -> None:
        self._desk = LiveDesk(MemoryJournal(), settle_ms=0)  # or each killed order took that long to end
        self._listener = Listener()
        self._blocker = blocker
        if blocker is not None:
            for event_type in EventType:
                self._desk.bus.subscribe(event_type, blocker.hear)
        self._desk.bus.subscribe(EventType.ORDER, self._listener.hear)

    async def open(self) -> None:
        """Start."""
        await self._desk.open()

    async def close(self) -> None:
        """Stop; who still blocks is left behind."""
        if self._blocker is not None:
            for event_type in EventType:
                self._desk.bus.unsubscribe(event_type, self._blocker.hear)
        await self._desk.close()

    async def kill(self) -> tuple[float, float]:
        """Return us from approval to the listener, and from the kill on the bus to the cancel at the broker."""
        approved_at = perf_counter_ns()
        await self._desk.rest_peg()
        await self._desk.until(lambda: bool(self._listener.at))
        told = self._listener.at[0] - approved_at
        start = perf_counter_ns()
        await self._desk.bus.publish(KillSwitchEvent(reason="bench", source_agent="Bench"))
        await self._desk.until(lambda: bool(self._desk.broker.cancelled))
        taken = self._desk.broker.cancelled_at - start
        await self._release()
        return told / 1e3, taken / 1e3

    async def _release(self) -> None:
        agent = self._desk.agent
        await self._desk.until(lambda: not agent.runtime.engine.state.live)
        await agent.release_kill_switch(KillScope(), "one", "another", "bench")
        await turns()
        self._desk.broker.forget()
        self._listener.at.clear()
