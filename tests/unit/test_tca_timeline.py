"""An order over time: its plan, its share of the market, its cost to date."""

from fractions import Fraction

import pytest

from quietfill.domain.records import CancelRequested
from quietfill.domain.types import price_from, quantity_from
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.tca.timeline import cost_to_date, executed, participation, planned
from tests.tca_records import Script, at, known, market


def order_of(script):
    """Return the ledger of a script's only order."""
    (order,) = Ledger.of(script).orders.values()
    return order


def shares(points):
    """Return points with instants as seconds and quantities in shares."""
    return [((instant - at(0)) / 1e9, quantity / quantity_from(1)) for instant, quantity in points]


def test_the_plan_of_slices_is_their_schedule():
    """Each slice asks for what should be done by its end, whatever the slices before it left undone."""
    script = Script(quantity=300).place("c1", 0, 100, 10).fill("c1", 5, 60, 10)
    script.add(CancelRequested(at=at(10), child_id="c1", attempt=1, why="slice over")).end_child("c1", 10.5, 60)
    script.place("c2", 11, 140, 10, key="s2").replace("c2", 15, 140, 10.01).fill("c2", 16, 140, 10.01)
    script.place("c3", 20, 100, 10, key="s3")

    assert shares(planned(order_of(script))) == [(0, 100), (11, 200), (15, 200), (20, 300)]
    assert shares(executed(order_of(script))) == [(5, 60), (16, 200)]


def test_children_asked_for_at_once_are_one_step_of_the_plan():
    """Two children of one instant are one point, and a child whose cancel is asked for is not planned on."""
    script = Script(quantity=300).place("c1", 0, 100, 10).place("c2", 0, 50, 10, key="s2")
    script.add(CancelRequested(at=at(3), child_id="c1", attempt=1, why="not wanted")).place("c3", 3, 70, 10, key="s3")

    assert shares(planned(order_of(script))) == [(0, 150), (3, 120)]


def test_participation_counts_own_fills_and_the_market_since_arrival():
    """The share is own over own plus market at each fill; prints before arrival are not in it."""
    script = Script(accepted=2).place("c1", 2, 1000, 10).fill("c1", 4, 100, 10).fill("c1", 8, 100, 10)
    history = market([(0, 9.99, 10.01)], [(1, 10, 900), (3, 10, 300), (6, 10, 100), (9, 10, 400)])
    points = dict(participation(order_of(script), history, at(10), points=3))

    assert points == {
        at(4): pytest.approx(100 / 400), at(6): pytest.approx(100 / 500), at(8): pytest.approx(200 / 600),
        at(10): pytest.approx(200 / 1000),
    }  # fmt: skip


def test_participation_has_no_share_before_anything_traded():
    """Nothing over nothing is no share; with no print and no fill there is no point at all."""
    assert participation(order_of(Script()), market([]), at(10)) == []


def test_the_participation_at_the_last_fill_is_the_summarys():
    """The curve and the figure agree where the figure is taken."""
    script = Script().place("c1", 0, 1000, 10).fill("c1", 4, 100, 10).fill("c1", 8, 100, 10)
    history = market([(0, 9.99, 10.01)], [(0, 10, 900), (8, 10, 300)])
    order = order_of(script)

    assert dict(participation(order, history, at(20)))[at(8)] == order_summary(order, history).participation


def test_cost_to_date_splits_into_spread_and_drift():
    """What was paid for the spread and what the mid did add up to the cost, which ends at the order's."""
    script = Script(side="sell", arrival=(99.98, 100.02)).place("c1", 0, 1000, 99.9)
    script.fill("c1", 6, 300, 99.90, touch=(99.88, 99.92)).fill("c1", 3, 100, 99.98, touch=(99.98, 100.02))
    order = order_of(script)
    first, last = cost_to_date(order, None, Fraction(price_from(100)))

    assert (first.at, first.total_bps, first.spread_bps, first.drift_bps) == (at(3), 2.0, 2.0, 0.0)
    assert [known(last.spread_bps), known(last.drift_bps)] == pytest.approx([0.5, 7.5])
    assert last.total_bps == order_summary(order, None).shortfall_bps == pytest.approx(8.0)


def test_a_fill_without_a_mid_ends_the_split_but_not_the_total():
    """From the first fill that cannot be split on, only the total is known."""
    script = Script(arrival=(99.98, 100.02)).place("c1", 0, 1000, 100.1)
    script.fill("c1", 3, 100, 100.02, touch=(99.98, 100.02)).fill("c1", 6, 100, 100.04)
    first, last = cost_to_date(order_of(script), None, Fraction(price_from(100)))

    assert known(first.spread_bps) + known(first.drift_bps) == pytest.approx(first.total_bps)
    assert (last.spread_bps, last.drift_bps) == (None, None)
    assert last.total_bps == pytest.approx(3.0)
