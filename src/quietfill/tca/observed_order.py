"""One order with what is known around it: the unit that every public figure of cost analysis is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from quietfill.tca.book_costs import CostRatio, ratio_of_sums
from quietfill.tca.summary import order_shortfall

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from fractions import Fraction

    from quietfill.domain.exact import Exact
    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger
    from quietfill.tca.shortfall import Shortfall

    T = TypeVar("T")

DAY = 86_400 * 10**9


class ObservedOrder(NamedTuple):
    """An order, its market and its money.

    Attributes:
        history: the observed market of its day, None when there is none.
        multiplier: currency per price point and contract.
        currency: of its costs; costs of different currencies are never added.
        mid: of the market now, which closes the books of an order that still runs.
    """

    order: OrderLedger
    history: MarketHistory | None = None
    multiplier: int = 1
    currency: str = ""
    mid: Exact | None = None

    @property
    def cluster(self) -> Hashable:
        """Symbol and UTC day: orders of one share a market, so their costs are not independent."""
        return self.order.symbol, self.order.arrival_at // DAY

    @property
    def shortfall(self) -> Shortfall | None:
        """From the decision price where one was stated, else from arrival; None without an arrival quote."""
        closing = self.mid if self.order.ended_at is None else None
        decision = self.order.accepted.decision_price
        return order_shortfall(self.order, self.history, multiplier=self.multiplier, decision=decision, closing=closing)


def by_currency(orders: Iterable[ObservedOrder]) -> dict[str, list[ObservedOrder]]:
    """Return the orders of each currency, in the order in which currencies come."""
    found: dict[str, list[ObservedOrder]] = {}
    for order in orders:
        found.setdefault(order.currency, []).append(order)
    return found


def clusters(orders: Sequence[ObservedOrder]) -> list[Hashable]:
    """Return what an error counts as one: each order's symbol and day, or the order where all are of one of those."""
    groups = [order.cluster for order in orders]
    return groups if len(set(groups)) > 1 else list(range(len(orders)))


def weighted_cost(rows: Sequence[tuple[ObservedOrder, Fraction, Fraction]]) -> CostRatio | None:
    """Return sum(cost) / sum(base) of (order, cost, base) rows; None without rows or with more than one currency."""
    if len({order.currency for order, _, _ in rows}) != 1:
        return None
    costs, bases = [cost for _, cost, _ in rows], [base for _, _, base in rows]
    return ratio_of_sums(costs, bases, clusters([order for order, _, _ in rows]))
