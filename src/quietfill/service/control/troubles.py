"""Why an order does not do what it was sent for: freezes, refusals, what the broker said last, and alerts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from quietfill.agent.intake import order_id_of
from quietfill.domain.order_state import OrderState

if TYPE_CHECKING:
    from quietfill.domain.records import AlertRaised
    from quietfill.domain.types import Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState

_SHOWN = 20
_DECISIONS_SOUGHT = 1_000
"""How many are looked through, in the loop that trades: a millisecond."""


def trouble_of(parent: ParentState) -> str | None:
    """Return in one line what is wrong with an order; None when nothing is."""
    if parent.state is OrderState.REJECTED:
        return parent.done_reason
    if parent.is_done:
        return None
    if parent.frozen_reason is not None:
        return f"frozen: {parent.frozen_reason}"
    is_past = any(_is_well_since(child, parent.rejected_at) for child in parent.live_children.values())
    words = [parent.rejects_in_words] if parent.rejects_in_words and not is_past else []
    spoken = {parent.rejected_because} if words else set()
    words += [
        f"{child.child_id}: {child.last_word}"
        for child in parent.live_children.values()
        if child.last_word and child.last_word not in spoken
    ]
    return "; ".join(words) or None


def _is_well_since(child: ChildState, rejected_at: Timestamp) -> bool:
    """Say whether the broker has taken a child's terms after the last refusal, which is history then."""
    return child.terms_at > rejected_at and not child.in_flight and not child.last_word


def alerts_of(state: EngineState, parent: ParentState) -> list[AlertRaised]:
    """Return the newest alerts about an order and its children."""
    names = {parent.order_id, *(child.child_id for child in parent.children())}
    return [alert for alert in state.alerts if alert.subject in names][-_SHOWN:]


def newest_alerts(state: EngineState) -> list[tuple[AlertRaised, bool]]:
    """Return the newest alerts, each with whether it is over: what it is about is an order that has ended.

    Those of orders that ended cannot crowd out the others.
    """
    known = [(alert, is_over(state, alert.subject)) for alert in state.alerts]
    current = [alert for alert, over in known if not over]
    chosen = {id(alert) for alert in (*current[-_SHOWN:], *state.alerts[-_SHOWN:])}
    return [one for one in known if id(one[0]) in chosen]


def is_over(state: EngineState, subject: str) -> bool:
    """Say whether an order, or the order of a child, has ended; what is no order never has."""
    child = state.children.get(subject)
    parent = state.parents.get(subject if child is None else child.order_id)
    return parent is not None and parent.is_done


def refusal_of(state: EngineState, order_id: str) -> str | None:
    """Return why one of the last decisions became no order; None when it did, or nothing is known of it."""
    for decision_id in islice(reversed(state.decisions), _DECISIONS_SOUGHT):
        if order_id_of(decision_id) == order_id:
            outcome = state.decisions[decision_id]
            return outcome if outcome.startswith("refused") else None
    return None
