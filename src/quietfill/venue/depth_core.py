"""The core for recordings of depth, and which core a recording needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.venue import kernel_depth
from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import LONG_AGO, MAX_WATCHES, OrderBookCore, kernel_rows
from quietfill.venue.tape import RowKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietfill.venue.options import VenueOptions
    from quietfill.venue.tape import Tape

DEPTH_KINDS = (RowKind.LEVEL, RowKind.TRADE, RowKind.PRINT, RowKind.PHASE)
"""What a tape of depth is made of."""


class DepthCore(OrderBookCore):
    """The depth core: `kernel_depth` over one tape. Our queue places are estimates; history is never changed."""

    KERNEL: ClassVar[str] = "quietfill.venue.kernel_depth"

    def _load(self, *, displacing: bool) -> layout.Book:
        assert not displacing, "there are no recorded orders behind ours that could be displaced"
        return load_depth(self._tape, self._axis, slots=self._slots, ring=self._ring_rows)


def core_of(tape: Tape, options: VenueOptions) -> OrderBookCore:
    """Return the core that this tape needs.

    Raises:
        BadInput: when the options ask for what the recording cannot tell.
    """
    if not tape.is_depth:
        displacing = options.mode == "displacing"
        return OrderBookCore(tape, displacing=displacing, slots=options.max_working, ring=options.ring)
    if options.mode != "ghost":
        raise BadInput(f"mode {options.mode} needs recorded orders; {_name(tape)} knows sizes at prices only")
    return DepthCore(tape, slots=options.max_working, ring=options.ring)


def load_depth(tape: Tape, axis: NDArray[np.int64], *, slots: int, ring: int) -> layout.Book:
    """Return a fresh state of `kernel_depth` over *tape*."""
    odd = tape.kind[~np.isin(tape.kind, DEPTH_KINDS)]
    assert len(odd) == 0, f"a tape of depth holds a row of kind {RowKind(int(odd[0])).name}"
    levels = np.zeros((len(axis), kernel_depth.DEPTH_LEVEL_COLUMNS), dtype=np.int64)
    levels[:, [layout.HEAD, layout.TAIL, 3 + layout.HEAD, 3 + layout.TAIL]] = -1
    levels[:, layout.LEVEL_PRICE] = axis
    orders = np.zeros((slots, kernel_depth.DEPTH_ORDER_COLUMNS), dtype=np.int64)
    orders[:, layout.AT] = -1
    scalars = np.zeros(kernel_depth.DEPTH_SCALARS, dtype=np.int64)
    scalars[layout.NOW] = LONG_AGO
    scalars[[layout.BEST, layout.OWN_BEST, layout.LAST_PRINT, kernel_depth.WORST + 1]] = -1
    scalars[[layout.BEST + 1, layout.OWN_BEST + 1, kernel_depth.WORST]] = len(axis)
    scalars[layout.N_LEVELS] = len(axis)
    scalars[layout.VOLUME] = tape.volume_before
    scalars[layout.MODE] = layout.GHOST
    return layout.Book(
        rows=kernel_rows(tape, axis),
        orders=orders,
        levels=levels,
        scalars=scalars,
        ring=np.zeros((ring, layout.RING_COLUMNS), dtype=np.int64),
        watches=np.zeros((MAX_WATCHES, layout.WATCH_COLUMNS), dtype=np.int64),
    )


def _name(tape: Tape) -> str:
    return tape.source[0] if tape.source else tape.instrument.symbol
