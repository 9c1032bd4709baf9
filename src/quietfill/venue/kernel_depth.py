"""The matching core for recordings of depth: sizes at prices, and prints, but no orders.

One source, run compiled and plain like `kernel`, whose rules on time stamps, notes and watches hold here too; the
queues of `kernel_queues` hold our orders alone (`N_RECORDED` is 0, so that a node is a slot).

Sizes. RECORDED is what history shows at a level, SIZE what is left of it in this simulated market. Their difference
is what we took; it is the front of the queue, so recorded prints at the level eat it first, every other fall eats
what is still shown first, and no rise brings it back: a rise shows no more than it adds. A level that history
empties forgets it.

The queue estimate (the careful one). Our order joins behind all that is recorded at its price. A print there
takes from the front: first what stands ahead of us, then ours. Any other fall comes from behind us as long as the
level holds at least what stood ahead, so ahead = min(ahead, recorded). A rise goes behind us. What stands at a price
worse than all that was ever recorded is unknown until it is recorded; nothing trades with us there till then.

What fills us: a print at our price that is larger than what stands ahead; a print at a worse price, which must have met
ours; and size that appears on the other side at our price or through it, up to that size, which is then gone. One print
never gives away more than its own quantity. History itself is not changed (*ghost*). The touch in a note is that before
the first row of its time stamp: one change of the book is many rows, and between them it is no market.

Bounds: as in `kernel`, only sums of quantities are formed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quietfill.venue import kernel, kernel_layout, kernel_queues
from quietfill.venue.kernel import change_phase, depth, printed, resize, watch_met, withdraw
from quietfill.venue.kernel_layout import (
    AGGRESSIVE_FILL,
    BEST,
    BUY,
    CHANGED,
    CODE,
    CONTINUOUS,
    CURSOR,
    HAPPENED,
    HEAD,
    INTERRUPTED,
    LEAVES,
    LEVEL,
    LEVEL_COLUMNS,
    LEVEL_SIZE,
    N_LEVELS,
    NEXT,
    NOW,
    ORDER_COLUMNS,
    OWN_BEST,
    OWN_COUNT,
    OWN_FILLED,
    PASSIVE_FILL,
    PHASE,
    PRICE,
    QUANTITY,
    REACHED,
    RING_COUNT,
    RING_FULL,
    ROOM_TO_SWEEP,
    SCALARS,
    SEEN,
    SELF_MATCH,
    SELL,
    SIZE,
    SIZE_CHANGED,
    TIME,
    TOUCH_CHANGED,
    TRADE,
    TRADING_PHASE,
    TRIGGERED,
    WATCH_COUNT,
    WATCHES_SIZE,
    Book,
)
from quietfill.venue.kernel_queues import better, drop_own, front, grow, note, own_size, reaches, rest, shown_within

PARTS = (kernel_layout, kernel_queues, kernel)
"""The other modules of this kernel; of `kernel` it takes what is imported here, the rest is its own."""

__all__ = ["PARTS", "advance", "depth", "resize", "shown_within", "submit", "touch_series", "withdraw"]

# Further columns of `levels`, by side (RECORDED + side): what history shows, and what printed since it last said so.
RECORDED, PRINTED_SINCE = LEVEL_COLUMNS, LEVEL_COLUMNS + 2
DEPTH_LEVEL_COLUMNS = LEVEL_COLUMNS + 4

# A further column of `orders`: how much of the others stands before ours at its price.
AHEAD = ORDER_COLUMNS
DEPTH_ORDER_COLUMNS = ORDER_COLUMNS + 1
UNKNOWN = -1

# Further scalars, by side: the worst level at which anything was ever recorded.
WORST = SCALARS
DEPTH_SCALARS = SCALARS + 2


def advance(book: Book, until: int) -> int:
    """Replay recorded rows up to and including time *until*; say why it stopped, as `kernel.advance` does."""
    rows = book.rows
    scalars = book.scalars
    count = rows.shape[0]
    cursor = scalars[CURSOR]
    room = book.ring.shape[0] - book.orders.shape[0] - 1
    reason = REACHED
    while True:
        at_end = cursor >= count or rows[cursor, TIME] > until
        if at_end or rows[cursor, TIME] != scalars[NOW]:
            if scalars[RING_COUNT] > 0:
                reason = HAPPENED
                break
            if scalars[CHANGED] != 0:
                met = scalars[WATCH_COUNT] > 0 and watch_met(book)
                scalars[CHANGED] = 0
                if met:
                    reason = TRIGGERED
                    break
            if at_end:
                break
            scalars[NOW] = rows[cursor, TIME]
            see_touch(book)
        if scalars[RING_COUNT] > room:
            reason = RING_FULL
            break
        apply_row(book, cursor)
        cursor += 1
    scalars[CURSOR] = cursor
    return reason


def submit(book: Book, slot: int, side: int, limit: int, quantity: int, rests: int, time: int) -> int:
    """Match our order on arrival against what is shown at level *limit* or better; return what is left.

    As `kernel.submit`; the rest joins behind all that is recorded at its price.
    """
    scalars = book.scalars
    scalars[INTERRUPTED] = 0
    see_touch(book)
    other = 1 - side
    remaining = quantity
    while remaining > 0:
        level = front(book, other)
        if not reaches(side, limit, level, scalars[N_LEVELS]):
            break
        if book.ring.shape[0] - scalars[RING_COUNT] < ROOM_TO_SWEEP:
            scalars[INTERRUPTED] = 1
            return remaining
        before = remaining
        remaining = sweep_level(book, other, level, remaining, time)
        if before > remaining:
            note(book, AGGRESSIVE_FILL, slot, level, before - remaining, time)
            scalars[OWN_FILLED] += before - remaining
    if remaining > 0 and rests != 0:
        rest(book, slot, side, limit, remaining)
        known = not better(side, scalars[WORST + side], limit)
        book.orders[slot, AHEAD] = book.levels[limit, RECORDED + side] if known else UNKNOWN
    return remaining


def touch_series(book: Book, out: NDArray[np.int64]) -> int:
    """Replay everything; write (time, bid level, ask level) at each change in continuous trading; return how many.

    Only the state behind the last row of a time stamp counts.
    """
    rows = book.rows
    scalars = book.scalars
    last_bid = -2
    last_ask = -2
    count = 0
    for cursor in range(rows.shape[0]):
        apply_row(book, cursor)
        scalars[NOW] = rows[cursor, TIME]
        if cursor + 1 < rows.shape[0] and rows[cursor + 1, TIME] == rows[cursor, TIME]:
            continue
        bid = scalars[BEST + BUY]
        ask = scalars[BEST + SELL]
        if scalars[TRADING_PHASE] == CONTINUOUS and (bid != last_bid or ask != last_ask):
            out[count, 0] = rows[cursor, TIME]
            out[count, 1] = bid
            out[count, 2] = ask
            last_bid = bid
            last_ask = ask
            count += 1
    scalars[CURSOR] = rows.shape[0]
    return count


# ---------------------------------------------------------------- recorded rows


def apply_row(book: Book, cursor: int) -> None:
    """Carry out one recorded row."""
    rows = book.rows
    kind = rows[cursor, CODE] >> 1
    side = rows[cursor, CODE] & 1
    quantity = rows[cursor, QUANTITY]
    time = rows[cursor, TIME]
    if kind == LEVEL_SIZE:
        set_level(book, side, rows[cursor, LEVEL], quantity, time)
    elif kind == PHASE:
        change_phase(book, quantity, time)
    else:
        if kind == TRADE:
            trade(book, side, rows[cursor, LEVEL], quantity, time)
        printed(book, rows[cursor, PRICE], quantity, cursor)


def set_level(book: Book, side: int, level: int, size: int, time: int) -> None:
    """What history shows at a level becomes *size*."""
    levels = book.levels
    scalars = book.scalars
    before = levels[level, RECORDED + side]
    taken = before - levels[level, 3 * side + SIZE] - levels[level, PRINTED_SINCE + side]
    taken = min(max(taken, 0), size)
    levels[level, RECORDED + side] = size
    levels[level, PRINTED_SINCE + side] = 0
    if size > 0 and better(side, scalars[WORST + side], level):
        scalars[WORST + side] = level
    node = levels[level, 3 * side + HEAD]
    while node >= 0:
        ahead = book.orders[node, AHEAD]
        book.orders[node, AHEAD] = size if ahead == UNKNOWN else min(ahead, size)
        node = book.orders[node, NEXT]
    met = reach(book, 1 - side, level, size - before, time) if size > before else 0
    show(book, side, level, size - taken - met)


def trade(book: Book, side: int, level: int, quantity: int, time: int) -> None:
    """Somebody took *quantity* at a level: ours at better prices trade first, then ours there behind those ahead."""
    scalars = book.scalars
    orders = book.orders
    book.levels[level, PRINTED_SINCE + side] += quantity
    if scalars[OWN_COUNT + side] == 0 or scalars[TRADING_PHASE] != CONTINUOUS:
        return
    given = reach(book, side, level + 1 if side == BUY else level - 1, quantity, time)
    node = book.levels[level, 3 * side + HEAD]
    while node >= 0:
        following = orders[node, NEXT]
        ahead = orders[node, AHEAD]
        if ahead != UNKNOWN:
            orders[node, AHEAD] = max(ahead - quantity, 0)
            past = min(quantity - given - ahead, orders[node, LEAVES])
            if past > 0:
                fill(book, node, level, past, time)
                given += past
        node = following


def reach(book: Book, side: int, limit: int, quantity: int, time: int) -> int:
    """Let an aggressor of *quantity* meet ours on *side* down to level *limit*; return what it met."""
    scalars = book.scalars
    if scalars[OWN_COUNT + side] == 0 or scalars[TRADING_PHASE] != CONTINUOUS:
        return 0
    remaining = quantity
    while remaining > 0 and scalars[OWN_COUNT + side] > 0:
        level = scalars[OWN_BEST + side]
        if not reaches(1 - side, limit, level, scalars[N_LEVELS]):
            break
        node = book.levels[level, 3 * side + HEAD]
        met = min(remaining, book.orders[node, LEAVES])
        fill(book, node, level, met, time)
        remaining -= met
    return quantity - remaining


def fill(book: Book, node: int, level: int, quantity: int, time: int) -> None:
    """Trade *quantity* of our resting order."""
    note(book, PASSIVE_FILL, node, level, quantity, time)
    book.scalars[OWN_FILLED] += quantity
    own_size(book, node, -quantity)


# ---------------------------------------------------------------- what is shown


def sweep_level(book: Book, side: int, level: int, quantity: int, time: int) -> int:
    """Take up to *quantity* of what is shown at one level; return what is still wanted.

    Ours there that would be met, after what still stands before them, are withdrawn.
    """
    levels = book.levels
    orders = book.orders
    remaining = quantity
    node = levels[level, 3 * side + HEAD]
    while node >= 0 and remaining > 0:
        following = orders[node, NEXT]
        remaining -= take(book, side, level, min(remaining, standing_before(book, side, level, node)))
        if remaining > 0:
            if book.ring.shape[0] - book.scalars[RING_COUNT] <= 1:  # the caller's fill still needs a row
                return remaining
            note(book, SELF_MATCH, node, level, orders[node, LEAVES], time)
            drop_own(book, node)
        node = following
    return remaining - take(book, side, level, min(remaining, levels[level, 3 * side + SIZE]))


def standing_before(book: Book, side: int, level: int, node: int) -> int:
    """Return what the others still show before our order at its level; we took from the front."""
    shown = book.levels[level, 3 * side + SIZE]
    ahead = book.orders[node, AHEAD]
    if ahead == UNKNOWN:
        return shown
    taken = book.levels[level, RECORDED + side] - shown
    return min(max(ahead - taken, 0), shown)


def take(book: Book, side: int, level: int, quantity: int) -> int:
    """Take *quantity*, which is there, off what a level shows; return it."""
    show(book, side, level, book.levels[level, 3 * side + SIZE] - quantity)
    return quantity


def show(book: Book, side: int, level: int, size: int) -> None:
    """Make the others show *size* at a level; move the touch where that does."""
    levels = book.levels
    scalars = book.scalars
    column = 3 * side + SIZE
    change = size - levels[level, column]
    if change > 0:
        grow(book, side, level, change)
    if change >= 0:
        return
    levels[level, column] = size
    if scalars[WATCHES_SIZE] != 0:
        scalars[CHANGED] |= SIZE_CHANGED
    if size > 0 or level != scalars[BEST + side]:
        return
    scalars[CHANGED] |= TOUCH_CHANGED
    if side == BUY:
        while level >= 0 and levels[level, column] == 0:
            level -= 1
    else:
        while level < scalars[N_LEVELS] and levels[level, column] == 0:
            level += 1
    scalars[BEST + side] = level


def see_touch(book: Book) -> None:
    """Remember the others' touch for the notes to come."""
    book.scalars[SEEN + BUY] = book.scalars[BEST + BUY]
    book.scalars[SEEN + SELL] = book.scalars[BEST + SELL]
