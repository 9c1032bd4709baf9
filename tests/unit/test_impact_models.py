"""Impact models selected by name, and the estimate of one order: what is taken from where, and what is refused."""

from math import sqrt
from typing import Any

import msgspec
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide
from quietfill.market.facts import MarketFacts
from quietfill.market.impact import (
    DEFAULT_MODEL,
    LARGE_CAP,
    Almgren2005Coefficients,
    Almgren2005Model,
    IStarCoefficients,
    IStarModel,
    PowerLawImpact,
    SquareRootLaw,
    select_model,
)
from quietfill.market.impact.estimate import ImpactInputs, estimate_impact
from quietfill.testing.builders import STOCK, market, shares

FACTS = MarketFacts(
    adv=shares(1e6), adv_source="observed over 0.50 days", volatility=0.02, volatility_source="instrument"
)
VIEW = market(999, 1_001)
FUTURE = msgspec.structs.replace(STOCK, multiplier=50)


def select(model=None, current: Any = DEFAULT_MODEL, *, eta=None, gamma=None, alpha=None, **options) -> Any:
    """Select a model as the agent's method does."""
    return select_model(current, model, eta=eta, gamma=gamma, alpha=alpha, options=options)


def estimate(
    model=DEFAULT_MODEL, side="buy", quantity=10_000, *, facts=FACTS, view=VIEW, instrument: Any = STOCK, **given
):
    """Estimate one order of a stock at 10.00."""
    return estimate_impact(
        model, "TEST", side, quantity, given=ImpactInputs(**given), facts=facts, view=view, instrument=instrument
    )


class TestSelection:
    """Which model is in force after which call."""

    def test_the_default(self):
        """Eta 0.1, gamma 0.1, alpha 0.5."""
        assert select() == PowerLawImpact(eta=0.1, gamma=0.1, alpha=0.5)

    def test_what_is_not_named_stays(self):
        """Each coefficient changes alone."""
        first = select(eta=0.2)
        second = select(current=first, alpha=0.6)

        assert second == PowerLawImpact(eta=0.2, gamma=0.1, alpha=0.6)
        assert select("default", current=second) == DEFAULT_MODEL

    def test_the_square_root_law(self):
        """Eta stands for Y and alpha for delta; it has no permanent part of its own to configure."""
        law = select("square_root", eta=0.8)

        assert law == SquareRootLaw(y=0.8, delta=0.5)
        assert select(current=law, alpha=0.6) == SquareRootLaw(y=0.8, delta=0.6)
        with pytest.raises(BadInput, match=r"gamma 0\.1 is no argument of the impact model square_root"):
            select(current=law, gamma=0.1)

    def test_almgren_2005(self):
        """It needs a horizon and shares outstanding; both coefficients can be calibrated anew."""
        with pytest.raises(BadInput, match="horizon_days is needed by the impact model almgren_2005"):
            select("almgren_2005", shares_outstanding={"TEST": 1e8})
        model = select("almgren_2005", horizon_days=0.5, shares_outstanding={"TEST": 1e8}, eta=0.2)

        assert model == Almgren2005Model(
            horizon_days=0.5, shares_outstanding={"TEST": 1e8}, coefficients=Almgren2005Coefficients(eta=0.2)
        )
        assert select(current=model, horizon_days=1.0) == msgspec.structs.replace(model, horizon_days=1.0)
        with pytest.raises(BadInput, match="shares_outstanding of OTHER is needed"):
            model.order_impact("OTHER", 1_000, 1e6, 0.02)

    def test_istar(self):
        """It needs a rate of participation and takes a group."""
        with pytest.raises(BadInput, match="participation_rate is needed by the impact model istar"):
            select("istar")
        model = select("istar", participation_rate=0.1)

        assert model == IStarModel(participation_rate=0.1)
        assert select(current=model, group="large_cap") == IStarModel(participation_rate=0.1, coefficients=LARGE_CAP)

    @pytest.mark.parametrize(
        ("model", "given", "message"),
        [
            ("cubic", {}, "model must be one of default, square_root, almgren_2005, istar, not 'cubic'"),
            (None, {"eta": -0.1}, "eta must not be negative, not -0.1"),
            (None, {"eta": float("nan")}, "eta must be finite, not nan"),
            (None, {"gamma": float("inf")}, "gamma must be finite, not inf"),
            (None, {"gamma": "0.1"}, "gamma must be a number, not '0.1'"),
            (None, {"alpha": 0}, "alpha must be positive, not 0"),
            (None, {"alpha": 2.5}, "alpha must be at most 2, not 2.5"),
            (None, {"alpha": True}, "alpha must be a number, not True"),
            (None, {"horizon_days": 0.5}, "horizon_days 0.5 is no argument of the impact model default"),
            (None, {"permanent_exponent": 0.5}, "permanent_exponent must be 1"),
            ("square_root", {"alpha": 1.0}, "delta must lie between 0 and 1"),
            ("istar", {"participation_rate": 1.5}, "participation_rate must be a share of the volume"),
            ("istar", {"participation_rate": 0.1, "group": "tiny"}, "group must be one of all, large_cap, small_cap"),
            ("almgren_2005", {"horizon_days": 0, "shares_outstanding": {}}, "horizon_days must be positive, not 0"),
            (
                "almgren_2005",
                {"horizon_days": 1, "shares_outstanding": {"TEST": -1}},
                r"shares_outstanding\[TEST\] must be positive, not -1",
            ),
        ],
    )
    def test_what_is_refused(self, model, given, message):
        """Nonsense is refused by name and value, on one line."""
        with pytest.raises(BadInput, match=message) as refusal:
            select(model, **given)

        assert "\n" not in str(refusal.value)

    def test_a_model_of_ones_own_keeps_working(self):
        """A user's model has no coefficients of ours: changing one without naming a model is refused."""

        class Mine:
            calibration = "mine"

            def order_impact(self, symbol, quantity, daily_volume, daily_volatility):
                return DEFAULT_MODEL.order_impact(symbol, quantity, daily_volume, daily_volatility)

        with pytest.raises(BadInput, match="model must be named: Mine has no arguments to change"):
            select(current=Mine(), eta=0.2)


def test_coefficients_outside_the_fit_are_refused():
    """I-Star's coefficients keep to the bounds of its fits."""
    with pytest.raises(BadInput, match="a1 must lie between 100 and 1000, not 50"):
        IStarCoefficients(a1=50, a2=0.5, a3=0.7)
    with pytest.raises(BadInput, match=r"b1 must lie between 0\.7 and 1, not 0\.5"):
        IStarCoefficients(a1=700, a2=0.5, a3=0.7, b1=0.5)


class TestEstimate:
    """One order's estimate."""

    def test_the_default_formula(self):
        """1 % of the day at 2 %: 2 bps temporary, 0.2 bps permanent, half of that paid."""
        result = estimate()

        assert result.temporary_impact_bps == pytest.approx(0.1 * 200 * sqrt(0.01))
        assert result.permanent_impact_bps == pytest.approx(0.1 * 200 * 0.01)
        assert result.total_impact_bps == pytest.approx(2.1)
        assert result.estimated_cost == pytest.approx(2.1e-4 * 10.0 * 10_000)
        assert (result.symbol, result.side, result.quantity) == ("TEST", OrderSide.BUY, 10_000)

    def test_alpha_touches_the_temporary_part_alone(self):
        """Another exponent leaves the permanent part linear."""
        bent = estimate(PowerLawImpact(alpha=0.9))

        assert bent.permanent_impact_bps == estimate().permanent_impact_bps
        assert bent.temporary_impact_bps == pytest.approx(20 * 0.01**0.9)

    def test_the_cost_includes_the_multiplier(self):
        """A contract worth 50 a point costs 50 times as much."""
        assert estimate(instrument=FUTURE).estimated_cost == pytest.approx(50 * estimate().estimated_cost)

    def test_it_says_where_each_input_is_from(self):
        """The model's calibration and the source of price, volume and volatility are named."""
        observed = estimate().model_used
        given = estimate(price=9.5, adv=2e6, volatility=0.01).model_used

        assert observed == (
            "power law, linear permanent (eta 0.1, gamma 0.1, alpha 0.5);"
            " price observed mid, adv observed over 0.50 days, volatility instrument"
        )
        assert given.endswith("; price given, adv given, volatility given")

    def test_what_is_given_goes_first(self):
        """Given figures are used in place of observed ones."""
        result = estimate(price=20, adv=4e6, volatility=0.04)

        assert result.temporary_impact_bps == pytest.approx(0.1 * 400 * sqrt(0.0025))
        assert result.estimated_cost == pytest.approx(result.total_impact_bps / 1e4 * 20 * 10_000)

    def test_the_last_price_stands_in_for_a_missing_mid(self):
        """Without a two-sided quote the last print is the price, and it says so."""
        result = estimate(view=market(None, None, last=1_100))

        assert "price observed last" in result.model_used
        assert result.estimated_cost == pytest.approx(2.1e-4 * 11 * 10_000)

    def test_an_unregistered_instrument(self):
        """Its multiplier is not known: one is taken, and it says so."""
        result = estimate(
            instrument=None, facts=MarketFacts(), view=market(None, None), price=10, adv=1e6, volatility=0.02
        )

        assert result.estimated_cost == pytest.approx(21)
        assert result.model_used.endswith("multiplier 1 (instrument not registered)")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"facts": MarketFacts(volatility=0.02, volatility_source="x")},
                "adv of TEST is neither given nor observed",
            ),
            ({"facts": MarketFacts(adv=shares(1), adv_source="x")}, "volatility of TEST is neither given nor observed"),
            ({"view": market(None, None)}, "price of TEST is neither given nor observed"),
            ({"side": "hold"}, "side must be one of buy, sell, not 'hold'"),
            ({"quantity": 0}, "quantity must be positive, not 0"),
            ({"quantity": float("nan")}, "quantity must be finite, not nan"),
            ({"price": 0}, "price of TEST must not be 0"),
            ({"price": float("inf")}, "price must be finite, not inf"),
            ({"adv": 0}, "adv must be positive, not 0"),
            ({"adv": -5}, "adv must be positive, not -5"),
            ({"volatility": -0.02}, "volatility must not be negative, not -0.02"),
            ({"volatility": "2%"}, "volatility must be a number, not '2%'"),
        ],
    )
    def test_what_cannot_be_had_is_refused(self, changes, message):
        """Nothing is invented: a missing or impossible input is an error that names it."""
        with pytest.raises(BadInput, match=message):
            estimate(**changes)
