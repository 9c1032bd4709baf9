"""Tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.tca.summary import OrderSummary

_COLUMNS = (
    "algo", "side", "quantity", "filled", "average", "arrival", "shortfall bps", "vs VWAP bps",
    "half-spread bps", "passive %", "participation %", "children", "messages", "state",
)  # fmt: skip


def order_table(orders: Sequence[OrderSummary], title: str | None = None) -> Table:
    """Return one row an order; costs are positive when they hurt."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in {"algo", "side", "state"} else "right")
    for order in orders:
        table.add_row(*_row(order))
    return table


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure as text; a dash for what is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"


def size(value: float) -> str:
    """Return a quantity as text, without decimals where it has none."""
    return f"{value:,d}" if isinstance(value, int) else f"{value:,.8f}".rstrip("0")


def _row(order: OrderSummary) -> tuple[str, ...]:
    participation = None if order.participation is None else 100 * order.participation
    return (
        order.algo,
        order.side.value,
        size(order.quantity),
        size(order.filled),
        number(order.avg_fill_price, 4),
        number(order.arrival_mid, 4),
        number(order.shortfall_bps),
        number(order.vs_vwap_bps),
        number(order.half_spread_paid_bps),
        number(order.passive_pct, 1),
        number(participation, 1),
        str(order.children),
        str(order.messages),
        order.state.value,
    )
