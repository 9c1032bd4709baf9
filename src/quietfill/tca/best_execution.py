"""A best-execution analyzer that comes with the house: what each venue, algo and instrument cost, and how surely.

It is told of one fill at a time and keeps sums only. Of a fill of quantity q at price p, s = +1 for a buy and -1 for
a sell, against a benchmark B (arrival mid, the others' VWAP or TWAP from arrival to the fill):

    cost                     c = s (p - B) / |B| x 1e4 bps, positive when it hurts
    quantity-weighted        sum(q c) / sum(q)
    notional-weighted        sum(q |B| c) / sum(q |B|), money lost over money meant: a ratio of sums
    price improvement        of the fills at a better price than the arrival mid, positive when it helped

How sure the averages are is told by `tca.clustered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from quietfill.domain import fields
from quietfill.domain.fields import optional
from quietfill.tca.clustered import ClusteredMeans

if TYPE_CHECKING:
    from datetime import datetime

    from quietfill.domain.fields import Number
    from quietfill.domain.types import OrderSide

BENCHMARKS = ("arrival", "vwap", "twap")
_WEIGHTS = ("quantity", "notional")

GROUPS_KEPT = 2_000
"""Groups of one kind; fills of any later one are counted under `OTHER`."""

ORDERS_OPEN = 100
"""Orders of one group whose fills may still come in any order; see `ClusteredMeans`."""

OTHER = "(other)"
UNNAMED = "unknown"

Figures: TypeAlias = dict[str, Any]


class BestExecutionAnalyzer:
    """Statistics of fills, in all and by venue, algo and symbol; for `set_best_execution_analyzer`."""

    def __init__(self) -> None:
        """Start without fills."""
        self._total = _Group(10 * ORDERS_OPEN)
        self._groups: dict[str, dict[str, _Group]] = {"venue": {}, "algo": {}, "symbol": {}}

    def record_execution(  # noqa: PLR0913 - the contract's keywords
        self,
        *,
        symbol: str,
        side: OrderSide | str,
        quantity: Number,
        fill_price: Number,
        commission: Number | None = None,
        arrival_price: Number | None = None,
        vwap_price: Number | None = None,
        twap_price: Number | None = None,
        venue: str | None = None,
        algo_used: str | None = None,
        order_id: str | None = None,
        decision_timestamp: datetime | None = None,
        order_timestamp: datetime | None = None,
    ) -> None:
        """Count one fill. None stands for what is not known, and is left out of the figures that need it.

        Args:
            symbol: the instrument.
            side: buy or sell.
            quantity: above 0, in shares, contracts or coins.
            fill_price: in currency, as are the benchmarks.
            commission: in currency, positive when paid.
            arrival_price: the mid at arrival.
            vwap_price: the others' volume-weighted price over the order's life.
            twap_price: their time-weighted mid.
            venue: where it traded.
            algo_used: which algo worked the order.
            order_id: the parent order; fills without one count as an order each.
            decision_timestamp: aware, when it was decided.
            order_timestamp: aware, when the order was accepted.

        Raises:
            ValueError: naming the argument that is wrong; nothing is counted.
        """
        sign = fields.side(side, "side").sign
        size, price = float(fields.size_positive(quantity, "quantity")), _price(fill_price, "fill_price")
        paid = _maybe_price(commission, "commission")
        given = zip(BENCHMARKS, (arrival_price, vwap_price, twap_price), strict=True)
        costs = {name: _cost(sign, price, _maybe_price(value, f"{name}_price")) for name, value in given}
        decided = _maybe_moment(decision_timestamp, "decision_timestamp")
        ordered = _maybe_moment(order_timestamp, "order_timestamp")
        delay = None if decided is None or ordered is None else (ordered - decided).total_seconds()
        order = _maybe_text(order_id, "order_id") or None
        names = {
            "venue": _maybe_text(venue, "venue") or UNNAMED,
            "algo": _maybe_text(algo_used, "algo_used") or UNNAMED,
            "symbol": fields.named(symbol, "symbol"),
        }
        for group in (self._total, *(self._group(kind, name) for kind, name in names.items())):
            group.add(order, size, price, paid, costs, delay)

    def report(self) -> Figures:
        """Return the figures of all fills under `total`, and by group under `by_venue`, `by_algo` and `by_symbol`.

        Each holds: fills, orders, quantity, notional, commission, commission_bps, cost_bps (for arrival, vwap and twap:
        quantity_weighted, notional_weighted, their standard errors `..._se`, orders, and coverage, the share of the
        quantity whose benchmark is known), price_improvement (fills, rate, quantity_share, avg_improvement_bps,
        quantity-weighted, and amount in currency) and avg_decision_to_order_seconds. Notionals and amounts leave out
        the contract multiplier, which no fill is told with.
        """
        grouped = {
            f"by_{kind}": {name: group.figures() for name, group in groups.items()}
            for kind, groups in self._groups.items()
        }
        return {"total": self._total.figures(), **grouped}

    def _group(self, kind: str, name: str) -> _Group:
        groups = self._groups[kind]
        if name not in groups:
            name = name if len(groups) < GROUPS_KEPT else OTHER
            groups.setdefault(name, _Group(ORDERS_OPEN))
        return groups[name]


class _Group:
    """The sums of one group of fills."""

    def __init__(self, orders_open: int) -> None:
        self._fills = 0
        self._quantity = 0.0
        self._notional = 0.0
        self._commission = 0.0
        self._commission_notional = 0.0
        self._commission_fills = 0
        self._costs = ClusteredMeans(len(BENCHMARKS) * len(_WEIGHTS), orders_open)
        self._with_arrival = 0
        self._improved = 0
        self._improved_quantity = 0.0
        self._improved_bps = 0.0
        self._improved_amount = 0.0
        self._delays = 0
        self._delay = 0.0

    def add(
        self,
        order_id: str | None,
        quantity: float,
        price: float,
        commission: float | None,
        costs: dict[str, _Cost | None],
        delay: float | None,
    ) -> None:
        """Count one fill."""
        self._fills += 1
        self._quantity += quantity
        self._notional += quantity * abs(price)
        if commission is not None:
            self._commission_fills += 1
            self._commission += commission
            self._commission_notional += quantity * abs(price)
        if delay is not None:
            self._delays += 1
            self._delay += delay
        samples: list[tuple[float, float] | None] = []
        for name in BENCHMARKS:
            cost = costs[name]
            weights = (quantity, 0.0 if cost is None else quantity * cost[1])
            samples += [None if cost is None else (weight, cost[0]) for weight in weights]
        self._costs.add(order_id, samples)
        if (against := costs["arrival"]) is not None:
            self._improve(quantity, *against)

    def figures(self) -> Figures:
        """Return what the sums say."""
        return {
            "fills": self._fills,
            "orders": self._costs.clusters,
            "quantity": self._quantity,
            "notional": self._notional,
            "commission": self._commission if self._commission_fills else None,
            "commission_bps": _ratio(1e4 * self._commission, self._commission_notional),
            "cost_bps": {name: self._cost_figures(2 * place) for place, name in enumerate(BENCHMARKS)},
            "price_improvement": {
                "fills": self._improved,
                "rate": _ratio(self._improved, self._with_arrival),
                "quantity_share": _ratio(self._improved_quantity, self._costs.weight(0)),
                "avg_improvement_bps": _ratio(self._improved_bps, self._improved_quantity),
                "amount": self._improved_amount if self._with_arrival else None,
            },
            "avg_decision_to_order_seconds": _ratio(self._delay, self._delays),
        }

    def _improve(self, quantity: float, cost_bps: float, benchmark: float) -> None:
        self._with_arrival += 1
        if cost_bps < 0:
            self._improved += 1
            self._improved_quantity += quantity
            self._improved_bps -= quantity * cost_bps
            self._improved_amount -= quantity * cost_bps * benchmark / 1e4

    def _cost_figures(self, place: int) -> Figures:
        figures: Figures = {}
        for offset, name in enumerate(_WEIGHTS):
            figures[f"{name}_weighted"] = self._costs.mean(place + offset)
            figures[f"{name}_weighted_se"] = self._costs.standard_error(place + offset)
        figures["orders"] = self._costs.sampled(place)
        figures["coverage"] = _ratio(self._costs.weight(place), self._quantity)
        return figures


_Cost: TypeAlias = tuple[float, float]
"""A cost in bps, and the absolute benchmark price that it is a share of."""


def _cost(sign: int, price: float, benchmark: float | None) -> _Cost | None:
    if benchmark is None or benchmark == 0:
        return None
    return 1e4 * sign * (price - benchmark) / abs(benchmark), abs(benchmark)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _price(value: Any, name: str) -> float:
    return float(fields.number(value, name))


_maybe_price = optional(_price)
_maybe_text = optional(fields.text)
_maybe_moment = optional(fields.moment)
