"""The matching core of the simulated exchange: one source, run compiled by numba and plain as its own reference.

Every function here is plain Python on int64 arrays, with nothing numba cannot compile. `compiling.py` makes
the compiled twin; tests run both on the same tapes and compare every array.

The book. A level is a row of `levels`; its number grows with the price, so comparing levels compares
prices. Each level keeps, for either side, a first-in-first-out list of orders and the size that the *others*
show there. Orders are rows of `orders`: first the recorded ones by their dense number, then our own by slot
(`N_RECORDED + slot`). Our orders are links of the same lists, so their place in the queue is a fact.

Two sizes per recorded order: LEAVES is what history says is left, SHOWN is what is left in this simulated
market. They differ only through us. What we take leaves SHOWN at once and for good, while history goes on
with LEAVES; a recorded reduction eats what is shown first. In *ghost* mode a recorded execution always
takes the recorded order down in full, and our fill comes on top. In *displacing* mode the order is spared
what we took from its aggressor: SHOWN may then exceed LEAVES, and such a remainder stands in the queue
and takes from later aggressors in its turn, until its owner's recorded cancel or the end of the tape.

Our resting orders trade when a recorded event proves that an aggressor reached them: an execution or
hidden print of an order behind us in price-time priority, or an incoming order priced through us. One event
never gives away more than its own quantity, shared among our orders by price and time.

Bounds: prices and quantities are int64 in the scales of `domain.types`; only sums of quantities and twice
a price are formed here, never a product. A day may hold 9.2e10 shares and a price may reach 4.6e9.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quietfill.venue import kernel_layout, kernel_queues
from quietfill.venue.kernel_layout import (
    ADD,
    AGGRESSIVE_FILL,
    AT,
    AUCTION,
    BEST,
    BUY,
    CHANGED,
    CODE,
    CONTINUOUS,
    CURSOR,
    DELETE,
    DISPLACING,
    EXECUTE,
    GHOST,
    HAPPENED,
    HEAD,
    HIDDEN,
    HIGH,
    HIGH_PRINT,
    INTERRUPTED,
    LAST_PRINT,
    LEAVES,
    LEVEL,
    LEVEL_PRICE,
    LOW,
    LOW_PRINT,
    MODE,
    N_LEVELS,
    N_RECORDED,
    NEXT,
    NOW,
    ORDER,
    OWN_COUNT,
    OWN_FILLED,
    OWN_SIZE,
    PASSIVE_FILL,
    PHASE_CHANGE,
    PRICE,
    PRINT,
    PRINTED,
    QUANTITY,
    REACHED,
    REDUCE,
    RING_COUNT,
    RING_FULL,
    ROOM_TO_SWEEP,
    SEEN,
    SELF_MATCH,
    SELL,
    SHOWN,
    SIZE,
    SURPLUS,
    TIME,
    TRADE,
    TRADING_PHASE,
    TRIGGERED,
    VOLUME,
    WATCH,
    WATCH_COUNT,
    WATCH_MID,
    WATCH_RISING,
    WATCH_SIDE,
    WATCH_SIZE,
    WATCH_TOUCH,
    WATCH_VOLUME,
    Book,
)
from quietfill.venue.kernel_queues import (
    drop_own,
    front,
    grow,
    hide,
    link,
    note,
    own_size,
    reaches,
    rest,
    shown_within,
    unlink,
)

PARTS = (kernel_layout, kernel_queues)
"""The other modules of the kernel, compiled together with this one."""


def advance(book: Book, until: int) -> int:
    """Replay recorded rows up to and including time *until*; say why it stopped.

    It stops early only behind the last row of a time stamp, after something happened to us (HAPPENED) or a
    watch was met (TRIGGERED): rows of one stamp are one event to whoever watches. RING_FULL is the exception;
    drain the ring and call again.
    """
    rows = book.rows
    scalars = book.scalars
    count = rows.shape[0]
    cursor = scalars[CURSOR]
    room = book.ring.shape[0] - (book.orders.shape[0] - scalars[N_RECORDED]) - 1
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
        if scalars[RING_COUNT] > room:
            reason = RING_FULL
            break
        apply_row(book, cursor)
        cursor += 1
    scalars[CURSOR] = cursor
    return reason


def submit(book: Book, slot: int, side: int, limit: int, quantity: int, rests: int, time: int) -> int:
    """Match our order on arrival against what is shown at level *limit* or better; return what is left.

    Takes order by order in price-time priority. A resting order of ours that would be met is withdrawn
    instead (SELF_MATCH). The rest joins the end of its queue if *rests*. When the ring fills up,
    INTERRUPTED is set and nothing rests: drain it and submit what is left.
    """
    scalars = book.scalars
    scalars[INTERRUPTED] = 0
    scalars[SEEN + BUY] = scalars[BEST + BUY]
    scalars[SEEN + SELL] = scalars[BEST + SELL]
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
    return remaining


def withdraw(book: Book, slot: int) -> int:
    """Take our order out of its queue; return what was left of it (0 when it did not rest)."""
    node = book.scalars[N_RECORDED] + slot
    if book.orders[node, AT] < 0:
        return 0
    leaves = book.orders[node, LEAVES]
    drop_own(book, node)
    return leaves


def resize(book: Book, slot: int, leaves: int) -> int:
    """Make our resting order smaller where it stands; return what was left of it before."""
    orders = book.orders
    node = book.scalars[N_RECORDED] + slot
    before = orders[node, LEAVES]
    own_size(book, node, leaves - before)
    return before


def depth(book: Book, side: int, out: NDArray[np.int64]) -> int:
    """Write the best levels of *side*, our own size included, as (price, quantity) rows; return how many."""
    step = -1 if side == BUY else 1
    sign = 1 if side == BUY else -1
    level = front(book, side)
    count = 0
    while count < out.shape[0] and 0 <= level < book.scalars[N_LEVELS]:
        own = sign * book.levels[level, OWN_SIZE]
        size = book.levels[level, 3 * side + SIZE] + (max(0, own))
        if size > 0:
            out[count, 0] = book.levels[level, LEVEL_PRICE]
            out[count, 1] = size
            count += 1
        level += step
    return count


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
    node = rows[cursor, ORDER]
    level = rows[cursor, LEVEL]
    quantity = rows[cursor, QUANTITY]
    time = rows[cursor, TIME]
    if kind == ADD:
        add(book, node, side, level, quantity, time)
    elif kind == DELETE:
        remove(book, node)
    elif kind == EXECUTE:
        execute(book, node, side, level, quantity, time)
        printed(book, rows[cursor, PRICE], quantity, cursor)
    elif kind == REDUCE:
        reduce(book, node, quantity, quantity)
    elif kind == HIDDEN:
        reach(book, side, level, -1, quantity, time, 0)
        printed(book, rows[cursor, PRICE], quantity, cursor)
    elif kind == TRADE:
        reach(book, side, level, -1, quantity, time, 1)
        printed(book, rows[cursor, PRICE], quantity, cursor)
    elif kind == AUCTION:
        reduce(book, node, quantity, quantity)
        printed(book, rows[cursor, PRICE], quantity, cursor)
    elif kind == PRINT:
        printed(book, rows[cursor, PRICE], quantity, cursor)
    else:
        change_phase(book, quantity, time)


def add(book: Book, node: int, side: int, level: int, quantity: int, time: int) -> None:
    """A recorded order arrives: what it meets of ours, or of those spared through us, it trades with; then it rests."""
    if book.orders[node, AT] >= 0:  # the same order number again: the later order stands
        remove(book, node)
    shown = quantity - reach(book, 1 - side, level, -1, quantity, time, 0)
    book.orders[node, LEAVES] = quantity
    book.orders[node, SHOWN] = shown
    link(book, node, side, level)
    if shown > 0:
        grow(book, side, level, shown)


def execute(book: Book, node: int, side: int, level: int, quantity: int, time: int) -> None:
    """A recorded resting order trades: those of ours that stand before it trade first."""
    if node < 0 or book.orders[node, AT] < 0:
        # It rested before the tape began, so it is older than anything of ours at the same price.
        behind = 1 if side == BUY else -1
        reach(book, side, level + behind, -1, quantity, time, 0)
        return
    taken = reach(book, side, book.orders[node, AT], node, quantity, time, 0)
    if book.scalars[MODE] == DISPLACING:
        if taken > 0:
            book.scalars[SURPLUS] = 1
        reduce(book, node, quantity, quantity - taken)
    else:
        reduce(book, node, quantity, quantity)


def reduce(book: Book, node: int, quantity: int, shown_by: int) -> None:
    """Take *quantity* off a recorded order's history, and *shown_by* off what it shows, as far as there is any."""
    orders = book.orders
    if node < 0 or orders[node, AT] < 0:
        return
    leaves = max(orders[node, LEAVES] - quantity, 0)
    shown = max(orders[node, SHOWN] - shown_by, 0)
    if book.scalars[MODE] == GHOST and shown > leaves:
        shown = leaves
    orders[node, LEAVES] = leaves
    hide(book, node, orders[node, SHOWN] - shown)
    if leaves == 0 and shown == 0:
        unlink(book, node)


def remove(book: Book, node: int) -> None:
    """Take a recorded order out of the book whole."""
    if node < 0 or book.orders[node, AT] < 0:
        return
    hide(book, node, book.orders[node, SHOWN])
    book.orders[node, LEAVES] = 0
    unlink(book, node)


def printed(book: Book, price: int, quantity: int, cursor: int) -> None:
    """Count a recorded print: the day's volume, the last price, and the extremes since the watches were read."""
    scalars = book.scalars
    if scalars[CHANGED] & PRINTED:
        scalars[HIGH_PRINT] = max(scalars[HIGH_PRINT], price)
        scalars[LOW_PRINT] = min(scalars[LOW_PRINT], price)
    else:
        scalars[HIGH_PRINT] = price
        scalars[LOW_PRINT] = price
        scalars[CHANGED] |= PRINTED
    scalars[VOLUME] += quantity
    scalars[LAST_PRINT] = cursor


def change_phase(book: Book, phase: int, time: int) -> None:
    """Continuous trading begins or ends; whoever has orders here is told."""
    scalars = book.scalars
    scalars[TRADING_PHASE] = phase
    if scalars[OWN_COUNT + BUY] + scalars[OWN_COUNT + SELL] > 0:
        note(book, PHASE_CHANGE, -1, -1, phase, time)


# ---------------------------------------------------------------- our orders


def reach(book: Book, side: int, limit: int, stop: int, quantity: int, time: int, front_only: int) -> int:
    """Let an aggressor of *quantity* meet those of ours on *side* that stand before it gets where it went.

    It walks in price-time priority as far as level *limit*, or to the order *stop* there. Recorded orders
    are passed over (their history stands), except that one spared through us takes its turn, and
    that with *front_only* the first one with anything left ends the walk: a print that names no order
    is ours only when nobody recorded stands before us.

    Returns:
        What it met, at most *quantity*.
    """
    scalars = book.scalars
    if scalars[OWN_COUNT + side] == 0 and scalars[SURPLUS] == 0:
        return 0
    if scalars[TRADING_PHASE] != CONTINUOUS:
        return 0
    orders = book.orders
    first_own = scalars[N_RECORDED]
    scalars[SEEN + BUY] = scalars[BEST + BUY]
    scalars[SEEN + SELL] = scalars[BEST + SELL]
    step = -1 if side == BUY else 1
    level = front(book, side)
    remaining = quantity
    while remaining > 0 and reaches(1 - side, limit, level, scalars[N_LEVELS]):
        node = book.levels[level, 3 * side + HEAD]
        while node >= 0 and remaining > 0:
            if node == stop:
                return quantity - remaining
            following = orders[node, NEXT]
            if node >= first_own:
                taken = min(remaining, orders[node, LEAVES])
                note(book, PASSIVE_FILL, node - first_own, level, taken, time)
                scalars[OWN_FILLED] += taken
                own_size(book, node, -taken)
                remaining -= taken
            elif front_only != 0 and orders[node, LEAVES] > 0:
                return quantity - remaining
            elif orders[node, SHOWN] > orders[node, LEAVES]:
                taken = min(remaining, orders[node, SHOWN] - orders[node, LEAVES])
                hide(book, node, taken)
                if orders[node, SHOWN] == 0:
                    unlink(book, node)
                remaining -= taken
            node = following
        level += step
    return quantity - remaining


def sweep_level(book: Book, side: int, level: int, quantity: int, time: int) -> int:
    """Take up to *quantity* of what is shown at one level, first in, first out; return what is still wanted."""
    orders = book.orders
    first_own = book.scalars[N_RECORDED]
    remaining = quantity
    node = book.levels[level, 3 * side + HEAD]
    while node >= 0 and remaining > 0:
        following = orders[node, NEXT]
        if node >= first_own:
            if book.ring.shape[0] - book.scalars[RING_COUNT] <= 1:  # the caller's fill still needs a row
                return remaining
            note(book, SELF_MATCH, node - first_own, level, orders[node, LEAVES], time)
            drop_own(book, node)
        else:
            taken = min(remaining, orders[node, SHOWN])
            remaining -= taken
            hide(book, node, taken)
            if orders[node, SHOWN] == 0 and orders[node, LEAVES] == 0:
                unlink(book, node)
        node = following
    return remaining


# ---------------------------------------------------------------- watches


def watch_met(book: Book) -> bool:
    """Say whether any armed watch is met by the others' market as it stands."""
    scalars = book.scalars
    for number in range(scalars[WATCH_COUNT]):
        watch = book.watches[number]
        kind = watch[WATCH]
        if kind == WATCH_TOUCH:
            met = touch_left(book, watch)
        elif kind == WATCH_MID:
            met = mid_left(book, watch)
        elif kind == WATCH_SIZE:
            met = shown_within(book, watch[WATCH_SIDE], watch[LOW]) >= watch[HIGH]
        elif kind == WATCH_VOLUME:
            met = scalars[VOLUME] >= watch[LOW]
        elif kind == WATCH_RISING:
            met = scalars[CHANGED] & PRINTED != 0 and scalars[HIGH_PRINT] >= watch[LOW]
        else:
            met = scalars[CHANGED] & PRINTED != 0 and scalars[LOW_PRINT] <= watch[LOW]
        if met:
            return True
    return False


def touch_left(book: Book, watch: NDArray[np.int64]) -> bool:
    """Say whether the others' best price on the watched side is outside the band, or gone."""
    level = book.scalars[BEST + watch[WATCH_SIDE]]
    if level < 0 or level >= book.scalars[N_LEVELS]:
        return True
    price = book.levels[level, LEVEL_PRICE]
    return price < watch[LOW] or price > watch[HIGH]


def mid_left(book: Book, watch: NDArray[np.int64]) -> bool:
    """Say whether the others' mid price is outside the band, or gone."""
    bid = book.scalars[BEST + BUY]
    ask = book.scalars[BEST + SELL]
    if bid < 0 or ask >= book.scalars[N_LEVELS]:
        return True
    twice = book.levels[bid, LEVEL_PRICE] + book.levels[ask, LEVEL_PRICE]
    return twice < 2 * watch[LOW] or twice > 2 * watch[HIGH]
