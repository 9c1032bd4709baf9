"""Tables for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table

from quietfill.tca.summary import OrderSummary

_NARROW = 110
_LEFT_ALIGNED = ("algo", "side", "state")
_FIGURES: tuple[tuple[str, Callable[[OrderSummary], str]], ...] = (
    ("algo", lambda order: order.algo),
    ("side", lambda order: order.side.value),
    ("quantity", lambda order: size(order.quantity)),
    ("filled", lambda order: size(order.filled)),
    ("average", lambda order: number(order.avg_fill_price, 4)),
    ("arrival", lambda order: number(order.arrival_mid, 4)),
    ("cost bps", lambda order: number(order.shortfall_bps)),
    ("vs VWAP", lambda order: number(order.vs_vwap_bps)),
    ("spread", lambda order: number(order.half_spread_paid_bps)),
    ("passive %", lambda order: number(order.passive_pct, 1)),
    ("share %", lambda order: number(None if order.participation is None else 100 * order.participation, 1)),
    ("children", lambda order: str(order.children)),
    ("messages", lambda order: str(order.messages)),
    ("state", lambda order: order.state.value),
)
_LEFT_OUT_WHEN_NARROW = ("average", "arrival", "children", "messages", "share %")


def order_table(orders: Sequence[OrderSummary], *, width: int = 160) -> Table:
    """Return one row an order. In less than 110 columns only the most telling figures are shown.

    Cost is the average fill against the arrival mid, spread the half-spread paid at the fills; these and vs VWAP are
    in bps and positive when they hurt. Share is ours of all volume from arrival to the last fill.
    """
    caption = "bps, positive when they hurt; cost: against the mid at arrival; spread: half-spread paid at the fills"
    table = Table(
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        caption=caption,
        caption_justify="left",
    )
    figures = [one for one in _FIGURES if width >= _NARROW or one[0] not in _LEFT_OUT_WHEN_NARROW]
    for name, _ in figures:
        table.add_column(name, justify="left" if name in _LEFT_ALIGNED else "right")
    for order in orders:
        table.add_row(*(text(order) for _, text in figures))
    return table


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure as text; a dash for what is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"


def size(value: float) -> str:
    """Return a quantity as text, without decimals where it has none."""
    return f"{value:,d}" if isinstance(value, int) else f"{value:,.8f}".rstrip("0")
