"""The public face: what orders cost, from the records of this agent and the market that it saw."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from quietfill.agent.impact_methods import ImpactMethods
from quietfill.domain.errors import BadInput
from quietfill.domain.types import quantity_exact
from quietfill.tca.benchmarks import in_currency
from quietfill.tca.fill_metrics import aggregate_fill_metrics
from quietfill.tca.observed_order import ObservedOrder
from quietfill.tca.order_market import market_of
from quietfill.tca.period_report import period_of, period_report
from quietfill.tca.post_trade import checked_benchmark, post_trade_tca
from quietfill.tca.shortfall_report import implementation_shortfall, shortfall_summary

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger
    from quietfill.tca.period_report import Moment


class TcaMethods(ImpactMethods):
    """Cost analysis of single orders and of all that are kept; older ones are read from the journal."""

    def get_aggregate_fill_metrics(self) -> dict[str, Any]:
        """Return slippage against arrival and price improvement of all orders, weighted by filled value."""
        return aggregate_fill_metrics(self._observed_orders())

    def calculate_implementation_shortfall(self, order_id: str) -> dict[str, Any] | None:
        """Return one order's shortfall in parts that add up to its total, None for an unknown id."""
        order = self._history.order(order_id)
        return None if order is None else implementation_shortfall(self._observed(order))

    def get_implementation_shortfall_summary(self) -> dict[str, Any]:
        """Return the shortfall of all orders, those without a fill included, as ratios of sums."""
        return shortfall_summary(self._observed_orders()) | {"orders_not_kept": self._history.forgotten}

    def calculate_post_trade_tca(self, order_id: str, benchmark: str = "arrival") -> dict[str, Any] | None:
        """Return everything about one order's cost, None for an unknown id.

        Args:
            order_id: from the bus or `get_pending_orders`.
            benchmark: arrival, decision, vwap, twap, open, close, pwp or another of `tca.figures.BENCHMARKS`.

        Raises:
            ValueError: when the benchmark is unknown; the message lists those that there are.
        """
        primary, order = checked_benchmark(benchmark), self._history.order(order_id)
        return None if order is None else post_trade_tca(self._observed(order), primary, self._expected_impact(order))

    def generate_tca_report(self, start_date: Moment | None = None, end_date: Moment | None = None) -> dict[str, Any]:
        """Return the costs of the orders accepted in a period, both ends in.

        Args:
            start_date, end_date: aware datetimes, or dates, which are whole UTC days; None is the first or last order.

        Raises:
            ValueError: when a datetime is naive or the end is before the start.
        """
        start, end = period_of(start_date, end_date)
        return period_report(self._observed_orders(), start, end) | {"orders_not_kept": self._history.forgotten}

    def _observed_orders(self) -> list[ObservedOrder]:
        orders = self._history.orders()
        histories = {symbol: self.history_of(symbol) for symbol in {order.symbol for order in orders}}
        return [self._with_market(order, histories[order.symbol]) for order in orders]

    def _observed(self, order: OrderLedger) -> ObservedOrder:
        return self._with_market(order, self.history_of(order.symbol))

    def _with_market(self, order: OrderLedger, history: MarketHistory | None) -> ObservedOrder:
        instrument, twice = self._instrument(order.symbol), self._engine.observed.view(order.symbol).mid_twice
        return ObservedOrder(
            order,
            market_of(order, history),
            multiplier=1 if instrument is None else instrument.multiplier,
            currency="" if instrument is None else instrument.currency,
            mid=None if twice is None else Fraction(twice, 2),
        )

    def _expected_impact(self, order: OrderLedger) -> float | None:
        """Return what the order should cost at its arrival price; None where volume or volatility is unknown."""
        price, size = in_currency(order.arrival_mid), quantity_exact(order.quantity)
        try:
            return self.estimate_market_impact(order.symbol, order.side, size, price=price).total_impact_bps
        except BadInput:
            return None
