"""The groups of rows, and how one is measured apart from the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from bench import (
    decisions,
    fills,
    ib,
    journals,
    live,
    live_fills,
    live_kill,
    memory,
    orders,
    quotes,
    replay,
    startup,
    tca,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Row, Size

NAMES = (
    "decisions",
    "live",
    "kill",
    "quotes",
    "fills",
    "live_fills",
    "memory",
    "orders",
    "replay",
    "startup",
    "journals",
    "tca",
    "ib",
)


def alone(name: str, size: Size, folder: Path) -> list[Row]:
    """Measure one group in a process of its own: what another left in memory would be looked through for garbage."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, name, size, folder).result()


def measure(name: str, size: Size, folder: Path) -> list[Row]:
    """Measure one group here and now."""
    return measurements(size, folder)[name]()


def measurements(size: Size, folder: Path) -> dict[str, Callable[[], list[Row]]]:
    """Return every group of rows by name; *folder* lies on the disk whose speed counts."""
    return {
        "decisions": partial(decisions.rows, size, folder),
        "live": partial(live.rows, size, folder),
        "kill": partial(live_kill.rows, size),
        "quotes": partial(quotes.rows, size),
        "fills": partial(fills.rows, size),
        "live_fills": partial(live_fills.rows, size),
        "memory": partial(memory.rows, size),
        "orders": partial(orders.rows, size),
        "replay": partial(replay.rows, size),
        "startup": partial(startup.rows, size),
        "journals": partial(journals.rows, size, folder),
        "tca": partial(tca.rows, size),
        "ib": partial(ib.rows, size),
    }
