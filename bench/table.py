"""The rows as a table for people or as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Row, Size

WIDTH = 160  # of a table that goes into a file
_COLOURS = {"ok": "green", "over": "red", "-": "dim"}


def show(rows: Sequence[Row], load: tuple[float, ...]) -> None:
    """Print the table, its notes and what the machine was doing."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in ("measured", "unit", "budget", "yardstick", "ratio", "besides"):
        table.add_column(name, justify="left" if name in {"unit", "yardstick", "besides"} else "right")
    table.add_column("verdict")
    notes: list[str] = []
    for row in rows:
        if row.note:
            notes.append(row.note)
        mark = f" [{len(notes)}]" if row.note else ""
        table.add_row(_plain(row.what + mark), *_cells(row), style=None if row.verdict != "over" else "bold")
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(_plain(f"[{number}] {note}"), style="dim", highlight=False)
    console.print(_plain(machine(load)), style="dim", highlight=False)


def as_json(rows: Sequence[Row], size: Size, load: tuple[float, ...]) -> str:
    """Return everything in one JSON object."""
    listed: list[dict[str, Any]] = [
        {**asdict(row), "budget": None if row.budget is None else str(row.budget), "ratio": row.ratio,
         "verdict": row.verdict}
        for row in rows
    ]  # fmt: skip
    return json.dumps({"rows": listed, "size": asdict(size), "machine": machine(load)}, indent=2)


def machine(load: tuple[float, ...]) -> str:
    """Say what this ran on and how busy it was when it began."""
    busy = f", load {load[0]:.1f} when it began" if load else ""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}{busy}"


def _cells(row: Row) -> tuple[str, ...]:
    held = row.yardstick
    yardstick = "" if held is None else f"{number(held.value)} {row.unit}, {held.name}"
    ratio = "" if row.ratio is None else f"{number(row.ratio)} x"
    colour = _COLOURS[row.verdict]
    budget = "" if row.budget is None else str(row.budget)
    besides = ", ".join(f"{name} {number(value)}" for name, value in row.tail.items())
    return number(row.measured), row.unit, budget, yardstick, ratio, besides, f"[{colour}]{row.verdict}[/]"


def number(value: float) -> str:
    """Return three significant digits without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
