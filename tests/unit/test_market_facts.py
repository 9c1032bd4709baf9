"""Average daily volume and volatility as they are observed, minute by minute."""

from itertools import pairwise
from math import exp, log, sqrt

import msgspec
import pytest

from quietfill.domain.instrument import Instrument
from quietfill.domain.messages import BookUpdate
from quietfill.domain.types import MINUTE, SECOND
from quietfill.engine.observed import ObservedMarkets
from quietfill.engine.state import EngineState
from quietfill.market.facts import HALF_LIFE_RETURNS, LEAST_RETURNS, MarketFacts
from quietfill.testing.builders import LOT, OPEN, STOCK, TICK, at, shares

DAY = 24 * 3_600 * SECOND
EVEN = (1.0,)
STATED = msgspec.structs.replace(STOCK, average_daily_volume=shares(2e6), daily_volatility=0.03)


class Feed:
    """A market that only this instrument's observer sees."""

    def __init__(self, instrument: Instrument | None = STOCK, profile: tuple[float, ...] = EVEN):
        self.state = EngineState({} if instrument is None else {STOCK.symbol: instrument}, lambda _: None)
        self.state.profiles[STOCK.symbol] = profile
        self.observed = ObservedMarkets(self.state)

    def show(self, time, mid_ticks, volume=None, half_spread=1):
        """Show a touch around a mid in ticks and the day's volume in shares."""
        self.observed.update(
            BookUpdate(
                symbol=STOCK.symbol,
                time=time,
                bids=((round((mid_ticks - half_spread) * TICK), LOT),),
                asks=((round((mid_ticks + half_spread) * TICK), LOT),),
                volume=None if volume is None else shares(volume),
            )
        )

    def facts(self) -> MarketFacts:
        """Return what is known now."""
        return self.observed.facts(STOCK.symbol)


def zigzag(feed, minutes, start=OPEN, low: float = 1_000, high: float = 1_002):
    """Show a mid that goes up and down, one step each minute."""
    for minute in range(minutes):
        feed.show(start + minute * MINUTE, high if minute % 2 else low)


def test_volatility_is_scaled_by_the_trading_time_of_a_day():
    """Returns of one size r a minute make r sqrt(240) in a day of four hours."""
    feed = Feed()
    zigzag(feed, LEAST_RETURNS + 1)

    assert feed.facts().volatility == pytest.approx(log(1_002 / 1_000) * sqrt(240), rel=1e-9)
    assert feed.facts().volatility_source == f"observed in {LEAST_RETURNS} returns of the mid"


def test_too_few_returns_are_no_volatility():
    """With one return less than needed there is none, and one more gives it."""
    feed = Feed()
    zigzag(feed, LEAST_RETURNS)
    assert feed.facts().volatility is None

    zigzag(feed, 1, start=at(60 * LEAST_RETURNS))
    assert feed.facts().volatility is not None


def test_a_market_that_has_not_moved_has_no_volatility_yet():
    """Zero would be an invention: nothing was learned of how it moves."""
    feed = Feed()
    zigzag(feed, 60, low=1_000, high=1_000)

    assert feed.facts().volatility is None


def test_quotes_between_minutes_do_not_count():
    """The first update of each minute is sampled, however often the mid changes afterwards."""
    plain, busy = Feed(), Feed()
    zigzag(plain, 30)
    for minute in range(30):
        start = at(60 * minute)
        busy.show(start, 1_002 if minute % 2 else 1_000)
        for second in (10, 20, 30):
            busy.show(start + second * SECOND, 900 + second)

    assert busy.facts().volatility == plain.facts().volatility


def test_a_silent_stretch_counts_with_its_time():
    """A mid that moves every fifth minute only is less volatile: sum r^2 / time spanned, silent minutes included."""
    feed = Feed()
    for step in range(LEAST_RETURNS + 1):
        feed.show(at(300 * step), 1_002 if step % 2 else 1_000)

    assert feed.facts().volatility == pytest.approx(log(1_002 / 1_000) * sqrt(240 / 5), rel=1e-9)


def test_moves_across_a_break_or_a_night_do_not_count():
    """What the price does while nobody trades is not the volatility of trading."""
    quiet, jumping = Feed(), Feed()
    for feed, factor in ((quiet, 1.0), (jumping, 2.0)):
        zigzag(feed, 30, start=at(90 * 60))  # 11:00 until the break at 11:30
        zigzag(feed, 30, start=at(210 * 60), low=1_000 * factor, high=1_002 * factor)  # from 13:00
        zigzag(feed, 30, start=OPEN + DAY, low=1_000, high=1_002)

    assert jumping.facts().volatility == pytest.approx(quiet.facts().volatility, rel=1e-3)


def test_older_minutes_count_less():
    """Squares fade with age, by half in so many returns, and so does the time that they span."""
    feed = Feed(msgspec.structs.replace(STOCK, sessions=()))
    mids: list[float] = [1_010 if minute % 2 else 1_000 for minute in range(400)]
    mids += [1_000.5 if minute % 2 else 1_000 for minute in range(HALF_LIFE_RETURNS)]
    for minute, mid in enumerate(mids):
        feed.show(at(60 * minute), mid)
    moves = [log(after / before) for before, after in pairwise(mids)]
    weights = [0.5 ** (age / HALF_LIFE_RETURNS) for age in range(len(moves) - 1, -1, -1)]
    mean = sum(w * move**2 for w, move in zip(weights, moves, strict=True)) / sum(weights)

    assert feed.facts().volatility == pytest.approx(sqrt(mean * 1_440), rel=1e-9)


@pytest.mark.parametrize(("minutes", "known"), [(11, False), (12, True), (60, True), (120, True)])
def test_volume_by_the_share_of_the_curve_that_has_passed(minutes, known):
    """Volume so far over the share of the day's curve; nothing before a twentieth of it has passed."""
    feed = Feed()
    feed.show(at(60 * minutes), 1_000, volume=5_000 * minutes)

    assert feed.facts().adv == (shares(5_000 * 240) if known else None)
    assert feed.facts().adv_source == (f"observed over {minutes / 240:.2f} days" if known else None)


def test_the_curve_in_force_says_what_has_passed():
    """A profile with three quarters of the volume in the morning makes less of the same volume."""
    feed = Feed(profile=(3.0, 1.0))
    feed.show(at(120 * 60), 1_000, volume=75_000)

    assert feed.facts().adv == shares(100_000)


def test_finished_days_stay_in_the_average():
    """Two days and a part: all volumes over all shares, also when the feed slept over the close."""
    feed = Feed()
    for day, total in ((0, 100_000), (1, 140_000)):
        feed.show(OPEN + day * DAY, 1_000, volume=0)
        feed.show(OPEN + day * DAY + 330 * MINUTE - SECOND, 1_000, volume=total)
    feed.show(OPEN + 2 * DAY, 1_000, volume=total)  # still yesterday's figure
    feed.show(OPEN + 2 * DAY + 60 * MINUTE, 1_000, volume=30_000)
    assert feed.facts().adv == pytest.approx(shares(270_000 / 2.25), rel=1e-3)

    feed.show(OPEN + 2 * DAY + 120 * MINUTE, 1_000, volume=60_000)
    assert feed.facts().adv == pytest.approx(shares(300_000 / 2.5), rel=1e-3)


def test_what_was_not_seen_is_as_the_instrument_states_it():
    """Stated figures stand in until there are observed ones, and each says which it is."""
    feed = Feed(STATED)
    before = feed.facts()
    feed.show(at(60 * 60), 1_000, volume=100_000)
    after = feed.facts()

    assert before == MarketFacts(
        adv=shares(2e6), adv_source="instrument", volatility=0.03, volatility_source="instrument"
    )
    assert (after.adv, after.adv_source) == (shares(400_000), "observed over 0.25 days")
    assert (after.volatility, after.volatility_source) == (0.03, "instrument")


def test_nothing_is_known_of_an_unknown_instrument():
    """Without trading days there is neither a day's volume nor a day's volatility."""
    feed = Feed(None)
    zigzag(feed, 30)
    feed.show(at(3_600), 1_000, volume=100)

    assert feed.facts() == MarketFacts()
    assert Feed().observed.facts("NOBODY") == MarketFacts()


@pytest.mark.parametrize(
    ("name", "value"),
    [("average_daily_volume", 0), ("daily_volatility", 0.0), ("daily_volatility", float("nan")),
     ("daily_volatility", float("inf")), ("daily_volatility", -0.02)],
)  # fmt: skip
def test_an_instrument_states_no_nonsense(name, value):
    """Stated facts must be positive and finite."""
    with pytest.raises(ValueError, match=name):
        msgspec.structs.replace(STOCK, **{name: value})


def test_negative_prices_have_no_fraction():
    """Spreads may trade below zero; a volatility as a fraction of that does not exist, and nothing breaks."""
    feed = Feed()
    zigzag(feed, 30, low=-5, high=5)

    assert feed.facts().volatility is None


def test_a_growing_walk_is_measured_right():
    """Steps of exactly one size in log terms are recovered to the tick's rounding."""
    feed, mid = Feed(), 100_000.0
    for minute in range(200):
        feed.show(at(60 * minute) if minute < 120 else at(210 * 60 + 60 * (minute - 120)), mid)
        mid *= exp(0.001 if minute % 3 else -0.001)

    assert feed.facts().volatility == pytest.approx(0.001 * sqrt(240), rel=1e-3)


def test_a_clock_that_goes_back_breaks_nothing():
    """An update that is older than the last sample is no return; watching goes on from there."""
    feed = Feed()
    zigzag(feed, 30, start=at(3_600))
    before = feed.facts()
    feed.observed._facts[STOCK.symbol].next_sample = 0
    feed.show(at(60), 5_000)

    assert feed.facts().volatility == before.volatility
