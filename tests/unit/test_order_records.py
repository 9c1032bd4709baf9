"""Order records as users hold them: detached copies with exact sums and one state."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from quietfill.domain.events import DecisionEvent, OrderEvent
from quietfill.domain.order import FillCategory, MarketImpactEstimate, PendingOrder, SliceFill
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import OrderSide

NOON = datetime(2023, 7, 11, 12, tzinfo=UTC)


def pending(quantity=100, **changes) -> PendingOrder:
    """Build a pending order of a buy."""
    order = OrderEvent(event_id="o-1", timestamp=NOON, symbol="600961", quantity=quantity, limit_price=9.2)
    decision = DecisionEvent(event_id="d-1", timestamp=NOON, symbol="600961", action=OrderSide.BUY, quantity=quantity)
    return PendingOrder(order, decision, **changes)


def snapshot(order: PendingOrder) -> tuple[Any, ...]:
    """Everything that a method could change."""
    slices = [(s.filled_quantity, s.avg_fill_price, list(s.fills), s.is_complete) for s in order.slice_fills.values()]
    totals = (order.filled_quantity, order.remaining_quantity, order.avg_fill_price)
    return *totals, order.state, list(order.state_history), list(order.slices), slices


class TestSliceFill:
    """What one slice was meant to do and did."""

    def test_a_new_slice_has_done_nothing(self):
        """Without fills there is no average and no slippage."""
        fresh = SliceFill(0, 17, 100, arrival_price=10.0)

        assert (fresh.filled_quantity, fresh.avg_fill_price, fresh.fill_rate) == (0, 0.0, 0.0)
        assert (fresh.slippage_bps, fresh.price_improvement_bps) == (None, None)
        assert not fresh.has_price_improvement
        assert (fresh.is_buy, fresh.is_complete, fresh.fills) == (True, False, [])

    def test_fills_are_averaged_by_quantity(self):
        """The average is the exact sum over the exact quantity, and the slice completes with its target."""
        slice_fill = SliceFill(0, 17, 300, arrival_price=10.0)

        slice_fill.add_fill(100, 10.01)
        halfway = slice_fill.is_complete
        slice_fill.add_fill(200, 10.02)

        assert halfway is False
        assert slice_fill.is_complete is True
        assert slice_fill.avg_fill_price == 3005 / 300
        assert slice_fill.fill_rate == 1.0
        assert slice_fill.fills == [(100, 10.01), (200, 10.02)]

    @pytest.mark.parametrize(
        ("is_buy", "price", "slippage"),
        [(True, 10.01, 10.0), (True, 9.99, -10.0), (False, 10.01, -10.0), (False, 9.99, 10.0)],
    )
    def test_slippage_hurts_when_positive_and_improvement_helps(self, is_buy, price, slippage):
        """A buy above arrival and a sell below it hurt; improvement is the same figure with the other sign."""
        slice_fill = SliceFill(0, 17, 100, arrival_price=10, is_buy=is_buy)

        slice_fill.add_fill(100, price)

        assert slice_fill.slippage_bps == pytest.approx(slippage, rel=1e-12)
        assert slice_fill.price_improvement_bps == pytest.approx(-slippage, rel=1e-12)
        assert slice_fill.has_price_improvement == (slippage < 0)

    def test_slippage_keeps_its_sign_at_negative_prices(self):
        """Paying more than arrival hurts a buyer although the prices are below zero."""
        slice_fill = SliceFill(0, 17, 1, arrival_price=-40)

        slice_fill.add_fill(1, -38)

        assert slice_fill.slippage_bps == 500.0

    @pytest.mark.parametrize("arrival", [None, 0])
    def test_slippage_without_a_reference_is_unknown(self, arrival):
        """No arrival price, or one of zero, gives no bps and never an invented number."""
        slice_fill = SliceFill(0, 17, 100, arrival_price=arrival)

        slice_fill.add_fill(100, 10.0)

        assert slice_fill.slippage_bps is None
        assert slice_fill.price_improvement_bps is None

    def test_a_fill_at_arrival_costs_a_plain_zero(self):
        """Zero has no sign."""
        slice_fill = SliceFill(0, 17, 100, arrival_price=10, is_buy=False)

        slice_fill.add_fill(100, 10)

        assert str(slice_fill.slippage_bps) == "0.0"
        assert str(slice_fill.price_improvement_bps) == "0.0"

    def test_fill_rate_stays_between_nothing_and_all(self):
        """No target gives 0.0, an overfill 1.0."""
        no_target, overfilled = SliceFill(0, 17, 0), SliceFill(0, 17, 10)

        no_target.add_fill(5, 10.0)
        overfilled.add_fill(15, 10.0)

        assert no_target.fill_rate == 0.0
        assert overfilled.fill_rate == 1.0
        assert overfilled.filled_quantity == 15

    def test_a_copy_can_start_from_totals_or_from_fills(self):
        """Stated totals go on being averaged; stated fills make their own."""
        from_totals = SliceFill(0, 17, 300, 100, 10.0)
        from_fills = SliceFill(0, 17, 300, fills=[(100, 10.0)])

        for slice_fill in (from_totals, from_fills):
            slice_fill.add_fill(100, 11.0)

        assert from_totals.avg_fill_price == from_fills.avg_fill_price == 10.5
        assert SliceFill(0, 17, 300, 100, 10.0, [(100, 10.0)]).filled_quantity == 100

    def test_totals_that_contradict_the_fills_are_refused(self):
        """Both figures are named."""
        with pytest.raises(ValueError, match="filled_quantity 50 disagrees with fills, which sum to 100"):
            SliceFill(0, 17, 300, 50, 10.0, [(100, 10.0)])

    @pytest.mark.parametrize(
        ("quantity", "price", "named"),
        [
            (0, 10.0, "quantity"),
            (-1, 10.0, "quantity"),
            (True, 10.0, "quantity"),
            (float("nan"), 10.0, "quantity"),
            (10, float("nan"), "price"),
            (10, float("inf"), "price"),
            (10, "10", "price"),
            (10, None, "price"),
        ],
    )
    def test_a_bad_fill_is_refused_and_changes_nothing(self, quantity, price, named):
        """The message names what was wrong; the sums stay."""
        slice_fill = SliceFill(0, 17, 100, arrival_price=10)
        slice_fill.add_fill(10, 10.5)

        with pytest.raises(ValueError, match=named):
            slice_fill.add_fill(quantity, price)

        assert (slice_fill.filled_quantity, slice_fill.avg_fill_price, slice_fill.fills) == (10, 10.5, [(10, 10.5)])

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slice_index", 0.5),
            ("target_quantity", -1),
            ("filled_quantity", -1),
            ("avg_fill_price", float("nan")),
            ("arrival_price", float("inf")),
            ("is_buy", "yes"),
            ("is_complete", 1),
        ],
    )
    def test_a_bad_field_is_refused_by_name(self, field, value):
        """Whatever is wrong with a slice is said by name."""
        given: dict[str, Any] = {"slice_index": 0, "broker_order_id": 17, "target_quantity": 100, field: value}
        with pytest.raises(ValueError, match=field):
            SliceFill(**given)

    def test_parts_of_a_coin_are_summed_exactly(self):
        """A tenth and a fifth of a coin are three tenths."""
        slice_fill = SliceFill(0, 17, Decimal("0.3"))

        slice_fill.add_fill(Decimal("0.1"), 65000.1)
        slice_fill.add_fill(Decimal("0.2"), 65000.1)

        assert slice_fill.filled_quantity == Decimal("0.3")
        assert slice_fill.is_complete
        assert slice_fill.avg_fill_price == 65000.1


class TestPendingOrder:
    """A parent order as it stood when it was asked for."""

    def test_a_new_order_is_pending_and_has_everything_to_do(self):
        """State, status and remaining quantity of an order that was only created."""
        order = pending()

        assert (order.state, order.status, order.is_terminal()) == (OrderState.CREATED, "pending", False)
        assert (order.filled_quantity, order.remaining_quantity, order.avg_fill_price) == (0, 100, 0.0)
        assert (order.slices, order.slice_fills, order.state_history) == ([], {}, [])
        assert (order.order_id, order.created_at, order.broker_order_id) == ("o-1", NOON, None)

    def test_fills_of_slices_add_up_to_the_order(self):
        """A fill counts for its slice and for the order."""
        order = pending(300)
        order.register_slice(17, 100, arrival_price=9.0)
        order.register_slice(18, 200, arrival_price=9.0, is_buy=True)

        booked = [order.add_slice_fill(17, 100, 9.10), order.add_slice_fill(18, 50, 9.16)]

        assert booked == [True, True]
        assert (order.filled_quantity, order.remaining_quantity) == (150, 150)
        assert order.avg_fill_price == 1368 / 150
        first, second = order.slice_fills.values()
        assert (first.slice_index, first.broker_order_id, first.is_complete) == (0, 17, True)
        assert (second.slice_index, second.filled_quantity, second.is_complete) == (1, 50, False)
        assert order.get_slice_fill(18) is second
        assert order.slices == [17, 18]

    def test_a_fill_of_an_unknown_slice_changes_nothing(self):
        """The answer is False, not an exception."""
        order = pending()
        before = snapshot(order)

        assert order.add_slice_fill(99, 10, 9.1) is False
        assert order.get_slice_fill(99) is None
        assert snapshot(order) == before

    @pytest.mark.parametrize(("quantity", "price"), [(0, 9.1), (-5, 9.1), (10, float("nan")), ("10", 9.1)])
    def test_a_bad_fill_changes_neither_slice_nor_order(self, quantity, price):
        """A refused fill leaves every figure as it was."""
        order = pending()
        order.register_slice(17, 100)
        order.add_slice_fill(17, 10, 9.1)
        before = snapshot(order)

        with pytest.raises(ValueError, match=r"quantity|price"):
            order.add_slice_fill(17, quantity, price)

        assert snapshot(order) == before

    def test_registering_a_slice_twice_keeps_its_fills(self):
        """Saying the same again changes nothing; another target under the same id is refused."""
        order = pending()
        order.register_slice(17, 100)
        order.add_slice_fill(17, 10, 9.1)

        order.register_slice(17, 100)

        assert order.slices == [17]
        assert order.slice_fills[17].filled_quantity == 10
        with pytest.raises(ValueError, match="slice 17 is known with target_quantity 100, not 200"):
            order.register_slice(17, 200)

    def test_an_overfill_leaves_nothing_rather_than_less(self):
        """The remaining quantity stops at zero; the filled one tells the truth."""
        order = pending()
        order.register_slice(17, 100)

        order.add_slice_fill(17, 130, 9.1)

        assert (order.filled_quantity, order.remaining_quantity) == (130, 0)

    def test_a_legal_transition_is_made_and_remembered(self):
        """Each step is in the history with its reason and time."""
        order = pending()

        moved = [order.transition_state(OrderState.SUBMITTED), order.transition_state("filled", "all done")]

        assert moved == [True, True]
        assert (order.state, order.status, order.is_terminal()) == (OrderState.FILLED, "filled", True)
        last = order.state_history[-1]
        assert len(order.state_history) == 2
        assert (last.previous, last.new, last.reason) == (OrderState.SUBMITTED, OrderState.FILLED, "all done")
        assert last.at.tzinfo is UTC

    def test_an_illegal_transition_changes_nothing(self):
        """The answer is False and neither state nor history move."""
        order = pending(state=OrderState.FILLED)
        before = snapshot(order)

        assert order.transition_state(OrderState.WORKING) is False
        assert snapshot(order) == before

    def test_a_state_that_does_not_exist_is_refused(self):
        """A slip in a state's name is an error, not an illegal transition."""
        with pytest.raises(ValueError, match="new_state"):
            pending().transition_state("done")

    @pytest.mark.parametrize(
        ("given", "state"), [({"status": "partial"}, "partial"), ({"state": "working"}, "working")]
    )
    def test_status_and_state_are_one(self, given, state):
        """Either of them says where the order stands."""
        order = pending(**given)

        assert (order.state, order.status) == (state, state)

    def test_a_status_that_contradicts_the_state_is_refused(self):
        """There is one state, not two."""
        with pytest.raises(ValueError, match="status 'filled' contradicts state 'working'"):
            pending(status="filled", state=OrderState.WORKING)

    def test_stated_totals_are_kept_and_go_on(self):
        """A snapshot in mid-life continues from its figures."""
        order = pending(
            filled_quantity=40, remaining_quantity=55, avg_fill_price=9.0, state=OrderState.PARTIAL, arrival_price=8.9
        )
        order.register_slice(17, 60)

        order.add_slice_fill(17, 40, 9.2)

        assert (order.filled_quantity, order.remaining_quantity, order.avg_fill_price) == (80, 15, 9.1)
        assert order.arrival_price == 8.9

    def test_a_finished_order_with_nothing_remaining_has_nothing_remaining(self):
        """What a cancelled order did not fill is not still to do."""
        assert pending(filled_quantity=40, avg_fill_price=9.0, state=OrderState.CANCELLED).remaining_quantity == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("filled_quantity", -1),
            ("remaining_quantity", float("nan")),
            ("avg_fill_price", float("inf")),
            ("status", "odd"),
            ("state", "odd"),
            ("created_at", NOON.replace(tzinfo=None)),
            ("arrival_price", "9"),
        ],
    )
    def test_a_bad_field_is_refused_by_name(self, field, value):
        """Whatever is wrong with an order record is said by name."""
        with pytest.raises(ValueError, match=field):
            pending(**{field: value})

    def test_the_copy_is_detached_from_what_it_was_built_from(self):
        """Lists and mappings given are copied."""
        slices, fills = [17], {17: SliceFill(0, 17, 100)}
        order = pending(slices=slices, slice_fills=fills)

        order.register_slice(18, 10)

        assert slices == [17]
        assert list(fills) == [17]
        assert order.slices == [17, 18]


class TestSmallRecords:
    """Fill categories and impact estimates."""

    def test_they_are_built_by_position(self):
        """The order of fields is that of the contract."""
        category = FillCategory(True, "Aggressive", 1.5, 1.0)
        estimate = MarketImpactEstimate("600961", "buy", 1000, 2.0, 1.0, 2.5, 2.5, "square root")  # type: ignore[arg-type]

        assert (category.is_aggressive, category.category) == (True, "aggressive")
        assert (category.price_vs_arrival_bps, category.price_vs_spread_position) == (1.5, 1.0)
        assert (estimate.side, estimate.total_impact_bps, estimate.model_used) == (OrderSide.BUY, 2.5, "square root")

    def test_what_is_not_known_is_none(self):
        """A fill without arrival price or book has no figures."""
        unknown = FillCategory(False, "unknown", None, None)

        assert (unknown.price_vs_arrival_bps, unknown.price_vs_spread_position) == (None, None)

    @pytest.mark.parametrize(
        "given", [(1, "passive", 0.0, 0.0), (True, "lucky", 0.0, 0.0), (True, "passive", float("nan"), 0.0)]
    )
    def test_a_wrong_category_is_refused(self, given):
        """Bad figures are refused by name."""
        with pytest.raises(ValueError, match=r"is_aggressive|category|price_vs_arrival_bps"):
            FillCategory(*given)

    @pytest.mark.parametrize(("place", "value"), [(1, "hold"), (2, 0), (5, float("nan")), (7, "")])
    def test_a_wrong_estimate_is_refused(self, place, value):
        """An estimate that is not a number is never handed on."""
        given: list[Any] = ["600961", "buy", 1000, 2.0, 1.0, 2.5, 2.5, "square root"]
        given[place] = value
        with pytest.raises(ValueError, match=MarketImpactEstimate.__struct_fields__[place]):
            MarketImpactEstimate(*given)
