"""Every key of `AgentConfig.parameters`: its type, default, range and meaning, in one table.

The table is the struct below. Validation, error messages, typed access (`config.settings`) and the page
`docs/reference/configuration.md` are all made from it, so none of them can disagree.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

_LIMITS_GROUP = "Limits"
_DAY = 86_400.0


def _key(meaning: str, group: str, **extra: str | bool) -> Meta:
    return Meta(description=meaning, extra={"group": group, **extra})


def _unused(meaning: str) -> Meta:
    return Meta(description=meaning, extra={"group": "Accepted from older agents", "unused": True})


def _alias(target: str) -> Meta:
    return Meta(
        description=f"Older name of `{target}`; used when that is not given.",
        extra={"group": "Accepted from older agents", "alias_of": target},
    )


_NotNegative = Meta(ge=0, le=_DAY)
_Positive = Meta(gt=0, le=_DAY)
_Share = Meta(ge=0, le=1)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of an agent, complete and checked."""

    default_algo: Annotated[
        str, Meta(min_length=1), _key("Algorithm of a decision that names none and states no price.", "Algorithms")
    ] = "TWAP"
    slice_interval_seconds: Annotated[
        float, Meta(ge=0.1, le=_DAY), _key("Length of one slice of TWAP and VWAP.", "Algorithms")
    ] = 60.0
    max_slippage_bps: Annotated[
        int,
        Meta(ge=0, le=10_000),
        _key("Collar of what crosses the spread: from arrival for market, else from the current mid.", "Algorithms"),
    ] = 50
    default_horizon_seconds: Annotated[
        float, Meta(ge=1, le=30 * _DAY), _key("Window of a scheduled algorithm that states no end.", "Algorithms")
    ] = 600.0
    algo_timeout_seconds: Annotated[
        float, Meta(gt=0, le=30 * _DAY), _key("Hard stop of a scheduled algorithm that states no end.", "Algorithms")
    ] = 3600.0
    vwap_target_participation: Annotated[
        float, _Share, _key("Share of the market's volume that participation aims at.", "Algorithms")
    ] = 0.10
    vwap_min_participation: Annotated[
        float, _Share, _key("Least share; its default gives way to the target.", "Algorithms")
    ] = 0.05
    vwap_max_participation: Annotated[
        float, _Share, _key("Largest share; its default gives way to the target.", "Algorithms")
    ] = 0.25
    volume_window_minutes: Annotated[
        float, Meta(gt=0, le=1440), _key("How far back volume is watched for participation.", "Algorithms")
    ] = 5.0
    volume_profile_files: Annotated[
        tuple[str, ...],
        _key("Volume profiles to follow from the start, as `quietfill profile learn` writes them.", "Algorithms"),
    ] = ()
    participation_adjustment_factor: Annotated[
        float, _Share, _key("How fast participation is corrected towards its target.", "Algorithms")
    ] = 0.5
    quality_score_weights: Annotated[
        dict[str, Any] | None,
        _key("Weights of fill_rate, slippage and price_improvement in an order's quality score.", "Algorithms"),
    ] = None

    approving_agents: Annotated[
        tuple[str, ...],
        Meta(min_length=1),
        _key("Names whose validations count (`source_agent` of the event).", "Admission"),
    ] = ("ComplianceAgent",)
    allow_direct_orders: Annotated[
        bool, _key("Whether orders without an approved decision are taken.", "Admission")
    ] = True
    decision_wait_seconds: Annotated[
        float, _NotNegative, _key("How long a validation waits for its decision.", "Admission")
    ] = 5.0
    max_decision_age_seconds: Annotated[
        float, _Positive, _key("A validation of an older decision is refused as stale.", "Admission")
    ] = 300.0
    awaiting_quote_seconds: Annotated[
        float, _NotNegative, _key("How long an accepted order waits for a first quote.", "Admission")
    ] = 10.0
    order_timeout_seconds: Annotated[
        float,
        Meta(gt=0, le=30 * _DAY),
        _key("Life of an order whose decision states no time in force, good-till or end.", "Admission"),
    ] = 300.0

    max_orders_per_minute: Annotated[
        int, Meta(ge=1, le=1_000_000), _key("Placements a minute; replaces and cancels are not counted.", "Pacing")
    ] = 10
    min_order_interval_ms: Annotated[float, Meta(ge=0, le=60_000), _key("Least time between placements.", "Pacing")] = (
        100.0
    )
    max_replaces_per_minute: Annotated[
        int, Meta(ge=1, le=1_000_000), _key("Replaces a minute, with a reserve for crossings at a deadline.", "Pacing")
    ] = 120
    max_broker_messages_per_second: Annotated[
        int, Meta(ge=1, le=100_000), _key("Everything sent to the broker, cancels included, a second.", "Pacing")
    ] = 45

    settle_ms: Annotated[
        float,
        Meta(ge=0, le=60_000),
        _key("Time after a cancel's confirmation before the remainder may be sent again.", "Broker"),
    ] = 250.0
    request_timeout_seconds: Annotated[
        float, _Positive, _key("A request without an answer for this long puts its child order in doubt.", "Broker")
    ] = 5.0
    assume_cancelled_seconds: Annotated[
        float,
        _Positive,
        _key("Silence after a cancel until a broker without status reports counts as having cancelled.", "Broker"),
    ] = 5.0
    zombie_order_timeout_seconds: Annotated[
        float,
        _Positive,
        _key("A working child order that nothing was heard of for this long is asked about.", "Broker"),
    ] = 30.0
    max_quote_age_seconds: Annotated[
        float, _NotNegative, _key("No crossing on an older quote; 0 switches the check off.", "Broker")
    ] = 60.0
    journal_path: Annotated[
        str, Meta(min_length=1), _key("Journal file of an agent that is given no journal.", "Broker")
    ] = "data/quietfill.journal"

    max_order_quantity: Annotated[
        Annotated[float, Meta(gt=0, le=9e10)] | None,
        _key("Largest parent order, in shares, contracts or coins; None for no limit.", _LIMITS_GROUP),
    ] = None
    max_order_notional: Annotated[
        Annotated[float, Meta(gt=0, le=9e15)] | None,
        _key("Largest parent order in its currency; None for no limit.", _LIMITS_GROUP),
    ] = None
    max_open_orders: Annotated[
        int, Meta(ge=1, le=1_000_000), _key("Parent orders that may be live at the same time.", _LIMITS_GROUP)
    ] = 1_000
    max_children_per_parent: Annotated[
        int, Meta(ge=1, le=1_000_000), _key("Child orders that one parent may ever place.", _LIMITS_GROUP)
    ] = 10_000
    max_limit_distance_bps: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        _key("How far through the market a limit price may reach; None switches the check off.", _LIMITS_GROUP),
    ] = 10_000

    vwap_participation_rate: Annotated[Annotated[float, _Share] | None, _alias("vwap_target_participation")] = None
    ack_timeout_seconds: Annotated[Annotated[float, _Positive] | None, _alias("request_timeout_seconds")] = None
    stop_check_interval_seconds: Annotated[
        float, _Positive, _unused("Not used: stops are evaluated on every print and quote, nothing polls.")
    ] = 0.1
    timeout_check_interval_seconds: Annotated[
        float, _Positive, _unused("Not used: every time-out has its own deadline, nothing polls.")
    ] = 10.0
    partial_fill_alert_threshold_pct: Annotated[
        float, Meta(ge=0, le=100), _unused("Not used: the rest policy of each order says what happens.")
    ] = 50.0
    partial_fill_time_window_seconds: Annotated[
        float, _Positive, _unused("Not used: the rest policy of each order says what happens.")
    ] = 120.0
    zombie_check_interval_seconds: Annotated[
        float, _Positive, _unused("Not used: every request has its own deadline, nothing polls.")
    ] = 5.0
    spread_limits: Annotated[dict[str, Any], _unused("Not used: `max_slippage_bps` bounds what crossing costs.")] = {}
    max_spread_atr_pct: Annotated[
        float, Meta(ge=0, le=100), _unused("Not used: `max_slippage_bps` bounds what crossing costs.")
    ] = 0.10
    auto_stop_loss_enabled: Annotated[
        bool | None, _unused("Not used: a stop is a trading decision, which is never made here.")
    ] = None
    stop_loss_atr_multiplier: Annotated[
        float | None, _unused("Not used: a stop is a trading decision, which is never made here.")
    ] = None
    default_stop_loss_pct: Annotated[
        float | None, _unused("Not used: a stop is a trading decision, which is never made here.")
    ] = None
