"""What a person at the terminal of a running agent sees of its journal: one line for what changes an order's fate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.records import (
    AlertRaised,
    ChildFilled,
    ChildNoted,
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    OrderAccepted,
    OrderDone,
    OrderRefused,
)
from quietfill.domain.types import datetime_of, price_decimal, quantity_decimal

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Quantity


def in_words(record: AnyRecord) -> str | None:
    """Return one line with the time in UTC; None for a record of which only the journal speaks."""
    say = _WORDS.get(type(record))
    return None if say is None else f"{datetime_of(record.at):%H:%M:%S} {say(record)}"


def _accepted(record: OrderAccepted) -> str:
    limit = "" if record.limit_price is None else f", limit {price_decimal(record.limit_price):f}"
    return f"{record.order_id} accepted: {record.side} {_size(record.quantity)} {record.symbol} by {record.algo}{limit}"


def _refused(record: OrderRefused) -> str:
    return f"{record.order_id} refused: {'; '.join(record.reasons)}"


def _filled(record: ChildFilled) -> str:
    return f"{record.child_id} filled {_size(record.fill.quantity)} at {price_decimal(record.fill.price):f}"


def _done(record: OrderDone) -> str:
    return f"{record.order_id} {record.state}: {_size(record.filled)} filled, {record.reason}"


def _noted(record: ChildNoted) -> str:
    return f"{record.child_id} is {record.note}"


def _killed(record: KillSwitchEngaged) -> str:
    return f"KILL by {record.by}: {record.reason}"


def _released(record: KillSwitchReleased) -> str:
    return f"kill released by {record.by} and {record.second}: {record.reason}"


def _link(record: LinkChanged) -> str:
    return f"line to the broker {'up' if record.up else 'DOWN'}: {record.reason}"


def _alert(record: AlertRaised) -> str:
    return f"{record.severity}: {record.subject}: {record.text}"


def _size(quantity: Quantity) -> str:
    return format(quantity_decimal(quantity), "f")


_WORDS: Final[dict[type, Callable[[Any], str]]] = {
    OrderAccepted: _accepted,
    OrderRefused: _refused,
    ChildFilled: _filled,
    OrderDone: _done,
    ChildNoted: _noted,
    KillSwitchEngaged: _killed,
    KillSwitchReleased: _released,
    LinkChanged: _link,
    AlertRaised: _alert,
}
