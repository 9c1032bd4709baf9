"""`quietfill algos`: which algos there are, and what can be set on each."""

from __future__ import annotations

from quietfill.cli.options import Flag


def algos(name: str | None = None, /, *, json: Flag = False) -> int:
    """List the algos and their parameters.

    Args:
        name: only this one: a name, or FILE.py:CLASS for one of your own.
        json: print one JSON object instead of tables.
    """
    import msgspec
    from rich.table import Table

    from quietfill import bootstrap
    from quietfill.algos.registry import describe
    from quietfill.cli.terminal import Terminal

    terminal = Terminal(json=json)
    known, chosen = bootstrap.open_algos(name)
    specs = [spec for spec in known if chosen in {"", spec.name}]
    for spec in specs:
        table = Table(title=f"{spec.name}: {spec.docs}", title_justify="left", header_style="bold")
        for column in ("parameter", "type", "default", "meaning"):
            table.add_column(column)
        for row in describe(spec):
            table.add_row(row.name, row.type, row.default, row.meaning)
        terminal.say(table)
    if json:
        rows = {spec.name: {"docs": spec.docs, "parameters": msgspec.to_builtins(describe(spec))} for spec in specs}
        terminal.finish({"algos": rows})
    return 0
