"""When a fill can have happened: never before its child was asked for, never after we heard of it.

Interactive Brokers tells the time of an execution in whole seconds, so the first fill of an order that trades at once
would lie before the order; and no two clocks agree. Every figure and every chart takes the time from here, markouts
among them. The journal keeps what the broker said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from quietfill.domain.records import ChildFilled, FillRevised
from quietfill.tca.children import RequestKind

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.tca.children import ChildLedger

_AnyFill = TypeVar("_AnyFill", bound="ChildFilled | FillRevised")


def at_a_possible_time(record: _AnyFill, child: ChildLedger) -> _AnyFill:
    """Return a booking of a fill with its exchange time between the child's request and when it was heard."""
    told, heard = record.fill.exchange_time, _heard_at(record, child)
    possible = min(max(told, _asked_at(record, child, told)), heard)
    if possible == told:
        return record
    fill = msgspec.structs.replace(record.fill, exchange_time=possible)
    return msgspec.structs.replace(record, fill=fill)


def _asked_at(record: ChildFilled | FillRevised, child: ChildLedger, told: Timestamp) -> Timestamp:
    """Return when terms were first asked for under which the fill is possible: a change may have brought it."""
    terms = [request for request in child.requests if request.kind is not RequestKind.CANCEL]
    price, sign = record.fill.price, child.side.sign
    allowing = [one for one in terms if one.limit_price is None or sign * (price - one.limit_price) <= 0]
    return next((one.at for one in (*allowing, *terms)), told)


def _heard_at(record: ChildFilled | FillRevised, child: ChildLedger) -> Timestamp:
    """Return when the execution was first heard of; what revises it may come much later."""
    if isinstance(record, ChildFilled):
        return record.at
    name = record.fill.execution_id
    return next((item.booked_at for item in child.fills if item.fill.execution_id == name), record.at)
