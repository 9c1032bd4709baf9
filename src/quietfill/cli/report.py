"""`quietfill report`: the page of a journal, also of one whose run was cut short."""

from __future__ import annotations

from pathlib import Path

from quietfill.cli.options import Flag, writable


def report(journal: Path, /, *, out: Path | None = None, json: Flag = False) -> int:
    """Explain what the orders of a journal cost, from the journal alone.

    What needs the whole day's market, such as markouts, is left out; the page that `demo`, `simulate` and `run` write
    at their end has it.

    Args:
        journal: the journal; an agent may be writing it meanwhile.
        out: the page, by default the journal's name with .html.
        json: print one JSON object.
    """
    import msgspec

    from quietfill.bootstrap.files import save_report
    from quietfill.bootstrap.journal_report import journal_report
    from quietfill.cli.tables import order_table
    from quietfill.cli.terminal import Terminal

    terminal = Terminal(json=json)
    page = writable(out or journal.with_suffix(".html"), "report")
    made = journal_report(journal)
    summaries = [order.summary for order in made.orders]
    terminal.say(order_table(summaries, width=terminal.out.width))
    save_report(page, made)
    terminal.line(f"report {page}")
    if json:
        terminal.finish({"journal": str(journal), "report": str(page), "orders": msgspec.to_builtins(summaries)})
    return 0
