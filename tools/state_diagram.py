"""The order-state machine as a picture: the usual ways, and the whole table as a grid. Drawn from the table itself."""  # noqa: INP001

from __future__ import annotations

from typing import Final

from quietfill.domain.order_state import VALID_ORDER_TRANSITIONS, OrderState

_WIDTH, _ROW = 860, 74
_BOX_WIDTH, _BOX_HEIGHT = 116, 30
_CELL, _GRID_TOP, _GRID_LEFT = 24, 440, 200
_FONT: Final = "Liberation Sans, Arial, sans-serif"
_INK, _END, _LIVE, _FAINT, _LINE = "#33414e", "#12936c", "#2f7fc1", "#8a8f98", "#d5d8dd"

_PLACES: Final = {
    "created": (0, 0), "pending": (1, 0), "submitted": (2, 0), "acknowledged": (3, 0), "working": (4, 0),
    "partial": (5, 0), "unknown": (2.5, 2), "pending_replace": (3.85, 2), "pending_cancel": (4.75, 2),
    "failed": (0.6, 4), "rejected": (1.7, 4), "expired": (3, 4), "cancelled": (4.05, 4), "filled": (5, 4),
}  # fmt: skip
_USUAL: Final = (
    ("created", "pending"), ("pending", "submitted"), ("submitted", "acknowledged"), ("acknowledged", "working"),
    ("working", "partial"), ("partial", "filled"), ("acknowledged", "expired"), ("working", "pending_replace"),
    ("pending_replace", "working"), ("working", "pending_cancel"), ("partial", "pending_cancel"),
    ("pending_cancel", "cancelled"), ("pending_cancel", "filled"), ("submitted", "unknown"),
    ("pending_replace", "unknown"), ("unknown", "working"), ("unknown", "cancelled"), ("submitted", "rejected"),
    ("pending", "failed"), ("unknown", "failed"), ("cancelled", "filled"),
)  # fmt: skip
"""The steps that are drawn; each must be in the table, and every state must be reached or left by one."""
_OUTSIDE: Final = {("partial", "filled")}
"""Drawn along the right edge, past the boxes between."""


def state_diagram() -> str:
    """Return the picture as SVG; the same table gives the same bytes."""
    assert set(_PLACES) == {state.value for state in OrderState}, "every state has its place in the picture"
    for before, after in _USUAL:
        assert OrderState(after) in VALID_ORDER_TRANSITIONS[OrderState(before)], f"no step from {before} to {after}"
    height = _GRID_TOP + _CELL * len(OrderState) + 16
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    tip = 'id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONT}" font-size="12">',
        f'<defs><marker {tip}><path d="M0,0L8,4L0,8Z" fill="{_FAINT}"/></marker></defs>',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        *(_arrow(before, after) for before, after in _USUAL),
        *(_box(state) for state in OrderState),
        *_grid(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _middle(name: str) -> tuple[float, float]:
    column, row = _PLACES[name]
    return 72 + column * 143, 34 + row * _ROW


def _box(state: OrderState) -> str:
    x, y = _middle(state.value)
    colour = _END if state.is_terminal else _LIVE
    return (
        f'<rect x="{x - _BOX_WIDTH / 2:.1f}" y="{y - _BOX_HEIGHT / 2:.1f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
        f' rx="{15 if state.is_terminal else 5}" fill="white" stroke="{colour}" stroke-width="1.8"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{_INK}">{state.value}</text>'
    )


def _arrow(before: str, after: str) -> str:
    """Return a line from edge to edge; one that would run through boxes of its own row bends."""
    (x1, y1), (x2, y2) = _middle(before), _middle(after)
    dash = ' stroke-dasharray="4 3"' if OrderState(before).is_terminal else ""
    pen = f'fill="none" stroke="{_FAINT}" stroke-width="1.3"{dash} marker-end="url(#tip)"'
    if y1 == y2:
        step = _BOX_WIDTH / 2 if x2 > x1 else -_BOX_WIDTH / 2
        return f'<path d="M{x1 + step:.1f},{y1:.1f}L{x2 - step:.1f},{y2:.1f}" {pen}/>'
    if (before, after) in _OUTSIDE:
        edge = _BOX_WIDTH / 2 - 6
        return (
            f'<path d="M{x1 + edge:.1f},{y1 + _BOX_HEIGHT / 2:.1f}L{x2 + edge:.1f},{y2 - _BOX_HEIGHT / 2:.1f}" {pen}/>'
        )
    down = _BOX_HEIGHT / 2 if y2 > y1 else -_BOX_HEIGHT / 2
    shift = max(-40.0, min(40.0, (x2 - x1) / 8)) + (8 if y2 > y1 else -8)
    middle = (y1 + y2) / 2
    return (
        f'<path d="M{x1 + shift:.1f},{y1 + down:.1f}C{x1 + shift:.1f},{middle:.1f} {x2 - shift:.1f},{middle:.1f}'
        f' {x2 - shift:.1f},{y2 - down:.1f}" {pen}/>'
    )


def _grid() -> list[str]:
    states = list(OrderState)
    size = _CELL * len(states)
    parts: list[str] = []
    for place, state in enumerate(states):
        along = place * _CELL
        middle = along + _CELL / 2
        shade = _END if state.is_terminal else _INK
        name = f'fill="{shade}">{state.value}</text>'
        top = f"translate({_GRID_LEFT + middle + 4},{_GRID_TOP - 8}) rotate(-50)"
        parts += [
            f'<text x="{_GRID_LEFT - 10}" y="{_GRID_TOP + middle + 4}" text-anchor="end" {name}',
            f'<text transform="{top}" {name}',
            f'<path d="M{_GRID_LEFT},{_GRID_TOP + along}h{size}" stroke="{_LINE}"/>',
            f'<path d="M{_GRID_LEFT + along},{_GRID_TOP}v{size}" stroke="{_LINE}"/>',
        ]
        for column, other in enumerate(states):
            if other in VALID_ORDER_TRANSITIONS[state]:
                x = _GRID_LEFT + column * _CELL + _CELL / 2
                colour = _END if other.is_terminal else _LIVE
                parts.append(f'<circle cx="{x}" cy="{_GRID_TOP + middle}" r="5" fill="{colour}"/>')
    edge = f'<rect x="{_GRID_LEFT}" y="{_GRID_TOP}" width="{size}" height="{size}" fill="none" stroke="{_LINE}"/>'
    return [*parts, edge]
