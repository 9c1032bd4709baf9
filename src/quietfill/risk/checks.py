"""Admission: every reason why a parent order may not be worked, all of them at once.

A refusal is a record with reasons, not an exception, and whoever mends an order should not have to find its
faults one by one. Each reason is a plain sentence that names the field, its value and what would be right.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from quietfill.domain.types import (
    DAY,
    QUANTITY_SCALE,
    Duration,
    OrderSide,
    OrderType,
    TimeInForce,
    iso_time,
    price_decimal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from quietfill.domain.instrument import Instrument, TradingDay
    from quietfill.domain.messages import NewOrder
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.risk.limits import RiskLimits

_BPS = 10_000
LONGEST_LIFE: Duration = 400 * DAY
"""How far from now an order may end: beyond it is a slip, and further still no calendar goes."""
_KEPT_BY: dict[TimeInForce, tuple[str, ...]] = {
    TimeInForce.IOC: ("market", "limit"),
    TimeInForce.FOK: ("market", "limit"),
    TimeInForce.MOC: ("close",),
    TimeInForce.OPG: (),
}
_WORKED_BY = {
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MARKET_ON_CLOSE: "close",
    OrderType.LIMIT_ON_CLOSE: "close",
}
"""What another algo would leave out of the order's terms."""

_BELOW_ZERO = frozenset({"FUT", "CONTFUT", "BAG"})
"""Security types that can trade at zero and below: futures, and combinations of several legs."""

_NEEDS_LIMIT = frozenset({OrderType.STOP_LIMIT, OrderType.LIMIT_ON_CLOSE})
_NEEDS_STOP_PRICE = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def admission_reasons(  # noqa: PLR0913 - each is a fact that one of the checks needs
    order: NewOrder,
    instrument: Instrument | None,
    limits: RiskLimits,
    *,
    now: Timestamp,
    known_algos: Collection[str],
    live_orders: int = 0,
    reference_price: Price | None = None,
    accounts: Collection[str] = (),
    own_account: str | None = None,
    day: TradingDay | None = None,
) -> tuple[str, ...]:
    """Return why *order* may not be worked; empty when it may.

    Args:
        order: what the caller wants.
        instrument: what its symbol means, None when nobody knows.
        limits: how much may be asked for at once.
        now: the present instant.
        known_algos: names in the algo registry, in any letter case.
        live_orders: parents that are live already.
        reference_price: the market, in 1e-9 of the currency; None while there is no quote.
        accounts: the accounts that orders may name; empty leaves the account unchecked.
        own_account: whose an order is that names none; None where it must name one of several.
        day: the sessions that the window must touch; None leaves them unchecked.
    """
    checks = [
        _quantity_reasons(order, limits),
        _window_reasons(order, now, day),
        _algo_reasons(order, known_algos),
        _unsupported_reasons(order),
        account_reasons(order.account, accounts, own_account),
        _count_reasons(live_orders, limits),
        _distance_reasons(order, limits, reference_price),
    ]
    if instrument is None:
        known = [f"unknown symbol {order.symbol!r}: no instrument is registered under it"]
    else:
        grid, notional = _grid_reasons(order, instrument), _notional_reasons(order, instrument, limits, reference_price)
        known = [*grid, *_sign_reasons(order, instrument), *notional]
    return (*known, *(reason for check in checks for reason in check))


def amount_reasons(
    order: NewOrder, instrument: Instrument, limits: RiskLimits, reference_price: Price | None
) -> tuple[str, ...]:
    """Return why *order* is too much at once, or at a price that looks mistyped; see `admission_reasons`."""
    size, distance = (
        size_reasons(order, instrument, limits, reference_price),
        _distance_reasons(order, limits, reference_price),
    )
    return (*_sign_reasons(order, instrument), *size, *distance)


def limit_checks(
    order: NewOrder, instrument: Instrument, limits: RiskLimits, reference_price: Price | None
) -> tuple[tuple[str, ...], ...]:
    """Return the reasons of each limit by itself, always in the same order; see `admission_reasons`."""
    return (
        tuple(_quantity_reasons(order, limits)),
        tuple(_notional_reasons(order, instrument, limits, reference_price)),
        tuple(_distance_reasons(order, limits, reference_price)),
    )


def size_reasons(
    order: NewOrder, instrument: Instrument, limits: RiskLimits, reference_price: Price | None
) -> tuple[str, ...]:
    """Return why *order* is too much at once; see `admission_reasons`."""
    return (*_quantity_reasons(order, limits), *_notional_reasons(order, instrument, limits, reference_price))


def sign_reason(name: str, price: Price | None, instrument: Instrument) -> str | None:
    """Say why a price cannot be one of *instrument*, by its sign; None when it can, or there is no price."""
    if price is None or price > 0 or instrument.security_type.upper() in _BELOW_ZERO:
        return None
    return f"{name} {_money(price)} is not positive: {instrument.symbol} ({instrument.security_type}) has no such price"


def account_reasons(account: str | None, accounts: Collection[str], own_account: str | None = None) -> Iterator[str]:
    """Yield why an order may not be this account's; see `admission_reasons`."""
    if account is not None and accounts and account not in accounts:
        yield f"unknown account {account!r}: known are {', '.join(sorted(accounts))}"
    elif account is None and own_account is None and len(accounts) > 1:
        yield f"no account is named and there are several: {', '.join(sorted(accounts))}"


def _quantity_reasons(order: NewOrder, limits: RiskLimits) -> Iterator[str]:
    if order.quantity <= 0:
        yield f"quantity {_size(order.quantity)} is not positive"
    most = limits.max_order_quantity
    if most is not None and order.quantity > most:
        quantity, limit = _size(order.quantity), _size(most)
        yield f"quantity {quantity} is above max_order_quantity {limit}"


def _grid_reasons(order: NewOrder, instrument: Instrument) -> Iterator[str]:
    if order.quantity > 0 and order.quantity % instrument.lot and order.flattens is None:
        quantity, lot = _size(order.quantity), _size(instrument.lot)
        yield f"quantity {quantity} is not a whole number of lots of {lot} ({instrument.symbol})"
    for name, price in (("limit_price", order.limit_price), ("stop_price", order.stop_price)):
        if price is not None and not instrument.on_tick(price):
            tick, near = instrument.tick_at(price), instrument.round_price(price, order.side)
            yield (
                f"{name} {_money(price)} is not on the tick of {_money(tick)} ({instrument.symbol}); {_money(near)} is"
            )


def _sign_reasons(order: NewOrder, instrument: Instrument) -> Iterator[str]:
    for name, price in (("limit_price", order.limit_price), ("stop_price", order.stop_price)):
        reason = sign_reason(name, price, instrument)
        if reason is not None:
            yield reason


def _notional_reasons(
    order: NewOrder, instrument: Instrument, limits: RiskLimits, reference_price: Price | None
) -> Iterator[str]:
    most = limits.max_order_notional
    if most is None:
        return
    price = _worst_price(order, reference_price)
    if price is None:
        yield "max_order_notional cannot be checked: the order has no limit price and the market no quote"
    elif (notional := price * order.quantity * instrument.multiplier // QUANTITY_SCALE) > most:
        limit = f"{_money(most)} {instrument.currency}"
        yield f"notional {_money(notional)} is above max_order_notional {limit}"


def _worst_price(order: NewOrder, reference_price: Price | None) -> Price | None:
    """Return the largest magnitude at which the order may trade, as far as that is known.

    A buyer pays his limit at most. A seller's limit says nothing about how much he may get.
    """
    if order.limit_price is not None and order.side is OrderSide.BUY:
        return abs(order.limit_price)
    return max((abs(price) for price in (order.limit_price, reference_price) if price is not None), default=None)


def _window_reasons(order: NewOrder, now: Timestamp, day: TradingDay | None) -> Iterator[str]:
    start = now if order.start is None else max(order.start, now)
    if order.end is not None and order.start is not None and order.end <= order.start:
        yield f"end {iso_time(order.end)} is not after start {iso_time(order.start)}"
    elif order.end is not None and order.end <= now:
        yield f"end {iso_time(order.end)} has passed: it is {iso_time(now)}"
    elif max(start, order.end or 0) > now + LONGEST_LIFE:
        yield f"the window ends more than {LONGEST_LIFE // DAY} days from now"
    elif day is not None and not day.elapsed(start, day.spans[-1][1] if order.end is None else order.end):
        until = "" if order.end is None else f" to {iso_time(order.end)}"
        yield f"the window from {iso_time(start)}{until} holds no continuous trading"


def _algo_reasons(order: NewOrder, known_algos: Collection[str]) -> Iterator[str]:
    algo = order.algo.lower()
    if algo not in known_algos and algo not in {name.lower() for name in known_algos}:
        yield f"unknown algo {order.algo!r}: known are {', '.join(sorted(known_algos))}"
    if order.order_type in _NEEDS_STOP_PRICE and order.stop_price is None:
        yield f"order type {order.order_type} needs a stop_price"
    if order.order_type in _NEEDS_LIMIT and order.limit_price is None:
        yield f"order type {order.order_type} needs a limit_price"
    own = _WORKED_BY.get(order.order_type)
    if own is not None and algo != own:
        yield f"order type {order.order_type} is worked by algo {own}, not by {order.algo}"


def _unsupported_reasons(order: NewOrder) -> Iterator[str]:
    """Name what is stated and would not be kept: an order must never be worked on other terms than its own."""
    name = order.algo.lower()
    if name not in _KEPT_BY.get(order.time_in_force, (name,)):
        known = ", ".join(_KEPT_BY[order.time_in_force]) or "none"
        yield f"time in force {order.time_in_force} is not kept by algo {order.algo}; by these it is: {known}"
    if order.reduce_only and order.flattens is None:
        yield "reduce_only is not supported: the position at the broker is not known here"


def _count_reasons(live_orders: int, limits: RiskLimits) -> Iterator[str]:
    if live_orders >= limits.max_open_orders:
        yield f"{live_orders} orders are live, max_open_orders is {limits.max_open_orders}"


def _distance_reasons(order: NewOrder, limits: RiskLimits, reference_price: Price | None) -> Iterator[str]:
    """Take a limit far through the market for a typing error; at prices of zero or less there is no such scale."""
    distance, limit = limits.max_limit_distance_bps, order.limit_price
    if distance is None or limit is None or reference_price is None or reference_price <= 0:
        return
    if order.side is OrderSide.BUY:
        through = limit * _BPS > reference_price * (_BPS + distance)
    else:
        through = limit * (_BPS + distance) < reference_price * _BPS
    if through:
        yield (
            f"limit_price {_money(limit)} reaches more than {distance} bps through the market at"
            f" {_money(reference_price)} (max_limit_distance_bps)"
        )


def _money(price: Price) -> str:
    """Write a price or an amount exactly, without an exponent."""
    return format(price_decimal(price), "f")


def _size(quantity: Quantity) -> str:
    """Write a quantity exactly, without an exponent."""
    return format((Decimal(quantity) / QUANTITY_SCALE).normalize(), "f")
