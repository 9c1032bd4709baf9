"""The order book's figures against sums by the definition, in exact fractions."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.book import OrderBookLevel, OrderBookSnapshot
from quietfill.domain.exact import exact_price, exact_size, ratio
from quietfill.domain.order import SliceFill
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE

NOON = datetime(2023, 7, 11, 12, tzinfo=UTC)

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
on_cents = st.integers(-(10**7), 10**7).map(lambda cents: cents / 100)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=9)
prices = finite | on_cents | decimals | st.integers(-(10**6), 10**6)
sizes = st.integers(0, 10**9)


def plain(value):
    """Return a public number as the fraction that its shortest text means."""
    return Fraction(Decimal(str(value)))


def sides(descending):
    """Generate one side of a book, best first."""
    levels = st.lists(st.builds(OrderBookLevel, prices, sizes), max_size=8)
    return levels.map(lambda found: sorted(found, key=lambda level: plain(level.price), reverse=descending))


@st.composite
def books(draw):
    """Generate any legal book: crossed, locked, one-sided or empty too."""
    return OrderBookSnapshot("X", NOON, draw(sides(descending=True)), draw(sides(descending=False)))


@given(books())
def test_touch_figures_are_the_definitions_rounded_once(book):
    """Best prices, mid, spread and microprice are the exact values, divided once."""
    if not (book.bids and book.asks):
        assert book.mid_price is book.spread_bps is book.microprice is None
        return
    bid, ask = plain(book.bids[0].price), plain(book.asks[0].price)
    bid_size, ask_size = book.bids[0].size, book.asks[0].size

    assert (book.best_bid, book.best_ask) == (float(bid), float(ask))
    assert book.mid_price == float((bid + ask) / 2)
    assert book.is_crossed == (bid > ask)
    assert book.is_locked == (bid == ask)
    assert book.spread_bps == (float((ask - bid) / abs((bid + ask) / 2) * 10_000) if bid + ask else None)
    weights = bid_size + ask_size
    assert book.microprice == (float((bid * ask_size + ask * bid_size) / weights) if weights else None)


@given(books(), st.none() | st.integers(0, 10))
def test_depth_and_imbalance_are_plain_sums(book, levels):
    """Whole sizes sum to ints; the imbalance is between -1 and 1."""
    bid = sum(level.size for level in book.bids[:levels])
    ask = sum(level.size for level in book.asks[:levels])

    assert (book.total_bid_depth(levels), book.total_ask_depth(levels)) == (bid, ask)
    assert type(book.total_bid_depth(levels)) is int
    assert book.depth_imbalance(levels) == ((bid - ask) / (bid + ask) if bid + ask else 0.0)


@given(books(), st.sampled_from(["buy", "sell"]), st.integers(1, 10**10))
def test_a_walk_takes_the_best_first_and_no_more_than_there_is(book, side, target):
    """The average is exact, the fill is the smaller of target and depth."""
    left, paid = target, Fraction(0)
    for level in book.asks if side == "buy" else book.bids:
        taken = min(left, level.size)
        paid, left = paid + plain(level.price) * taken, left - taken
    filled = target - left

    assert book.vwap_to_size(side, target) == ((float(paid / filled), filled) if filled else (0.0, 0))


@given(books(), st.sampled_from(["buy", "sell"]), st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_larger_order_never_pays_less(book, side, size, more):
    """The average price only gets worse with size, and the fill never shrinks."""
    small_price, small = book.vwap_to_size(side, size)
    large_price, large = book.vwap_to_size(side, size + more)

    assert large >= small
    if small:
        assert large_price >= small_price if side == "buy" else large_price <= small_price


@given(books())
def test_mirroring_a_book_mirrors_its_figures(book):
    """With sides swapped and prices negated, a seller sees what a buyer saw."""
    mirrored = OrderBookSnapshot(
        "X",
        NOON,
        [OrderBookLevel(-level.price, level.size) for level in book.asks],
        [OrderBookLevel(-level.price, level.size) for level in book.bids],
    )

    price, filled = book.vwap_to_size("buy", 1000)
    mirrored_price, mirrored_filled = mirrored.vwap_to_size("sell", 1000)
    assert (mirrored_price, mirrored_filled) == (-price, filled)
    assert mirrored.spread_bps == book.spread_bps
    assert mirrored.depth_imbalance() == -book.depth_imbalance()


@given(finite | decimals | st.integers(-(10**12), 10**12))
def test_public_numbers_are_read_exactly(value):
    """Reading a number, by the quick way or the slow, loses nothing of its shortest text."""
    assert exact_price(value) == plain(value) * PRICE_SCALE
    assert exact_size(value) == plain(value) * QUANTITY_SCALE


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**18))
def test_a_ratio_is_rounded_once(numerator, denominator):
    """Ints and fractions divide to the same nearest float."""
    assert (
        ratio(numerator, denominator)
        == ratio(Fraction(numerator), denominator)
        == float(Fraction(numerator, denominator))
    )


@given(st.lists(st.tuples(st.integers(1, 10**6), prices), min_size=1, max_size=20), st.randoms())
def test_the_average_of_fills_does_not_depend_on_their_order(fills, chance):
    """Sums are exact, so any permutation of the fills gives the same float."""
    shuffled = list(fills)
    chance.shuffle(shuffled)
    one, other = SliceFill(0, 1, 100), SliceFill(0, 1, 100)
    for quantity, price in fills:
        one.add_fill(quantity, price)
    for quantity, price in shuffled:
        other.add_fill(quantity, price)

    total = sum(quantity for quantity, _ in fills)
    assert one.avg_fill_price == other.avg_fill_price
    assert one.avg_fill_price == float(sum(plain(price) * quantity for quantity, price in fills) / total)
    assert one.filled_quantity == total
