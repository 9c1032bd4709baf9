"""Figures and orders in words: what a person reads before the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import OrderSide, quantity_number
from quietfill.report.frame import Frame
from quietfill.tca.summary import order_shortfall

if TYPE_CHECKING:
    from quietfill.domain.types import Quantity
    from quietfill.report.run import OrderReport
    from quietfill.tca.ledger import OrderLedger

UNKNOWN = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_NONE_AT_ALL = 0.05  # bps: rounds to 0.0


def bps_text(bps: float | None) -> str:
    """Return a cost with its sign, one decimal: +1.2 hurts."""
    if bps is None:
        return UNKNOWN
    text = f"{bps:+,.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text.replace("-", _MINUS)


def signed_text(value: float | None, decimals: int = 2, unit: str = "") -> str:
    """Return a figure with its sign, fine enough that parts are seen to add up; zero has none."""
    if value is None:
        return UNKNOWN
    text = f"{value:+,.{decimals}f}"
    return (text[1:] if not text.strip("+-0.,") else text.replace("-", _MINUS)) + unit


def number_text(number: float | None, decimals: int = 1, unit: str = "") -> str:
    """Return a figure with thousands separators."""
    return UNKNOWN if number is None else f"{number:,.{decimals}f}{unit}".replace("-", _MINUS)


def quantity_text(quantity: Quantity) -> str:
    """Return an inside quantity with thousands separators and no needless decimals."""
    return f"{quantity_number(quantity):,}"


def price_text(price: float | None, decimals: int) -> str:
    """Return a public price or average."""
    return UNKNOWN if price is None else f"{price:,.{decimals}f}"


def share_text(share: float | None) -> str:
    """Return a share of 0 to 1 in percent, small ones finer."""
    if share is None:
        return UNKNOWN
    percent = 100 * share
    return f"{percent:.{0 if percent >= 10 else 1 if percent >= 1 else 2}f} %"  # noqa: PLR2004 - significant digits


def story(report: OrderReport, frame: Frame) -> str:
    """Return what became of an order in a few plain sentences."""
    notes = [f"{note[:1].upper()}{note[1:]}." for note in report.order.notes]
    if report.order.filled == 0:
        return " ".join([*notes, _nothing(report, frame), *_unfilled(report)])
    said = (_traded(report, frame), _cost(report, frame), _manner(report), *_unfilled(report), *_fees(report))
    return " ".join([*notes, *said])


def headline(report: OrderReport) -> str:
    """Return an order in a few words: what was asked."""
    order = report.order
    return f"{order.side} {quantity_text(order.quantity)} {order.symbol} by {_algo(order)}"


def _algo(order: OrderLedger) -> str:
    name, *more = order.algo.split(" ", 1)
    return " ".join([name.upper(), *more])


def _nothing(report: OrderReport, frame: Frame) -> str:
    verb = "bought" if report.order.side is OrderSide.BUY else "sold"
    return (
        f"Nothing was {verb} of {quantity_text(report.order.quantity)} {report.order.symbol}"
        f" between {frame.clock_in_seconds(frame.begins)} and {frame.clock_in_seconds(frame.ends)}."
    )


def _traded(report: OrderReport, frame: Frame) -> str:
    order = report.order
    verb = "Bought" if order.side is OrderSide.BUY else "Sold"
    amount = quantity_text(order.filled)
    whole = "all " if order.filled == order.quantity else f"{amount} of "
    last = frame.ends if order.last_fill_at is None else order.last_fill_at
    begin, end = frame.clock_in_seconds(frame.begins), frame.clock_in_seconds(last)
    when = f"at {begin}" if begin == end else f"over {begin}{UNKNOWN}{end}"
    average = price_text(report.summary.avg_fill_price, frame.decimals + 2)
    return (
        f"{verb} {whole}{quantity_text(order.quantity)} {order.symbol} by {_algo(order)} {when},"
        f" at {average} {report.currency}".rstrip()
        + " on average."
    )


def _cost(report: OrderReport, frame: Frame) -> str:
    summary = report.summary
    if summary.shortfall_bps is None:
        return "There was no arrival quote to measure the cost from."
    arrival = price_text(summary.arrival_mid, _decimals_of_mid(summary.arrival_mid, frame.decimals))
    parts = [f"{_paid(summary.shortfall_bps)} against the arrival mid of {arrival}"]
    parts += [
        _compared(bps, name)
        for bps, name in ((summary.vs_vwap_bps, "interval VWAP"), (summary.vs_twap_bps, "interval TWAP"))
        if bps is not None and summary.interval_vwap is not None  # else it was over before anything else traded
    ]
    return "That " + (", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]) + "."


def _manner(report: OrderReport) -> str:
    summary = report.summary
    parts = []
    if summary.passive_pct is not None:
        whole = {0.0: "none", 100.0: "all"}.get(summary.passive_pct, f"{number_text(summary.passive_pct, 0)} %")
        parts.append(f"{whole} of it rested before it traded")
    if summary.half_spread_paid_bps is not None:
        parts.append(_spread(summary.half_spread_paid_bps))
    if summary.participation is not None and summary.interval_vwap is not None:
        parts.append(f"it was {share_text(summary.participation)} of the volume meanwhile")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _spread(bps: float) -> str:
    if abs(bps) < _NONE_AT_ALL:
        return "it neither paid nor earned half-spread on average"
    return f"it {'earned' if bps < 0 else 'paid'} {number_text(abs(bps))} bps of half-spread on average"


def _unfilled(report: OrderReport) -> list[str]:
    order = report.order
    if order.unfilled == 0:
        return []
    left = f"{quantity_text(order.unfilled)} stayed unfilled"
    if order.filled == 0:
        parts = order_shortfall(order, report.history)
        bps = None if parts is None else parts.bps(parts.opportunity)
    else:
        bps = report.summary.opportunity_bps
    if bps is None:
        return [f"{left}."]
    if abs(bps) < _NONE_AT_ALL:
        return [f"{left}, and the market ended where it was."]
    verb = "cost" if bps > 0 else "saved"
    return [f"{left}; the way the market went meanwhile {verb} {number_text(abs(bps))} bps of the whole order."]


def _fees(report: OrderReport) -> list[str]:
    fees = report.summary.fees_bps
    if not fees:
        return []
    return [f"Fees {'cost' if fees > 0 else 'gave back'} {number_text(abs(fees), 2)} bps."]


def _paid(bps: float) -> str:
    if abs(bps) < _NONE_AT_ALL:
        return "cost nothing"
    return f"cost {number_text(bps)} bps" if bps > 0 else f"gained {number_text(-bps)} bps"


def _compared(bps: float, name: str) -> str:
    if abs(bps) < _NONE_AT_ALL:
        return f"met the {name}"
    return f"was {number_text(abs(bps))} bps {'worse' if bps > 0 else 'better'} than the {name}"


def _decimals_of_mid(mid: float | None, decimals: int) -> int:
    """A mid lies on half ticks, so it may need one digit more than a price."""
    if mid is None:
        return decimals
    return decimals if round(mid, decimals) == mid else decimals + 1
