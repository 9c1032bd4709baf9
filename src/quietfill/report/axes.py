"""What every chart of an order has in common: its clock, its container, its words for a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from quietfill.report.frame import Frame

Picture: TypeAlias = Any
"""An Altair chart; its own types do not survive `layer` and `properties`."""

Row: TypeAlias = dict[str, Any]
"""One datum of a chart."""


def time_axis(frame: Frame, *, ticks: int) -> Any:
    """Return the x axis of a field `t` in milliseconds of the venue's clock; the same for every chart of an order."""
    import altair as alt

    # Plain numbers would be compiled to `datetime(ms)`, which Vega's expression interpreter takes for a year.
    begin, end = (alt.ExprRef(str(milliseconds)) for milliseconds in frame.domain)
    return alt.X(
        "t:T",
        title=None,
        scale=alt.Scale(type="utc", domainMin=begin, domainMax=end, nice=False),
        axis=alt.Axis(format=frame.clock_format, grid=False, tickCount=ticks, labelOverlap=True, labelSeparation=8),
    )


def tooltips(**fields: str) -> list[Any]:
    """Return tooltip lines: title of each, and its field, type and perhaps format as in `size:Q|,`."""
    import altair as alt

    parts = ((title, *field.partition("|")) for title, field in fields.items())
    return [
        alt.Tooltip(name, title=title.replace("_", " "), format=form or alt.Undefined) for title, name, _, form in parts
    ]


def finished(chart: Picture, *, height: int, description: str) -> Picture:
    """Return a chart as wide as its container."""
    return chart.properties(width="container", height=height, description=description)
