"""How fast recorded order-by-order events go through the venue: with nobody working, and with one TWAP."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from heapq import heappop, heappush
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

from bench import surroundings
from bench.markets import DAY, recorded_day, tiled
from bench.measuring import Budget, Row, Size, Yardstick
from quietfill.algos.registry import registry
from quietfill.domain.messages import NewOrder, StartRun
from quietfill.domain.types import MINUTE, OrderSide
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.runner import Simulation
from quietfill.venue.core import OrderBookCore
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.tape import PRINTS, RowKind

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.venue.tape import Tape

SHARE_OF_VOLUME = 100  # a TWAP trades one in so many of the shares that its day traded


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    day = recorded_day()
    idle, plain, replayed = nobody_working(day, size)
    followed = [follow(tape) for tape in tapes(day, size.followed, day.events)]  # a simulated run is a day
    rate = median(events / seconds for events, seconds, _ in followed)
    events, wakes = sum(part[0] for part in followed), sum(part[2] for part in followed)
    book = Yardstick("plain Python book", plain / 1e6)
    note = (
        f"{events:,} events of the same kind, each day a run of its own with one TWAP for 1 % of its volume, engine and"
        f" journal included: {wakes:,} wakes, one in {events / wakes:.1f} events,"
        f" {events / wakes / rate * 1e6:,.0f} us a wake with the events before it."
    )
    return [
        Row(what="recorded events replayed, nobody working", measured=idle / 1e6, unit="M/s",
            budget=Budget(20, at_least=True), yardstick=book, note=_idle_note(day, replayed, size)),
        Row(what="recorded events replayed, one TWAP follows the touch", measured=rate / 1e6, unit="M/s",
            budget=Budget(1, at_least=True), yardstick=book, note=note),
    ]  # fmt: skip


def _idle_note(day: Tape, replayed: int, size: Size) -> str:
    return (
        f"{replayed:,} events: {day.source[0]} ({day.events:,}), tiled in time with order numbers of its own for each"
        f" day, about {size.chunk:,} in memory at once, a fresh book for each such part. The yardstick replays"
        " one such day into dicts and heaps: queues, sizes and touch, none of our orders."
    )


def nobody_working(day: Tape, size: Size) -> tuple[float, float, int]:
    """Return events a second of the venue's core, of the plain book, and how many events the core replayed."""
    core_rates, plain_rates, replayed = [], [], 0
    for tape in tapes(day, size.events, size.chunk):
        core = OrderBookCore(tape)
        core.advance(tape.first_time - 1)  # compiles, where that was not done ahead
        gc.collect()
        start = process_time()
        core.advance(tape.last_time)
        core_rates.append(tape.events / (process_time() - start))
        assert core.events_replayed == tape.events, "the core stopped early"
        replayed += tape.events
        del core
        plain_rates.append(plain_book_rate(day))
    return median(core_rates), median(plain_rates), replayed


def tapes(day: Tape, events: int, chunk: int) -> Iterator[Tape]:
    """Yield tilings of *day* that hold so many events in all, none longer than *chunk* by more than a day."""
    left = events
    while left > 0:
        tape = tiled(day, max(1, -(-min(left, chunk) // day.events)))
        yield tape
        left -= tape.events


def follow(tape: Tape) -> tuple[int, float, int]:
    """Return events, CPU seconds and wakes of one TWAP after another, each over a whole recorded day."""
    symbol = tape.instrument.symbol
    wakes = 0

    def count(_: Timestamp) -> None:
        nonlocal wakes
        wakes += 1

    engine = Engine({symbol: tape.instrument}, registry(), surroundings.UNPACED)
    exchange = Exchange(tape, VenueOptions(), 1, averages=False)
    simulation = Simulation(engine, exchange, MemoryJournal(), on_progress=count)
    script = list(_script(tape))
    start = process_time()
    simulation.run(script, start=StartRun(run_id="bench", details={}), until=tape.last_time)
    taken = process_time() - start
    assert engine.state.messages_sent > len(script), "nobody followed anything"
    return exchange.events_replayed, taken, wakes


def _script(tape: Tape) -> Iterator[tuple[Timestamp, NewOrder]]:
    days = (tape.last_time - tape.first_time) // DAY + 1
    volume = int(tape.quantity[tape.is_print].sum()) // days
    lots = max(1, volume // SHARE_OF_VOLUME // tape.instrument.lot)
    for number in range(days):
        begin = tape.instrument.day_of(tape.first_time + number * DAY).spans
        start = max(begin[0][0], tape.first_time + number * DAY) + MINUTE
        end = min(begin[-1][1], tape.last_time - (days - 1 - number) * DAY) - MINUTE
        order = NewOrder(
            order_id=f"day-{number}",
            decision_id=f"decision-{number}",
            symbol=tape.instrument.symbol,
            side=(OrderSide.BUY, OrderSide.SELL)[number % 2],
            quantity=lots * tape.instrument.lot,
            algo="twap",
            start=start,
            end=end,
        )
        yield start, order


# ---------------------------------------------------------------- the yardstick


def plain_book_rate(tape: Tape) -> float:
    """Return how many events a second a plain Python book takes."""
    columns = (tape.kind, tape.side, tape.order, tape.price, tape.quantity)
    table = list(zip(*(column.tolist() for column in columns), strict=True))
    book = PlainBook()
    start = process_time()
    book.replay(table)
    return tape.events / (process_time() - start)


class PlainBook:
    """What a careful day's work without a compiler gives: orders and sizes in dicts, prices in heaps."""

    def __init__(self) -> None:
        self.orders: dict[int, list[int]] = {}
        self.sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.prices: tuple[list[int], list[int]] = ([], [])
        self.volume = 0
        self.touch: tuple[int | None, int | None] = (None, None)

    def replay(self, rows: list[tuple[int, int, int, int, int]]) -> None:
        """Apply rows of (kind, side, order, price, quantity), the touch known after each."""
        add, delete, execute, reduce = (int(RowKind[name]) for name in ("ADD", "DELETE", "EXECUTE", "REDUCE"))
        traded = set(map(int, PRINTS))
        for kind, side, order, price, quantity in rows:
            if kind == add:
                self.orders[order] = [side, price, quantity]
                self._grow(side, price, quantity)
            elif kind == delete:
                self._shrink(order, None)
            elif kind in (execute, reduce):
                self._shrink(order, quantity)
            if kind in traded:
                self.volume += quantity
            self.touch = self._best(0), self._best(1)

    def _grow(self, side: int, price: int, quantity: int) -> None:
        sizes = self.sizes[side]
        if price not in sizes:
            sizes[price] = 0
            heappush(self.prices[side], price if side else -price)
        sizes[price] += quantity

    def _shrink(self, order: int, quantity: int | None) -> None:
        known = self.orders.get(order)
        if known is None:
            return
        side, price, left = known
        taken = left if quantity is None else min(left, quantity)
        known[2] = left - taken
        if known[2] == 0:
            del self.orders[order]
        sizes = self.sizes[side]
        sizes[price] -= taken
        if sizes[price] == 0:
            del sizes[price]

    def _best(self, side: int) -> int | None:
        heap, sizes = self.prices[side], self.sizes[side]
        while heap and abs(heap[0]) not in sizes:
            heappop(heap)
        return abs(heap[0]) if heap else None
