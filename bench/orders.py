"""How many market orders a second go from decision to last fill when engine and venue are driven directly."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

from bench import surroundings
from bench.markets import recorded_day
from bench.measuring import Budget, Row, Size, Yardstick, interleaved
from quietfill.algos.registry import registry
from quietfill.domain.messages import NewOrder, StartRun
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import OrderDone
from quietfill.domain.types import MINUTE, SECOND, OrderSide
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.runner import Simulation
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.venue.tape import Tape

NAUTILUS = 2_790  # a second; the design's figure for NautilusTrader, not measured here


def rows(size: Size) -> list[Row]:
    """Return the row of this page."""
    tape = recorded_day()
    rounds = min(3, size.rounds)
    figures = interleaved(rounds, {"orders": lambda: [size.orders / seconds_for(tape, size.orders)]})
    note = (
        f"{size.orders:,} orders of one lot, buys and sells in turn, evenly over {tape.source[0]}, whose"
        f" {tape.events:,} events are replayed on the way; latency 1 ms each way, no pacing, records hash-chained in"
        " memory. The yardstick is the figure that the design states; it was not measured in this run."
    )
    return [
        Row(
            what="simulated market orders, decision to final fill",
            measured=figures["orders"],
            unit="1/s",
            budget=Budget(10_000, at_least=True),
            yardstick=Yardstick("NautilusTrader, as the design states", NAUTILUS),
            note=note,
        )
    ]


def seconds_for(tape: Tape, count: int) -> float:
    """Return the CPU seconds that so many market orders took, the tape's replay included.

    Raises:
        AssertionError: when one of them was not filled.
    """
    symbol = tape.instrument.symbol
    engine = Engine({symbol: tape.instrument}, registry(), surroundings.UNPACED)
    journal = MemoryJournal()
    script = _script(tape, count)
    simulation = Simulation(engine, Exchange(tape, VenueOptions(), 1), journal)
    start = process_time()
    simulation.run(script, start=StartRun(run_id="bench", details={}), until=tape.last_time)
    taken = process_time() - start
    ends = [entry.record for entry in journal.read() if isinstance(entry.record, OrderDone)]
    filled = sum(end.state is OrderState.FILLED for end in ends)
    assert filled == count, f"{filled} of {count} orders were filled"
    return taken


def _script(tape: Tape, count: int) -> list[tuple[Timestamp, NewOrder]]:
    opens, closes = max(((max(a, tape.first_time), min(b, tape.last_time)) for a, b in tape.day.spans), key=_length)
    opens, closes = opens + MINUTE, closes - MINUTE
    step = (closes - opens) // count
    sides = (OrderSide.BUY, OrderSide.SELL)
    return [
        (
            opens + number * step,
            NewOrder(
                order_id=f"{number:016x}",
                decision_id=f"decision-{number}",
                symbol=tape.instrument.symbol,
                side=sides[number % 2],
                quantity=tape.instrument.lot,
                algo="market",
                end=opens + number * step + 30 * SECOND,
            ),
        )
        for number in range(count)
    ]


def _length(span: tuple[int, int]) -> int:
    return span[1] - span[0]
