"""Changing a running parent's terms: all changes are checked first, then put in force together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.algos.base import TRIGGERED
from quietfill.algos.registry import AlgoRegistry, parse_params
from quietfill.domain.records import AmendRefused, AnyRecord, OrderAmended
from quietfill.domain.types import DAY, Price, Quantity, Timestamp, price_from, quantity_from, quantity_number
from quietfill.risk.checks import LONGEST_LIFE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.messages import AmendOrder
    from quietfill.engine.admission import Admission
    from quietfill.engine.parent import ParentState


def amendment(
    parent: ParentState, message: AmendOrder, algos: AlgoRegistry, admission: Admission, now: Timestamp
) -> Iterator[AnyRecord]:
    """Yield the amendment, or its refusal with every reason; in that case nothing changes.

    `quantity`, `limit_price` and `stop_price` are public numbers, `end` is in ns UTC; every other key is one of the
    algo's parameters.
    """
    changes = dict(message.changes)
    reasons: list[str] = []
    quantity = _checked(_quantity, parent, changes.pop("quantity", None), now, reasons)
    limit_price = _checked(_limit_price, parent, changes.pop("limit_price", None), now, reasons)
    stop_price = _checked(_stop_price, parent, changes.pop("stop_price", None), now, reasons)
    end = _checked(_end, parent, changes.pop("end", None), now, reasons)
    try:
        parse_params(algos.get(parent.algo), {**parent.raw_params, **changes})
    except ValueError as error:
        reasons.append(str(error))
    reasons += admission.change_reasons(parent, quantity, limit_price)
    if reasons:
        yield AmendRefused(at=now, order_id=parent.order_id, by=message.by, reasons=tuple(reasons))
        return
    yield OrderAmended(
        at=now,
        order_id=parent.order_id,
        by=message.by,
        quantity=quantity,
        limit_price=limit_price,
        stop_price=stop_price,
        end=end,
        params=changes,
        reason=message.reason,
    )


def _checked(check: Any, parent: ParentState, value: Any, now: Timestamp, reasons: list[str]) -> Any:
    if value is None:
        return None
    try:
        return check(parent, value, now)
    except ValueError as error:
        reasons.append(str(error))
        return None


def _quantity(parent: ParentState, value: Any, _now: Timestamp) -> Quantity:
    quantity = quantity_from(value)
    if quantity < parent.filled or quantity <= 0:
        filled = quantity_number(parent.filled)
        raise ValueError(f"quantity {value} is below the {filled} already filled")
    if quantity % parent.instrument.lot:
        raise ValueError(f"quantity {value} is not a multiple of the lot {quantity_number(parent.instrument.lot)}")
    return quantity


def _limit_price(parent: ParentState, value: Any, _now: Timestamp) -> Price:
    price = price_from(value, "limit_price")
    if not parent.instrument.on_tick(price):
        raise ValueError(f"limit_price {value} is not on the tick of {parent.symbol}")
    return price


def _stop_price(parent: ParentState, value: Any, _now: Timestamp) -> Price:
    price = price_from(value, "stop_price")
    if parent.stop_price is None:
        raise ValueError(f"order {parent.order_id} has no stop_price to be changed")
    if TRIGGERED in parent.memo:
        raise ValueError(f"order {parent.order_id} was triggered: its stop_price is over")
    if not parent.instrument.on_tick(price):
        raise ValueError(f"stop_price {value} is not on the tick of {parent.symbol}")
    return price


def _end(parent: ParentState, value: Any, now: Timestamp) -> Timestamp:
    if not isinstance(value, int) or value <= now:
        raise ValueError(f"end {value} is not later than now")
    if value > now + LONGEST_LIFE:
        raise ValueError(f"end {value} is more than {LONGEST_LIFE // DAY} days away")
    return parent.instrument.window(parent.start, value, parent.time_in_force).clip(now, value)[1]
