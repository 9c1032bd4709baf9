"""The Nasdaq 100 ms feed: what its files become, on small ones made here and on the real day."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide
from quietfill.market.history import MarketHistory
from quietfill.venue.depth_core import DepthCore
from quietfill.venue.feeds import load_tape
from quietfill.venue.recorded import history_of
from quietfill.venue.tape import Tape

scipy = pytest.importorskip("scipy")
pytest.importorskip("scipy.io")

OPEN = 34_200_000  # ms after midnight
BIDS = [(339_900, 300), (339_800, 200)]
ASKS = [(340_000, 100), (340_100, 200), (340_200, 900)]
WIDTH = 4


def picture(bids=BIDS, asks=ASKS) -> dict[str, list[int]]:
    """One row's book, padded with empty levels."""
    row: dict[str, list[int]] = {}
    for name, levels in (("Buy", bids), ("Sell", asks)):
        padded = [*levels, *[(0, 0)] * (WIDTH - len(levels))]
        row[f"{name}Price"] = [price for price, _ in padded]
        row[f"{name}Volume"] = [size for _, size in padded]
    return row


def market_order(time: int, shares: int, sign: int, worst: int, bids=BIDS, asks=ASKS) -> list[float]:
    """One row of MO."""
    row = [0.0] * 50
    row[0], row[6], row[7], row[8] = time, shares, sign, worst
    for first, levels in ((10, bids), (30, asks)):
        for place, (price, size) in enumerate(levels):
            row[first + place], row[first + 10 + place] = price, size
    return row


def write(path: Path, pictures=None, orders=None, **replaced) -> Path:
    """A file of these rows, 100 ms apart from the opening on."""
    pictures = [picture(), picture(), picture()] if pictures is None else pictures
    orders = [market_order(OPEN + 50, 100, -1, 340_000)] if orders is None else orders
    lob = {name: np.array([row[name] for row in pictures]) for name in pictures[0]}
    lob["EventTime"] = OPEN + 100 * (np.arange(len(pictures))[:, None] + 1)
    lob["MO"] = np.array(orders)
    scipy.io.savemat(path, {"LOB": {name: value for name, value in {**lob, **replaced}.items() if value is not None}})
    return path


def read(path: Path, **options) -> Tape:
    """The tape of a file."""
    return load_tape("nasdaq100ms", [path], symbol="TEST", **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file of 2014-11-03 goes."""
    return tmp_path / "TEST_20141103.mat"


def book_at(tape: Tape, millisecond: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Bids and asks in file units at so many ms after the first row."""
    core = DepthCore(tape, compiled=False)
    core.advance(tape.first_time + millisecond * 1_000_000)
    bids, asks = core.depth(OrderSide.BUY, 10), core.depth(OrderSide.SELL, 10)
    return [(p // 100_000, q // 10**8) for p, q in bids], [(p // 100_000, q // 10**8) for p, q in asks]


def test_a_rows_book_shows_at_the_start_of_its_interval(path):
    """The row stamped 100 ms after the opening is the book at the opening, the next one 100 ms later."""
    changed = picture(bids=[(339_800, 700)])
    tape = read(write(path, [picture(), changed, changed]))

    assert tape.first_time == tape.day.spans[0][0]
    assert book_at(tape, 99)[0] == BIDS
    assert book_at(tape, 100)[0] == [(339_800, 700)]
    assert tape.date == date(2014, 11, 3)
    assert tape.instrument.timezone == "America/New_York"


def test_a_market_order_is_off_the_book_at_once(path):
    """Between two rows the book is the one recorded with the market order, less what that took."""
    before = [(340_000, 150), (340_200, 900)]
    tape = read(write(path, orders=[market_order(OPEN + 50, 120, -1, 340_000, asks=before)]))

    assert book_at(tape, 49)[1] == ASKS
    assert book_at(tape, 50)[1] == [(340_000, 30), (340_200, 900)]
    assert book_at(tape, 100)[1] == ASKS


def test_a_market_order_at_the_end_of_an_interval_comes_before_the_next_book(path):
    """At one and the same time the market order belongs to the interval that ends."""
    tape = read(write(path, orders=[market_order(OPEN + 100, 100, -1, 340_000)]))

    assert book_at(tape, 100)[1] == ASKS


def test_a_market_order_prints_at_each_price_it_paid(path):
    """The displayed sizes are taken from the best to the worst price paid; all of it is one event."""
    tape = read(write(path, orders=[market_order(OPEN + 50, 450, -1, 340_200)]))
    history = history_of(tape)

    assert (history.print_price // 100_000).tolist() == [340_000, 340_100, 340_200]
    assert (history.print_quantity // 10**8).tolist() == [100, 200, 150]
    assert tape.events == 1 + 3  # and the next row puts the three levels back
    sold = history_of(read(write(path, orders=[market_order(OPEN + 50, 900, 1, 339_900)])))
    assert (sold.print_quantity // 10**8).tolist() == [900]  # more than was displayed at its one price


def test_a_level_out_of_sight_keeps_its_size(path):
    """A full row says nothing about what lies beyond its last level; a row that reaches so far again does."""
    deep = [(339_900 - 100 * n, 100 + n) for n in range(WIDTH)]
    higher = [(340_000, 50), *deep[: WIDTH - 1]]
    asks = [(340_100, 10)]
    wide = [picture(deep, asks), picture(higher, asks), picture(deep[:2], asks)]
    tape = read(write(path, wide, [market_order(OPEN + 20, 1, -1, 340_100, deep, asks)]))

    assert book_at(tape, 100)[0] == [(340_000, 50), *deep]
    assert book_at(tape, 200)[0] == deep[:2]


def test_market_orders_outside_the_rows_are_volume_or_nothing(path):
    """What traded before the first row is volume of the day, what traded after the last is ignored."""
    orders = [market_order(OPEN + at, shares, -1, 340_000) for at, shares in ((-9, 7), (50, 100), (301, 5))]
    tape = read(write(path, orders=orders))

    assert tape.volume_before == 7 * 10**8
    assert tape.ignored == 1
    assert history_of(tape).print_quantity.sum() == 100 * 10**8


def test_packed_files_are_read_and_the_date_may_be_given(path):
    """A gzip file does as well; without a date in its name the caller says which day it is."""
    packed = path.with_name("book.mat.gz")
    packed.write_bytes(gzip.compress(write(path).read_bytes()))

    assert read(packed, date=date(2015, 1, 5)).date == date(2015, 1, 5)
    with pytest.raises(BadInput, match="neither its name nor --date"):
        read(packed)
    with pytest.raises(BadInput, match="holds 2014-11-03, not 2015-01-05"):
        read(path, date=date(2015, 1, 5))


CROSSED = picture(bids=[(340_000, 300)])
UNSORTED = picture(asks=[(340_000, 100), (340_000, 100)])
HOLE = {**picture(), "SellPrice": [340_000, 0, 340_200, 0]}
SIZELESS = picture(bids=[(339_900, 0)])
OFF_TICK = picture(bids=[(339_950, 100)])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"pictures": [picture(), CROSSED]}, "row 2: crossed, bid 340000 at ask 340000"),
        ({"pictures": [picture(), picture(), UNSORTED]}, "row 3: SellPrice 340000 of level 2 is out of order"),
        ({"pictures": [HOLE, picture()]}, "row 1: SellPrice 340200 of level 3 is out of order"),
        ({"pictures": [picture(), SIZELESS]}, "row 2: BuyPrice 339900 of level 1 has no size"),
        ({"pictures": [picture(), OFF_TICK]}, r"row 2: BuyPrice 339950 of level 1 is not a multiple of the tick 0\.01"),
        ({"EventTime": np.array([[9], [5], [7]])}, "EventTime row 2: time goes back from 9 to 5"),
        ({"EventTime": np.array([[1], [2], [99_999_999]])}, "EventTime row 3: 99999999 is not a time of day"),
        ({"EventTime": np.array([[1.0], [np.nan], [3.0]])}, "EventTime row 2: nan is not a whole number"),
        ({"SellVolume": np.zeros((3, 2))}, "SellVolume is 3 x 2, not 3 x 4"),
        ({"MO": np.zeros((1, 9))}, "MO is 1 x 9, not n x 50"),
        ({"BuyPrice": None}, "LOB has no numeric field BuyPrice"),
        ({"BuyPrice": "cheap"}, "LOB has no numeric field BuyPrice"),
        ({"orders": [market_order(9, 1, -1, 5), market_order(8, 1, 1, 5)]}, "MO row 2: time goes back from 9 to 8"),
        ({"orders": [market_order(9, 0, -1, 5)]}, "MO row 1: column 7 0 is not a positive number of shares"),
        ({"orders": [market_order(9, 1, 2, 5)]}, "MO row 1: column 8 2 is neither -1"),
        ({"orders": [market_order(9, 1, 1, 0)]}, "MO row 1: column 9 0 is no price"),
        (
            {"orders": [market_order(OPEN + 9, 1, -1, 340_000, bids=[(340_500, 1)])]},
            "MO row 1: crossed, bid 340500 at ask 340000",
        ),
    ],
)
def test_bad_rows_are_named(path, rows, said):
    """One line names the file, the row and the value."""
    with pytest.raises(BadInput, match=said) as caught:
        read(write(path, **rows))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_refused(path, monkeypatch):
    """Missing, torn, other, and unreadable for want of scipy: each is one line."""
    with pytest.raises(BadInput, match="no such file"):
        read(path)
    whole = write(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="not a MATLAB file, or torn"):
        read(path)
    scipy.io.savemat(path, {"OTHER": 1})
    with pytest.raises(BadInput, match="holds no struct LOB"):
        read(path)
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(BadInput, match=r"needs scipy: pip install 'quietfill\[matlab\]'"):
        read(path)


def test_a_book_file_is_refused(path):
    """Only LOBSTER has one."""
    with pytest.raises(BadInput, match="feed nasdaq100ms takes no book file"):
        read(write(path), book=path)


# ---------------------------------------------------------------- the real day

REAL = {  # mean spread in cents and bp, share of one-tick rows, market orders, shares
    "INTC": (1.01, 2.96, 98.7, 6_347, 3_999_251),
    "SMH": (1.76, 3.40, 33.5, 801, 324_033),
    "AMZN": (12.40, 4.05, 0.1, 6_108, 773_541),
}


def spreads(tape: Tape, history: MarketHistory, rows: int) -> tuple[float, float, float]:
    """Mean spread in cents and bp and the share of one tick in percent, at each row's instant."""
    at = tape.first_time + np.arange(rows) * 100_000_000
    index = np.searchsorted(history.touch_time, at, side="right") - 1
    bid, ask = history.bid[index], history.ask[index]
    width = ask - bid
    return width.mean() / 1e7, (2e4 * width / (ask + bid)).mean(), 100 * (width == tape.tick).mean()


@pytest.mark.parametrize("symbol", REAL)
def test_a_real_day_has_the_figures_stated_with_it(shared_data, symbol):
    """Spreads, one-tick share, market orders and shares are those of the data's own description."""
    tape = load_tape("nasdaq100ms", [shared_data / "nasdaq_l2_100ms" / f"{symbol}_20141103.mat"], symbol=symbol)
    history = history_of(tape)
    cents, bp, one_tick, orders, shares = REAL[symbol]
    prints = np.flatnonzero(tape.is_print)

    assert np.round(spreads(tape, history, 234_000), 2)[:2].tolist() == [cents, bp]
    assert round(spreads(tape, history, 234_000)[2], 1) == one_tick
    assert np.count_nonzero(~np.isin(prints, tape.made)) == orders
    assert history.print_quantity.sum() == shares * 10**8
    assert (history.bid < history.ask).all()
    assert history.has_touch.all()


def test_a_real_market_order_pays_its_recorded_average(shared_data):
    """The prints that a market order is split into have the average price that the file states for it."""
    path = shared_data / "nasdaq_l2_100ms" / "AMZN_20141103.mat"
    tape = load_tape("nasdaq100ms", [path], symbol="AMZN")
    orders = scipy.io.loadmat(path, struct_as_record=False)["LOB"].item().MO
    orders = orders[(orders[:, 0] > OPEN) & (orders[:, 0] <= 57_600_000)]
    prints = np.flatnonzero(tape.is_print)
    order = np.cumsum(~np.isin(prints, tape.made)) - 1
    value = np.bincount(order, weights=tape.price[prints] / 1e5 * (tape.quantity[prints] / 1e8))

    assert np.allclose(value / orders[:, 6], orders[:, 5], atol=0.01)


def test_tick_and_lot_may_be_overridden(path):
    """A coarser grid refuses what lies off it; the lot is the caller's."""
    tape = read(write(path), lot=Decimal(100))
    assert tape.instrument.lot == 100 * 10**8
    with pytest.raises(BadInput, match=r"is not a multiple of the tick 0\.05"):
        read(path, tick=Decimal("0.05"))
