"""The price path: the touch, each child at its limit over its life, each fill, and what they are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.types import PRICE_SCALE, Liquidity, Price, quantity_number
from quietfill.report import palette
from quietfill.report.axes import Picture, Row, finished, time_axis, tooltips
from quietfill.report.kept_touches import kept_touches
from quietfill.report.thinning import every, kept_rows
from quietfill.tca.benchmarks import in_currency, touch_rows
from quietfill.tca.summary import arrival_mid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.market.history import MarketHistory
    from quietfill.report.frame import Frame
    from quietfill.report.run import OrderReport

MOST_TOUCHES = 1_600
MOST_SEGMENTS = 1_500
MOST_FILLS = 1_500
HEIGHT = 300


def price_chart(report: OrderReport, frame: Frame) -> Picture:
    """Return the price path of one order, drawn as wide as its container."""
    import altair as alt

    recorded = touch_points(report.history, frame)
    touches = recorded or kept_touches(report, frame)
    segments, fills, levels = child_segments(report, frame), fill_points(report, frame), price_levels(report)
    domain = price_domain([touches, segments, fills, levels], least=10.0**-frame.decimals)
    scale = alt.Scale(domain=domain, zero=False, nice=False)
    layers: list[Picture] = [
        *([_touch(recorded, frame, scale)] if recorded else []),
        *([_kept(touches, frame, scale)] if touches and not recorded else []),
        *([_levels(levels, scale)] if levels else []),
        *([_children(segments, frame, scale)] if segments else []),
        *([_fills(fills, frame, scale)] if fills else []),
    ]
    description = f"Price path of order {report.order.order_id}: market, child orders, fills and benchmarks over time"
    return finished(alt.layer(*layers), height=HEIGHT, description=description)


def touch_points(history: MarketHistory | None, frame: Frame) -> list[Row]:
    """Return the others' touch in the frame as a step series, thinned; None where there was none, and in breaks."""
    if history is None:
        return []
    rows = touch_rows(history, frame.start, frame.end)
    time, bid, ask, known = history.touch_time[rows], history.bid[rows], history.ask[rows], history.has_touch[rows]
    if len(time) == 0:
        return []
    points = [
        _touch_point(max(int(time[row]), frame.start), int(bid[row]), int(ask[row]), is_known=bool(known[row]))
        for row in kept_rows(time, bid, ask, known, MOST_TOUCHES).tolist()
    ]
    recorded = max(int(time[-1]), int(history.print_time[-1]) if len(history.print_time) else 0)
    points.append({**points[-1], "at": max(points[-1]["at"], min(frame.end, recorded))})
    for _, closes in history.day.spans:
        if points[0]["at"] < closes < points[-1]["at"]:
            points.append({"at": closes, "bid": None, "ask": None})
    points.sort(key=lambda point: point["at"])
    return [{"t": frame.x(point["at"]), "bid": point["bid"], "ask": point["ask"]} for point in _held(points)]


def _held(points: list[Row]) -> Iterator[Row]:
    """Yield the points with each touch held up to where it ends: a step to nothing would not be drawn at all."""
    before: Row | None = None
    for point in points:
        if before is not None and point["bid"] is None and before["bid"] is not None:
            yield {**before, "at": point["at"]}
        yield point
        before = point


def _touch_point(at: int, bid: Price, ask: Price, *, is_known: bool) -> Row:
    if not is_known:
        return {"at": at, "bid": None, "ask": None}
    return {"at": at, "bid": bid / PRICE_SCALE, "ask": ask / PRICE_SCALE}


def child_segments(report: OrderReport, frame: Frame) -> list[Row]:
    """Return each stretch over which a child stood at one limit price; market orders have none."""
    segments = [
        {
            "t": frame.x(standing.since),
            "t2": frame.x(frame.ends if standing.until is None else standing.until),
            "price": standing.limit_price / PRICE_SCALE,
            "child": f"{child.number + 1} ({child.key})",
            "limit": frame.price(standing.limit_price),
            "size": quantity_number(standing.total),
            "from": frame.clock(standing.since),
            "to": "still working" if standing.until is None else frame.clock(standing.until),
        }
        for child in report.order.children
        for standing in child.standings
        if standing.limit_price is not None
    ]
    return [segments[row] for row in every(len(segments), MOST_SEGMENTS)]


def fill_points(report: OrderReport, frame: Frame) -> list[Row]:
    """Return each fill; what is not known to have rested is drawn filled."""
    fills = [
        {
            "t": frame.x(item.fill.exchange_time),
            "price": item.fill.price / PRICE_SCALE,
            "passive": item.fill.liquidity is Liquidity.PASSIVE,
            "liquidity": str(item.fill.liquidity),
            "size": quantity_number(item.fill.quantity),
            "paid": frame.price(item.fill.price),
            "time": frame.clock(item.fill.exchange_time),
            "touch": f"{frame.price(item.fill.bid)} / {frame.price(item.fill.ask)}",
        }
        for item in report.order.fills
    ]
    return [fills[row] for row in every(len(fills), MOST_FILLS)]


def price_levels(report: OrderReport) -> list[Row]:
    """Return the horizontal lines: arrival mid, interval VWAP, and the order's limit."""
    limit = report.order.limit_price
    levels = [
        ("arrival mid", in_currency(arrival_mid(report.order))),
        ("interval VWAP", report.summary.interval_vwap),
        ("limit", None if limit is None else limit / PRICE_SCALE),
    ]
    return [{"level": name, "price": price} for name, price in levels if price is not None]


def price_domain(drawn: list[list[Row]], *, least: float) -> list[float]:
    """Return the y axis: all of the market, fills and benchmarks; limits only where they are not far from those.

    Args:
        drawn: touches, child segments, fills and levels.
        least: margin below and above, at least; a tick or so.
    """
    touches, segments, fills, levels = drawn
    prices = [point[side] for point in touches for side in ("bid", "ask") if point[side] is not None]
    prices += [row["price"] for row in [*fills, *levels] if row.get("level") != "limit"]
    limits = [row["price"] for row in [*segments, *levels]]
    low, high = min(prices or limits, default=0.0), max(prices or limits, default=0.0)
    room = max((high - low) / 2, 2 * least)
    near = [price for price in limits if low - room <= price <= high + room]
    low, high = min([low, *near]), max([high, *near])
    margin = max((high - low) / 16, least)
    return [low - margin, high + margin]


def _y(field: str, scale: Any, frame: Frame) -> Any:
    import altair as alt

    axis = alt.Axis(format=f",.{frame.decimals}f", tickCount=6, tickMinStep=10.0**-frame.decimals)
    return alt.Y(field, title=None, scale=scale, axis=axis)


def _touch(touches: list[Row], frame: Frame, scale: Any) -> Any:
    import altair as alt

    # The page is smaller when it works the mid out by itself; without a touch there is none, not 0.
    mid_of_touch = "isValid(datum.bid) ? (datum.bid + datum.ask) / 2 : null"
    base = alt.Chart(alt.InlineData(values=touches)).transform_calculate(mid=mid_of_touch)
    base = base.encode(x=time_axis(frame, ticks=6))
    band = base.mark_area(interpolate="step-after", color=palette.MARKET, opacity=0.28, clip=True)
    mid = base.mark_line(interpolate="step-after", color=palette.MARKET, strokeWidth=1, clip=True)
    return alt.layer(
        band.encode(y=_y("bid:Q", scale, frame), y2="ask:Q"),
        mid.encode(y=_y("mid:Q", scale, frame)),
    )


def _kept(touches: list[Row], frame: Frame, scale: Any) -> Any:
    """Draw the touch at single moments: a line from one to the next would claim to know what lay between."""
    import altair as alt

    return (
        alt.Chart(alt.InlineData(values=touches))
        .mark_rule(color=palette.MARKET, strokeWidth=3, opacity=0.6, clip=True)
        .encode(x=time_axis(frame, ticks=6), y=_y("bid:Q", scale, frame), y2="ask:Q")
    )


def _levels(levels: list[Row], scale: Any) -> Any:
    import altair as alt

    names = ["arrival mid", "interval VWAP", "limit"]
    colours = alt.Scale(domain=names, range=[palette.ARRIVAL, palette.VWAP, palette.LIMIT])
    dashes = alt.Scale(
        domain=names, range=[list(palette.ARRIVAL_DASH), list(palette.VWAP_DASH), list(palette.LIMIT_DASH)]
    )
    return (
        alt.Chart(alt.InlineData(values=levels))
        .mark_rule(strokeWidth=1.6, clip=True)
        .encode(
            y=alt.Y("price:Q", scale=scale),
            color=alt.Color("level:N", scale=colours, legend=None),
            strokeDash=alt.StrokeDash("level:N", scale=dashes, legend=None),
        )
    )


def _children(segments: list[Row], frame: Frame, scale: Any) -> Any:
    import altair as alt

    # Two points a segment: a rule from x to x2 would bring a second, conflicting domain of the time axis with it.
    ends = [
        {**segment, "t": segment[end], "segment": number}
        for number, segment in enumerate(segments)
        for end in ("t", "t2")
    ]
    return (
        alt.Chart(alt.InlineData(values=ends))
        .mark_line(color=palette.OURS, strokeWidth=2.6, strokeCap="round", opacity=0.85, clip=True)
        .encode(
            x=time_axis(frame, ticks=6),
            y=_y("price:Q", scale, frame),
            detail="segment:N",
            tooltip=tooltips(child="child:N", limit="limit:N", size="size:Q|,", since="from:N", until="to:N"),
        )
    )


def _fills(fills: list[Row], frame: Frame, scale: Any) -> Any:
    import altair as alt

    return (
        alt.Chart(alt.InlineData(values=fills))
        .mark_point(shape="circle", size=46, color=palette.FILL, strokeWidth=1.7, opacity=1, clip=True)
        .encode(
            x=time_axis(frame, ticks=6),
            y=_y("price:Q", scale, frame),
            fillOpacity=alt.condition("datum.passive", alt.value(0), alt.value(1)),
            fill=alt.value(palette.FILL),
            tooltip=tooltips(fill="time:N", size="size:Q|,", price="paid:N", liquidity="liquidity:N", touch="touch:N"),
        )
    )
