"""The bench runs: every group of rows, at the smallest sizes, without a word about how fast."""

import asyncio
import gc
import json
from dataclasses import replace

import pytest

from bench import groups, markets, table
from bench.__main__ import LEAST
from bench.live import TimedLoop
from bench.measuring import Budget, Row, Yardstick, interleaved, percentile
from bench.replay import PlainBook
from quietfill.domain.types import OrderSide
from quietfill.venue.core import OrderBookCore
from quietfill.venue.samples import load_sample

# Starting processes, which says nothing here, is left to `make bench`.
QUICK_GROUPS = [
    pytest.param(name, marks=pytest.mark.slow if name == "ib" else ()) for name in groups.NAMES if name != "startup"
]


@pytest.fixture
def packaged_hour(monkeypatch):
    """Have the bench replay the packaged hour, as it does where there are no other data."""
    hour = replace(load_sample(), source=("the packaged hour",))
    for module in ("bench.orders", "bench.replay"):
        monkeypatch.setattr(f"{module}.recorded_day", lambda: hour)
    return hour


@pytest.mark.parametrize("group", QUICK_GROUPS)
def test_every_group_measures_something(group, tmp_path, packaged_hour):
    """Each group of rows runs to its end, and every figure and yardstick in it is positive."""
    rows = groups.measure(group, LEAST, tmp_path)

    assert rows
    assert all(row.measured > 0 for row in rows if row.unit != "B")
    assert all(row.yardstick is None or row.yardstick.value > 0 for row in rows)


@pytest.mark.parametrize(
    ("budget", "measured", "yardstick", "verdict"),
    [
        (Budget(60), 60.0, None, "ok"),
        (Budget(60), 60.1, None, "over"),
        (Budget(20, at_least=True), 20.0, None, "ok"),
        (Budget(20, at_least=True), 19.9, 1.0, "over"),
        (Budget(1.5, of_ratio=True), 300.0, 200.0, "ok"),
        (Budget(1.5, of_ratio=True), 301.0, 200.0, "over"),
        (None, 1.0, None, "-"),
    ],
)
def test_a_verdict_follows_from_figure_and_budget(budget, measured, yardstick, verdict):
    """A budget bounds the figure or its ratio to the yardstick, from above or from below; the bound itself is kept."""
    held = None if yardstick is None else Yardstick("something", yardstick)

    assert Row(what="a row", measured=measured, unit="us", budget=budget, yardstick=held).verdict == verdict


def test_contenders_take_turns():
    """Rounds are interleaved, and a figure is the median of the rounds' medians."""
    turns: list[str] = []
    samples = {"a": iter([[1.0, 2.0, 9.0], [4.0], [100.0]]), "b": iter([[5.0], [7.0], [6.0]])}

    def contender(name):
        def measure():
            turns.append(name)
            return next(samples[name])

        return measure

    figures = interleaved(3, {name: contender(name) for name in samples})

    assert figures == {"a": 4.0, "b": 6.0}
    assert turns == ["a", "b"] * 3


def test_a_tiled_day_replays_like_the_day():
    """Every tile has the day's events and volume, begins with an empty book, and never reuses an order number."""
    day = load_sample()
    tape = markets.tiled(day, 3)
    once, thrice = OrderBookCore(day), OrderBookCore(tape)
    once.advance(day.last_time)
    thrice.advance(tape.last_time)

    assert thrice.events_replayed == 3 * once.events_replayed
    assert thrice.volume - day.volume_before == 3 * (once.volume - day.volume_before)
    assert thrice.touch() == (None, None)
    assert tape.order_count == 3 * day.order_count
    assert (tape.time[1:] >= tape.time[:-1]).all()


def test_the_plain_book_agrees_with_the_core():
    """The yardstick of the replay does the same work: it ends with the core's touch, sizes and volume."""
    day = load_sample()
    core, plain = OrderBookCore(day), PlainBook()
    core.advance(day.last_time)
    columns = (day.kind, day.side, day.order, day.price, day.quantity)
    plain.replay(list(zip(*(column.tolist() for column in columns), strict=True)))

    assert plain.touch == core.touch()
    assert plain.volume == core.volume - day.volume_before
    for number, side in enumerate((OrderSide.BUY, OrderSide.SELL)):
        assert all(plain.sizes[number][price] == size for price, size in core.depth(side, 50))


def test_json_holds_every_row():
    """The JSON form says everything that the table says."""
    row = Row(what="a row", measured=3.0, unit="us", budget=Budget(2, of_ratio=True), yardstick=Yardstick("it", 1.0))
    content = json.loads(table.as_json([row], LEAST, (0.5, 0.5, 0.5)))

    assert content["rows"][0]["ratio"] == 3.0
    assert content["rows"][0]["verdict"] == "over"
    assert content["rows"][0]["budget"] == "<= 2 x"
    assert "load 0.5" in content["machine"]


def test_the_table_shows_figures_budgets_and_notes(capsys):
    """The table for people holds figure, budget, yardstick and verdict, and the notes below it."""
    row = Row(what="a row", measured=1234.0, unit="us", budget=Budget(60), yardstick=Yardstick("it", 2.0), note="how")
    table.show([row], ())
    printed = capsys.readouterr().out

    for part in ("a row [1]", "1,234", "<= 60", "2 us, it", "617 x", "over", "[1] how"):
        assert part in printed


def test_a_percentile_is_one_of_the_samples():
    """The nearest rank: the least sample that so many percent of all do not exceed."""
    samples = [5.0, 1.0, 3.0, 2.0, 4.0]

    assert [percentile(samples, percent) for percent in (0, 20, 21, 50, 99, 100)] == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]


def test_a_loop_knows_its_longest_callback():
    """The loop of the bench times every callback, a task's steps and what other threads hand in included."""

    async def busy():
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TimedLoop)
        loop.watch()
        await asyncio.to_thread(lambda: None)
        short = loop.longest
        gc.collect()
        await asyncio.sleep(0)
        return short, loop.longest_at_work, loop.longest

    heard = list(gc.callbacks)
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        short, at_work, longest = runner.run(busy())

    assert 0 < short < longest
    assert at_work < longest, "the collector's part is in both"
    assert gc.callbacks == heard


def test_the_table_shows_what_else_is_known_of_a_row(capsys):
    """Tails stand beside their figure, in the table and in JSON."""
    row = Row(what="a row", measured=2.0, unit="us", tail={"p99": 7.5})
    table.show([row], ())

    assert "p99 7.5" in capsys.readouterr().out
    assert json.loads(table.as_json([row], LEAST, ()))["rows"][0]["tail"] == {"p99": 7.5}


def test_a_group_is_measured_in_a_process_of_its_own(tmp_path):
    """What one group leaves in memory is not in the next one's way; its rows come back whole."""
    apart = groups.alone("quotes", LEAST, tmp_path)
    here = groups.measure("quotes", LEAST, tmp_path)

    assert [(row.what, row.budget, row.note) for row in apart] == [(row.what, row.budget, row.note) for row in here]
