"""Days cut out of bars, and the curve that they teach: on figures small enough to check by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, LocalSession, SpecialDay, TickRule
from quietfill.domain.types import MINUTE, timestamp_from
from quietfill.market.volume import VolumeCurve, curve_of
from quietfill.market.volume_days import Bars, Cutting, DayVolumes, LeftOut, daily_volumes, mislabelled
from quietfill.market.volume_learning import distance, held_out, learned_profile
from quietfill.market.volume_profile import decode, encode, learn

if TYPE_CHECKING:
    from collections.abc import Sequence

MONDAY = date(2024, 3, 4)
FLAT = VolumeCurve((0.0, 1.0))


def instrument(*sessions: tuple[str, str], **terms: object) -> Instrument:
    """Return an instrument that trades half an hour in the morning, unless told otherwise."""
    spans = tuple(
        LocalSession(time.fromisoformat(opens), time.fromisoformat(closes))
        for opens, closes in sessions or (("09:30", "10:00"),)
    )
    return Instrument(symbol="X", ticks=(TickRule(0, 1),), lot=1, sessions=spans, **terms)  # type: ignore[arg-type]


def bars_from(*days: tuple[date, str, Sequence[float | None]]) -> Bars:
    """Return minute bars from a date and time on, None for a minute that has no bar."""
    rows: list[tuple[int, float]] = []
    for day, clock, volumes in days:
        opens = datetime.combine(day, time.fromisoformat(clock), UTC)
        for minute, volume in enumerate(volumes):
            if volume is not None:
                rows.append((timestamp_from(opens + timedelta(minutes=minute)), volume))
    return Bars(start=[at for at, _ in rows], volume=[volume for _, volume in rows], length=MINUTE)


def test_bars_fall_into_buckets_of_trading_time() -> None:
    """Bars outside the session count nowhere; those inside are added up by bucket."""
    bars = bars_from((MONDAY, "09:28", [99.0, 99.0, *[float(n) for n in range(30)], 99.0]))

    whole, left_out = daily_volumes(bars, instrument(), Cutting(bucket=10 * MINUTE))

    assert whole == [DayVolumes(MONDAY, (45.0, 145.0, 245.0))]
    assert left_out == []


def test_a_lunch_break_is_no_time() -> None:
    """A bucket may reach over the break: it holds the same trading time as any other."""
    bars = bars_from((MONDAY, "09:30", [1.0] * 15), (MONDAY, "11:00", [3.0] * 15))

    whole, _ = daily_volumes(bars, instrument(("09:30", "09:45"), ("11:00", "11:15")), Cutting(bucket=10 * MINUTE))

    assert whole == [DayVolumes(MONDAY, (10.0, 20.0, 30.0))]


def test_an_evening_session_belongs_to_the_day_on_which_it_opened() -> None:
    """Bars after midnight count to the day before."""
    bars = bars_from((MONDAY, "23:50", [1.0] * 20))

    whole, _ = daily_volumes(bars, instrument(("23:50", "00:10")), Cutting(bucket=10 * MINUTE))

    assert whole == [DayVolumes(MONDAY, (10.0, 10.0))]


def test_days_that_are_not_whole_are_named() -> None:
    """A hole, other hours, a day without bars and one without volume are left out, each with its reason."""
    known = instrument(
        special_days=(
            SpecialDay(date(2024, 3, 6), (LocalSession(time(9, 30), time(9, 50)),)),
            SpecialDay(date(2024, 3, 8)),
        )
    )
    bars = bars_from(
        (MONDAY, "09:30", [1.0] * 30),
        (date(2024, 3, 5), "09:30", [1.0] * 10 + [None] * 6 + [1.0] * 14),
        (date(2024, 3, 6), "09:30", [1.0] * 20),
        (date(2024, 3, 9), "09:30", [0.0] * 30),
        (date(2024, 3, 10), "09:30", [1.0] * 24),
    )

    whole, left_out = daily_volumes(bars, known, Cutting())

    assert [day.date for day in whole] == [MONDAY]
    assert left_out == [
        LeftOut(date(2024, 3, 5), "no bars for 6 minutes from minute 10 of the day"),
        LeftOut(date(2024, 3, 6), "trades 20 minutes, not 30"),
        LeftOut(date(2024, 3, 7), "no bars"),
        LeftOut(date(2024, 3, 9), "no volume"),
        LeftOut(date(2024, 3, 10), "no bars for 6 minutes from minute 24 of the day"),
    ]


def test_without_a_calendar_a_day_without_bars_is_a_day_off() -> None:
    """Nobody said that it trades, so nothing is missing; a short gap is a minute without trades."""
    bars = bars_from((MONDAY, "09:30", [1.0] * 30), (date(2024, 3, 7), "09:30", [1.0] * 10 + [None] * 5 + [1.0] * 15))

    whole, left_out = daily_volumes(bars, instrument(), Cutting())

    assert [day.date for day in whole] == [MONDAY, date(2024, 3, 7)]
    assert left_out == []


def test_auction_bars_are_replaced_by_their_neighbours() -> None:
    """The first and last bar become the mean of the five next to them."""
    bars = bars_from((MONDAY, "09:30", [900.0, *[2.0] * 28, 700.0]))

    whole, _ = daily_volumes(bars, instrument(), Cutting(opening_auction=True, closing_auction=True))

    assert whole == [DayVolumes(MONDAY, (10.0,) * 6)]


@pytest.mark.parametrize(
    ("bucket", "length", "message"),
    [
        (7, 1, "a day of 30 minutes is no whole number of buckets of 7 minutes; 30, 15, 10, 6, 5, 3, 2, 1 would fit"),
        (5, 2, "buckets of 5 minutes do not hold whole bars of 2 minutes"),
        (0, 1, "buckets of 0 minutes do not hold whole bars"),
    ],
)
def test_buckets_must_fit(bucket: int, length: int, message: str) -> None:
    """A bucket holds whole bars, and a day whole buckets."""
    bars = Bars(start=[], volume=[], length=length * MINUTE)

    with pytest.raises(BadInput, match=message):
        daily_volumes(bars, instrument(), Cutting(bucket=bucket * MINUTE))


@pytest.mark.parametrize(("clock", "seems"), [("09:30", None), ("09:31", "end"), ("09:29", "start"), ("09:20", None)])
def test_stamps_at_the_wrong_end_are_noticed(clock: str, seems: str | None) -> None:
    """Bars that are off by one leave one end of every day empty and fill the minute beyond the other."""
    minutes = 50 if clock == "09:20" else 30
    bars = bars_from(*[(MONDAY + timedelta(days=n), clock, [1.0] * minutes) for n in range(3)])

    whole, _ = daily_volumes(bars, instrument(), Cutting())

    assert len(whole) == 3
    assert mislabelled(bars, instrument(), whole) == seems


def test_each_day_counts_the_same_and_a_wild_one_does_not_bend_the_curve() -> None:
    """The mean is that of shares, so a busy day weighs no more; of ten days the wildest at each end is dropped."""
    assert learned_profile([[1, 3], [3_000, 1_000]]) == (0.5, 0.5)

    calm, wild = [[1, 1, 2]] * 9, [[0, 1, 0]]

    assert learned_profile([*calm, *wild]) == pytest.approx((0.25, 0.25, 0.5))
    assert learned_profile([*calm, *wild], trimmed=0)[1] == pytest.approx(0.325)


def test_the_distance_is_the_slippage_of_who_follows_the_curve() -> None:
    """Flat against a day that trades all in its first half: the gap is a triangle, 1/2 high, and its rms sqrt(1/12)."""
    found = distance(FLAT, [[1, 0]])

    assert found == pytest.approx((sqrt(1 / 12), 0.5, 0.5))
    assert distance(curve_of((1, 0)), [[2, 0], [4, 0]]) == (0, 0, 0)
    assert distance(FLAT, [[1, 1], [1, 0], [1, 0], [1, 0]])[1:] == (0.5, 0.5)


def test_held_out_days_are_not_learned_from() -> None:
    """Each day is told by the others alone: two opposite days are each as wrong as can be."""
    found = held_out([[1, 0], [0, 1]])

    assert found == pytest.approx((sqrt(1 / 3), 1, 1))
    assert held_out([[1, 2]]) is None
    assert held_out([[1, 2]] * 3) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([], "no whole day"),
        ([[1, 2], [1]], "days differ in their number of buckets: 1, 2"),
        ([[1], [0]], "day 2 has no volume"),
    ],
)
def test_what_teaches_nothing_is_refused(days, message: str) -> None:
    """Days of different lengths or without volume are an error, not a curve."""
    with pytest.raises(BadInput, match=message):
        learned_profile(days)


def test_a_profile_is_read_as_it_was_written() -> None:
    """Everything that says how far to trust it comes back, the days that were left out included."""
    days = [DayVolumes(MONDAY + timedelta(days=n), (3.0, 1.0, 2.0 + n)) for n in range(4)]
    left_out = [LeftOut(date(2024, 3, 9), "no bars")]
    cutting = Cutting(bucket=10 * MINUTE, opening_auction=True)

    profile = learn(instrument(), days, left_out, cutting, source=["x.csv"])

    assert decode(encode(profile)) == profile
    assert sum(profile.weights) == pytest.approx(1)
    assert (profile.days, profile.first, profile.last, profile.auctions) == (4, MONDAY, date(2024, 3, 7), ("open",))
    assert profile.learned is not None
    assert profile.learned.rms < profile.flat.rms
    with pytest.raises(BadInput, match="the volume profile is that of X, not of Y"):
        profile.weights_for("Y")


def test_nothing_to_learn_from_says_why() -> None:
    """Without a whole day the first one left out is named."""
    with pytest.raises(BadInput, match="X: no whole day of bars to learn from; 2024-03-09: no bars"):
        learn(instrument(), [], [LeftOut(date(2024, 3, 9), "no bars")], Cutting())
