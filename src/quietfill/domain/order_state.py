"""The order-state machine: which state may follow which. Nothing else in the house decides that.

Theory of operation. A child order's state is what the *broker's word* makes it; our own requests
only move it between the waiting states (`pending`, `pending_cancel`, `pending_replace`). The table
holds every edge that FIX 4.4 Appendix D and Interactive Brokers really show, the ugly ones marked:
a fill may come before the acknowledgement, a reject after it, a fill while a cancel is pending, a
fill after the cancel was confirmed. An edge that is not in the table does not exist: the caller gets
False and nothing changes, and the engine raises an alert.

`unknown` means in doubt: a request got no answer in time. The child is then fully exposed, and leaves
that state only by the broker's word or by a person, never by a timer.

The same table serves parents and children; the diagram in the docs is generated from it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class OrderState(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    """Decided and journaled, not yet handed to the broker."""
    PENDING = "pending"
    """Handed to the sender, not yet on the wire."""
    SUBMITTED = "submitted"
    """On the wire, no word from the broker yet."""
    ACKNOWLEDGED = "acknowledged"
    """The broker has it; the venue may not."""
    WORKING = "working"
    """Live at the venue."""
    PARTIAL = "partial"
    """Live, and partly filled."""
    PENDING_CANCEL = "pending_cancel"
    """Live until the broker says otherwise; a cancel was requested."""
    PENDING_REPLACE = "pending_replace"
    """Live under the old or the new terms; a replace was requested."""
    UNKNOWN = "unknown"
    """In doubt: counted as fully exposed until the broker or a person settles it."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"
    """Withdrawn by us before it was sent, never arrived, or given up on a person's word."""

    @property
    def is_terminal(self) -> bool:
        """Whether the order can trade no more, late fills apart."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED, OrderState.FAILED}
)

_S = OrderState
_ENDS = {_S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED}
_LIVE = {_S.ACKNOWLEDGED, _S.WORKING, _S.PARTIAL}
_ASKED = {_S.PENDING_CANCEL, _S.PENDING_REPLACE}

VALID_ORDER_TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        _S.CREATED: frozenset({_S.PENDING, _S.SUBMITTED, _S.FAILED, _S.UNKNOWN} | _LIVE | _ENDS),
        _S.PENDING: frozenset({_S.SUBMITTED, _S.FAILED, _S.PENDING_CANCEL, _S.UNKNOWN} | _LIVE | _ENDS),
        # Fast market orders at IB are filled with no open-order echo at all.
        _S.SUBMITTED: frozenset({_S.UNKNOWN, _S.FAILED} | _LIVE | _ASKED | _ENDS),
        # A reject after the acknowledgement is real: IB sends 201 after PreSubmitted.
        _S.ACKNOWLEDGED: frozenset({_S.WORKING, _S.PARTIAL, _S.UNKNOWN} | _ASKED | _ENDS),
        _S.WORKING: frozenset({_S.ACKNOWLEDGED, _S.PARTIAL, _S.UNKNOWN} | _ASKED | _ENDS),
        _S.PARTIAL: frozenset({_S.PARTIAL, _S.UNKNOWN} | _ASKED | _ENDS),
        # A refused cancel or replace puts the order back where it was; a fill does not wait for either.
        _S.PENDING_CANCEL: frozenset({_S.PENDING_CANCEL, _S.PENDING_REPLACE, _S.UNKNOWN, _S.FAILED} | _LIVE | _ENDS),
        _S.PENDING_REPLACE: frozenset({_S.PENDING_REPLACE, _S.PENDING_CANCEL, _S.UNKNOWN} | _LIVE | _ENDS),
        _S.UNKNOWN: frozenset({_S.SUBMITTED, _S.FAILED} | _LIVE | _ASKED | _ENDS),
        # Late fills: the venue traded before our cancel, expiry or reject reached it. Booked, never dropped.
        _S.CANCELLED: frozenset({_S.CANCELLED, _S.FILLED}),
        _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
        _S.REJECTED: frozenset({_S.REJECTED, _S.FILLED}),
        _S.FILLED: frozenset({_S.FILLED}),
        # Withdrawn by us, yet the broker knows it: a second sender or a lost write. Believe the broker.
        _S.FAILED: frozenset(_LIVE | _ENDS),
    }
)


def is_valid_state_transition(current: OrderState, new: OrderState) -> bool:
    """Say whether *new* may follow *current*."""
    return new in VALID_ORDER_TRANSITIONS[current]
