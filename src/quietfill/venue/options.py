"""How the simulated venue is set up."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, Duration

MODES = ("ghost", "displacing")


class VenueOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the venue does with our orders; written into the journal so that a rebuilt venue behaves alike.

    Attributes:
        mode: what our fills do to the others' history: `ghost` nothing, `displacing` those behind us are short.
        latency_median_ns: median one-way time between us and the venue; 0 means none at all.
        latency_sigma: standard deviation of its logarithm; 0 makes every message take the median.
        feed_delay_ns: how long market data takes to us; None means the median.
        maker_fee_bps, taker_fee_bps: commission in 1e-4 of the value traded, by liquidity; negative is a rebate.
        levels: how many price levels a side the venue publishes.
        max_working: how many orders of ours may rest at once.
        ring: how many notes the core can hold between two looks.
    """

    mode: str = "ghost"
    latency_median_ns: Duration = MILLISECOND
    latency_sigma: float = 0.25
    feed_delay_ns: Duration | None = None
    maker_fee_bps: Decimal = Decimal(0)
    taker_fee_bps: Decimal = Decimal(0)
    levels: int = 10
    max_working: int = 256
    ring: int = 1024

    def __post_init__(self) -> None:
        """Refuse what no venue could do.

        Raises:
            BadInput: names the option.
        """
        if self.mode == "impact":
            raise BadInput("mode impact is not built yet")
        if self.mode not in MODES:
            raise BadInput(f"mode {self.mode!r} is none of {', '.join(MODES)}")
        if self.latency_median_ns < 0 or not 0 <= self.latency_sigma <= _MAX_SIGMA:
            raise BadInput(f"latency of {self.latency_median_ns} ns with sigma {self.latency_sigma} is no latency")
        if self.feed_delay_ns is not None and self.feed_delay_ns < 0:
            raise BadInput(f"feed delay of {self.feed_delay_ns} ns is negative")
        if min(self.levels, self.max_working, self.ring) < 1:
            raise BadInput("levels, max_working and ring must be positive")

    @property
    def feed_delay(self) -> Duration:
        """How long market data takes to us, in ns."""
        return self.latency_median_ns if self.feed_delay_ns is None else self.feed_delay_ns


_MAX_SIGMA = 5.0
