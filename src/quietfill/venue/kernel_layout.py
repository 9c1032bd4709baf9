"""The arrays that the matching kernel works on: what each column and each code means.

Plain numbers and not enumerations, because compiled code takes constants as they are; `tape` and `core` give the
ones that leave the kernel their names.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BUY, SELL = 0, 1

# Columns of `rows`: what happens, in order. CODE is 2 x kind + side (of the resting order, or of the order added).
TIME, CODE, ORDER, LEVEL, QUANTITY, PRICE = 0, 1, 2, 3, 4, 5
ROW_COLUMNS = 6

# Kinds of rows; `tape.RowKind` is the same list with words.
ADD, REDUCE, DELETE, EXECUTE, HIDDEN, AUCTION, PRINT, TRADE, PHASE, LEVEL_SIZE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9

# What the QUANTITY of a PHASE row means.
CLOSED, CONTINUOUS, HALTED = 0, 1, 2

# Columns of `orders`. AT is the level the order rests at, -1 when it does not.
LEAVES, SHOWN, NEXT, PREVIOUS, AT, SIDE = 0, 1, 2, 3, 4, 5
ORDER_COLUMNS = 6

# Columns of `levels`: three a side (offset 3 x side), the price, and our own size there (negative for sells).
HEAD, TAIL, SIZE = 0, 1, 2
LEVEL_PRICE, OWN_SIZE = 6, 7
LEVEL_COLUMNS = 8

# `scalars`. Pairs are indexed by side: BEST + BUY is the level of the others' best bid (-1: none),
# BEST + SELL that of the best ask (number of levels: none); OWN_BEST the same for our own orders.
CURSOR, NOW, TRADING_PHASE, BEST, OWN_BEST, OWN_COUNT = 0, 1, 2, 3, 5, 7
VOLUME, LAST_PRINT, HIGH_PRINT, LOW_PRINT, CHANGED = 9, 10, 11, 12, 13
RING_COUNT, WATCH_COUNT, WATCHES_SIZE, MODE, SURPLUS = 14, 15, 16, 17, 18
N_RECORDED, N_LEVELS, SEEN, INTERRUPTED, OWN_FILLED = 19, 20, 21, 23, 24
SCALARS = 25

GHOST, DISPLACING = 0, 1

# Bits of CHANGED: what moved since the watches were last looked at.
TOUCH_CHANGED, PRINTED, SIZE_CHANGED = 1, 2, 4

# Columns of `ring` (what happened to us) and kinds of its rows.
NOTE, SLOT, NOTE_LEVEL, NOTE_QUANTITY, NOTE_TIME, BID_LEVEL, ASK_LEVEL = 0, 1, 2, 3, 4, 5, 6
RING_COLUMNS = 7
PASSIVE_FILL, AGGRESSIVE_FILL, SELF_MATCH, PHASE_CHANGE = 0, 1, 2, 3
ROOM_TO_SWEEP = 3  # notes that one more level of a sweep needs at the least

# Columns of `watches` and their kinds; the low and high bounds mean what `market.triggers` says.
WATCH, WATCH_SIDE, LOW, HIGH = 0, 1, 2, 3
WATCH_COLUMNS = 4
WATCH_TOUCH, WATCH_MID, WATCH_SIZE, WATCH_VOLUME, WATCH_RISING, WATCH_FALLING = 0, 1, 2, 3, 4, 5

# Why `advance` came back.
REACHED, HAPPENED, TRIGGERED, RING_FULL = 0, 1, 2, 3


class Book(NamedTuple):
    """The whole state: six int64 matrices (`scalars` is a vector). Columns are named above."""

    rows: NDArray[np.int64]
    orders: NDArray[np.int64]
    levels: NDArray[np.int64]
    scalars: NDArray[np.int64]
    ring: NDArray[np.int64]
    watches: NDArray[np.int64]
