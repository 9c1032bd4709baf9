"""The report as one HTML file that needs nothing else: words, tables and charts, with all that draws them inside."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.records import (
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    OrdersImported,
    Reconciled,
    Resolved,
    RuleSwitched,
)
from quietfill.domain.types import iso_time
from quietfill.report.cost_tables import book_table
from quietfill.report.order_section import order_section
from quietfill.report.overview import overview_table

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.report.axes import Picture
    from quietfill.report.run import RunReport
    from quietfill.tca.ledger import Notice

_READING = """
Costs are in basis points (1 bps = 0.01 %) of the price they are measured against and positive when they hurt, for
buys and sells alike. Cost is the average fill against the mid at arrival. Drift and spread are its parts: how far
the mid had moved when we traded, and each fill against the mid just before it (the half-spread). The cost of the
whole order has fees in it, and what the unfilled rest missed. The interval VWAP is that of the recorded prints from
arrival to the last fill, our own left out; the interval TWAP is the mid over the same time, breaks left out.
The parts of the shortfall (delay, trading, opportunity, fees) are of the whole order and add up to its cost in all, in
money and in bps of its value at the decision, or at arrival where no decision price was stated; over all orders they
are sums divided once, with the error of the ratio. A markout is how far the mid had gone our way some time after a
fill, positive when it helped; realised spread and impact add up to the effective spread; reversion is how far the mid
came back after the last fill. What lies past the end of the data is not shown. RPM is the share of the volume at prices
worse than our average, and half of that at it. PWP is what a constant share of all volume would have paid from arrival
until it had our quantity.
Planned is what is filled plus what was asked for and may still trade. Times are the venue's local time.
""".strip()


def write_report(path: Path, run: RunReport) -> None:
    """Write the report of a run; the file is there whole or not at all.

    The same run gives the same bytes: nothing of the clock, the machine or the path is in it.

    Raises:
        OSError: when it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(report_html(run), encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def report_html(run: RunReport) -> str:
    """Return the report of a run as an HTML page."""
    sections: list[str] = []
    charts: dict[str, Picture] = {}
    for number, order in enumerate(run.orders, 1):
        html, pictures = order_section(order, number)
        sections.append(html)
        charts |= pictures
    script = _script()
    overview = overview_table(run.orders) if run.orders else '<p class="quiet">No order was accepted.</p>'
    book = book_table([order.observed for order in run.orders])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Quietfill">
<title>{escape(run.title)}</title>
<link rel="icon" href="data:,">
<style>{_asset("page.css")}</style>
</head>
<body>
{_header(run)}
<main>
<section id="orders"><h2>Orders</h2>{overview}{book}{_notices(run.notices)}</section>
{"".join(sections)}
</main>
<footer><p>{escape(_READING)}</p></footer>
<noscript><p>The script in this page draws its charts; tables and words are complete without it.</p></noscript>
<script type="application/json" id="charts">{_json(charts)}</script>
<script>{script}</script>
</body>
</html>
"""


def _header(run: RunReport) -> str:
    badge = '<span class="badge">SIMULATED</span>' if run.is_simulated else '<span class="badge live">LIVE</span>'
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in run.facts.items()
    )
    return (
        f'<header><div class="brand"><span>Quietfill</span>{badge}</div><h1>{escape(run.title)}</h1>'
        f'<dl class="facts">{facts}</dl></header>'
    )


def _notices(notices: tuple[Notice, ...]) -> str:
    items = "".join(f"<li>{iso_time(notice.at)} {escape(_notice(notice))}</li>" for notice in notices)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _notice(notice: Notice) -> str:
    match notice:
        case Reconciled():
            left = f", {notice.still_in_doubt} still in doubt" if notice.still_in_doubt else ""
            return (
                f"reconciled with the broker: {notice.adopted} adopted, {notice.filled_while_away} filled while away,"
                f" {notice.ended_while_away} ended while away, {notice.never_arrived} never arrived{left}"
            )
        case LinkChanged():
            why = f": {notice.reason}" if notice.reason else ""
            return f"line to the broker {'up' if notice.up else 'down'}{why}"
        case _:
            return _act(notice)


def _act(notice: KillSwitchEngaged | KillSwitchReleased | Resolved | RuleSwitched | OrdersImported) -> str:
    """Say what a person did, and who."""
    match notice:
        case KillSwitchEngaged():
            return f"kill switch for {notice.scope.in_words} engaged by {notice.by}: {notice.reason}"
        case KillSwitchReleased():
            who = f"{notice.by} and {notice.second}"
            return f"kill switch for {notice.scope.in_words} released by {who}: {notice.reason}"
        case Resolved():
            return f"{notice.by} settled {notice.subject} as {notice.outcome}: {notice.reason}"
        case RuleSwitched():
            return f"{notice.by} switched {notice.rule} {'on' if notice.on else 'off'}"
        case OrdersImported():
            return f"{notice.by} imported {len(notice.orders)} order(s)"


def _json(charts: dict[str, Picture]) -> str:
    """Return the charts as JSON that cannot end the script element it lies in."""
    specifications = {place: picture.to_dict() for place, picture in charts.items()}
    return msgspec.json.encode(specifications).decode().replace("<", "\\u003c")


def _policy(script: str) -> str:
    """Return the page's own rules: this one script and no other, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = ("default-src 'none'", f"script-src 'sha256-{digest}'", "style-src 'unsafe-inline'", "img-src data:")
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _asset(name: str) -> str:
    return files("quietfill.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _script() -> str:
    """Return the drawing script with Vega, Vega-Lite and Vega-Embed in it, all from the wheel."""
    import vl_convert

    script: str = vl_convert.javascript_bundle(_asset("page.js")).strip()
    assert "</script" not in script.lower(), "the bundle would end its own script element"
    assert "<!--" not in script, "the bundle would open a comment in its script element"
    return script
