"""`quietfill status`: what a running agent is doing, or what became of one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.cli.control import AgentFlags, order_path
from quietfill.cli.options import Flag
from quietfill.cli.record_words import about

if TYPE_CHECKING:
    from rich.table import Table

    from quietfill.cli.terminal import Terminal

_COLUMNS = (
    ("order", "order_id"),
    ("symbol", "symbol"),
    ("side", "side"),
    ("algo", "algo"),
    ("quantity", "quantity"),
    ("filled", "filled"),
    ("average", "avg_fill_price"),
    ("limit", "limit_price"),
    ("children", "live_children"),
    ("end", "end"),
    ("status", "status"),
)
_CHILD_COLUMNS = (
    ("child", "child_id"),
    ("broker's id", "broker_order_id"),
    ("quantity", "quantity"),
    ("filled", "filled"),
    ("limit", "limit_price"),
    ("asked", "asked_at"),
    ("status", "status"),
    ("the broker said", "said"),
)
_NOTICES_SHOWN = 5
_ALERTS_SHOWN = 5
_LEFT = {"order_id", "symbol", "side", "algo", "status", "child_id", "said"}


def status(order: str | None = None, /, *, all: Flag = False, agent: AgentFlags | None = None) -> int:  # noqa: A002
    """Show what a running agent is doing, or one order with its children and what is wrong with it. Times are UTC.

    Args:
        order: only this order, by its id.
        all: every alert that the agent tells of, those of orders that have ended among them.
    """
    agent = agent or AgentFlags()
    terminal = agent.terminal()
    told = agent.client().get("/v1/status" if order is None else order_path(order))
    if agent.json:
        terminal.finish(told)
    elif order is None:
        _show_house(told, terminal, all_alerts=all)
    else:
        _show_order(told, terminal)
    return 0


def _show_house(told: dict[str, Any], terminal: Terminal, *, all_alerts: bool) -> None:
    service = told["service"]
    broker = service.get("broker", {})
    place = broker.get("account") or broker.get("recording") or broker.get("kind") or "broker"
    terminal.say(
        f"{told['name']}: {'ready' if service.get('ready') else 'NOT READY'}, {place}"
        f" {'connected' if told['broker_connected'] else 'NOT CONNECTED'}, {_clock(told['now'])}"
    )
    failure = told["journal_failure"]
    journal = f"{told['journal_sequence']} records" if failure is None else f"FAILED: {failure}"
    sent = f"{told['orders_this_minute']} of {told['max_orders_per_minute']} placements this minute"
    terminal.say(f"journal {journal}; {sent}")
    for kill in told["kills"]:
        terminal.say(f"KILLED by {kill['by']} at {_clock(kill['at'])}: {_scope(kill)}: {kill['reason']}")
    said = list(dict.fromkeys(about(subject, text) for subject, text in broker.get("notices", ())))
    for text in said[-_NOTICES_SHOWN:]:
        terminal.say(f"broker: {text}")
    alerts = told["alerts"]
    shown = alerts if all_alerts else [alert for alert in alerts if not alert["over"]][-_ALERTS_SHOWN:]
    _show_alerts(shown, terminal)
    if len(shown) < len(alerts):
        terminal.say(f"older alerts, and those of orders that have ended: {len(alerts) - len(shown)}, with --all")
    for position in told["positions"]:
        account = f" in {position['account']}" if position["account"] else ""
        terminal.say(f"holds {position['quantity']:,} {position['symbol']}{account} from its own fills")
    rows = [*told["orders"], *told["ended"]]
    terminal.say(_table(rows, _COLUMNS) if rows else "no orders")
    for row in told["orders"]:
        if row["trouble"]:
            terminal.say(f"{row['order_id']}: {row['trouble']}")


def _show_alerts(alerts: list[dict[str, Any]], terminal: Terminal) -> None:
    for alert in alerts:
        what = about(alert["subject"], alert["text"])
        terminal.say(f"{alert['severity']} at {_clock(alert['at'])}: {what}")


def _show_order(told: dict[str, Any], terminal: Terminal) -> None:
    terminal.say(_table([told], _COLUMNS))
    facts = {
        "accepted": f"{_clock(told['accepted_at'])}, approved by {told['by']}",
        "parameters": ", ".join(f"{name}={value}" for name, value in told["params"].items()),
        "stop price": told["stop_price"],
        "notes": "; ".join(told["notes"]),
        "amendments": told["amendments"] or None,
        "FROZEN": told["frozen"],
        "trouble": None if told["frozen"] or told["ended_at"] else told["trouble"],
        "cancelled": told["cancelled_because"],
        "ended": f"{_clock(told['ended_at'])}: {told['ended_because']}" if told["ended_at"] else None,
    }
    for name, fact in facts.items():
        if fact not in {None, ""}:
            terminal.say(f"{name}: {fact}")
    _show_alerts(told["alerts"], terminal)
    if told["children"]:
        terminal.say(_table(told["children"], _CHILD_COLUMNS))


def _table(rows: list[dict[str, Any]], columns: tuple[tuple[str, str], ...]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for title, key in columns:
        table.add_column(title, justify="left" if key in _LEFT else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(row[key], key)) for _, key in columns))
    return table


def _shown(value: Any, key: str) -> str:
    if value is None:
        return "-"
    if key in {"end", "asked_at"}:
        return _clock(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)


def _clock(text: str) -> str:
    """Return a time of the port's, cut to the second."""
    return text[:19].replace("T", " ")


def _scope(kill: dict[str, Any]) -> str:
    symbols = ", ".join(kill["symbols"]) or "everything"
    return f"{symbols} of account {kill['account']}" if kill["account"] else symbols
