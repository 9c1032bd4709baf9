"""The depth kernel, compiled and plain, on generated markets: the same state, and no fill beyond what came."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.domain.types import OrderSide
from quietfill.market.triggers import SizeReaches, TouchLeaves, Trigger, VolumeReaches
from quietfill.venue import kernel_depth
from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import Note, NoteKind
from quietfill.venue.depth_core import DepthCore
from quietfill.venue.handmade import Row, handmade_tape
from quietfill.venue.tape import RowKind, Tape

SLOTS = 6
LAST = 60
BUY, SELL = 0, 1

prices = st.integers(96, 105)
sizes = st.integers(0, 12)


@st.composite
def markets(draw) -> list[Row]:
    """Rows of levels and prints; the book of others is kept from crossing, as the feeds see to."""
    rows: list[Row] = []
    book: tuple[dict[int, int], dict[int, int]] = ({}, {})
    time = 0
    for _ in range(draw(st.integers(1, 40))):
        time += draw(st.integers(0, 3))
        side, price, size = draw(st.sampled_from((BUY, SELL))), draw(prices), draw(sizes)
        if draw(st.booleans()) and book[side]:
            best = max(book[BUY]) if side == BUY else min(book[SELL])
            rows.append((time, RowKind.TRADE, side, -1, best, max(size, 1)))
            continue
        for other in [p for p in book[1 - side] if size and (p <= price if side == BUY else p >= price)]:
            rows.append((time, RowKind.LEVEL, 1 - side, -1, other, 0))
            del book[1 - side][other]
        rows.append((time, RowKind.LEVEL, side, -1, price, size))
        book[side].pop(price, None)
        if size:
            book[side][price] = size
    return rows


actions = st.lists(
    st.tuples(
        st.integers(1, 5),  # time that goes by first
        st.sampled_from(("submit", "submit", "submit", "withdraw", "resize", "watch")),
        st.integers(0, SLOTS - 1),
        st.sampled_from((OrderSide.BUY, OrderSide.SELL)),
        prices,
        st.integers(1, 15),
        st.booleans(),
    ),
    max_size=14,
)


class Player:
    """Carries a script of actions out on one core and writes down all that it says."""

    def __init__(self, tape: Tape, *, compiled: bool) -> None:
        self.tape = tape
        self.core = DepthCore(tape, slots=SLOTS, ring=8, compiled=compiled)
        self.said: list[object] = []
        self.notes: list[Note] = []
        self.leaves: dict[int, int] = {}

    def play(self, script) -> None:
        """Play the script and then the rest of the tape."""
        at = self.tape.first_time - 1
        for wait, action, slot, side, price, quantity, rests in script:
            at += wait
            self.advance(at)
            self.act(action, slot, side, price, quantity, rests, at)
            self.listen()
        self.advance(self.tape.first_time + 10 * LAST)

    def advance(self, until: int) -> None:
        """Replay to a time, hearing everything on the way."""
        for _ in range(10_000):
            reason = self.core.advance(until)
            self.said.append(reason)
            self.listen()
            if reason == layout.REACHED:
                return
        raise AssertionError("the core does not get there")

    def act(self, action, slot, side, price, quantity, rests, at) -> None:
        """Do one thing, if it can be done."""
        if action == "submit" and slot not in self.leaves and self.core.takes_price(price):
            left = self.core.submit(slot, side, price, quantity, rests=rests, at=at)
            self.said.append(left)
            if left and rests and not self.core.interrupted:
                self.leaves[slot] = left
        elif action == "withdraw" and slot in self.leaves:
            assert self.core.withdraw(slot) == self.leaves.pop(slot)
        elif action == "resize" and self.leaves.get(slot, 0) > 1:
            self.leaves[slot] = max(self.leaves[slot] // 2, 1)
            self.core.resize(slot, self.leaves[slot])
        elif action == "watch":
            triggers: list[Trigger] = [
                TouchLeaves(side, price, price + 2),
                SizeReaches(side, price, quantity),
                VolumeReaches(quantity),
            ]
            self.core.watch(triggers)

    def listen(self) -> None:
        """Take the notes; keep count of what rests."""
        heard = self.core.drain()
        self.said.append(
            (heard, self.core.touch(), self.core.depth(OrderSide.BUY, 9), self.core.depth(OrderSide.SELL, 9))
        )
        self.notes += heard
        for note in heard:
            if note.kind is NoteKind.PASSIVE_FILL:
                self.leaves[note.slot] -= note.quantity
            if note.kind is NoteKind.SELF_MATCH or self.leaves.get(note.slot) == 0:
                self.leaves.pop(note.slot, None)


def state(core: DepthCore) -> list[np.ndarray]:
    """All arrays of a core."""
    return list(core.book)


@pytest.mark.skipif(find_spec("numba") is None, reason="there is no compiled twin without numba")
@settings(max_examples=60)
@given(markets(), actions)
def test_compiled_and_plain_agree_in_every_number(rows, script):
    """One source, two ways to run it: what they say and every array are equal."""
    tape = handmade_tape(rows)
    twins = [Player(tape, compiled=compiled) for compiled in (True, False)]
    for twin in twins:
        twin.play(script)

    assert twins[0].said == twins[1].said
    for compiled, plain in zip(state(twins[0].core), state(twins[1].core), strict=True):
        assert np.array_equal(compiled, plain)


@settings(max_examples=150)
@given(markets(), actions)
def test_no_fill_exceeds_what_the_recording_brought(rows, script):
    """At each instant the passive fills of a side are within prints of it plus size added against it.

    And what is shown is never more than recorded, never negative, and what rests is what was not filled.
    """
    tape = handmade_tape(rows)
    player = Player(tape, compiled=False)
    player.play(script)
    core = player.core

    for time in {note.time for note in player.notes if note.kind is NoteKind.PASSIVE_FILL}:
        filled = sum(n.quantity for n in player.notes if n.time == time and n.kind is NoteKind.PASSIVE_FILL)
        now = tape.time == time
        brought = tape.quantity[now & np.isin(tape.kind, (RowKind.TRADE, RowKind.LEVEL))].sum()
        assert filled <= brought
    levels, columns = core.book.levels, kernel_depth.RECORDED
    for side in (BUY, SELL):
        shown = levels[:, 3 * side + layout.SIZE]
        assert (shown >= 0).all()
        assert (shown <= levels[:, columns + side]).all()
    resting = {slot: int(row[layout.LEAVES]) for slot, row in enumerate(core.book.orders) if row[layout.AT] >= 0}
    assert resting == player.leaves


@settings(max_examples=100)
@given(markets(), actions)
def test_what_comes_later_changes_nothing_before(rows, script):
    """With the recording cut short, all that happened to us up to there is the same."""
    cut = len(rows) // 2 + 1
    while cut < len(rows) and rows[cut][0] == rows[cut - 1][0]:
        cut += 1  # rows of one time stamp are one event
    short = handmade_tape(rows[:cut])
    heard = []
    for tape in (handmade_tape(rows), short):
        player = Player(tape, compiled=False)
        player.play(script)
        heard.append([note for note in player.notes if note.time <= short.last_time])

    assert heard[0] == heard[1]
