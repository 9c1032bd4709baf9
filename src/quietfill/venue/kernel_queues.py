"""Queues, levels and the touch: the part of the matching kernel that keeps the book in order.

Part of `kernel`, which says what the book is; compiled with it, run plain like it.
"""

from __future__ import annotations

from quietfill.venue.kernel_layout import (
    ASK_LEVEL,
    AT,
    BEST,
    BID_LEVEL,
    BUY,
    CHANGED,
    HEAD,
    LEAVES,
    N_LEVELS,
    N_RECORDED,
    NEXT,
    NOTE,
    NOTE_LEVEL,
    NOTE_QUANTITY,
    NOTE_TIME,
    OWN_BEST,
    OWN_COUNT,
    OWN_SIZE,
    PREVIOUS,
    RING_COUNT,
    SEEN,
    SELL,
    SHOWN,
    SIDE,
    SIZE,
    SIZE_CHANGED,
    SLOT,
    TAIL,
    TOUCH_CHANGED,
    WATCHES_SIZE,
    Book,
)


def rest(book: Book, slot: int, side: int, level: int, quantity: int) -> None:
    """Put our order at the end of the queue of its level."""
    scalars = book.scalars
    node = scalars[N_RECORDED] + slot
    book.orders[node, LEAVES] = 0
    book.orders[node, SHOWN] = 0
    link(book, node, side, level)
    if scalars[OWN_COUNT + side] == 0 or better(side, level, scalars[OWN_BEST + side]):
        scalars[OWN_BEST + side] = level
    scalars[OWN_COUNT + side] += 1
    own_size(book, node, quantity)


def own_size(book: Book, node: int, change: int) -> None:
    """Change the leaves of our resting order; at zero it goes."""
    orders = book.orders
    orders[node, LEAVES] += change
    orders[node, SHOWN] = orders[node, LEAVES]
    sign = 1 if orders[node, SIDE] == BUY else -1
    book.levels[orders[node, AT], OWN_SIZE] += sign * change
    if orders[node, LEAVES] == 0:
        drop_own(book, node)


def drop_own(book: Book, node: int) -> None:
    """Take our order out of its queue and find our best price again."""
    orders = book.orders
    scalars = book.scalars
    side = orders[node, SIDE]
    level = orders[node, AT]
    sign = 1 if side == BUY else -1
    book.levels[level, OWN_SIZE] -= sign * orders[node, LEAVES]
    orders[node, LEAVES] = 0
    orders[node, SHOWN] = 0
    unlink(book, node)
    scalars[OWN_COUNT + side] -= 1
    if level != scalars[OWN_BEST + side]:
        return
    best = -1 if side == BUY else scalars[N_LEVELS]
    for other in range(scalars[N_RECORDED], orders.shape[0]):
        if orders[other, AT] >= 0 and orders[other, SIDE] == side and better(side, orders[other, AT], best):
            best = orders[other, AT]
    scalars[OWN_BEST + side] = best


def note(book: Book, kind: int, slot: int, level: int, quantity: int, time: int) -> None:
    """Write down what happened to us, with the others' touch as it was just before."""
    scalars = book.scalars
    ring = book.ring
    count = scalars[RING_COUNT]
    ring[count, NOTE] = kind
    ring[count, SLOT] = slot
    ring[count, NOTE_LEVEL] = level
    ring[count, NOTE_QUANTITY] = quantity
    ring[count, NOTE_TIME] = time
    ring[count, BID_LEVEL] = scalars[SEEN + BUY]
    ring[count, ASK_LEVEL] = scalars[SEEN + SELL]
    scalars[RING_COUNT] += 1


def front(book: Book, side: int) -> int:
    """Return the best level of *side*, our own orders included."""
    scalars = book.scalars
    level = scalars[BEST + side]
    if scalars[OWN_COUNT + side] > 0 and better(side, scalars[OWN_BEST + side], level):
        level = scalars[OWN_BEST + side]
    return level


def better(side: int, level: int, than: int) -> bool:
    """Say whether an order of *side* at *level* has price priority over one at *than*."""
    return level > than if side == BUY else level < than


def reaches(side: int, limit: int, level: int, levels: int) -> bool:
    """Say whether an aggressor of *side* limited at *limit* trades at *level* (False where there is no level)."""
    if level < 0 or level >= levels:
        return False
    return level <= limit if side == BUY else level >= limit


def hide(book: Book, node: int, quantity: int) -> None:
    """Take *quantity* off what a recorded order shows; move the touch if its level empties."""
    if quantity == 0:
        return
    levels = book.levels
    scalars = book.scalars
    side = book.orders[node, SIDE]
    level = book.orders[node, AT]
    book.orders[node, SHOWN] -= quantity
    column = 3 * side + SIZE
    levels[level, column] -= quantity
    if scalars[WATCHES_SIZE] != 0:
        scalars[CHANGED] |= SIZE_CHANGED
    if levels[level, column] > 0 or level != scalars[BEST + side]:
        return
    scalars[CHANGED] |= TOUCH_CHANGED
    if side == BUY:
        while level >= 0 and levels[level, column] == 0:
            level -= 1
    else:
        while level < scalars[N_LEVELS] and levels[level, column] == 0:
            level += 1
    scalars[BEST + side] = level


def grow(book: Book, side: int, level: int, quantity: int) -> None:
    """Add to what the others show at a level; move the touch if it is a better one."""
    scalars = book.scalars
    book.levels[level, 3 * side + SIZE] += quantity
    if scalars[WATCHES_SIZE] != 0:
        scalars[CHANGED] |= SIZE_CHANGED
    if better(side, level, scalars[BEST + side]):
        scalars[BEST + side] = level
        scalars[CHANGED] |= TOUCH_CHANGED


def link(book: Book, node: int, side: int, level: int) -> None:
    """Put an order at the end of a queue."""
    orders = book.orders
    tail = book.levels[level, 3 * side + TAIL]
    orders[node, NEXT] = -1
    orders[node, PREVIOUS] = tail
    orders[node, AT] = level
    orders[node, SIDE] = side
    if tail < 0:
        book.levels[level, 3 * side + HEAD] = node
    else:
        orders[tail, NEXT] = node
    book.levels[level, 3 * side + TAIL] = node


def unlink(book: Book, node: int) -> None:
    """Take an order out of its queue."""
    orders = book.orders
    level = orders[node, AT]
    side = orders[node, SIDE]
    before = orders[node, PREVIOUS]
    after = orders[node, NEXT]
    if before < 0:
        book.levels[level, 3 * side + HEAD] = after
    else:
        orders[before, NEXT] = after
    if after < 0:
        book.levels[level, 3 * side + TAIL] = before
    else:
        orders[after, PREVIOUS] = before
    orders[node, AT] = -1


def shown_within(book: Book, side: int, limit: int) -> int:
    """Return what the others show on *side* from the touch to level *limit*, both ends in."""
    scalars = book.scalars
    step = -1 if side == BUY else 1
    level = scalars[BEST + side]
    total = 0
    while reaches(1 - side, limit, level, scalars[N_LEVELS]):
        total += book.levels[level, 3 * side + SIZE]
        level += step
    return total
