"""Numbers, tick ladders and trading hours: exact in, exact out, and never worse for the client."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.instrument import Instrument, LocalSession, TickRule, TradingDay
from quietfill.domain.types import (
    PRICE_SCALE,
    QUANTITY_SCALE,
    SECOND,
    OrderSide,
    datetime_of,
    iso_time,
    price_decimal,
    price_float,
    price_from,
    quantity_float,
    quantity_from,
    quantity_number,
    timestamp_from,
    to_decimal,
)

SIDES = st.sampled_from(OrderSide)
# Hong Kong's ladder has the shape that all have: larger steps at higher prices, each bound on both grids.
LADDER = (
    ("0", "0.001"),
    ("0.25", "0.005"),
    ("0.5", "0.01"),
    ("10", "0.02"),
    ("20", "0.05"),
    ("100", "0.1"),
    ("200", "0.2"),
)
HONG_KONG = Instrument(
    symbol="700",
    ticks=tuple(TickRule(price_from(above), price_from(step)) for above, step in LADDER),
    lot=quantity_from(100),
)
SHANGHAI = Instrument(
    symbol="600961",
    ticks=(TickRule(0, price_from("0.01")),),
    lot=quantity_from(100),
    timezone="Asia/Shanghai",
    sessions=(LocalSession(time(9, 30), time(11, 30)), LocalSession(time(13), time(14, 57))),
)
DAY = SHANGHAI.trading_day(date(2023, 7, 11))
FIRST_OPEN, LAST_CLOSE = DAY.spans[0][0], DAY.spans[-1][1]
PRICES = st.integers(-1000 * PRICE_SCALE, 1000 * PRICE_SCALE)
INSTANTS = st.integers(FIRST_OPEN - 7200 * SECOND, LAST_CLOSE + 7200 * SECOND)


class TestNumbers:
    """Public numbers become integers and come back."""

    @given(st.integers(-(2**62), 2**62))
    def test_prices_and_quantities_survive_the_round_trip(self, units):
        """Whatever the inside can hold comes back from its Decimal."""
        assert price_from(price_decimal(units)) == units
        assert quantity_from(Decimal(units) / QUANTITY_SCALE) == units

    @given(st.integers(-(10**14), 10**14))
    def test_floats_count_by_their_shortest_text(self, units):
        """A float that shows at most fifteen digits is exactly what it shows."""
        assert price_from(price_float(units)) == units
        assert quantity_from(quantity_float(units)) == units

    def test_a_price_is_read_the_same_from_every_type(self):
        """Float, text and Decimal of the same figure are the same price."""
        assert price_from(9.11) == price_from("9.11") == price_from(Decimal("9.110")) == 9_110_000_000
        assert price_from(-37) == -37_000_000_000

    @pytest.mark.parametrize(
        "bad", [None, True, "", "nine", float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), [1], b"1"]
    )
    def test_what_is_not_a_finite_number_is_refused_by_name(self, bad):
        """The message names the field."""
        for read in (to_decimal, price_from, quantity_from):
            with pytest.raises(ValueError, match="limit"):
                read(bad, "limit")

    @pytest.mark.parametrize("bad", ["0.0000000001", Decimal("1e-10"), 1e-10, 10**10, "1e300", -(10**10)])
    def test_what_the_inside_cannot_hold_is_refused(self, bad):
        """Too fine and too large are both said, never rounded or wrapped."""
        with pytest.raises(ValueError, match=r"decimal places|too large"):
            price_from(bad)

    def test_quantities_come_out_whole_where_they_are(self):
        """An int for whole shares, a float for parts of a coin."""
        assert (quantity_number(quantity_from(5)), type(quantity_number(quantity_from(5)))) == (5, int)
        assert quantity_number(quantity_from("0.1")) == 0.1
        assert quantity_number(-QUANTITY_SCALE // 2) == -0.5

    @pytest.mark.parametrize(
        ("text", "side"), [("buy", OrderSide.BUY), ("SELL", OrderSide.SELL), ("Buy", OrderSide.BUY)]
    )
    def test_sides_are_read_in_any_letter_case(self, text, side):
        """And each knows its sign and its opposite."""
        assert OrderSide.parse(text) is side
        assert side.opposite.opposite is side
        assert side.sign == -side.opposite.sign == (1 if side is OrderSide.BUY else -1)

    @pytest.mark.parametrize("bad", ["", "hold", None, 1])
    def test_an_unknown_side_is_refused(self, bad):
        """The message shows what was given."""
        with pytest.raises(ValueError, match=f"not {bad!r}"):
            OrderSide.parse(bad)


class TestTime:
    """Instants are nanoseconds UTC."""

    @given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
    def test_datetimes_of_any_zone_are_the_same_instant(self, local, offset_minutes):
        """A zone changes how an instant is written, not what it is."""
        moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

        instant = timestamp_from(moment)

        assert datetime_of(instant) == moment
        assert datetime_of(instant).tzinfo is UTC

    def test_a_naive_datetime_is_refused_by_name(self):
        """A time without a zone is no instant."""
        with pytest.raises(ValueError, match="good_till must be an aware datetime"):
            timestamp_from(datetime(2023, 7, 11), "good_till")  # noqa: DTZ001

    def test_instants_are_written_with_nanoseconds(self):
        """Text for records and messages loses nothing."""
        assert iso_time(timestamp_from(datetime(2023, 7, 11, 2, tzinfo=UTC)) + 7) == "2023-07-11T02:00:00.000000007Z"


class TestTickLadder:
    """Rounding to the grid."""

    @given(PRICES, SIDES)
    def test_rounding_never_hurts_and_lands_on_the_ladder(self, price, side):
        """A buyer's price moves down, a seller's up, by less than one tick, and rounding again changes nothing."""
        rounded = HONG_KONG.round_price(price, side)

        assert HONG_KONG.on_tick(rounded)
        assert 0 <= (price - rounded) * side.sign < HONG_KONG.tick_at(price)
        assert HONG_KONG.round_price(rounded, side) == rounded

    @given(PRICES, SIDES)
    def test_the_ladder_is_the_same_below_zero(self, price, side):
        """A buyer at minus p is a seller at p."""
        assert HONG_KONG.tick_at(-price) == HONG_KONG.tick_at(price)
        assert HONG_KONG.round_price(-price, side) == -HONG_KONG.round_price(price, side.opposite)

    @pytest.mark.parametrize(
        ("price", "tick"),
        [("0", "0.001"), ("0.249", "0.001"), ("0.25", "0.005"), ("9.99", "0.01"), ("10", "0.02"), ("500", "0.2")],
    )
    def test_a_step_holds_from_its_bound_upwards(self, price, tick):
        """The bound itself belongs to the upper step."""
        assert HONG_KONG.tick_at(price_from(price)) == price_from(tick)

    @given(st.integers(0, 10**15))
    def test_whole_lots_leave_less_than_a_lot(self, quantity):
        """The largest multiple of the lot, never more than there is."""
        whole = HONG_KONG.whole_lots(quantity)

        assert whole % HONG_KONG.lot == 0
        assert 0 <= quantity - whole < HONG_KONG.lot

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"symbol": ""}, "symbol"),
            ({"ticks": ()}, "tick ladder"),
            ({"ticks": (TickRule(1, 1),)}, "start at price 0"),
            ({"ticks": (TickRule(0, 0),)}, "increment must be positive"),
            ({"lot": 0}, "lot must be positive"),
            ({"multiplier": 0}, "multiplier must be positive"),
        ],
    )
    def test_a_grid_that_cannot_be_traded_on_is_refused(self, changes, message):
        """Each fault is named."""
        with pytest.raises(ValueError, match=message):
            Instrument(**dict[str, Any](symbol="X", ticks=(TickRule(0, 1),), lot=1) | changes)


class TestTradingHours:
    """Sessions of one local date, as instants."""

    def test_sessions_are_in_the_venues_own_time(self):
        """Shanghai opens at 01:30 UTC, and lunch is no trading time."""
        assert iso_time(FIRST_OPEN) == "2023-07-11T01:30:00.000000000Z"
        assert DAY.elapsed(FIRST_OPEN, LAST_CLOSE) == (120 + 117) * 60 * SECOND

    @pytest.mark.parametrize(("day", "opens"), [(date(2023, 3, 10), "14:30"), (date(2023, 3, 13), "13:30")])
    def test_sessions_follow_summer_time(self, day, opens):
        """New York opens an hour earlier in UTC once its clocks changed."""
        new_york = Instrument(
            symbol="AAPL",
            ticks=(TickRule(0, 1),),
            lot=1,
            timezone="America/New_York",
            sessions=(LocalSession(time(9, 30), time(16)),),
        )

        assert iso_time(new_york.trading_day(day).spans[0][0])[11:16] == opens

    def test_a_session_may_run_into_the_next_day(self):
        """17:00 to 16:00 is 23 hours, and no stated session is the whole day."""
        overnight = Instrument(
            symbol="ES", ticks=(TickRule(0, 1),), lot=1, sessions=(LocalSession(time(17), time(16)),)
        )
        opens, closes = overnight.trading_day(date(2023, 7, 11)).spans[0]

        assert closes - opens == 23 * 3600 * SECOND
        ((first, last),) = HONG_KONG.trading_day(date(2023, 7, 11)).spans
        assert last - first == 24 * 3600 * SECOND

    @given(INSTANTS)
    def test_open_is_from_the_open_up_to_the_close(self, instant):
        """The instant of the close is not trading time any more."""
        assert DAY.is_open(instant) == (DAY.elapsed(instant, instant + 1) == 1)

    @given(INSTANTS, INSTANTS, INSTANTS)
    def test_elapsed_time_adds_up(self, first, second, third):
        """Trading time over two neighbouring windows is that over both, and never more than the clock's."""
        start, middle, end = sorted((first, second, third))

        assert DAY.elapsed(start, middle) + DAY.elapsed(middle, end) == DAY.elapsed(start, end)
        assert 0 <= DAY.elapsed(start, end) <= end - start
        assert DAY.elapsed(end, start) == 0

    @given(INSTANTS, st.integers(0, 5 * 3600 * SECOND))
    def test_after_is_when_that_much_trading_has_passed(self, start, trading_time):
        """The answer holds exactly the time asked for, or all that the day has left, and is never in a break."""
        instant = DAY.after(start, trading_time)

        assert DAY.elapsed(start, instant) == min(trading_time, DAY.elapsed(start, LAST_CLOSE))
        assert any(opens <= instant <= closes for opens, closes in DAY.spans)

    @given(INSTANTS, INSTANTS)
    def test_clipping_keeps_the_trading_time(self, first, second):
        """What is cut off is never trading time; a window without any is empty."""
        start, end = sorted((first, second))

        clipped_start, clipped_end = DAY.clip(start, end)

        if DAY.elapsed(start, end):
            assert DAY.elapsed(clipped_start, clipped_end) == DAY.elapsed(start, end)
            assert start <= clipped_start < clipped_end <= end
            assert DAY.is_open(clipped_start)
            assert DAY.clip(clipped_start, clipped_end) == (clipped_start, clipped_end)
        else:
            assert clipped_start >= clipped_end

    def test_a_window_inside_a_break_is_empty(self):
        """Lunch cannot be traded in."""
        noon, one = DAY.spans[0][1], DAY.spans[1][0]

        start, end = DAY.clip(noon + SECOND, one - SECOND)

        assert (start, end) == (one, noon)
        assert TradingDay(DAY.spans).elapsed(noon, one) == 0
