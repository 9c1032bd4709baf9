"""Pre-trade impact through the public face, on the packaged hour of real recorded data."""

import asyncio
from functools import wraps
from itertools import pairwise
from math import log, sqrt

import pytest

from quietfill import BadInput, Instrument, MarketImpactEstimate, OrderSide, TickRule
from quietfill.domain.types import MINUTE, PRICE_SCALE, QUANTITY_SCALE, datetime_of
from tests.agent.desk import open_desk

GIVEN = {"price": 100.0, "adv": 1_000_000, "volatility": 0.02}


def played(scene):
    """Play a scene that is written as a coroutine."""

    @wraps(scene)
    def play(self):
        asyncio.run(scene(self))

    return play


class TestGiven:
    """Everything given by the caller."""

    @played
    async def test_the_contracts_formula(self):
        """0.1 sigma sqrt(Q/V) + half of 0.1 sigma Q/V, and the cost of that in currency."""
        async with open_desk() as desk:
            result = desk.agent.estimate_market_impact(desk.symbol, "BUY", 10_000, **GIVEN)

        assert isinstance(result, MarketImpactEstimate)
        assert result.side is OrderSide.BUY
        assert result.temporary_impact_bps == pytest.approx(2.0)
        assert result.permanent_impact_bps == pytest.approx(0.2)
        assert result.total_impact_bps == pytest.approx(2.1)
        assert result.estimated_cost == pytest.approx(2.1e-4 * 100 * 10_000)
        assert "price given, adv given, volatility given" in result.model_used

    @played
    async def test_another_model_from_now_on(self):
        """A configured model is used and named; a refused configuration leaves it in force."""
        async with open_desk() as desk:
            agent = desk.agent
            agent.configure_market_impact_model(0.2, 0.3, 0.6)
            bent = agent.estimate_market_impact(desk.symbol, "sell", 10_000, **GIVEN)
            with pytest.raises(BadInput, match="alpha must be positive"):
                agent.configure_market_impact_model(eta=9, alpha=-1)
            same = agent.estimate_market_impact(desk.symbol, "sell", 10_000, **GIVEN)
            agent.configure_market_impact_model(model="square_root")
            law = agent.estimate_market_impact(desk.symbol, "sell", 10_000, **GIVEN)

        assert bent.temporary_impact_bps == pytest.approx(0.2 * 200 * 0.01**0.6)
        assert bent.permanent_impact_bps == pytest.approx(0.3 * 200 * 0.01)
        assert same == bent
        assert law.total_impact_bps == pytest.approx(20 / 1.5)
        assert law.model_used.startswith("square-root law (Y 1, delta 0.5)")

    @played
    async def test_only_linear_permanent_impact(self):
        """A permanent part that is not linear is refused; two agents do not share a model."""
        async with open_desk() as desk, open_desk() as other:
            with pytest.raises(BadInput, match=r"permanent_exponent must be 1, not 0\.5"):
                desk.agent.configure_market_impact_model(permanent_exponent=0.5)
            desk.agent.configure_market_impact_model(eta=1.0)
            results = [each.agent.estimate_market_impact("X", "buy", 100, **GIVEN) for each in (desk, other)]

        assert results[0].temporary_impact_bps == pytest.approx(10 * results[1].temporary_impact_bps)


class TestObserved:
    """What the caller leaves out."""

    @played
    async def test_a_refusal_before_anything_was_seen(self):
        """Unknown volume and volatility are refused by name, never assumed."""
        async with open_desk() as desk:
            with pytest.raises(BadInput, match="adv of NEW is neither given nor observed nor stated"):
                desk.agent.estimate_market_impact("NEW", "buy", 100, price=10, volatility=0.02)
            with pytest.raises(BadInput, match="volatility of NEW is neither given"):
                desk.agent.estimate_market_impact("NEW", "buy", 100, price=10, adv=1e6)
            with pytest.raises(BadInput, match="price of NEW is neither given nor observed"):
                desk.agent.estimate_market_impact("NEW", "buy", 100, adv=1e6, volatility=0.02)

    @played
    async def test_what_the_instrument_states(self):
        """Registered figures are used where nothing was observed, and are named as such."""
        future = Instrument(
            symbol="FUT",
            ticks=(TickRule(0, PRICE_SCALE // 4),),
            lot=QUANTITY_SCALE,
            multiplier=50,
            average_daily_volume=1_000_000 * QUANTITY_SCALE,
            daily_volatility=0.02,
        )
        async with open_desk() as desk:
            desk.agent.register_instrument(future)
            desk.agent.update_price("FUT", 4_000)
            result = desk.agent.estimate_market_impact("FUT", "buy", 10_000)

        assert result.estimated_cost == pytest.approx(2.1e-4 * 4_000 * 10_000 * 50)
        assert result.model_used.endswith("price observed last, adv instrument, volatility instrument")

    @played
    async def test_the_market_as_it_was_recorded(self):
        """After a part of the hour price, volume and volatility are those of the recorded market itself."""
        shown: list[int] = []
        async with open_desk() as desk:
            agent, symbol = desk.agent, desk.symbol
            observed = agent.runtime.engine.observed
            first = observed.book(symbol)
            agent.runtime.on_book(lambda book: shown.append(book.time))
            end = datetime_of(desk.broker.clock.now() + 40 * MINUTE)
            await agent.wait_done(await desk.submit(quantity=1_000, end=end))
            result = agent.estimate_market_impact(symbol, "buy", 10_000)
            history, facts, book = agent.history_of(symbol), observed.facts(symbol), observed.book(symbol)
            day = desk.broker.instrument.day_of(desk.broker.clock.now())
        assert first is not None
        assert history is not None
        assert book is not None
        mids, times = (history.bid + history.ask)[history.has_touch], history.touch_time[history.has_touch]
        by_minute = {moment // MINUTE: moment for moment in [*reversed(shown), first.time]}
        sampled = [int(moment) for moment in sorted(by_minute.values())]
        prices = [int(mids[times.searchsorted(moment, side="right") - 1]) for moment in sampled]
        squares = sum(log(after / before) ** 2 for before, after in pairwise(prices))
        length = sum(closes - opens for opens, closes in day.spans)

        assert len(sampled) > 10
        assert facts.volatility == pytest.approx(sqrt(squares / (sampled[-1] - sampled[0]) * length), rel=0.01)
        assert facts.adv is not None
        assert facts.adv > (book.volume or 0) > 0
        assert "price observed mid, adv observed over 0." in result.model_used
        assert f"volatility observed in {len(sampled) - 1} returns of the mid" in result.model_used
        assert result.total_impact_bps > 0
