"""The Binance feed: what raw messages become, on recordings made here and on the real ones."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, OrderSide, timestamp_from
from quietfill.venue.depth_core import DepthCore
from quietfill.venue.exchange import Exchange, VenueOptions
from quietfill.venue.feeds import load_tape
from quietfill.venue.recorded import history_of
from quietfill.venue.tape import Tape

NOON = int(datetime(2024, 8, 8, 12, tzinfo=UTC).timestamp()) * 1000  # ms
LATE = 1_270  # ms by which the recorder's clock is behind

Message = dict[str, object]


def snapshot(last: int, bids, asks, at: int | None = 0) -> Message:
    """The REST answer; the spot market's has no times."""
    stamps = {} if at is None else {"E": NOON + at, "T": NOON + at}
    return {"lastUpdateId": last, **stamps, "bids": bids, "asks": asks}


def depth(first: int, last: int, bids, asks, at: int, previous: int | None = None) -> Message:
    """A change of levels, of a perpetual unless `previous` is -1."""
    content = {"e": "depthUpdate", "E": NOON + at + 1, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    if previous != -1:
        content |= {"T": NOON + at, "pu": first - 1 if previous is None else previous}
    return {"stream": "btcusdt@depth", "data": content}


def best(last: int, bid: str, bid_size: str, ask: str, ask_size: str, at: int | None) -> Message:
    """The best quotes; without a time on the spot market."""
    content = {"u": last, "s": "BTCUSDT", "b": bid, "B": bid_size, "a": ask, "A": ask_size}
    if at is not None:
        content |= {"e": "bookTicker", "T": NOON + at, "E": NOON + at}
    return {"stream": "btcusdt@bookTicker", "data": content}


def trade(number: int, price: str, quantity: str, at: int, *, buyer_rested: bool, **more) -> Message:
    """A print."""
    content = {"e": "trade", "E": NOON + at, "T": NOON + at, "s": "BTCUSDT", "t": number, "p": price, "q": quantity}
    return {"stream": "btcusdt@trade", "data": {**content, "m": buyer_rested, **more}}


BOOK = snapshot(10, [["100.0", "2.000"], ["99.9", "5.000"]], [["100.1", "1.000"], ["100.3", "4.000"]])
START = [depth(1, 10, [], [], 0), BOOK]


def write(path: Path, messages, received=None) -> Path:
    """A recording of these messages, received 1 ms apart unless said otherwise (ms on the exchange's clock)."""
    received = range(1, len(messages) + 1) if received is None else received
    lines = [
        f"{(NOON + at - LATE) * MILLISECOND} {json.dumps(message)}\n"
        for at, message in zip(received, messages, strict=True)
    ]
    path.write_text("".join(lines))
    return path


def read(*paths: Path, **options) -> Tape:
    """The tape of these files."""
    return load_tape("binance", paths, symbol="BTCUSDT", **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a recording goes."""
    return tmp_path / "recording"


def book_at(tape: Tape, millisecond: float) -> tuple[dict[str, str], dict[str, str]]:
    """Bids and asks as price: size, so many ms after noon."""
    core = DepthCore(tape, compiled=False)
    core.advance(int((NOON + millisecond) * MILLISECOND))
    sides = [core.depth(side, 9) for side in (OrderSide.BUY, OrderSide.SELL)]
    bids, asks = [{f"{p / 1e9:g}": f"{q / 1e8:g}" for p, q in side} for side in sides]
    return bids, asks


def test_changes_build_on_the_snapshot(path):
    """Sizes are absolute, 0 takes a level away, and what the snapshot contains already is passed over."""
    old = depth(11, 20, [["99.9", "7.000"], ["100.0", "0.000"]], [["100.2", "3.000"]], 5)
    tape = read(write(path, [depth(1, 10, [["50.0", "9.000"]], [], 0), BOOK, old]))

    assert book_at(tape, 4) == ({"100": "2", "99.9": "5"}, {"100.1": "1", "100.3": "4"})
    assert book_at(tape, 5) == ({"99.9": "7"}, {"100.1": "1", "100.2": "3", "100.3": "4"})
    assert tape.ignored == 1


def test_a_best_quote_clears_what_was_better(path):
    """Between two depth messages the best quotes move the touch."""
    tape = read(write(path, [*START, best(12, "99.9", "4.000", "100.2", "0.500", 7)]))

    assert book_at(tape, 7) == ({"99.9": "4"}, {"100.2": "0.5", "100.3": "4"})


def test_book_messages_are_put_in_order_of_their_ids(path):
    """A depth message that came late does not undo a best quote that is newer."""
    newer = best(22, "99.9", "1.000", "100.1", "1.000", 9)
    late = depth(11, 20, [["100.0", "0.000"], ["99.9", "3.000"]], [], 8)
    tape = read(write(path, [*START, newer, late], received=(1, 2, 10, 11)))

    assert book_at(tape, 8)[0] == {"99.9": "3"}
    assert book_at(tape, 9)[0] == {"99.9": "1"}


def test_trades_come_before_the_book_that_shows_them(path):
    """In one millisecond the print is replayed first; the maker flag says which side rested."""
    shown = best(12, "100.0", "1.500", "100.1", "1.000", 6)
    hit = trade(7, "100.0", "0.500", 6, buyer_rested=True)
    tape = read(write(path, [*START, shown, hit]))
    at = np.flatnonzero(tape.time == (NOON + 6) * MILLISECOND)

    assert tape.is_print[at].tolist() == [True, False]
    assert tape.side[at[0]] == 0
    assert history_of(tape).print_quantity.tolist() == [50_000_000]


def test_the_spot_market_s_quotes_get_a_time_that_is_not_too_early(path):
    """By the recorder's clock set right by its fastest message, at the latest when the next depth is published."""
    book = snapshot(10, [["100.00", "2"]], [["100.01", "1"]], at=None)
    messages = [
        depth(1, 10, [], [], 0, previous=-1), book,
        best(11, "100.00", "1", "100.01", "1", None), best(12, "100.00", "1.5", "100.01", "1", None),
        depth(11, 13, [["99.99", "3"]], [], 30, previous=-1),
    ]  # fmt: skip
    tape = read(write(path, messages, received=(3, 4, 12, 99, 101)))  # the first took 2 ms, none was faster

    assert tape.tick == 10**7
    assert book_at(tape, 9.9)[0] == {"100": "2"}
    assert book_at(tape, 10)[0] == {"100": "1"}
    assert book_at(tape, 30.9)[0] == {"100": "1"}
    assert book_at(tape, 31)[0] == {"100": "1.5", "99.99": "3"}


def test_the_market_never_closes(tmp_path):
    """Two files over midnight are one stretch of trading, and an order rests through it."""
    midnight = 12 * 3_600_000
    files = [
        write(tmp_path / "a", START),
        write(tmp_path / "b", [depth(11, 12, [["99.8", "1.000"]], [], midnight + 5)], received=[midnight + 6]),
    ]
    tape = read(*files)
    venue = Exchange(tape, VenueOptions(), 0)
    venue.advance(tape.last_time)

    assert tape.date == date(2024, 8, 8)
    assert tape.day.is_open(timestamp_from(datetime(2024, 8, 9, tzinfo=UTC)))
    assert tape.day.elapsed(tape.first_time, tape.last_time) == tape.last_time - tape.first_time
    assert venue.book("BTCUSDT").bids[-1] == (99_800_000_000, 100_000_000)


def test_other_symbols_and_other_messages_are_passed_over(path):
    """A combined recording yields the market asked for; liquidations are no trades of the book."""
    other = depth(500, 510, [["7.0", "1.000"]], [], 3)
    other["data"]["s"] = "ETHUSDT"  # type: ignore[index] # a Message's values are objects
    mark = {"stream": "btcusdt@markPrice", "data": {"e": "markPriceUpdate", "E": NOON, "s": "BTCUSDT", "p": "9.9"}}
    forced = trade(9, "0", "0", 5, buyer_rested=True, X="NA")
    tape = read(write(path, [*START, other, mark, forced]))

    assert len(history_of(tape).print_price) == 0
    assert tape.ignored == 3  # with the depth message before the snapshot


def fails(path: Path, said: str, **options) -> None:
    """Reading it gives one line that names the file and says this."""
    with pytest.raises(BadInput, match=said) as caught:
        read(path, **options)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([*START, depth(12, 15, [], [], 5)], "row 3: update ids continue after 11, the message before ended at 10"),
        ([*START, depth(11, 15, [], [], 5, previous=9)], "row 3: update ids continue after 9"),
        ([BOOK, depth(12, 15, [], [], 5)], "row 2: update ids after 11, the snapshot ends at 10: a gap"),
        ([depth(1, 10, [], [], 0)], r"no snapshot \(a line with lastUpdateId\)"),
        ([BOOK], "no depth messages of BTCUSDT"),
        ([*START, depth(11, 12, [], [], -5)], "row 3: depth time goes back"),
        (
            [*START, best(12, "100.0", "1", "100.1", "1", 9), best(13, "100.0", "1", "100.1", "1", 8)],
            "row 4: best quote",
        ),
        (
            [*START, trade(5, "100.0", "1", 5, buyer_rested=True), trade(4, "100.0", "1", 5, buyer_rested=True)],
            "row 4: trade number goes back from 5 to 4",
        ),
        ([*START, depth(11, 12, [["100.1", "1.000"]], [], 5)], r"row 3: crossed, bid 100\.1 at ask 100\.1"),
        (
            [*START, depth(11, 12, [["99.95", "1"]], [], 5)],
            r"row 3: price '99\.95' is not a positive multiple of the tick",
        ),
        ([*START, depth(11, 12, [["cheap", "1"]], [], 5)], "row 3: price 'cheap' is not a number"),
        ([*START, depth(11, 12, [["NaN", "1"]], [], 5)], "row 3: price 'NaN' is not a number"),
        ([*START, depth(11, 12, [["99.9", "-1"]], [], 5)], "row 3: quantity '-1' is out of range"),
        ([*START, depth(11, 12, [["99.9"]], [], 5)], "row 3: no message of Binance, or torn"),
        ([*START, depth(11, 12, [], [], 5, previous=-1)], "row 3: spot and perpetual"),
        ([*START, {"stream": "x", "data": {"e": "trade", "s": "BTCUSDT"}}], "row 3: a field of this trade message"),
        ([*START, {"result": None}], "row 3: .* is neither a stream's message nor a snapshot"),
    ],
)
def test_bad_messages_are_named(path, messages, said):
    """One line names the file, the row and the value."""
    fails(write(path, messages), said)


def test_torn_and_missing_files_are_named(path):
    """A line cut short, a line without its time, a gzip file cut short, another symbol, no file."""
    whole = write(path, START).read_text()
    path.write_text(whole[:-9])
    fails(path, "row 2: no message of Binance, or torn")
    path.write_text(whole + '{"stream": 1}\n')
    fails(path, "row 3: .* does not begin with a time in ns")
    path.write_bytes(gzip.compress(whole.encode())[:-20])
    fails(path, "the gzip file is torn")
    path.write_bytes(gzip.compress(whole.replace("BTCUSDT", "ETHUSDT").encode()))
    fails(path, "holds ETHUSDT, not BTCUSDT")
    path.unlink()
    fails(path, "no such file")


def test_files_out_of_order_are_refused(tmp_path):
    """The receive times of the second file must follow those of the first."""
    first = write(tmp_path / "a", START)
    second = write(tmp_path / "b", [depth(11, 12, [], [], 50)], received=[51])

    with pytest.raises(BadInput, match=r"a row 1: receive time goes back"):
        read(second, first)


def test_the_date_tick_and_lot_may_be_given(path):
    """A date that the recording contradicts is refused; tick and lot replace those of the market."""
    write(path, START)

    assert read(path, date=date(2024, 8, 8), lot=Decimal("0.01")).instrument.lot == 1_000_000
    fails(path, "holds 2024-08-08, not 2024-08-07", date=date(2024, 8, 8) - timedelta(days=1))
    fails(path, "is not a positive multiple of the tick 0.5", tick=Decimal("0.5"))


# ---------------------------------------------------------------- the real recordings


def test_the_real_perpetual_has_the_figures_stated_with_it(shared_data):
    """Trades, coins and mean spread of the description; never crossed."""
    tape = read(shared_data / "crypto" / "binance_usdm_btcusdt_20240808.gz")
    history = history_of(tape)
    both = history.has_touch
    spread = history.ask[both] - history.bid[both]

    assert len(history.print_price) == 21_313
    assert history.print_quantity.sum() // 10**8 == 2_429
    assert (spread > 0).all()
    assert (tape.tick, tape.instrument.lot) == (10**8, 10**5)
    assert 0.01 < spread_bp(tape) < 0.05


def test_the_real_spot_market_is_one_piece_over_two_files(shared_data):
    """The second file continues the first without a gap; trades and coins of the description; never crossed."""
    names = [f"binance_spot_btcusdt_{day}.gz" for day in ("20240808", "20240809")]
    tape = read(*(shared_data / "crypto" / name for name in names))
    history = history_of(tape)
    both = history.has_touch

    assert len(history.print_price) == 9_757 + 10_147
    assert round(history.print_quantity.sum() / 1e8) == 438
    assert (history.ask[both] > history.bid[both]).all()
    assert (tape.tick, tape.instrument.lot) == (10**7, 10**3)
    assert round((tape.last_time - tape.first_time) / 60e9, 1) == 10.8
    assert spread_bp(tape) < 0.05


def spread_bp(tape: Tape) -> float:
    """The time-weighted mean spread while there is one."""
    history = history_of(tape)
    lasts = np.diff(np.append(history.touch_time, tape.last_time)) * history.has_touch
    middle = np.maximum(history.ask + history.bid, 1) / 2
    return float(np.average(1e4 * (history.ask - history.bid) / middle, weights=lasts))
