"""Recorded files: what is read, and how each fault is named in one line."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from quietfill.domain.errors import BadInput
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, OrderSide, timestamp_from
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds import load_tape
from quietfill.venue.tape import Phase, RowKind, Tape

MESSAGES = """\
34200.000000001,1,11,100,1000000,1
34200.5,1,12,50,1000100,-1
34201.25,4,12,20,1000100,-1
34202,5,0,7,1000050,-1
34203,2,11,40,1000000,1
34204,3,12,30,1000100,-1
"""
BOOK = "1000200,300,1000000,100,1000300,10,999900,80\n"
NAME = "ACME_2012-06-21_34200000_57600000_message_2.csv"

ORDER_HEAD = "MDDate,MDTime,OrderType,OrderPrice,OrderQty,OrderBSFlag,ApplSeqNum,OrderNO,SecurityID\n"
TRADE_HEAD = "MDDate,MDTime,TradeBuyNo,TradeSellNo,TradeBSFlag,TradePrice,TradeQty,ApplSeqNum,SecurityID\n"
ORDERS = """\
2023.07.11,09:20:00.010,2,9.11,500,1,1,101,600000.SH
2023.07.11,09:21:00.010,2,9.109999999999999,300,2,2,102,600000.SH
2023.07.11,09:30:00.020,2,9.12,400,2,4,103,600000.SH
2023.07.11,09:30:00.040,2,9.12,200,1,6,104,600000.SH
2023.07.11,09:30:01.000,10,9.11,200,1,7,101,600000.SH
"""
TRADES = """\
2023.07.11,09:25:00.010,101,102,0,9.11,300,3,600000.SH
2023.07.11,09:30:00.040,104,103,1,9.12,400,5,600000.SH
"""


def messages(folder: Path, text: str = MESSAGES, name: str = NAME) -> Path:
    """A message file."""
    path = folder / name
    path.write_text(text)
    return path


def shanghai(folder: Path, orders: str = ORDERS, trades: str = TRADES) -> Path:
    """An orders file with its trades beside it."""
    path = folder / "600000.SH_orders.csv"
    path.write_text(ORDER_HEAD + orders)
    (folder / "600000.SH_trades.csv").write_text(TRADE_HEAD + trades)
    return path


def lobster(path: Path, **options):
    """Read a message file."""
    return load_tape("lobster", [path], symbol=options.pop("symbol", "ACME"), **options)


def sse(path: Path, **options):
    """Read an orders file."""
    return load_tape("sse", [path], symbol=options.pop("symbol", "600000.SH"), **options)


def test_lobster_messages_become_rows(tmp_path):
    """Types, sides, scales, the date in the name, and New York time."""
    tape = lobster(messages(tmp_path))
    recorded = [row for row in range(tape.rows) if row not in set(tape.made.tolist())]

    assert [RowKind(tape.kind[row]) for row in recorded] == [
        RowKind.ADD, RowKind.ADD, RowKind.EXECUTE, RowKind.HIDDEN, RowKind.REDUCE, RowKind.DELETE,
    ]  # fmt: skip
    assert tape.side[recorded].tolist() == [0, 1, 1, 1, 0, 1]
    assert tape.price[recorded[3]] == 100_005 * PRICE_SCALE // 1000
    assert tape.quantity[recorded[0]] == 100 * QUANTITY_SCALE
    assert tape.date == date(2012, 6, 21)
    assert tape.time[recorded[0]] == timestamp_from(datetime(2012, 6, 21, 13, 30, tzinfo=UTC)) + 1
    assert tape.events == 6
    assert tape.instrument.lot == QUANTITY_SCALE


def test_packed_files_read_alike(tmp_path):
    """Plain, gzip and zstandard give one tape, and a packed file in two frames too."""
    plain = lobster(messages(tmp_path))
    raw = MESSAGES.encode()
    packers = {
        ".gz": gzip.compress(raw),
        ".zst": zstandard.compress(raw),
        ".2.zst": zstandard.compress(raw[:40]) + zstandard.compress(raw[40:]),
    }
    for suffix, packed in packers.items():
        path = tmp_path / (NAME + suffix)
        path.write_bytes(packed)
        assert lobster(path).sha256 == plain.sha256


def test_the_tape_hash_tells_tapes_apart(tmp_path):
    """One share more, and the digest is another."""
    one = lobster(messages(tmp_path))
    other = lobster(messages(tmp_path, MESSAGES.replace(",100,1000000", ",101,1000000")))

    assert one.sha256 != other.sha256


def test_shanghai_symbols_in_lobster_form_trade_shanghai_hours(tmp_path):
    """The suffix chooses sessions and zone; rows before the opening rest when it comes."""
    tape = lobster(messages(tmp_path, "33300.1,1,1,100,91100,1\n" + MESSAGES), symbol="600961.SH")
    before, after = (phase_at(tape, datetime(2012, 6, 21, 1, minute, tzinfo=UTC)) for minute in (29, 30))

    assert (before, after) == (Phase.CLOSED, Phase.CONTINUOUS)
    assert tape.instrument.currency == "CNY"


def test_the_book_file_seeds_what_rested_before(tmp_path):
    """Levels of its first row stand at the front, less what message 1 brought; unknown orders come off them."""
    book = tmp_path / "book.csv"
    book.write_text(BOOK + "1000200,250,1000000,100,1000300,10,999900,80\n")
    text = MESSAGES + "34205,4,77,50,1000200,-1\n34206,3,78,60,999900,1\n34207,3,79,60,990000,1\n"
    tape = lobster(messages(tmp_path, text), book=book)
    core = OrderBookCore(tape)
    core.advance(tape.last_time)

    assert tape.ignored == 1
    assert core.available(OrderSide.BUY, None) == (250 + 10) * QUANTITY_SCALE
    assert core.available(OrderSide.SELL, None) == (60 + 20) * QUANTITY_SCALE  # 100 at 100.00 were message 1's own


def phase_at(tape: Tape, moment: datetime) -> Phase:
    """The phase in force at a moment."""
    core = OrderBookCore(tape)
    core.advance(timestamp_from(moment))
    return core.phase


def test_halts_are_phases(tmp_path):
    """Type 7 stops and resumes trading and is no event of the book."""
    text = MESSAGES + "34205,7,0,0,-1,-1\n34206,7,0,0,1,-1\n34207,1,13,5,1000000,1\n"
    tape = lobster(messages(tmp_path, text))

    phases = tape.quantity[tape.kind == RowKind.PHASE].tolist()
    assert phases == [Phase.CONTINUOUS, Phase.HALTED, Phase.CONTINUOUS]


def test_shanghai_messages_merge_by_sequence(tmp_path):
    """Auction trades take both sides down, continuous ones the resting side, and float noise is rounded away."""
    tape = sse(shanghai(tmp_path))
    kinds = [RowKind(kind).name for kind in tape.kind if kind != RowKind.PHASE]
    core = OrderBookCore(tape)
    core.advance(tape.last_time)

    assert kinds == ["ADD", "ADD", "AUCTION", "REDUCE", "ADD", "EXECUTE", "ADD", "REDUCE"]
    assert tape.events == 7
    assert core.touch() == (9_120_000_000, None)
    assert core.volume == 700 * QUANTITY_SCALE
    assert core.depth(OrderSide.BUY, 5) == ((9_120_000_000, 200 * QUANTITY_SCALE),)
    assert tape.date == date(2023, 7, 11)


def test_tick_and_lot_can_be_overridden(tmp_path):
    """The caller's grid replaces the feed's own."""
    tape = lobster(messages(tmp_path), tick=Decimal("0.0001"), lot=Decimal(100))

    assert tape.tick == PRICE_SCALE // 10_000
    assert tape.instrument.lot == 100 * QUANTITY_SCALE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MESSAGES + "34205,1,13", "row 7: 3 columns instead of 6"),
        (MESSAGES.replace("34203,2", "34201,2"), "row 5: time goes back"),
        (MESSAGES.replace(",50,1000100", ",x,1000100"), "row 2: column 4 'x' is not a whole number"),
        (MESSAGES.replace(",50,1000100", ",-50,1000100"), "row 2: column 4 '-50' is not a positive size"),
        (MESSAGES.replace("34201.25", "nan"), "row 3: column 1 'nan' is not a finite number"),
        (MESSAGES.replace("34201.25,4", "34201.25,9"), "row 3: column 2 '9' is no message type"),
        (
            MESSAGES.replace(",1000100,-1", ",1000150,-1"),
            "row 2: column 5 '1000150' is not a multiple of",
        ),
        (MESSAGES.replace("1000000,1\n34200.5", "1000000,2\n34200.5"), "row 1: column 6 '2' is neither 1 nor -1"),
        (MESSAGES.replace(",50,1000100", ",99999999999999999999,1000100"), "row 2: column 4 .* is too large"),
        (
            MESSAGES + "34205,1,13,5,1000300,1\n34205,1,14,5,1000200,-1\n",
            "crossed at 2012-06-21T13:30:05.000000000Z, bid 100.03 at ask 100.02",
        ),
        ("", "the file is empty"),
        ("\n", "the file is empty"),
    ],
)
def test_a_fault_in_a_message_file_is_named(tmp_path, text, words):
    """Each fault is one line with file, row and value."""
    path = messages(tmp_path, text)
    with pytest.raises(BadInput, match=words) as caught:
        lobster(path)

    assert str(path) in str(caught.value) or path.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1000000,300,1000000,100\n", "row 1: the book is crossed, bid 1000000 at ask 1000000"),
        (BOOK + "1000200,300,1000300,100,1000300,10,999900,80\n", "row 2: the book is crossed"),
        ("1000300,300,1000000,100,1000200,10,999900,80\n", "row 1: ask 1000200 of level 2 is out of order"),
        ("1000200,300,999900,100,1000300,10,1000000,80\n", "row 1: bid 1000000 of level 2 is out of order"),
        ("1000200,0,1000000,100\n", "row 1: ask size 0 of level 1 is not positive"),
        ("1000200,300,1000000\n", "row 1: 3 columns, not four a level"),
        ("1000200,300,1000000,zwei\n", "row 1: column 4 'zwei' is not a whole number"),
        ("1000250,300,1000000,100\n", "row 1: price 1000250 is not a multiple of the tick"),
    ],
)
def test_a_fault_in_a_book_file_is_named(tmp_path, row, words):
    """Crossed, unsorted, empty or off the grid: the book file's row is named."""
    book = tmp_path / "book.csv"
    book.write_text(row)
    with pytest.raises(BadInput, match=words):
        lobster(messages(tmp_path), book=book)


@pytest.mark.parametrize(
    ("orders", "trades", "words"),
    [
        (ORDERS.replace("09:30:00.020", "09:19:00.020"), TRADES, "row 4: MDTime '09:19:00.020' goes back"),
        (ORDERS.replace("09:30:00.020", "9h30"), TRADES, "row 4: MDTime '9h30' is not a time"),
        (
            ORDERS.replace("9.12,400", "9.125,400"),
            TRADES,
            "row 4: OrderPrice '9.125' is not a multiple of",
        ),
        (ORDERS.replace("9.12,400", "9.12,0"), TRADES, "row 4: OrderQty '0' is not positive"),
        (ORDERS.replace(",10,9.11", ",11,9.11"), TRADES, "row 6: OrderType 11 is none of"),
        (ORDERS, TRADES.replace(",1,9.12", ",7,9.12"), "row 3: TradeBSFlag 7 is none of"),
        (ORDERS, TRADES.replace("2023.07.11,09:30", "2023.07.12,09:30"), "row 3: MDDate '2023.07.12' differs"),
        (ORDERS, TRADES.replace("2023.07.11", "2023.07.12"), "holds 2023-07-12, its orders 2023-07-11"),
        (ORDERS.replace("2023.07.11,09:30:01", "2023.07.12,09:30:01"), TRADES, "row 6: MDDate '2023.07.12' differs"),
        (ORDERS + "2023.07.11,09:31", TRADES, "row 7: 2 columns instead of 9"),
        (ORDERS.replace("600000.SH", "600001.SH"), TRADES, "holds 600001.SH, not 600000.SH"),
        ("", "", "no rows"),
    ],
)
def test_a_fault_in_shanghai_files_is_named(tmp_path, orders, trades, words):
    """Each fault is one line with file, row and value."""
    path = shanghai(tmp_path, orders, trades)
    with pytest.raises(BadInput, match=words):
        sse(path)


def test_a_column_that_is_missing_is_named(tmp_path):
    """A header without a column that the feed needs."""
    path = shanghai(tmp_path)
    path.write_text(path.read_text().replace("OrderNO", "Number"))
    with pytest.raises(BadInput, match="no column 'OrderNO'"):
        sse(path)


def test_missing_and_misnamed_files_are_named(tmp_path):
    """No file, no trades beside it, no date anywhere, a date that is none, another day than the data."""
    with pytest.raises(BadInput, match="no such file"):
        lobster(tmp_path / NAME)
    lonely = shanghai(tmp_path)
    (tmp_path / "600000.SH_trades.csv").unlink()
    with pytest.raises(BadInput, match=r"600000\.SH_trades\.csv: no such file"):
        sse(lonely)
    with pytest.raises(BadInput, match="an orders file is named"):
        sse(messages(tmp_path, ORDER_HEAD, "x.csv"))
    undated = messages(tmp_path, name="messages.csv")
    with pytest.raises(BadInput, match="neither its name nor --date"):
        lobster(undated)
    assert lobster(undated, date=date(2012, 6, 21)).date == date(2012, 6, 21)
    with pytest.raises(BadInput, match="is no date"):
        lobster(messages(tmp_path, name="A_2012-13-21_1_2_message.csv"))
    with pytest.raises(BadInput, match="holds 2023-07-11, not 2023-07-12"):
        sse(shanghai(tmp_path), date=date(2023, 7, 12))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_torn_packed_file_is_named(tmp_path, pack):
    """A packed file that ends too soon, or only claims to be packed, is refused."""
    suffix = ".gz" if pack is gzip.compress else ".zst"
    path = tmp_path / (NAME + suffix)
    path.write_bytes(pack(MESSAGES.encode())[:-6])
    with pytest.raises(BadInput, match="torn"):
        lobster(path)
    path.write_text(MESSAGES)
    with pytest.raises(BadInput, match="its content is not"):
        lobster(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"feed": "ouch"}, "unknown feed 'ouch'"),
        ({"data": []}, "reads one data file, not 0"),
        ({"tick": Decimal(0)}, "tick must be positive"),
        ({"lot": Decimal(-1)}, "lot must be positive"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, words):
    """An unknown feed, the wrong number of files, a grid that is none."""
    given = {"feed": "lobster", "data": [messages(tmp_path)], "symbol": "ACME"} | arguments
    with pytest.raises(BadInput, match=words):
        load_tape(given.pop("feed"), given.pop("data"), **given)


def test_a_binary_file_is_no_message_file(tmp_path):
    """Bytes that are no text are refused by name."""
    path = tmp_path / NAME
    path.write_bytes(b"\xff\xfe\x00\x80" * 20)
    with pytest.raises(BadInput, match="not a text file"):
        lobster(path)
