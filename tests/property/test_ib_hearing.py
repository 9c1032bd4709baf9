"""Whatever the order in which the gateway says things, and however often, the same is booked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import price_from, quantity_from
from tests.ib.rig import Ears

WORDS = [
    lambda ears: ears.echo("PreSubmitted"),
    lambda ears: ears.echo("Submitted"),
    lambda ears: ears.status("Submitted", 0, 100),
    lambda ears: ears.execution("e.1.01", 30, 10.0, cumulative=30),
    lambda ears: ears.execution("e.2.01", 50, 10.0, cumulative=80),
    lambda ears: ears.execution("e.2.02", 40, 9.99, cumulative=70),
    lambda ears: ears.commission("e.1.01", 1.0),
    lambda ears: ears.commission("e.2.02", 2.0),
    lambda ears: ears.status("Cancelled", 70, 30),
    lambda ears: ears.code(202),
    lambda ears: ears.code(399),
    lambda ears: ears.completed("Cancelled", filled=70),
]


@given(st.permutations(range(len(WORDS))), st.lists(st.integers(0, len(WORDS) - 1), max_size=12))
def test_any_order_and_any_repetition_ends_in_the_same_books(order, repeated):
    """Each execution ends at its highest revision with its own cost, and the order ends once."""
    ears = Ears()
    ears.placed().cancel_sent = True
    for place in [*order, *repeated]:
        WORDS[place](ears)

    assert ears.fills() == {
        "e.1": (1, quantity_from(30), price_from("10"), price_from("1")),
        "e.2": (2, quantity_from(40), price_from("9.99"), price_from("2")),
    }
    ends = [report for report in ears.reports if report.kind is ReportKind.CANCELLED]
    assert len(ends) == 1
    assert sum(kind is ReportKind.ACCEPTED for kind in ears.kinds) <= 1
    child = ears.children.get("p1-1")
    assert child is not None
    assert child.filled == quantity_from(70)
