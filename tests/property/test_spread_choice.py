"""The choice between crossing and waiting: monotone where it must be, and consistent with its own figures."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.market.spread import LEFT_BEHIND, WaitingCase, choose

sizes = st.floats(0.01, 1e7)
urgencies = st.floats(0, 1)
more = st.floats(1, 50)
maybe_bps = st.one_of(st.none(), st.floats(0, 500))


@st.composite
def cases(draw):
    return WaitingCase(
        spread_bps=draw(st.floats(0.01, 500)),
        ahead=draw(sizes),
        opposite=draw(sizes),
        own=draw(st.one_of(st.just(0.0), sizes)),
        rate=draw(st.one_of(st.none(), st.just(0.0), st.floats(0.1, 1e6))),
        trade_size=draw(st.one_of(st.none(), st.floats(1, 1e5))),
        volatility_bps=draw(maybe_bps),
        minutes_left=draw(st.one_of(st.none(), st.floats(0, 500))),
        opportunity_cost_bps=draw(maybe_bps),
    )


def changed(case, **terms):
    return msgspec.structs.replace(case, **terms)


@given(cases(), urgencies)
def test_it_crosses_exactly_when_the_net_benefit_is_above_zero(case, urgency):
    """The figures and the verdict never disagree, and every figure is a number within its range."""
    choice = choose(case, urgency)

    assert choice.should_cross == (choice.net_benefit_bps > 0)
    assert choice.spread_cost_bps + choice.spread_saved_bps == pytest.approx(case.spread_bps)
    assert choice.queue_cost_bps >= 0
    assert 0 <= choice.left_behind <= LEFT_BEHIND
    assert choice.reason.replace("_", "").isalpha()
    assert choice.reason.islower()


@given(cases(), urgencies, urgencies)
def test_more_urgency_never_makes_it_wait(case, first, second):
    """The net benefit of crossing never falls as urgency rises."""
    low, high = sorted((first, second))

    assert choose(case, low).net_benefit_bps <= choose(case, high).net_benefit_bps + 1e-9


@given(cases())
def test_full_urgency_crosses(case):
    """At urgency 1 it crosses in any market."""
    assert choose(case, 1).should_cross


@given(cases())
def test_without_urgency_it_crosses_only_where_it_is_clearly_better(case):
    """At urgency 0 waiting must cost more than twice the spread."""
    choice = choose(case, 0)

    assert choice.should_cross == (choice.queue_cost_bps > 2 * case.spread_bps)


@given(cases(), urgencies, more)
def test_a_longer_queue_never_makes_it_wait(case, urgency, factor):
    """More ahead of us: later, and more likely left behind."""
    longer = changed(case, ahead=case.ahead * factor)

    assert choose(case, urgency).net_benefit_bps <= choose(longer, urgency).net_benefit_bps + 1e-9


@given(cases(), urgencies, more)
def test_a_heavier_opposite_side_never_makes_it_cross(case, urgency, factor):
    """What could lift the price away is further off: the imbalance counts the right way round."""
    heavier = changed(case, opposite=case.opposite * factor)

    assert choose(heavier, urgency).net_benefit_bps <= choose(case, urgency).net_benefit_bps + 1e-9


@given(cases(), urgencies, st.floats(0.1, 1e6), more)
def test_a_faster_queue_never_makes_it_cross(case, urgency, rate, factor):
    """More trading at our side means a shorter wait."""
    slow, fast = changed(case, rate=rate), changed(case, rate=rate * factor)

    assert choose(fast, urgency).net_benefit_bps <= choose(slow, urgency).net_benefit_bps + 1e-9


@given(cases(), urgencies, st.floats(0, 500), st.floats(0, 500))
def test_dearer_misses_never_make_it_wait(case, urgency, first, second):
    """The net benefit never falls as the stated opportunity cost, or the volatility, rises."""
    low, high = sorted((first, second))
    for name in ("opportunity_cost_bps", "volatility_bps"):
        cheap, dear = changed(case, **{name: low}), changed(case, **{name: high})
        assert choose(cheap, urgency).net_benefit_bps <= choose(dear, urgency).net_benefit_bps + 1e-9


@pytest.mark.parametrize("urgency", [-0.1, 1.1, float("nan"), float("inf")])
def test_an_urgency_out_of_range_is_refused(urgency):
    """Urgency goes from 0 to 1."""
    with pytest.raises(BadInput, match="urgency"):
        choose(WaitingCase(spread_bps=1, ahead=1, opposite=1), urgency)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spread_bps", 0),
        ("ahead", -1),
        ("opposite", float("nan")),
        ("own", -1),
        ("rate", -1),
        ("trade_size", 0),
        ("volatility_bps", float("inf")),
        ("minutes_left", -1),
        ("opportunity_cost_bps", -0.1),
    ],
)
def test_figures_that_cannot_be_are_refused_by_name(name, value):
    """Each field says what is wrong with it."""
    with pytest.raises(BadInput, match=name):
        WaitingCase(**{"spread_bps": 1, "ahead": 1, "opposite": 1, name: value})
