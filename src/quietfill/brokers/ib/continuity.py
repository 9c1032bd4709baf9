"""What the journal knows of earlier runs: which ids were used up, and whose the orders are that still live.

A session may be opened before the journal is read, so this is looked at when both are there and before anything leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.brokers.ib.errors import OrdersOfAnother

if TYPE_CHECKING:
    from quietfill.engine.state import EngineState

_ID_SLACK = 100
"""Ids that may have been used beyond those the books know of: orders renumbered, or never acknowledged."""


def highest_id(books: EngineState) -> int:
    """Return an id that no order of the books has gone beyond, 0 when there is none.

    A child without an id may have left with one that nobody ever told of.
    """
    numbers = [child.broker_order_id or 0 for child in books.children.values()]
    return max(numbers) + numbers.count(0) + _ID_SLACK if numbers else 0


def check_same_hands(books: EngineState, account: str, client_id: int) -> None:
    """Refuse to go on with live orders that were placed for another account, or under another client id.

    What an earlier run was is told by its start in the journal; one that says nothing of these is not judged.

    Raises:
        OrdersOfAnother: naming both, and what to do.
    """
    if not books.live:
        return
    told = _last_told(books)
    for name, now in (("account", account), ("client_id", client_id)):
        before = told.get(name)
        if before is not None and before != now:
            raise OrdersOfAnother(name, before, now, sorted(books.live))


def _last_told(books: EngineState) -> dict[str, Any]:
    """Return what the newest start that traded here said."""
    return next((run.details for run in reversed(books.runs) if run.details.get("broker") == "ib"), {})
