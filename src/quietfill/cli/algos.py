"""`quietfill algos`: which algos there are, and what can be set on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.cli.options import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from quietfill.algos.registry import AlgoSpec


def algos(name: str | None = None, /, *, json: Flag = False) -> int:
    """List the algos and their parameters.

    Args:
        name: only this one: a name, or FILE.py:CLASS for one of your own.
        json: print one JSON object instead of tables.
    """
    from quietfill import bootstrap
    from quietfill.bootstrap.algos import broker_algos
    from quietfill.cli.terminal import Terminal

    terminal = Terminal(json=json)
    theirs = [spec for spec in broker_algos() if name is None or name.lower() == spec.name]
    ours: list[AlgoSpec] = []
    if name is None or not theirs:
        known, chosen = bootstrap.open_algos(name)
        ours = [spec for spec in known if chosen in {"", spec.name}]
    for spec in ours:
        terminal.say(_table(spec))
    if theirs:
        terminal.line(_NEEDS_IB)
    for spec in theirs:
        terminal.say(_table(spec))
    if json:
        terminal.finish({"algos": _rows(ours), "interactive_brokers": _rows(theirs)})
    return 0


_NEEDS_IB = "Interactive Brokers' own, for an agent whose broker it is; a paper gateway works them by stand-ins:"


def _table(spec: AlgoSpec) -> Table:
    from rich.table import Table

    from quietfill.algos.registry import describe

    table = Table(title=f"{spec.name}: {spec.docs}", title_justify="left", header_style="bold")
    for column in ("parameter", "type", "default", "meaning"):
        table.add_column(column)
    for row in describe(spec):
        table.add_row(row.name, row.type, row.default, row.meaning)
    return table


def _rows(specs: Iterable[AlgoSpec]) -> dict[str, Any]:
    import msgspec

    from quietfill.algos.registry import describe

    return {spec.name: {"docs": spec.docs, "parameters": msgspec.to_builtins(describe(spec))} for spec in specs}
