"""How fast the simulated broker may be spoken to: the rates that `demo` and `simulate` use, and print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.types import MILLISECOND, SECOND, Duration
from quietfill.engine.settings import EngineSettings

if TYPE_CHECKING:
    from quietfill.venue.options import VenueOptions

PER_MINUTE: Final = 2_700
MESSAGES_PER_SECOND: Final = 45

PRINTED_RATES: Final = (
    f"pacing: {PER_MINUTE:,} placements and {PER_MINUTE:,} replaces a minute,"
    f" {MESSAGES_PER_SECOND} messages a second, no least interval"
)

_HIGH_PERCENTILE = 2.33  # standard deviations: 99 % of all delays are shorter
_LEAST_ROUND_TRIP = 50 * MILLISECOND
_LEAST_TIMEOUT = 5 * SECOND
_PATIENCE = 4  # round trips without an answer, then a child is in doubt


def simulation_settings(options: VenueOptions) -> EngineSettings:
    """Return the settings of an engine that talks to a venue with this latency."""
    round_trip = round_trip_of(options)
    return EngineSettings(
        max_orders_per_minute=PER_MINUTE,
        min_order_interval=0,
        max_replaces_per_minute=PER_MINUTE,
        max_messages_per_second=MESSAGES_PER_SECOND,
        round_trip=round_trip,
        request_timeout=max(_LEAST_TIMEOUT, _PATIENCE * round_trip),
    )


def agent_parameters() -> dict[str, Any]:
    """Return the same rates as parameters of an agent."""
    return {
        "max_orders_per_minute": PER_MINUTE,
        "min_order_interval_ms": 0,
        "max_replaces_per_minute": PER_MINUTE,
        "max_broker_messages_per_second": MESSAGES_PER_SECOND,
    }


def round_trip_of(options: VenueOptions) -> Duration:
    """Return a high percentile of the time from a request to its answer, in ns."""
    one_way = options.latency_median_ns * math.exp(_HIGH_PERCENTILE * options.latency_sigma)
    return max(_LEAST_ROUND_TRIP, options.feed_delay + round(2 * one_way))
