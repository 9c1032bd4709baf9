"""Changing a running parent's terms: all changes are checked first, then put in force together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.algos.base import TRIGGERED
from quietfill.algos.registry import AlgoRegistry, parse_params
from quietfill.domain.errors import BadInput
from quietfill.domain.records import AmendRefused, AnyRecord, OrderAmended
from quietfill.domain.types import (
    DAY,
    Price,
    Quantity,
    Timestamp,
    iso_time,
    price_from,
    quantity_from,
    quantity_number,
)
from quietfill.engine.admission import parameter_reasons, terms_of
from quietfill.risk.checks import LONGEST_LIFE, sign_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.messages import AmendOrder
    from quietfill.engine.admission import Admission
    from quietfill.engine.parent import ParentState


def amendment(
    parent: ParentState, message: AmendOrder, algos: AlgoRegistry, admission: Admission, now: Timestamp
) -> Iterator[AnyRecord]:
    """Yield the amendment, or its refusal with every reason; in that case nothing changes.

    The changed order passes the checks of a new one, except that what only takes risk away is not refused because of a
    limit that the order exceeds as it stands. `quantity`, `limit_price` and `stop_price` are public numbers, `end` is
    in ns UTC; every other key is one of the algo's parameters.
    """
    changes = dict(message.changes)
    reasons: list[str] = []
    quantity = _checked(_quantity, parent, changes.pop("quantity", None), now, reasons)
    limit_price = _checked(_limit_price, parent, changes.pop("limit_price", None), now, reasons)
    stop_price = _checked(_stop_price, parent, changes.pop("stop_price", None), now, reasons)
    end = _checked(_end, parent, changes.pop("end", None), now, reasons)
    reasons += _parameter_reasons(parent, changes, algos)
    terms = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price, "end": end}
    new: dict[str, Any] = {name: value for name, value in terms.items() if value is not None}
    reasons += admission.change_reasons(parent, msgspec.structs.replace(terms_of(parent), **new))
    if reasons:
        yield AmendRefused(at=now, order_id=parent.order_id, by=message.by, reasons=tuple(reasons))
    else:
        yield OrderAmended(
            at=now, order_id=parent.order_id, by=message.by, params=changes, reason=message.reason, **new
        )


def _parameter_reasons(parent: ParentState, changes: dict[str, Any], algos: AlgoRegistry) -> list[str]:
    if not changes:
        return []
    try:
        spec = algos.get(parent.algo)
        params = parse_params(spec, {**parent.raw_params, **changes})
    except ValueError as error:
        return [str(error)]
    return parameter_reasons(spec, params, parent.time_in_force, parent.instrument)


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
    if quantity % parent.instrument.lot and parent.accepted.flattens is None:
        raise ValueError(f"quantity {value} is not a multiple of the lot {quantity_number(parent.instrument.lot)}")
    return quantity


def _limit_price(parent: ParentState, value: Any, _now: Timestamp) -> Price:
    return _price(parent, value, "limit_price")


def _stop_price(parent: ParentState, value: Any, _now: Timestamp) -> Price:
    if parent.stop_price is None:
        raise ValueError(f"order {parent.order_id} has no stop_price to be changed")
    if TRIGGERED in parent.memo:
        raise ValueError(f"order {parent.order_id} was triggered: its stop_price is over")
    return _price(parent, value, "stop_price")


def _price(parent: ParentState, value: Any, name: str) -> Price:
    price = price_from(value, name)
    problem = sign_reason(name, price, parent.instrument)
    if problem is None and not parent.instrument.on_tick(price):
        problem = f"{name} {value} is not on the tick of {parent.symbol}"
    if problem is not None:
        raise ValueError(problem)
    return price


def _end(parent: ParentState, value: Any, now: Timestamp) -> Timestamp:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"end must be an instant, not {value!r}")
    if value > now + LONGEST_LIFE:
        raise ValueError(f"end is more than {LONGEST_LIFE // DAY} days away")
    if value <= now:
        raise ValueError(f"end {iso_time(value)} is not later than now, {iso_time(now)}")
    if value <= parent.start:
        raise ValueError(f"end {iso_time(value)} is not after start {iso_time(parent.start)}")
    return parent.instrument.window(parent.start, value, parent.time_in_force).clip(now, value)[1]
