"""`quietfill demo`: twelve orders worked concurrently through the real agent over a recorded hour, then explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from quietfill.cli.options import Flag, Text
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from quietfill.bootstrap import Demo
    from quietfill.cli.terminal import Terminal

_FASTEST: Final = 100_000
_RUNS: Final = Path("runs")


def demo(
    *,
    journal: Path | None = None,
    speed: Text = "120",
    seed: int | None = None,
    out: Path | None = None,
    algo: str | None = None,
    json: Flag = False,
) -> int:
    """Work real orders against a recorded hour, live, and explain the cost.

    The recording is Shanghai 600961 on 2023-07-11 from 10:00 to 11:00, order by order. A run that was killed
    goes on where it was: start it again with the same --journal.

    Args:
        journal: the journal to write, or to continue; by default a new one under runs/.
        speed: simulated seconds a second, or max.
        seed: of sizes, times, latency and ids; 1 by default.
        out: folder of the report, and of a journal that is not named; by default runs/.
        algo: let one more order be worked by this algo: a name, or FILE.py:CLASS for one of your own.
        json: print progress to standard error and nothing but one line of JSON to standard output.
    """
    import asyncio

    from quietfill import bootstrap
    from quietfill.cli.terminal import Terminal
    from quietfill.runtime.clock import wall_seconds
    from quietfill.simulation.rates import PRINTED_RATES

    pace = _speed(speed)
    path, folder = _places(journal, out, 1 if seed is None else seed)
    terminal = Terminal(json=json)
    began = wall_seconds()
    opened = bootstrap.open_demo(path, seed=seed, speed=pace, algo=algo)
    folder.mkdir(parents=True, exist_ok=True)
    (terminal.note if json else terminal.line)(f"journal {path}")
    terminal.note(PRINTED_RATES)
    if opened.resumed_at is not None:
        terminal.note(f"continuing at {opened.local_time(opened.resumed_at)}, simulated time")
    try:
        asyncio.run(_watched(opened, terminal))
    except KeyboardInterrupt:
        terminal.note(f"to go on: quietfill demo --journal {path}")
        raise
    return _finish(opened, terminal, path, folder, wall_seconds() - began)


async def _watched(opened: Demo, terminal: Terminal) -> None:
    from quietfill.cli.demo_view import watching

    try:
        async with watching(opened, terminal):
            await opened.session.run()
    finally:
        opened.audit.close()


def _finish(opened: Demo, terminal: Terminal, path: Path, folder: Path, wall: float) -> int:
    import msgspec

    from quietfill import bootstrap
    from quietfill.cli.tables import order_table

    report = bootstrap.demo_report(opened, path)
    summaries = [order.summary for order in report.orders]
    terminal.say(order_table(summaries, width=terminal.out.width))
    page = folder / f"{path.stem}.html"
    bootstrap.save_report(page, report)  # takes a few seconds, so the table comes first
    terminal.line(f"report {page}")
    figures = {
        "journal": str(path),
        "report": str(page),
        "seed": opened.seed,
        "resumed": opened.resumed_at is not None,
        "events": opened.session.broker.exchange.events_replayed,
        "wall_s": round(wall, 3),
        "journal_records": opened.session.agent.runtime.journal.sequence,
        "journal_sha256": opened.session.agent.runtime.journal.head,
        "orders": msgspec.to_builtins(summaries),
    }
    if terminal.json:
        terminal.finish(figures)
    return 0


def _speed(text: str) -> float | None:
    """Return simulated seconds a second, None for as fast as possible."""
    if text in {"max", "fast"}:
        return None
    try:
        speed = float(text)
    except ValueError:
        raise BadInput(f"speed {text!r} is neither a number nor max") from None
    if not 0 < speed <= _FASTEST:
        raise BadInput(f"speed must be above 0 and at most {_FASTEST:,}, or max, not {text}")
    return speed


def _places(journal: Path | None, out: Path | None, seed: int) -> tuple[Path, Path]:
    """Return the journal's file and the report's folder; nothing is made yet.

    Raises:
        BadInput: when one of the folders cannot be one.
    """
    folder = out or (_RUNS if journal is None else journal.parent)
    path = journal or _fresh(folder, seed)
    for place in (folder, path.parent):
        nearest = next(one for one in (place.absolute(), *place.absolute().parents) if one.exists())
        if not nearest.is_dir():
            raise BadInput(f"{nearest}: is not a folder")
    return path, folder


def _fresh(folder: Path, seed: int) -> Path:
    """Return the name of a journal that does not exist: by UTC time and seed."""
    from quietfill.domain.types import datetime_of
    from quietfill.runtime.clock import SystemClock

    stem = f"{datetime_of(SystemClock().now()):%Y%m%dT%H%M%SZ}-seed{seed}"
    names = (f"{stem}.journal", *(f"{stem}-{number}.journal" for number in range(2, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())
