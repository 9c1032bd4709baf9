"""The lines that a person at the terminal of a running agent sees of its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from quietfill.cli.record_words import in_words
from quietfill.domain.messages import KillScope
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    CancelRefused,
    ChildDone,
    ChildInDoubt,
    KillSwitchEngaged,
    KillSwitchReleased,
    OrderAmended,
    OrderPaused,
    OrderRefused,
    OrderResumed,
    ReplaceRefused,
)
from quietfill.domain.types import MINUTE, price_from, quantity_from

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord

XY = KillScope(symbols=("X", "Y"), account="U1")
LINES: list[tuple[AnyRecord, str]] = [
    (
        OrderAmended(
            at=0, order_id="a", by="ann", quantity=quantity_from(5), limit_price=price_from("8.40"),
            end=90 * MINUTE, params={"urgency": 0.5}, reason="news",
        ),
        "a amended by ann: quantity 5, limit 8.4, end 01:30:00, urgency 0.5: news",
    ),
    (AmendRefused(at=0, order_id="a", by="ann", reasons=("below filled", "past")), "a not amended: below filled; past"),
    (
        OrderRefused(at=0, order_id="a", decision_id="d", symbol="X", reasons=("too large", "off tick")),
        "a refused: too large; off tick",
    ),
    (
        OrderRefused(
            at=0, order_id="a", decision_id="d", symbol="X", duplicate_of="accepted as order a",
            reasons=("duplicate: decision d was accepted as order a",),
        ),
        "decision d refused: duplicate of order a",
    ),
    (
        OrderRefused(
            at=0, order_id="a", decision_id="d", symbol="X", duplicate_of="accepted as order a",
            reasons=("Guard may not approve",), final=False,
        ),
        "decision d refused: Guard may not approve",
    ),
    (
        OrderRefused(
            at=0, order_id="a", decision_id="d", symbol="X", duplicate_of="refused: too large",
            reasons=("duplicate: decision d was refused: too large",),
        ),
        "decision d refused: duplicate: decision d was refused: too large",
    ),
    (OrderPaused(at=0, order_id="a", by="ann", reason="news"), "a paused by ann: news"),
    (OrderResumed(at=0, order_id="a", by="ann"), "a resumed by ann"),
    (
        ChildDone(at=0, child_id="a-1", state=OrderState.REJECTED, cumulative=0, reason="no (321)", exchange_time=0),
        "a-1 rejected: no (321)",
    ),
    (ReplaceRefused(at=0, child_id="a-1", revision=1, reason="too far (201)"), "a-1 change refused: too far (201)"),
    (ChildInDoubt(at=0, child_id="a-1", reason="not listed"), "a-1 in doubt: not listed"),
    (CancelRefused(at=0, child_id="a-1", reason="gone (10147)"), "a-1 cancel refused: gone (10147)"),
    (
        KillSwitchEngaged(at=0, kill_id="k", by="ann", reason="odd", scope=KillScope(), cancel_pending=True),
        "KILL of everything by ann: odd",
    ),
    (
        KillSwitchEngaged(at=0, kill_id="k", by="ann", reason="odd", scope=XY, cancel_pending=True),
        "KILL of X, Y of account U1 by ann: odd",
    ),
    (
        KillSwitchReleased(at=0, by="ann", second="bob", reason="over", scope=KillScope(account="U1")),
        "kill of everything of account U1 released by ann and bob: over",
    ),
    (AlertRaised(at=0, subject="a", severity="warning", text="collar binds"), "warning: a: collar binds"),
    (AlertRaised(at=0, subject="a", severity="warning", text="a holds 5 more"), "warning: a holds 5 more"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "line"), LINES, ids=[type(record).__name__ for record, _ in LINES])
def test_what_changes_an_orders_fate_is_a_line(record: AnyRecord, line: str) -> None:
    """Acts of people, refusals of the broker and kills are told with who, what and why."""
    assert in_words(record) == f"00:00:00 {line}"


def test_children_that_end_as_they_should_are_no_news() -> None:
    """Of the children that end only those that the broker turned away have a line."""
    done = ChildDone(at=0, child_id="a-1", state=OrderState.CANCELLED, cumulative=0, reason="", exchange_time=0)

    assert in_words(done) is None
