"""What the broker says about a child order: the one message every broker's callbacks are turned into."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from quietfill.domain.types import Liquidity, Price, Quantity, Timestamp


class ReportKind(StrEnum):
    """Why the broker reports (FIX ExecType, in our words)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    CANCELLED = "cancelled"
    ASSUMED_CANCELLED = "assumed_cancelled"
    """A broker that reports no status took a cancel and stayed silent for long enough."""
    EXPIRED = "expired"
    REPLACED = "replaced"
    REPLACE_REJECTED = "replace_rejected"
    CANCEL_REJECTED = "cancel_rejected"
    STATUS = "status"
    """The answer to a question: the child lives, with these cumulative and leaves quantities."""
    NOT_FOUND = "not_found"
    """The answer to a question, on complete evidence: the broker never had this child."""
    NOTED = "noted"
    """Who works it, in `reason`: no word about its state."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a child order.

    Attributes:
        execution_id: unique per account for ever; the key by which a fill is booked once.
        bid, ask: the others' touch just before the fill, where known.
        commission: in 1e-9 of the currency, positive when paid; None when it comes later.
        revision: which word of the broker about this execution it is; a higher one replaces what was booked.
    """

    execution_id: str
    quantity: Quantity
    price: Price
    exchange_time: Timestamp
    liquidity: Liquidity = Liquidity.UNKNOWN
    bid: Price | None = None
    ask: Price | None = None
    commission: Price | None = None
    venue: str = ""
    revision: int = 0


class ExecutionReport(msgspec.Struct, frozen=True, kw_only=True, tag="execution_report"):
    """One word of the broker about one child order.

    Attributes:
        child_id: our order reference, as it went out on the wire.
        cumulative: quantity filled so far, as the broker counts it (None: it did not say).
        revision: which replace this answers (0 is the original placement).
        total, limit_price: the terms now in force, on ACCEPTED, REPLACED and STATUS.
    """

    child_id: str
    kind: ReportKind
    exchange_time: Timestamp
    broker_order_id: int | None = None
    cumulative: Quantity | None = None
    revision: int = 0
    total: Quantity | None = None
    limit_price: Price | None = None
    fill: Fill | None = None
    reason: str = ""
