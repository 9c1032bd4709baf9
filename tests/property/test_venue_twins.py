"""The matching kernel, compiled and plain, on made-up and on real markets: the same state, always, and a sound one."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.domain.types import OrderSide
from quietfill.market.triggers import LastThrough, MidLeaves, SizeReaches, TouchLeaves, Trigger, VolumeReaches
from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import Note, NoteKind, OrderBookCore
from quietfill.venue.handmade import handmade_tape
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import RowKind, Tape

LOW, HIGH, SLOTS = 95, 105, 6
SIDES = (OrderSide.BUY, OrderSide.SELL)


@st.composite
def markets(draw) -> Tape:
    """A tape of a market with few prices, many collisions, and some rows that make no sense."""
    alive: list[tuple[int, int, int]] = []
    rows, time, orders = [], 1, 0
    for _ in range(draw(st.integers(1, 60))):
        time += draw(st.integers(0, 2))
        kind = draw(st.sampled_from([0, 0, 0, 1, 2, 3, 3, 4, 5, 6, 7]))
        size = draw(st.integers(1, 9))
        if kind == RowKind.ADD:
            side = draw(st.integers(0, 1))
            price = draw(st.integers(LOW, 100) if side == 0 else st.integers(101, HIGH))
            alive.append((orders, side, price))
            rows.append((time, kind, side, orders, price, size))
            orders += 1
        elif alive and kind in (RowKind.REDUCE, RowKind.DELETE, RowKind.EXECUTE, RowKind.AUCTION):
            order, side, price = draw(st.sampled_from(alive))
            rows.append((time, kind, side, draw(st.sampled_from([order, order, order, -1])), price, size))
        else:
            kind = RowKind.HIDDEN if kind <= RowKind.ADD else kind
            kind = kind if kind in (RowKind.HIDDEN, RowKind.PRINT, RowKind.TRADE) else RowKind.HIDDEN
            rows.append((time, kind, draw(st.integers(0, 1)), -1, draw(st.integers(LOW, HIGH)), size))
    return handmade_tape([*rows, (time + 1, RowKind.PRINT, 0, -1, 100, 1)])


class Script:
    """Random actions of ours, the same for every core that plays it."""

    def __init__(self, seed: int, *, steps: int = 40, prices: tuple[int, int, int] = (LOW, HIGH, 1), size: int = 9):
        self.seed, self.steps, self.prices, self.size = seed, steps, prices, size

    def play(self, core: OrderBookCore, tape: Tape) -> list[object]:
        """Carry the script out; return everything that was said."""
        chance = random.Random(self.seed)
        low, high, tick = self.prices
        resting: set[int] = set()
        said: list[object] = []
        times = sorted(chance.randint(tape.first_time - 1, tape.last_time) for _ in range(self.steps))
        for at in times:
            while core.now < at:
                stop = core.advance(at)
                said.append((stop, self.drain(core, resting)))
                if stop == layout.REACHED:
                    break
            slot = chance.randrange(SLOTS)
            if slot in resting and chance.random() < 0.5:
                resting.discard(slot)
                said.append(core.withdraw(slot))
            elif slot not in resting:
                limit = low + tick * chance.randint(0, (high - low) // tick)
                side, wanted = chance.choice(SIDES), chance.randint(1, self.size)
                rests = chance.random() < 0.8
                said.append(core.available(side, limit))
                left = core.submit(slot, side, limit, wanted, rests=rests, at=at)
                if left and rests and not core.interrupted:
                    resting.add(slot)
                said.append((left, core.interrupted, self.drain(core, resting)))
            core.watch(self.triggers(chance))
            said.append((core.depth(OrderSide.BUY, 3), core.depth(OrderSide.SELL, 3), core.touch(), core.volume))
        return said

    def triggers(self, chance: random.Random) -> list[Trigger]:
        """A few conditions to stop at."""
        low, high, tick = self.prices
        price = low + tick * chance.randint(0, (high - low) // tick)
        return chance.sample(
            [
                TouchLeaves(chance.choice(SIDES), price - tick, price + tick),
                MidLeaves(price - tick, price + tick),
                SizeReaches(chance.choice(SIDES), price, 2 * self.size),
                VolumeReaches(chance.randint(1, 50) * self.size),
                LastThrough(price, rising=chance.random() < 0.5),
            ],
            2,
        )

    @staticmethod
    def drain(core: OrderBookCore, resting: set[int]) -> list[Note]:
        """Take the notes, and forget what they say is gone."""
        notes = core.drain()
        for note in notes:
            node = core.book.scalars[layout.N_RECORDED] + note.slot
            if note.kind is NoteKind.SELF_MATCH or core.book.orders[node, layout.LEAVES] == 0:
                resting.discard(note.slot)
        return notes


def assert_sound(core: OrderBookCore, *, ghost: bool) -> None:
    """Lists, sizes, best levels and own counts agree with one another."""
    book, scalars = core.book, core.book.scalars
    recorded, levels = int(scalars[layout.N_RECORDED]), int(scalars[layout.N_LEVELS])
    own_count = [0, 0]
    for side in (layout.BUY, layout.SELL):
        shown_levels, own_levels = [], []
        for level in range(levels):
            shown, own, node, before = 0, 0, int(book.levels[level, 3 * side + layout.HEAD]), -1
            while node >= 0:
                order = book.orders[node]
                assert (order[layout.AT], order[layout.SIDE], order[layout.PREVIOUS]) == (level, side, before)
                if node >= recorded:
                    assert order[layout.LEAVES] > 0
                    own += int(order[layout.LEAVES])
                    own_count[side] += 1
                else:
                    assert order[layout.LEAVES] > 0 or order[layout.SHOWN] > 0
                    assert not ghost or 0 <= order[layout.SHOWN] <= order[layout.LEAVES]
                    shown += int(order[layout.SHOWN])
                before, node = node, int(order[layout.NEXT])
            assert book.levels[level, 3 * side + layout.TAIL] == before
            assert book.levels[level, 3 * side + layout.SIZE] == shown
            shown_levels += [level] if shown else []
            own_levels += [level] if own else []
            if own:
                assert book.levels[level, layout.OWN_SIZE] == (own if side == layout.BUY else -own)
        pick, none = (max, -1) if side == layout.BUY else (min, levels)
        assert scalars[layout.BEST + side] == pick(shown_levels, default=none)
        assert scalars[layout.OWN_COUNT + side] == own_count[side]
        if own_levels:
            assert scalars[layout.OWN_BEST + side] == pick(own_levels)


def play(tape: Tape, script: Script, *, compiled: bool, displacing: bool) -> tuple[OrderBookCore, list[object]]:
    """Run a script on a fresh core."""
    core = OrderBookCore(tape, displacing=displacing, slots=SLOTS, ring=SLOTS + 8, compiled=compiled)
    return core, script.play(core, tape)


def assert_same_state(one: OrderBookCore, other: OrderBookCore) -> None:
    """Every array of the two kernels is equal."""
    for name, left, right in zip(one.book._fields, one.book, other.book, strict=True):
        assert np.array_equal(left, right), name


@given(tape=markets(), seed=st.integers(0, 2**32), displacing=st.booleans())
@settings(max_examples=150)
def test_compiled_and_plain_are_the_same_machine(tape, seed, displacing):
    """On any market and any actions of ours both forms say the same and end in the same state."""
    compiled, said = play(tape, Script(seed), compiled=True, displacing=displacing)
    plain, heard = play(tape, Script(seed), compiled=False, displacing=displacing)

    assert said == heard
    assert_same_state(compiled, plain)


@given(tape=markets(), seed=st.integers(0, 2**32), displacing=st.booleans())
@settings(max_examples=150)
def test_the_book_stays_sound(tape, seed, displacing):
    """Whatever happens, queues, sizes and the touch agree, and in ghost mode nobody shows more than history has."""
    core, _ = play(tape, Script(seed), compiled=True, displacing=displacing)

    assert_sound(core, ghost=not displacing)


@given(tape=markets())
def test_without_orders_of_ours_history_is_untouched(tape):
    """Nobody working: what is shown is what history says, and the volume is the recorded one."""
    core = OrderBookCore(tape, compiled=True)
    core.advance(tape.last_time)
    recorded = core.book.orders[: tape.order_count]

    assert np.array_equal(recorded[:, layout.LEAVES], recorded[:, layout.SHOWN])
    assert core.volume == int(tape.quantity[tape.is_print].sum())
    assert core.drain() == []


@given(tape=markets(), seed=st.integers(0, 2**32))
def test_passive_fills_never_exceed_what_history_brought(tape, seed):
    """Per time stamp our passive fills are at most the prints plus the incoming orders of that stamp."""
    _, said = play(tape, Script(seed), compiled=True, displacing=False)
    lists = [item[-1] for item in said if isinstance(item, tuple) and isinstance(item[-1], list)]
    notes = [note for heard in lists for note in heard]
    brought = tape.is_print | (tape.kind == RowKind.ADD)

    for time in {note.time for note in notes}:
        got = sum(note.quantity for note in notes if note.time == time and note.kind is NoteKind.PASSIVE_FILL)
        assert got <= int(tape.quantity[brought & (tape.time == time)].sum())


@pytest.mark.parametrize("displacing", [False, True])
def test_both_forms_agree_on_a_real_market(displacing):
    """The first minutes of the packaged Shanghai hour, with forty random orders of ours, end in the same state."""
    tape = first_rows(load_sample(), 3_000)
    lot, tick = tape.instrument.lot, tape.tick
    price = int(tape.price[tape.is_print][0])
    script = Script(5, prices=(price - 5 * tick, price + 5 * tick, tick), size=30 * lot)
    compiled, said = play(tape, script, compiled=True, displacing=displacing)
    plain, heard = play(tape, script, compiled=False, displacing=displacing)

    assert said == heard
    assert_same_state(compiled, plain)
    assert_sound(compiled, ghost=not displacing)
    assert compiled.own_filled > 0


def first_rows(tape: Tape, count: int) -> Tape:
    """The beginning of a tape."""
    import dataclasses

    names = ("time", "kind", "side", "order", "price", "quantity")
    made = tape.made[tape.made < count]
    return dataclasses.replace(tape, made=made, **{name: getattr(tape, name)[:count] for name in names})
