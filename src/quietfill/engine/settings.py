"""What the engine is told once, at the start. `agent/config.py` and the command line make it."""

from __future__ import annotations

import msgspec

from quietfill.domain.types import MILLISECOND, MINUTE, SECOND, Duration


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits, windows and defaults of one engine.

    The rates default to the careful ones of a live configuration made by hand.

    Attributes:
        settle: time after a cancel's confirmation before the remainder may be sent again.
        request_timeout: a request without an answer for this long puts its child in doubt.
        round_trip: high percentile of the time from a request to the broker's answer.
        max_slippage_bps: collar, from arrival for `market`, from the current mid for scheduled children.
        can_replace: whether the broker changes a working order; else it is cancelled, settled and placed anew.
        silence: a working child that nothing was heard of for this long is asked about.
        quote_age_limit: no crossing on a quote older than this; 0 switches the check off.
    """

    max_orders_per_minute: int = 10
    min_order_interval: Duration = 100 * MILLISECOND
    max_replaces_per_minute: int = 120
    max_messages_per_second: int = 45
    settle: Duration = 250 * MILLISECOND
    request_timeout: Duration = 5 * SECOND
    max_cancel_attempts: int = 3
    round_trip: Duration = 50 * MILLISECOND
    max_slippage_bps: int = 50
    default_algo: str = "twap"
    default_horizon: Duration = 10 * MINUTE
    awaiting_quote: Duration = 10 * SECOND
    quote_age_limit: Duration = 0
    mark_interval: Duration = 30 * SECOND
    reject_backoff: Duration = 250 * MILLISECOND
    reject_backoff_limit: Duration = 30 * SECOND
    max_consecutive_rejects: int = 10
    max_children_per_parent: int = 10_000
    child_grace: Duration = 2 * SECOND
    allow_direct_orders: bool = True
    can_replace: bool = True
    silence: Duration = MINUTE
