"""What must hold of every impact model and every schedule: optima, sums, mirrors, bounds, refusals."""

from itertools import accumulate, pairwise
from math import inf, isfinite, nan
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.market.impact import (
    Almgren2005Model,
    ExponentialDecay,
    IStarModel,
    PowerLawDecay,
    PowerLawImpact,
    PowerLawMarket,
    ResilientBook,
    SquareRootLaw,
    free_horizon_optimum,
    istar_estimate,
    optimal_blocks,
    optimal_transient_cost,
    permanent_cost,
    propagator_cost,
    trades_cost,
)
from quietfill.market.impact.istar import ALL_STOCKS
from quietfill.market.scheduling import (
    ExponentialOutflow,
    InventoryPenalties,
    LinearMarket,
    ObservedOutflow,
    PlacementCosts,
    Trajectory,
    best_placement,
    cost_variance,
    dirichlet_covariance,
    even_split_cost,
    expected_cost,
    optimal_trajectory,
    penalty_bounds,
    placement_cost,
    quantity_left,
    replanned,
    speed,
    tracking_variance,
)

figures = st.floats(1e-3, 1e3)
shares_of_day = st.floats(1e-6, 0.5)
models = st.sampled_from(
    [
        PowerLawImpact(),
        PowerLawImpact(eta=0.3, gamma=0.2, alpha=0.9),
        SquareRootLaw(),
        SquareRootLaw(y=0.5, delta=0.489),
        Almgren2005Model(horizon_days=0.25, shares_outstanding={"X": 1e9}),
        IStarModel(participation_rate=0.15),
    ]
)
markets = st.builds(
    LinearMarket,
    volatility=st.floats(0, 10),
    temporary_impact=st.floats(1e-7, 1e-2),
    permanent_impact=st.floats(0, 1e-8),
    fixed_cost=st.floats(0, 1),
    drift=st.floats(-0.1, 0.1),
)
aversions = st.just(0.0) | st.floats(1e-12, 1e-2)
REFUSED = [nan, inf, -inf, -1.0, "1", None, True]


@given(models, shares_of_day, st.floats(1e-4, 0.2))
def test_impact_grows_with_size_and_with_volatility(model, share, volatility):
    """More is dearer, wilder is dearer, and nothing is free or infinite."""
    small, large, wild = (
        model.order_impact("X", quantity, 1e6, sigma)
        for quantity, sigma in ((share * 1e6, volatility), (2e6 * share, volatility), (share * 1e6, 2 * volatility))
    )

    assert 0 < small.total_bps < large.total_bps < inf
    assert small.total_bps < wild.total_bps


@given(models, shares_of_day, st.floats(1e-4, 0.2), st.floats(0.1, 10))
def test_permanent_impact_is_linear_in_every_model(model, share, volatility, factor):
    """Twice the quantity moves the price twice as far for good, whatever the model."""
    one, many = (model.order_impact("X", share * 1e6 * by, 1e6, volatility).permanent_bps for by in (1, factor))

    assert many == pytest.approx(factor * one, rel=1e-9)


@given(markets, st.floats(1, 1e6), st.floats(0.1, 10), st.integers(1, 30), aversions)
def test_an_optimal_path_starts_with_all_and_ends_with_nothing(market, quantity, horizon, steps, averse):
    """It trades the order exactly, and without drift only ever in one direction."""
    path = optimal_trajectory(market, quantity, horizon, steps, averse)
    plain = optimal_trajectory(msgspec.structs.replace(market, drift=0.0), quantity, horizon, steps, averse)

    assert (path.holdings[0], path.holdings[-1]) == (quantity, 0.0)
    assert sum(path.trades) == pytest.approx(quantity)
    assert all(trade >= -1e-9 * quantity for trade in plain.trades)
    assert all(isfinite(held) for held in path.holdings)


@given(markets, st.integers(2, 12), st.floats(1e-9, 1e-3), st.data())
def test_no_other_path_has_less_cost_and_risk(market, steps, averse, data):
    """Moving any holding of the optimum, drift or not, never lowers E + lambda V.

    The fixed cost is left out: with drift a path may turn, and eps |n| then has a kink that the solution ignores.
    """
    market = msgspec.structs.replace(market, fixed_cost=0.0)
    path = optimal_trajectory(market, 1e5, 5, steps, averse)
    place = data.draw(st.integers(1, steps - 1))
    moved = list(path.holdings)
    moved[place] += data.draw(st.sampled_from([-1e4, -10.0, 10.0, 1e4]))
    other = Trajectory(path.step, tuple(moved))

    def worth(candidate):
        return expected_cost(market, candidate) + averse * cost_variance(market, candidate)

    assert worth(other) >= worth(path) - 1e-9 * abs(worth(path))


@given(markets, st.integers(2, 20), st.floats(1e-9, 1e-3), st.data())
def test_planning_again_gives_the_same_tail(market, steps, averse, data):
    """With one lambda a plan is consistent in time, exactly to 1e-9 of the order."""
    path = optimal_trajectory(market, 1e5, 5, steps, averse)
    at_step = data.draw(st.integers(0, steps - 1))
    again = replanned(market, path, at_step, averse)

    assert again.holdings == pytest.approx(path.holdings[at_step:], rel=1e-9, abs=1e-9 * max(map(abs, path.holdings)))


@given(st.floats(1, 1e6), st.floats(0.1, 500), st.floats(0.05, 5), st.lists(st.floats(0.01, 1), min_size=2, max_size=8))
def test_no_list_of_trades_beats_the_blocks(depth, recovery, horizon, weights):
    """Any schedule of single trades costs at least what Obizhaeva and Wang's optimum does."""
    book, total = ResilientBook(depth=depth, recovery_rate=recovery), 1_000.0
    times = [horizon * place / (len(weights) - 1) for place in range(len(weights))]
    trades = [total * weight / sum(weights) for weight in weights]
    best = permanent_cost(book, total) + optimal_transient_cost(book, total, horizon)

    assert trades_cost(book, times, trades) >= best * (1 - 1e-9)
    assert optimal_blocks(book, total, horizon).traded(horizon) == pytest.approx(total)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 3)), min_size=1, max_size=6), st.floats(0.1, 5))
def test_admissible_propagators_cannot_be_pumped(legs, rate):
    """With linear impact and exponential decay, or power-law decay, no round trip has a negative cost."""
    rates, times = [leg[0] for leg in legs], [leg[1] for leg in legs]
    bought = sum(speed * time for speed, time in legs)
    assume(abs(bought) > 1e-3)
    rates, times = [*rates, -bought], [*times, 1.0]

    assert propagator_cost(rates, times, 1, ExponentialDecay(rate)) >= -1e-9
    assert propagator_cost(rates, times, 1, PowerLawDecay(0.5)) >= -1e-9


@given(st.floats(0.2, 3), st.floats(1e-8, 1e-2), st.floats(100, 1e6))
def test_more_risk_aversion_costs_more_and_risks_less(exponent, averse, quantity):
    """Along the free-horizon frontier of power-law impact cost rises as risk falls."""
    market = PowerLawMarket.through(volatility=1, cost=0.5, at_rate=1e5, exponent=exponent)
    calm, hurried = (free_horizon_optimum(market, quantity, each) for each in (averse, 2 * averse))

    assert hurried.expected_cost > calm.expected_cost
    assert hurried.standard_deviation < calm.standard_deviation
    assert hurried.characteristic_time < calm.characteristic_time


@given(
    st.builds(
        PlacementCosts,
        half_spread=st.floats(1e-4, 0.1),
        take_fee=st.floats(0, 0.01),
        rebate=st.floats(0, 0.01),
        underfill_penalty=st.floats(0, 0.5),
        impact=st.floats(0, 0.01),
    ),
    st.floats(1, 5_000),
    st.floats(0, 5_000),
    st.builds(ExponentialOutflow, st.floats(10, 10_000))
    | st.builds(ObservedOutflow, st.lists(st.floats(0, 10_000), min_size=1, max_size=20)),
    st.floats(0, 1),
)
def test_no_split_is_cheaper(costs, quantity, ahead, outflow, share):
    """The best placement adds up to the order, and no other split has a lower expected cost."""
    best = best_placement(costs, quantity, ahead, outflow)
    other = placement_cost(costs, quantity, share * quantity, ahead, outflow)
    bounds = penalty_bounds(costs, quantity, ahead, outflow)

    assert best.limit + best.market == pytest.approx(quantity)
    assert best.expected_cost <= other + 1e-9 * (abs(other) + quantity * costs.saving)
    if bounds.all_limit_below is not None and costs.underfill_penalty < bounds.all_limit_below * (1 - 1e-9):
        assert best.limit == pytest.approx(quantity)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=10), st.floats(1, 500), st.data())
def test_the_expected_curve_tracks_vwap_best(weights, concentration, data):
    """No schedule has less variance than the expected curve, whose own part is zero."""
    expected = [weight / sum(weights) for weight in weights]
    others = data.draw(st.lists(st.floats(0.01, 1), min_size=len(weights), max_size=len(weights)))
    planned = [weight / sum(others) for weight in others]
    covariance = dirichlet_covariance(expected, concentration)
    best, other = (tracking_variance(curve, expected, covariance, 2.0) for curve in (expected, planned))

    assert best.schedule == pytest.approx(0, abs=1e-12)
    assert other.floor == best.floor >= 0
    assert other.total >= best.total - 1e-12


@given(figures, st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 10))
def test_liquidation_runs_one_way(impact, running, terminal, horizon):
    """What is left falls from all of it, never below zero, and the speed is never negative."""
    penalties = InventoryPenalties(temporary_impact=impact, running_penalty=running, terminal_penalty=terminal)
    held = [quantity_left(penalties, 100, horizon, min(horizon, horizon * place / 10)) for place in range(11)]

    assert held[0] == pytest.approx(100)
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(held))
    assert held[-1] >= 0
    assert speed(penalties, 100, horizon, horizon / 2) >= 0


@given(st.floats(1, 1e6), st.integers(1, 100), st.floats(0, 1), st.floats(-100, 100))
def test_splitting_never_costs_more(quantity, periods, impact, price):
    """Each further period saves, and at best half of the price move of the block is paid."""
    now, later = (even_split_cost(quantity, count, impact, price).excess for count in (periods, periods + 1))

    assert later <= now
    assert later >= impact * quantity**2 / 2


@given(st.floats(1e-4, 1), st.floats(0, 2), st.floats(0.01, 1))
def test_trading_slower_is_cheaper_and_riskier(size, volatility, rate):
    """I-Star trades cost against timing risk; all at once costs I* and has no risk."""
    fast, slow = (
        istar_estimate(size_share=size, annual_volatility=volatility, participation_rate=each, coefficients=ALL_STOCKS)
        for each in (rate, rate / 2)
    )
    once = istar_estimate(size_share=size, annual_volatility=volatility, participation_rate=1, coefficients=ALL_STOCKS)

    assert slow.cost_bps <= fast.cost_bps <= once.cost_bps == pytest.approx(once.instantaneous_bps)
    assert slow.timing_risk_bps >= fast.timing_risk_bps >= once.timing_risk_bps == 0


@pytest.mark.parametrize("value", REFUSED)
@pytest.mark.parametrize(
    ("kind", "good", "names"),
    [
        (LinearMarket, {"volatility": 1, "temporary_impact": 1e-6}, ("volatility", "temporary_impact")),
        (PowerLawImpact, {}, ("eta", "gamma", "alpha")),
        (SquareRootLaw, {}, ("y", "delta")),
        (IStarModel, {"participation_rate": 0.1}, ("participation_rate",)),
        (ResilientBook, {"depth": 10, "recovery_rate": 1}, ("depth", "recovery_rate")),
        (
            PowerLawMarket,
            {"volatility": 1, "temporary_impact": 1, "exponent": 1},
            ("volatility", "temporary_impact", "exponent"),
        ),
        (
            InventoryPenalties,
            {"temporary_impact": 1, "running_penalty": 1, "terminal_penalty": 1},
            ("temporary_impact", "running_penalty", "terminal_penalty", "permanent_impact"),
        ),
        (
            PlacementCosts,
            {"half_spread": 0.01, "take_fee": 0, "rebate": 0, "underfill_penalty": 0.1},
            ("half_spread", "underfill_penalty", "impact"),
        ),
        (ExponentialDecay, {"rate": 1}, ("rate",)),
        (ExponentialOutflow, {"mean": 1}, ("mean",)),
    ],
)
def test_nonsense_is_refused_by_name(kind, good, names, value):
    """NaN, infinities, negatives, text, nothing and booleans are refused on one line that names the field."""
    for name in names:
        with pytest.raises(BadInput) as refusal:
            kind(**{**good, name: value})
        assert str(refusal.value).startswith(name)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"quantity": 0}, "quantity"),
        ({"horizon": -1}, "horizon"),
        ({"horizon": nan}, "horizon"),
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"risk_aversion": -1e-6}, "risk_aversion"),
        ({"horizon": 1_000.0}, "step"),
    ],
)
def test_paths_of_nonsense_are_refused(changes, name):
    """Each argument of a plan is refused by name, and so is a step too long for the permanent impact."""
    market = LinearMarket(volatility=1, temporary_impact=1e-6, permanent_impact=1e-7)
    asked: dict[str, Any] = {"quantity": 1e5, "horizon": 5.0, "steps": 5, "risk_aversion": 1e-6, **changes}

    with pytest.raises(BadInput, match=f"^{name} "):
        optimal_trajectory(market, **asked)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=30), st.floats(0, 1e4), st.floats(0, 1e4))
def test_observed_outflows_are_their_own_law(sizes, low, more):
    """The mean between two sizes is the integral of 1 - cdf, and a quantile is the least size that reaches it."""
    law, high = ObservedOutflow(sizes), low + more
    corners = sorted({low, high, *[size for size in sizes if low < size < high]})
    integral = sum((b - a) * (1 - law.cdf(a)) for a, b in pairwise(corners))

    assert law.mean_between(low, high) == pytest.approx(integral, abs=1e-6)
    for chance in accumulate([1 / 8] * 7):
        assert law.cdf(law.quantile(chance)) >= chance
