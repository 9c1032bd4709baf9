"""What the demo shows while it runs: a table redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from quietfill.cli.tables import number, size
from quietfill.domain.records import OrderAccepted, OrderDone, OrderRefused
from quietfill.domain.types import MINUTE, price_float, quantity_number

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from quietfill.bootstrap import Demo
    from quietfill.cli.terminal import Terminal
    from quietfill.domain.records import AnyRecord
    from quietfill.engine.parent import ParentState
    from quietfill.simulation.decisions import PlannedDecision

_REDRAW_SECONDS = 0.25
_LINE_EVERY = 5 * MINUTE
_BAR_WIDTH = 24


@asynccontextmanager
async def watching(opened: Demo, terminal: Terminal) -> AsyncGenerator[None]:
    """Show the progress of a demo while the body runs."""
    if not terminal.is_live:
        lines = _Lines(opened, terminal)
        opened.session.agent.runtime.on_record(lines.hear)
        opened.session.every(_LINE_EVERY, lines.summary)
        yield
        return
    with Live(progress_table(opened), console=terminal.err, auto_refresh=False, transient=True) as live:
        redrawing = asyncio.create_task(_redraw(live, opened))
        try:
            yield
        finally:
            redrawing.cancel()
            with suppress(asyncio.CancelledError):
                await redrawing


def progress_table(opened: Demo) -> Table:
    """Return where every order stands now."""
    parents = opened.session.agent.runtime.engine.state.parents
    table = Table(title=f"{opened.tape.instrument.symbol}  {opened.local_time()}  (simulated)", title_justify="left")
    for name, justify in (
        ("decided", "left"), ("algo", "left"), ("side", "left"), ("quantity", "right"), ("filled", "right"),
        ("", "left"), ("average", "right"), ("state", "left"),
    ):  # fmt: skip
        table.add_column(name, justify="right" if justify == "right" else "left")
    for planned in opened.session.planned:
        table.add_row(opened.local_time(planned.at), *_progress_row(planned, parents))
    return table


def _progress_row(planned: PlannedDecision, parents: Mapping[str, ParentState]) -> tuple[str | ProgressBar, ...]:
    decision, parent = planned.decision, parents.get(planned.order_id)
    side = "" if decision.action is None else decision.action.value
    if parent is None:
        return decision.algo or "", side, f"{decision.quantity:,}", "", "", "", "to come"
    return (
        parent.algo,
        side,
        size(quantity_number(parent.quantity)),
        size(quantity_number(parent.filled)),
        ProgressBar(total=parent.quantity, completed=parent.filled, width=_BAR_WIDTH),
        _average(parent),
        parent.state.value,
    )


async def _redraw(live: Live, opened: Demo) -> None:
    while True:
        live.update(progress_table(opened), refresh=True)
        await asyncio.sleep(_REDRAW_SECONDS)


class _Lines:
    """Progress for logs: a line when an order begins or ends, and one for all of them now and then."""

    def __init__(self, opened: Demo, terminal: Terminal) -> None:
        self._opened = opened
        self._terminal = terminal
        self._parents = opened.session.agent.runtime.engine.state.parents

    def hear(self, record: AnyRecord) -> None:
        """Say what a record means, if it begins or ends an order."""
        if isinstance(record, OrderAccepted):
            quantity = size(quantity_number(record.quantity))
            self._say(f"{record.algo} {record.side} {quantity}: accepted as {record.order_id}")
        elif isinstance(record, OrderRefused):
            self._say(f"order {record.order_id} refused: {'; '.join(record.reasons)}")
        elif isinstance(record, OrderDone):
            parent = self._parents[record.order_id]
            filled = f"{size(quantity_number(record.filled))} at {_average(parent)}"
            self._say(f"{parent.algo} {parent.side}: {record.state}, filled {filled}")

    def summary(self) -> None:
        """Say where all orders stand."""
        planned, parents = len(self._opened.session.planned), self._parents.values()
        ended = sum(parent.is_done for parent in parents)
        filled = size(quantity_number(sum(parent.filled for parent in parents)))
        self._say(f"{ended} of {planned} orders ended, {len(parents) - ended} working, {filled} filled")

    def _say(self, text: str) -> None:
        self._terminal.note(f"{self._opened.local_time()}  {text}")


def _average(parent: ParentState) -> str:
    return number(price_float(parent.filled_value // parent.filled) if parent.filled else None, 4)
