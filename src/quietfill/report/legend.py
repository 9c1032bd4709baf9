"""The keys of the charts, as small pictures beside their captions: they wrap where a chart's own legend would not."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from quietfill.report import palette

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = 22
_MIDDLE = 6


def line(colour: str, dash: tuple[int, ...] = (), width: float = 2) -> str:
    """Return a stretch of line."""
    dashes = f' stroke-dasharray="{" ".join(map(str, dash))}"' if dash else ""
    drawn = f'<path d="M1 {_MIDDLE}H{_WIDTH - 1}" stroke="{colour}" stroke-width="{width}"{dashes}/>'
    return _swatch(drawn)


def band(colour: str) -> str:
    """Return a stretch of band."""
    return _swatch(f'<rect y="1" width="{_WIDTH}" height="10" fill="{colour}" opacity=".32"/>')


def post(colour: str) -> str:
    """Return an upright stroke."""
    return _swatch(f'<path d="M11 0V12" stroke="{colour}" stroke-width="3" opacity=".6"/>')


def dot(colour: str, *, filled: bool) -> str:
    """Return a point, hollow or filled."""
    inside = colour if filled else "none"
    return _swatch(f'<circle cx="11" cy="{_MIDDLE}" r="4" fill="{inside}" stroke="{colour}" stroke-width="1.7"/>')


def key(items: Iterable[tuple[str, str]]) -> str:
    """Return (picture, word) pairs as the key of a chart."""
    return "".join(f'<span class="key">{picture}{escape(word)}</span>' for picture, word in items)


def _swatch(drawn: str) -> str:
    return f'<svg width="{_WIDTH}" height="12" aria-hidden="true">{drawn}</svg>'


MARKET: Final = (band(palette.MARKET), "bid to ask, mid")
KEPT: Final = (post(palette.MARKET), "bid to ask, as kept with requests and fills")
NO_MARKET: Final = '<span class="key">no recorded market</span>'
CHILD: Final = (line(palette.OURS, width=2.6), "child at its limit")
RESTED: Final = (dot(palette.FILL, filled=False), "fill that rested")
TOOK: Final = (dot(palette.FILL, filled=True), "fill that crossed")
ARRIVAL: Final = (line(palette.ARRIVAL, palette.ARRIVAL_DASH), "arrival mid")
VWAP: Final = (line(palette.VWAP, palette.VWAP_DASH), "interval VWAP")
LIMIT: Final = (line(palette.LIMIT, palette.LIMIT_DASH), "limit")

PLAN: Final = key([(line(palette.FILL, palette.PLAN_DASH), "planned"), (line(palette.OURS), "filled")])
PARTICIPATION: Final = key([(line(palette.OURS), "own share since arrival")])
AT_FILLS: Final = '<span class="key">by the volume kept with each fill: no market was recorded</span>'
STARTS_HIGH: Final = '<span class="key">(first moments above the picture)</span>'
COST: Final = key(
    [
        (line(palette.OURS, width=2.6), "in all"),
        (line(palette.FILL, palette.PLAN_DASH), "spread"),
        (line(palette.VWAP, palette.VWAP_DASH), "drift"),
    ]
)
