"""How the order went: planned and done, share of the market, cost to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.types import quantity_float
from quietfill.report import palette
from quietfill.report.axes import Picture, Row, finished, time_axis, tooltips
from quietfill.report.thinning import every
from quietfill.tca.summary import arrival_mid
from quietfill.tca.timeline import cost_to_date, executed, participation, participation_kept, planned

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.report.frame import Frame
    from quietfill.report.run import OrderReport

MOST_STEPS = 1_000
DIGITS = 4
"""Decimals of what is drawn; more would only make the page larger."""
HEADROOM = 0.03
"""Share of an axis kept free above the order's quantity, so that a line there is seen whole."""
HEIGHT = 190
COST_PARTS = ("total", "spread", "drift")


def plan_chart(report: OrderReport, frame: Frame) -> Picture:
    """Return what was planned and what was filled, cumulative, over time."""
    import altair as alt

    top = quantity_float(max(report.order.quantity, report.order.filled)) * (1 + HEADROOM)
    y = alt.Y("quantity:Q", title=None, stack=None, scale=alt.Scale(domain=[0, top], nice=False), axis=_axis("~s", ""))
    axes: dict[str, Any] = {
        "x": time_axis(frame, ticks=4),
        "y": y,
        "tooltip": tooltips(at="time:N", cumulative="quantity:Q|,"),
    }
    done = alt.Chart(alt.InlineData(values=filled_steps(report, frame))).encode(**axes)
    plan = alt.Chart(alt.InlineData(values=plan_steps(report, frame))).encode(**axes)
    return finished(
        alt.layer(
            done.mark_area(interpolate="step-after", color=palette.OURS, opacity=0.18, clip=True),
            done.mark_line(interpolate="step-after", color=palette.OURS, strokeWidth=2, clip=True),
            plan.mark_line(
                interpolate="step-after",
                color=palette.FILL,
                strokeWidth=1.5,
                strokeDash=list(palette.PLAN_DASH),
                clip=True,
            ),
        ),
        height=HEIGHT,
        description=f"Planned and filled quantity of order {report.order.order_id} over time",
    )


def plan_steps(report: OrderReport, frame: Frame) -> list[Row]:
    """Return the planned cumulative quantity as steps from nothing to the end of the order."""
    return _steps([(at, quantity_float(quantity)) for at, quantity in planned(report.order)], frame)


def filled_steps(report: OrderReport, frame: Frame) -> list[Row]:
    """Return the filled cumulative quantity as steps from nothing to the end of the order."""
    return _steps([(at, quantity_float(quantity)) for at, quantity in executed(report.order)], frame)


def participation_chart(report: OrderReport, frame: Frame) -> Picture:
    """Return the share of the volume since arrival that was ours, in percent."""
    import altair as alt

    points = participation_points(report, frame)
    line = (
        alt.Chart(alt.InlineData(values=points))
        .mark_line(interpolate="step-after", strokeWidth=2, clip=True)
        .encode(
            x=time_axis(frame, ticks=4),
            y=alt.Y("percent:Q", title=None, scale=_percent_scale(points), axis=_axis("~g", " %")),
            color=alt.value(palette.OURS),
            tooltip=tooltips(at="time:N", percent="percent:Q|.2f"),
        )
    )
    return finished(
        _with_end(line, points, 1),
        height=HEIGHT,
        description=f"Share of the market's volume that order {report.order.order_id} was, over time",
    )


def starts_high(points: list[Row]) -> bool:
    """Say whether the share of the first moments, of next to no volume, would flatten all that came after."""
    highest: float = max(point["percent"] for point in points)
    return highest > 2 * _settled(points)


def _settled(points: list[Row]) -> float:
    """Return the highest share once a tenth of the order's life is over."""
    begin, end = points[0]["t"], points[-1]["t"]
    highest: float = max(point["percent"] for point in points if point["t"] >= begin + (end - begin) / 10)
    return highest


def _percent_scale(points: list[Row]) -> Any:
    import altair as alt

    top = alt.ExprRef(str(1.1 * _settled(points))) if starts_high(points) else alt.Undefined
    return alt.Scale(zero=True, nice=not starts_high(points), domainMax=top)


def participation_points(report: OrderReport, frame: Frame) -> list[Row]:
    """Return the participation to date in percent, without a recorded market by what was kept with each fill."""
    history = recorded_from_arrival(report)
    order = report.order
    points = participation_kept(order) if history is None else participation(order, history, frame.ends)
    kept = [points[row] for row in every(len(points), MOST_STEPS)]
    return [{"t": frame.x(at), "percent": round(100 * share, DIGITS), "time": frame.clock(at)} for at, share in kept]


def recorded_from_arrival(report: OrderReport) -> MarketHistory | None:
    """Return the recorded market, where it reaches back to the order's arrival: only then are shares of it shares."""
    history = report.history
    return history if history is not None and history.covers(report.order.arrival_at) else None


def cost_chart(report: OrderReport, frame: Frame) -> Picture:
    """Return the cost to date against the arrival mid in bps, in all and split into spread and drift."""
    import altair as alt

    colours = alt.Scale(domain=list(COST_PARTS), range=[palette.OURS, palette.FILL, palette.VWAP])
    dashes = alt.Scale(domain=list(COST_PARTS), range=[[1, 0], list(palette.PLAN_DASH), list(palette.VWAP_DASH)])
    points = cost_points(report, frame)
    lines = (
        alt.Chart(alt.InlineData(values=points))
        .mark_line(interpolate="step-after", clip=True)
        .encode(
            x=time_axis(frame, ticks=4),
            y=alt.Y("bps:Q", title=None, scale=alt.Scale(nice=True), axis=_axis("~g", " bps")),
            color=alt.Color("part:N", scale=colours, legend=None),
            strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=None),
            strokeWidth=alt.condition("datum.part == 'total'", alt.value(2.4), alt.value(1.6)),
            tooltip=tooltips(at="time:N", part="part:N", bps="bps:Q|+.2f"),
        )
    )
    zero = alt.Chart(alt.InlineData(values=[{"bps": 0}])).mark_rule(color=palette.MARKET).encode(y="bps:Q")
    description = f"Cost of order {report.order.order_id} to date against its arrival mid"
    last = sum(point["t"] == points[-1]["t"] for point in points[-len(COST_PARTS) :])
    return finished(alt.layer(zero, _with_end(lines, points, last)), height=HEIGHT, description=description)


def cost_points(report: OrderReport, frame: Frame) -> list[Row]:
    """Return the cost to date after each fill, one row a part, drawn on to the end of the order."""
    arrival = arrival_mid(report.order)
    if not arrival:
        return []
    points = cost_to_date(report.order, report.history, arrival)
    kept = [points[row] for row in every(len(points), MOST_STEPS)]
    rows = [
        {"t": frame.x(point.at), "time": frame.clock(point.at), "part": part, "bps": round(bps, DIGITS)}
        for point in kept
        for part, bps in zip(COST_PARTS, (point.total_bps, point.spread_bps, point.drift_bps), strict=True)
        if bps is not None
    ]
    return rows + [
        {**row, "t": frame.x(frame.ends), "time": frame.clock(frame.ends)}
        for row in rows[-len(COST_PARTS) :]
        if row["t"] == frame.x(kept[-1].at)
    ]


def _steps(points: list[tuple[int, float]], frame: Frame) -> list[Row]:
    kept = [points[row] for row in every(len(points), MOST_STEPS)]
    whole = [(frame.begins, 0.0), *kept, (frame.ends, kept[-1][1] if kept else 0.0)]
    return [{"t": frame.x(at), "quantity": quantity, "time": frame.clock(at)} for at, quantity in whole]


def _axis(number: str, unit: str) -> Any:
    import altair as alt

    # Each label by itself: an axis as a whole would write 0k below 10k.
    return alt.Axis(tickCount=4, labelExpr=f"format(datum.value, '{number}') + '{unit}'")


def _with_end(lines: Any, rows: list[Row], ends: int) -> Any:
    """Return lines with a dot at their last points, which is all there is to see of an order done at once."""
    import altair as alt

    dots = lines.properties(data=alt.InlineData(values=rows[-ends:]))
    return alt.layer(lines, dots.mark_point(shape="circle", filled=True, size=34, opacity=1))
