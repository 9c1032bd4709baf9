"""One order of the report: what became of it, its figures, its charts and its children."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from quietfill.report import legend
from quietfill.report.children_table import children_table
from quietfill.report.cost_tables import cost_tables
from quietfill.report.frame import Frame
from quietfill.report.kept_touches import kept_touches
from quietfill.report.overview import tiles
from quietfill.report.price_chart import MOST_FILLS, price_chart, price_levels, touch_points
from quietfill.report.progress_charts import (
    cost_chart,
    cost_points,
    participation_chart,
    participation_points,
    plan_chart,
    recorded_from_arrival,
    starts_high,
)
from quietfill.report.words import headline, story

if TYPE_CHECKING:
    from quietfill.report.axes import Picture
    from quietfill.report.run import OrderReport

_NO_VOLUME = "no market was recorded from arrival on, and the market's volume was not kept with the fills"
_LEVEL_KEYS = {"arrival mid": legend.ARRIVAL, "interval VWAP": legend.VWAP, "limit": legend.LIMIT}


def order_section(report: OrderReport, number: int) -> tuple[str, dict[str, Picture]]:
    """Return one order's part of the page, and its charts by the id of the place where each is drawn."""
    frame = Frame.of(report)
    charts: dict[str, Picture] = {}
    figures = "".join(_figures(report, frame, number, charts))
    title, state = escape(_capitalised(headline(report))), escape(str(report.order.state))
    html = (
        f'<section class="order" id="order-{number}">'
        f'<h2>{number}. {title} <span class="state">{state}</span></h2>'
        f'<p class="story">{escape(story(report, frame))}</p>'
        f"{tiles(report)}{_notes(report, frame)}"
        f'<div class="charts">{figures}</div>'
        f"{cost_tables(report, frame)}"
        f"{children_table(report, frame)}</section>"
    )
    return html, charts


def _figures(report: OrderReport, frame: Frame, number: int, charts: dict[str, Picture]) -> list[str]:
    charts[f"price-{number}"] = price_chart(report, frame)
    charts[f"plan-{number}"] = plan_chart(report, frame)
    figures = [
        _figure(f"price-{number}", "Price path", _price_key(report, frame), wide=True),
        _figure(f"plan-{number}", "Plan and fills", legend.PLAN),
    ]
    if report.order.fills and (shares := participation_points(report, frame)):
        charts[f"participation-{number}"] = participation_chart(report, frame)
        key = legend.PARTICIPATION + (legend.STARTS_HIGH if starts_high(shares) else "")
        key += legend.AT_FILLS if recorded_from_arrival(report) is None else ""
        figures.append(_figure(f"participation-{number}", "Participation", key))
    else:
        reason = _NO_VOLUME if report.order.fills else "nothing filled"
        figures.append(_nothing("Participation", reason))
    if cost_points(report, frame):
        charts[f"cost-{number}"] = cost_chart(report, frame)
        figures.append(_figure(f"cost-{number}", "Cost to date", legend.COST))
    else:
        figures.append(_nothing("Cost to date", "no arrival quote" if report.order.fills else "nothing filled"))
    return figures


def _figure(place: str, title: str, key: str, *, wide: bool = False) -> str:
    name = ' class="wide"' if wide else ""
    return (
        f'<figure{name}><figcaption><h3>{title}</h3>{key}</figcaption><div class="chart" id="{place}"></div></figure>'
    )


def _nothing(title: str, reason: str) -> str:
    return f'<figure><figcaption><h3>{title}</h3></figcaption><div class="none">{reason}</div></figure>'


def _price_key(report: OrderReport, frame: Frame) -> str:
    is_recorded = bool(touch_points(report.history, frame))
    is_kept = not is_recorded and bool(kept_touches(report, frame))
    items = [legend.MARKET] if is_recorded else [legend.KEPT] if is_kept else []
    items += [legend.CHILD, legend.RESTED, legend.TOOK]
    items += [_LEVEL_KEYS[row["level"]] for row in price_levels(report)]
    fills = len(report.order.fills)
    more = f'<span class="key">{MOST_FILLS:,} of {fills:,} fills shown</span>' if fills > MOST_FILLS else ""
    return legend.key(items) + ("" if is_recorded else legend.NO_MARKET) + more


def _notes(report: OrderReport, frame: Frame) -> str:
    """Return what happened to the order besides trading: alerts, pauses, changes of its terms."""
    order = report.order
    notes = [(alert.at, alert.text) for alert in order.alerts]
    notes += [(change.at, f"amended by {change.by}") for change in order.amendments]
    notes += [(item.at, f"amendment refused: {'; '.join(item.reasons)}") for item in order.amendments_refused]
    notes += [(pause.since, f"paused by {pause.by}") for pause in order.pauses]
    notes += [(pause.until, "resumed") for pause in order.pauses if pause.until is not None]
    notes += [(rebase.at, f"schedule laid out anew: {rebase.reason}") for rebase in order.rebases]
    if order.cancel_asked is not None:
        asked = order.cancel_asked
        notes.append((asked.at, f"cancel asked by {asked.by}" + (f": {asked.reason}" if asked.reason else "")))
    if order.end_reason not in {"", str(order.state)} and order.ended_at is not None:
        notes.append((order.ended_at, f"{order.state}: {order.end_reason}"))
    items = "".join(f"<li>{frame.clock(at)} {escape(text)}</li>" for at, text in sorted(notes))
    return f'<ul class="notes">{items}</ul>' if items else ""


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
