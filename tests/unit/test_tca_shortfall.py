"""The shortfall identity on the worked examples of Perold, of Wagner and Edwards, and of Kissell."""

import msgspec
import pytest

from quietfill.domain.types import OrderSide, price_from, quantity_from
from quietfill.tca.shortfall import ShortfallTerms, shortfall
from tests.tca_records import known

SHARES = quantity_from(1)


E1 = ShortfallTerms(
    side=OrderSide.BUY, quantity=5000 * SHARES, filled=4000 * SHARES, value=4000 * SHARES * price_from(10.50),
    decision=price_from(10), arrival=price_from(10.25), closing=price_from(11), fees=price_from(80),
)  # fmt: skip


def terms(**changes):
    """Return the terms of conformance case E1 (buy 5,000, of which 4,000 are filled), changed."""
    return msgspec.structs.replace(E1, **changes)


def costs(parts):
    """Return delay, trading, opportunity, fees and total in currency."""
    return [float(known(part)) for part in (parts.delay, parts.trading, parts.opportunity, parts.fees, parts.total)]


def test_expanded_form():
    """E1: delay 1,250, trading 1,000, opportunity 750 and fees 80 are 3,080, 616 bp of paper."""
    parts = shortfall(terms())

    assert costs(parts) == [1250, 1000, 750, 80, 3080]
    assert parts.paper_value == 50_000
    assert parts.bps(parts.total) == pytest.approx(616.0, abs=1e-9)


def test_perold_form():
    """E2: measured from the decision alone, execution is 2,000 and opportunity 1,000; the total is the same."""
    parts = shortfall(terms(decision=None, arrival=price_from(10)))

    assert costs(parts) == [0, 2000, 1000, 80, 3080]
    assert parts.executed_bps == 500


def test_a_complete_order_has_no_opportunity_cost():
    """E3: filled in full, the closing price does not matter, known or not."""
    done = {"filled": 5000 * SHARES, "value": 5000 * SHARES * price_from(10.50), "fees": price_from(100)}
    parts = shortfall(terms(**done, decision=None, arrival=price_from(10)))

    assert costs(parts) == [0, 2500, 0, 100, 2600]
    assert shortfall(terms(**done, closing=None)).opportunity == 0


def test_an_unknown_close_leaves_opportunity_and_total_unknown():
    """Without a closing mid the unfilled part has no cost that anybody knows."""
    parts = shortfall(terms(closing=None))

    assert (parts.opportunity, parts.total, parts.bps(parts.total)) == (None, None, None)
    assert parts.trading == 1000


def test_a_price_below_zero_still_costs_when_it_goes_against_us():
    """A seller at -3 against an arrival of -2 lost, and bps are of the price's magnitude."""
    parts = shortfall(
        terms(
            side=OrderSide.SELL, filled=5000 * SHARES, value=5000 * SHARES * price_from(-3), decision=None,
            arrival=price_from(-2), fees=0,
        )
    )  # fmt: skip

    assert costs(parts) == [0, 5000, 0, 0, 5000]
    assert (float(known(parts.executed_bps)), parts.bps(parts.total)) == (5000.0, 5000.0)


def test_a_price_of_zero_has_no_bps():
    """Costs against an arrival of 0 are known in currency and in nothing else."""
    parts = shortfall(terms(decision=None, arrival=0))

    assert parts.trading == 42_000
    assert (parts.executed_bps, parts.bps(parts.trading)) == (None, None)


def test_an_overfilled_order_still_adds_up():
    """More filled than ordered is shown as it is: no unfilled part, and all that was filled costs."""
    parts = shortfall(terms(filled=6000 * SHARES, value=6000 * SHARES * price_from(10.50), fees=0))

    assert costs(parts) == [1500, 1500, 0, 0, 3000]
    assert float(parts.fill_rate) == 1.2


def test_an_order_for_nothing_is_refused():
    """There is no base to measure an order of quantity zero by."""
    with pytest.raises(ValueError, match="quantity must be positive, not 0"):
        shortfall(terms(quantity=0))
