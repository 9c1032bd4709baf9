"""What a person at the terminal of a running agent sees of its journal: one line for what changes an order's fate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    CancelRefused,
    ChildDone,
    ChildFilled,
    ChildInDoubt,
    ChildNoted,
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    OrderAccepted,
    OrderAmended,
    OrderDone,
    OrderPaused,
    OrderRefused,
    OrderResumed,
    ReplaceRefused,
)
from quietfill.domain.types import datetime_of, price_decimal, quantity_decimal

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Quantity


def in_words(record: AnyRecord) -> str | None:
    """Return one line with the time in UTC; None for a record of which only the journal speaks."""
    say = _WORDS.get(type(record))
    words = None if say is None else say(record)
    return None if words is None else f"{datetime_of(record.at):%H:%M:%S} {words}"


def about(subject: str, text: str) -> str:
    """Return a text with what it is about before it, unless it says so itself."""
    says_it = re.search(rf"(?<![\w-]){re.escape(subject)}(?![\w-])", text)
    return text if says_it else f"{subject}: {text}"


def _accepted(record: OrderAccepted) -> str:
    limit = "" if record.limit_price is None else f", limit {price_decimal(record.limit_price):f}"
    return f"{record.order_id} accepted: {record.side} {_size(record.quantity)} {record.symbol} by {record.algo}{limit}"


def _refused(record: OrderRefused) -> str:
    """A decision that became an order before names that order's id: nothing of the order was refused."""
    why = "; ".join(record.reasons)
    if record.duplicate_of is None:
        return f"{record.order_id} refused: {why}"
    order_id = record.duplicate_of.removeprefix(_ACCEPTED_AS)
    if why.startswith("duplicate") and order_id != record.duplicate_of:
        why = f"duplicate of order {order_id}"
    return f"decision {record.decision_id} refused: {why}"


_ACCEPTED_AS: Final = "accepted as order "
"""Before the order's id, in what became of a decision."""


def _filled(record: ChildFilled) -> str:
    return f"{record.child_id} filled {_size(record.fill.quantity)} at {price_decimal(record.fill.price):f}"


def _done(record: OrderDone) -> str:
    return f"{record.order_id} {record.state}: {_size(record.filled)} filled, {record.reason}"


def _in_doubt(record: ChildInDoubt) -> str:
    return f"{record.child_id} in doubt: {record.reason}"


def _noted(record: ChildNoted) -> str:
    return f"{record.child_id} is {record.note}"


def _amended(record: OrderAmended) -> str:
    terms = {
        "quantity": None if record.quantity is None else _size(record.quantity),
        "limit": None if record.limit_price is None else f"{price_decimal(record.limit_price):f}",
        "stop price": None if record.stop_price is None else f"{price_decimal(record.stop_price):f}",
        "end": None if record.end is None else f"{datetime_of(record.end):%H:%M:%S}",
        **record.params,
    }
    new = ", ".join(f"{name} {value}" for name, value in terms.items() if value is not None)
    return f"{record.order_id} amended by {record.by}: {new}{_why(record.reason)}"


def _not_amended(record: AmendRefused) -> str:
    return f"{record.order_id} not amended: {'; '.join(record.reasons)}"


def _paused(record: OrderPaused) -> str:
    return f"{record.order_id} paused by {record.by}{_why(record.reason)}"


def _resumed(record: OrderResumed) -> str:
    return f"{record.order_id} resumed by {record.by}{_why(record.reason)}"


def _child_done(record: ChildDone) -> str | None:
    """Children come and go by the hundred: only one that the broker turned away is worth a line."""
    return f"{record.child_id} rejected: {record.reason}" if record.state is OrderState.REJECTED else None


def _change_refused(record: ReplaceRefused) -> str:
    return f"{record.child_id} change refused: {record.reason}"


def _cancel_refused(record: CancelRefused) -> str:
    return f"{record.child_id} cancel refused: {record.reason}"


def _killed(record: KillSwitchEngaged) -> str:
    return f"KILL of {record.scope.in_words} by {record.by}: {record.reason}"


def _released(record: KillSwitchReleased) -> str:
    return f"kill of {record.scope.in_words} released by {record.by} and {record.second}: {record.reason}"


def _link(record: LinkChanged) -> str:
    return f"line to the broker {'up' if record.up else 'DOWN'}: {record.reason}"


def _alert(record: AlertRaised) -> str:
    return f"{record.severity}: {about(record.subject, record.text)}"


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _size(quantity: Quantity) -> str:
    return format(quantity_decimal(quantity), "f")


_WORDS: Final[dict[type, Callable[[Any], str | None]]] = {
    OrderAccepted: _accepted,
    OrderRefused: _refused,
    ChildFilled: _filled,
    OrderDone: _done,
    OrderAmended: _amended,
    AmendRefused: _not_amended,
    OrderPaused: _paused,
    OrderResumed: _resumed,
    ChildDone: _child_done,
    ReplaceRefused: _change_refused,
    CancelRefused: _cancel_refused,
    ChildInDoubt: _in_doubt,
    ChildNoted: _noted,
    KillSwitchEngaged: _killed,
    KillSwitchReleased: _released,
    LinkChanged: _link,
    AlertRaised: _alert,
}
