"""Execution-quality statistics of SEC Rule 605 as amended (Release 34-99679, 17 CFR 242.605), for our own orders.

Every figure of the summary report, weighted by shares as the rule says, over covered orders of one group: spreads
against the midpoint at order receipt, price improvement against the quote then, time to execution. With s = +1 for a
buy and -1 for a sell, p the price, m the midpoint at receipt and m_h the one h after execution:

    effective spread  2 s (p - m)       realised spread  2 s (p - m_h)       price impact  2 s (m_h - m)
    effective = realised + impact, for each row and on average

Percentages of spreads and of improvement are of the share-weighted average midpoint. Realised spreads are those of
whoever takes the other side; here, as everywhere, they are positive when they cost us.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.exact import exact_price, exact_size
from quietfill.domain.fields import Number, Size
from quietfill.domain.types import MILLISECOND, MINUTE, PRICE_SCALE, QUANTITY_SCALE, SECOND, Duration, OrderSide
from quietfill.tca.figures import horizon_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

REALIZED_HORIZONS: Final[tuple[Duration, ...]] = (
    50 * MILLISECOND, SECOND, 15 * SECOND, MINUTE, 5 * MINUTE,
)  # fmt: skip
"""After which the amended rule looks at the midpoint again, in ns."""

NOTIONAL_CLASSES: Final = (
    (250, "under 250"), (1_000, "250 to 1,000"), (5_000, "1,000 to 5,000"), (10_000, "5,000 to 10,000"),
    (20_000, "10,000 to 20,000"), (50_000, "20,000 to 50,000"), (200_000, "50,000 to 200,000"),
)  # fmt: skip
"""Upper bounds of the rule's notional size classes in USD, the bound itself in the next one, and their names."""

LARGEST_CLASS: Final = "200,000 and more"


class CoveredOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a covered order; prices in USD, as public numbers.

    Attributes:
        bid, ask: the national best quote at order receipt.
        mids: the midpoint after execution by horizon name ("15s", "1min"); those not known are left out.
        milliseconds: from receipt to execution.
    """

    side: OrderSide
    shares: Size
    price: Number
    bid: Number
    ask: Number
    milliseconds: float
    mids: Mapping[str, Number] = {}


class ExecutionQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a group of covered orders. Money in USD; averages are weighted by shares.

    Attributes:
        orders, shares, notional: the group's size; notional at the execution prices.
        average_order_shares, average_order_notional: per order.
        average_midpoint: at order receipt.
        percent_at_quote_or_better, percent_improved: of the shares.
        net_improvement, percent_net_improvement: improvement less disimprovement against the quote on the far side, in
            USD over all shares, and in percent of midpoint x shares.
        effective_spread, quoted_spread: per share; percent_effective_spread, percent_quoted_spread: of the midpoint.
        effective_over_quoted: E/Q in percent; None where the quoted spread is 0.
        realized_spread, price_impact, percent_realized_spread: by horizon; None unless known for every row.
        average_milliseconds: to execution.
    """

    orders: int
    shares: float
    notional: float
    average_order_shares: float
    average_order_notional: float
    average_midpoint: float
    percent_at_quote_or_better: float
    percent_improved: float
    net_improvement: float
    percent_net_improvement: float | None
    effective_spread: float
    quoted_spread: float
    percent_effective_spread: float | None
    percent_quoted_spread: float | None
    effective_over_quoted: float | None
    realized_spread: dict[str, float | None]
    price_impact: dict[str, float | None]
    percent_realized_spread: dict[str, float | None]
    average_milliseconds: float


def rule605_statistics(orders: Iterable[CoveredOrder]) -> ExecutionQuality:
    """Return the statistics of one group of at least one covered order.

    Raises:
        BadInput: when there is none, or a number of one is not what it can be; the message names row and field.
    """
    rows = [_row(number, order) for number, order in enumerate(orders)]
    if not rows:
        raise BadInput("orders must not be empty")
    shares = sum((row.shares for row in rows), Fraction(0))
    mean = _WeightedMean(rows, shares)
    midpoint, effective, quoted = mean(_midpoint), mean(_effective), mean(_quoted)
    improvement = sum(row.shares * row.improvement for row in rows)
    realized = {name: mean.where_known(name) for name in map(horizon_name, REALIZED_HORIZONS)}
    return ExecutionQuality(
        orders=len(rows),
        shares=float(shares),
        notional=float(sum(row.shares * row.price for row in rows)),
        average_order_shares=float(shares / len(rows)),
        average_order_notional=float(sum(row.shares * row.price for row in rows) / len(rows)),
        average_midpoint=float(midpoint),
        percent_at_quote_or_better=float(100 * sum(row.shares for row in rows if row.improvement >= 0) / shares),
        percent_improved=float(100 * sum(row.shares for row in rows if row.improvement > 0) / shares),
        net_improvement=float(improvement),
        percent_net_improvement=_percent(improvement / shares, midpoint),
        effective_spread=float(effective),
        quoted_spread=float(quoted),
        percent_effective_spread=_percent(effective, midpoint),
        percent_quoted_spread=_percent(quoted, midpoint),
        effective_over_quoted=_percent(effective, quoted),
        realized_spread={name: None if cost is None else float(cost) for name, cost in realized.items()},
        price_impact={name: None if cost is None else float(effective - cost) for name, cost in realized.items()},
        percent_realized_spread={
            name: None if cost is None else _percent(cost, midpoint) for name, cost in realized.items()
        },
        average_milliseconds=float(mean(lambda row: row.milliseconds)),
    )


def rule605_by_size(orders: Iterable[CoveredOrder]) -> dict[str, ExecutionQuality]:
    """Return the statistics of each notional size class that has orders, smallest first, by the class's name."""
    classes: dict[str, list[CoveredOrder]] = {}
    for order in orders:
        classes.setdefault(size_class(order), []).append(order)
    names = [*(name for _, name in NOTIONAL_CLASSES), LARGEST_CLASS]
    return {name: rule605_statistics(classes[name]) for name in names if name in classes}


def size_class(order: CoveredOrder) -> str:
    """Return the notional size class of an order, by its shares at the execution price in USD."""
    notional = Fraction(exact_size(order.shares) * exact_price(order.price), QUANTITY_SCALE * PRICE_SCALE)
    return next((name for bound, name in NOTIONAL_CLASSES if notional < bound), LARGEST_CLASS)


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One covered order in exact numbers; prices in USD."""

    sign: int
    shares: Fraction
    price: Fraction
    bid: Fraction
    ask: Fraction
    milliseconds: Fraction
    mids: dict[str, Fraction]

    @property
    def improvement(self) -> Fraction:
        """How much better than the quote on the far side, per share."""
        return self.ask - self.price if self.sign > 0 else self.price - self.bid


class _WeightedMean:
    """Averages over rows, weighted by shares."""

    def __init__(self, rows: Sequence[_Row], shares: Fraction) -> None:
        self._rows = rows
        self._shares = shares

    def __call__(self, figure: Callable[[_Row], Fraction]) -> Fraction:
        """Return the average of a figure."""
        return sum((row.shares * figure(row) for row in self._rows), Fraction(0)) / self._shares

    def where_known(self, horizon: str) -> Fraction | None:
        """Return the average realised spread after a horizon; None unless every row knows its midpoint then."""
        if not all(horizon in row.mids for row in self._rows):
            return None
        return self(lambda row: 2 * row.sign * (row.price - row.mids[horizon]))


def _midpoint(row: _Row) -> Fraction:
    return (row.bid + row.ask) / 2


def _effective(row: _Row) -> Fraction:
    return 2 * row.sign * (row.price - _midpoint(row))


def _quoted(row: _Row) -> Fraction:
    return row.ask - row.bid


def _percent(part: Fraction, whole: Fraction) -> float | None:
    return float(100 * part / whole) if whole else None


def _row(number: int, order: CoveredOrder) -> _Row:
    shares = Fraction(exact_size(order.shares, f"row {number}: shares"), QUANTITY_SCALE)
    if shares <= 0:
        raise BadInput(f"row {number}: shares must be positive, not {order.shares}")
    bid, ask = (_dollars(getattr(order, name), f"row {number}: {name}") for name in ("bid", "ask"))
    if bid > ask:
        raise BadInput(f"row {number}: bid {order.bid} is above ask {order.ask}")
    milliseconds = _dollars(order.milliseconds, f"row {number}: milliseconds")
    if milliseconds < 0:
        raise BadInput(f"row {number}: milliseconds must not be negative, not {order.milliseconds}")
    known = set(map(horizon_name, REALIZED_HORIZONS))
    for name in order.mids:
        if name not in known:
            raise BadInput(f"row {number}: mids has {name!r}, which is none of {', '.join(sorted(known))}")
    return _Row(
        sign=OrderSide.parse(order.side).sign,
        shares=shares,
        price=_dollars(order.price, f"row {number}: price"),
        bid=bid,
        ask=ask,
        milliseconds=milliseconds,
        mids={name: _dollars(mid, f"row {number}: mid after {name}") for name, mid in order.mids.items()},
    )


def _dollars(value: Number, name: str) -> Fraction:
    return Fraction(exact_price(value, name), PRICE_SCALE)
