"""The public face: books, the cost of trading now, queues, when to cross, and how fills came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent import book_views
from quietfill.agent.face import AgentFace
from quietfill.agent.fill_categories import category_summary, stated_fill
from quietfill.agent.intake import order_id_of
from quietfill.domain.fields import size_positive
from quietfill.domain.types import OrderSide, price_from, quantity_from
from quietfill.market.queue_flow import Flow, days_flow, observed_flow, volatility_a_minute

if TYPE_CHECKING:
    from quietfill.domain.events import OrderEvent
    from quietfill.domain.fields import Number, Size
    from quietfill.domain.order import FillCategory


class BookMethods(AgentFace):
    """What the others' book says. Our own resting orders are taken out of it first."""

    def analyze_order_book(self, symbol: str) -> dict[str, Any] | None:
        """Return touch, depth and pressure of the others' book; None when there is none.

        Returns:
            symbol; timestamp (aware, when the venue says it was true) and age in seconds; best_bid, best_ask, mid_price
            and microprice in currency; spread_bps of the mid, negative when crossed; is_locked, is_crossed; depth
            (bid_depth_5, ask_depth_5, bid_depth_10, ask_depth_10, total_bid_depth, total_ask_depth) in shares,
            contracts or coins; imbalance (imbalance_5, imbalance_10), (bid - ask) / (bid + ask); bid_levels and
            ask_levels, how many there are.
        """
        return book_views.book_analysis(self._engine.observed.view(symbol), self.runtime.clock.now())

    def estimate_execution_cost(self, symbol: str, side: str | OrderSide, quantity: Size) -> dict[str, Any] | None:
        """Return what taking *quantity* from the visible book at once would cost; None when there is no book.

        Returns:
            symbol, side, target_quantity; expected_fill, what the book shows of it, and fill_rate, the share; its
            expected_vwap; mid_price; slippage_bps of the average against the mid, positive when it hurts, and
            slippage_cost, the same in currency with the contract multiplier; is_fully_marketable; spread_bps. Hidden
            size and what our order would make others do are not in it.

        Raises:
            ValueError: when side is neither buy nor sell, or quantity not positive.
        """
        wanted = quantity_from(size_positive(quantity, "quantity"))
        view = self._engine.observed.view(symbol)
        return book_views.execution_cost(view, OrderSide.parse(side), wanted, self._instrument(symbol))

    def categorize_fill(
        self, order_id: str, fill_price: Number, fill_quantity: Size, fill_side: str | OrderSide
    ) -> FillCategory:
        """Judge a fill against the book at the fill.

        A fill that was booked is found by price, quantity and side, the latest first, and judged by the touch that was
        kept with it; one that was not is judged by the book now. Unknown where there is no two-sided book.

        Raises:
            ValueError: when a number is not finite, the quantity not positive or the side unknown.
        """
        order = self._history.order(order_id)
        view = None if order is None else self._engine.observed.view(order.symbol)
        quantity = quantity_from(size_positive(fill_quantity, "fill_quantity"), "fill_quantity")
        return stated_fill(order, OrderSide.parse(fill_side), price_from(fill_price, "fill_price"), quantity, view)

    def get_fill_categorization_summary(self) -> dict[str, Any]:
        """Count the fills of the orders that are kept, each judged against the book at the fill.

        Returns:
            total_fills, total_quantity; aggressive, passive, midpoint, auction and unknown, each {count, pct, quantity,
            quantity_pct}, pct of fills and quantity_pct of quantity, None before the first fill;
            avg_arrival_slippage_bps, weighted by quantity, positive when it hurt, over the fills that have an arrival.
        """
        return category_summary(self._history.orders())

    def should_cross_spread(
        self, symbol: str, side: str | OrderSide, urgency: float = 0.5, opportunity_cost_bps: float | None = None
    ) -> dict[str, Any]:
        """Say whether to cross the spread now or to wait at our own touch, and what each is expected to cost.

        Args:
            symbol: whose book.
            side: of the order; for a buy, a heavy bid side raises the urge to cross.
            urgency: 0 crosses only where waiting costs more than twice as much, 1 crosses.
            opportunity_cost_bps: what a missed order pays more than crossing now; None derives it from spread,
                volatility and queue. See `quietfill.market.spread`.

        Returns:
            should_cross, exactly when net_benefit_bps is above 0; reason, a snake_case word; spread_cost_bps, the half
            spread that crossing pays, and spread_saved_bps, the one that a resting fill earns;
            expected_queue_time_min, None where no trading was observed; expected_queue_cost_bps of waiting;
            left_behind_probability; net_benefit_bps; book_imbalance over five levels; urgency, symbol, side. Without a
            two-sided book the figures are None.

        Raises:
            ValueError: when urgency is not within 0 to 1, a cost is negative or a side unknown.
        """
        view = self._engine.observed.view(symbol)
        parsed, flow, volatility = OrderSide.parse(side), self._flow(symbol), self._volatility(symbol)
        return book_views.crossing_choice(
            view, parsed, urgency, opportunity_cost_bps=opportunity_cost_bps, flow=flow, volatility_bps=volatility
        )

    def execute_with_spread_awareness(self, order: OrderEvent, urgency: float = 0.5) -> dict[str, Any]:
        """Submit an order by the algo `adaptive`, which waits or crosses as the book asks, and say how it begins.

        The choice is made anew while it works. The order's own `algo` is not used; its limit bounds every child.

        Returns:
            execution_type ("aggressive" or "passive", the choice now), order, order_id, and everything that
            `should_cross_spread` returns.

        Raises:
            ValueError: when urgency is not within 0 to 1; nothing was submitted.
        """
        choice = self.should_cross_spread(order.symbol, order.side, urgency)
        params = {"urgency": choice["urgency"]}
        if (volatility := self._volatility(order.symbol)) is not None:
            params["volatility_bps"] = volatility
        self.runtime.submit(self._intake.direct_order(order, params, algo="adaptive"))
        kind = "aggressive" if choice["should_cross"] else "passive"
        return {"execution_type": kind, "order": order, "order_id": order_id_of(order.event_id), **choice}

    def estimate_queue_position(
        self, symbol: str, side: str | OrderSide, size: Size, price: Number | None = None
    ) -> dict[str, Any]:
        """Return where an order would stand among the others' resting orders, and when it would have traded.

        Args:
            symbol: whose book.
            side: of the order.
            size: of the order, in shares, contracts or coins.
            price: at which it would rest; None for the best price of its side.

        Returns:
            symbol, side, size, price; at_nbbo, whether nobody stands at a better price; queue_position, the others'
            quantity at that very price, and queue_depth_ahead, what trades before us, better prices included;
            nbbo_depth, at the best price; estimated_fill_rate, quantity a minute that was observed to reach our side;
            estimated_fill_time_min, expected; fill_probability_5min, by the law in `quietfill.market.queue`. None where
            it is not known: without observed trading, or away from the market without a known volatility. Orders ahead
            that are cancelled would shorten the wait; they are not counted.

        Raises:
            ValueError: when a number is not finite, the size not positive or the side unknown.
        """
        wanted = quantity_from(size_positive(size, "size"), "size")
        at = None if price is None else price_from(price)
        view, flow = self._engine.observed.view(symbol), self._flow(symbol)
        volatility = self._volatility(symbol)
        return book_views.queue_estimate(view, OrderSide.parse(side), wanted, at, flow=flow, volatility_bps=volatility)

    def _flow(self, symbol: str) -> Flow | None:
        """Return what was seen to trade of late; by the day's volume where no prints were seen."""
        now, minutes = self.runtime.clock.now(), self.config.settings.volume_window_minutes
        history, instrument = self.history_of(symbol), self._instrument(symbol)
        if history is not None and (flow := observed_flow(history, now, minutes)) is not None:
            return flow
        view = self._engine.observed.view(symbol)
        return None if instrument is None else days_flow(view, instrument.day_of(now), now)

    def _volatility(self, symbol: str) -> float | None:
        """Return what is known of it, in bps a square root of a minute."""
        instrument = self._instrument(symbol)
        if instrument is None:
            return None
        day = instrument.day_of(self.runtime.clock.now())
        return volatility_a_minute(self._engine.observed.facts(symbol).volatility, day)
