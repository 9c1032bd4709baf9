"""The decisions that the demo's agent receives: twelve orders over one recorded hour, drawn from the seed.

What a decider would look at when it decides (the touch, for limit prices) is read from the recording at that
instant. The same recording and seed give the same decisions, so that a run can be continued after a crash.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.agent.intake import order_id_of
from quietfill.domain.events import DecisionEvent, ValidatedDecisionEvent
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import (
    MINUTE,
    QUANTITY_SCALE,
    SECOND,
    Duration,
    OrderSide,
    OrderType,
    Price,
    Quantity,
    Timestamp,
    datetime_of,
    price_decimal,
)
from quietfill.tca.benchmarks import interval_volume, touch_rows

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.venue.tape import Tape

DECIDER = "DemoStrategy"
APPROVER = "ComplianceAgent"


class PlannedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and its approval, both to be said on the bus at `at`."""

    at: Timestamp
    decision: DecisionEvent
    validation: ValidatedDecisionEvent

    @property
    def decision_id(self) -> str:
        """What a journal knows it by."""
        return self.decision.event_id

    @property
    def order_id(self) -> str:
        """The order that it becomes."""
        return order_id_of(self.decision.event_id)


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One order of the schedule before the seed decided its size.

    Attributes:
        after, lasts: when it is decided, after the recording's start, and how long it may work.
        least_bp, most_bp: its size in 1e-4 of the recorded volume.
        ticks: limit orders: how far behind the near touch the limit lies.
    """

    algo: str
    side: OrderSide
    after: Duration
    lasts: Duration
    least_bp: int = 50
    most_bp: int = 150
    ticks: int | None = None
    params: dict[str, Any] = {}
    rationale: str = ""


_BUY, _SELL = OrderSide.BUY, OrderSide.SELL
# Stated, because what is observed by then depends on how often the market was looked at, and so on the speed.
_RISK = {"volatility": 0.02, "adv": "30000000"}
_REST = {"rest": "complete"}
_TIP = {"display_size": 3_000, "rest": "complete"}
_SCHEDULE = (
    _Draft(algo="twap", side=_BUY, after=2 * MINUTE, lasts=28 * MINUTE, rationale="accumulate evenly"),
    _Draft(algo="limit", side=_SELL, after=4 * MINUTE, lasts=36 * MINUTE, ticks=2, rationale="sell into strength"),
    _Draft(algo="pov", side=_BUY, after=6 * MINUTE, lasts=44 * MINUTE, params={"rate": 0.06}, rationale="go along"),
    _Draft(algo="midpoint_peg", side=_SELL, after=8 * MINUTE, lasts=16 * MINUTE, params=_REST, rationale="no spread"),
    _Draft(algo="vwap", side=_SELL, after=10 * MINUTE, lasts=40 * MINUTE, rationale="meet the day's average"),
    _Draft(algo="iceberg", side=_BUY, after=12 * MINUTE, lasts=26 * MINUTE, params=_TIP, rationale="show little"),
    _Draft(algo="market", side=_BUY, after=15 * MINUTE, lasts=MINUTE, most_bp=70, rationale="now"),
    _Draft(algo="is", side=_BUY, after=17 * MINUTE, lasts=20 * MINUTE, params=_RISK, rationale="before it runs away"),
    _Draft(algo="twap", side=_SELL, after=20 * MINUTE, lasts=25 * MINUTE, rationale="reduce evenly"),
    _Draft(algo="adaptive", side=_SELL, after=26 * MINUTE, lasts=20 * MINUTE, rationale="as the book allows"),
    _Draft(algo="market", side=_SELL, after=34 * MINUTE, lasts=MINUTE, most_bp=70, rationale="now"),
    _Draft(algo="vwap", side=_BUY, after=36 * MINUTE, lasts=20 * MINUTE, rationale="meet the hour's average"),
)  # fmt: skip
_LATEST = 40 * SECOND  # how much later than planned the seed may make a decision


def demo_decisions(
    tape: Tape, history: MarketHistory, seed: int, *, extra_algo: str | None = None
) -> list[PlannedDecision]:
    """Return the demo's decisions in order of time.

    Args:
        tape: an hour of continuous trading.
        history: the recorded market of *tape*.
        seed: of sizes, times and ids.
        extra_algo: works one more order, as long as the first.
    """
    volume = interval_volume(history, tape.first_time, tape.last_time)
    drafts = list(_SCHEDULE)
    if extra_algo is not None:
        extra = _Draft(
            algo=extra_algo, side=_SELL, after=12 * MINUTE, lasts=28 * MINUTE, rationale="an algo of one's own"
        )
        drafts.append(extra)
    planned = [_decision(draft, number, tape, history, volume, seed) for number, draft in enumerate(drafts, start=1)]
    return sorted(planned, key=lambda one: one.at)


def _decision(
    draft: _Draft, number: int, tape: Tape, history: MarketHistory, volume: int, seed: int
) -> PlannedDecision:
    at = tape.first_time + draft.after + _drawn(seed, number, "time", _LATEST // SECOND) * SECOND
    share_bp = draft.least_bp + _drawn(seed, number, "size", draft.most_bp - draft.least_bp)
    quantity = max(tape.instrument.lot, tape.instrument.whole_lots(volume * share_bp // 10_000))
    limit = None if draft.ticks is None else _limit(draft.side, draft.ticks, at, tape, history)
    decision = DecisionEvent(
        event_id=seeded_event_id(seed, 2 * number - 1),
        timestamp=datetime_of(at),
        source_agent=DECIDER,
        symbol=tape.instrument.symbol,
        action=draft.side,
        quantity=_size(quantity),
        order_type=OrderType.MARKET if draft.algo == "market" else OrderType.LIMIT,
        limit_price=None if limit is None else price_decimal(limit),
        rationale=draft.rationale,
        algo=draft.algo,
        algo_params=draft.params,
        end=datetime_of(at + draft.lasts),
    )
    validation = ValidatedDecisionEvent(
        event_id=seeded_event_id(seed, 2 * number),
        timestamp=datetime_of(at),
        source_agent=APPROVER,
        original_decision_id=decision.event_id,
        approved=True,
    )
    return PlannedDecision(at=at, decision=decision, validation=validation)


def _size(quantity: Quantity) -> int | Decimal:
    whole, rest = divmod(quantity, QUANTITY_SCALE)
    return Decimal(quantity) / QUANTITY_SCALE if rest else whole


def _limit(side: OrderSide, ticks: int, at: Timestamp, tape: Tape, history: MarketHistory) -> Price:
    row = touch_rows(history, at, at).start
    near = history.bid[row] if side is OrderSide.BUY else history.ask[row]
    return int(near) - side.sign * ticks * tape.tick


def _drawn(seed: int, number: int, what: str, most: int) -> int:
    """Return a whole number from 0 to *most*, the same for the same arguments for ever."""
    digest = hashlib.blake2b(f"{seed}/{number}/{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (most + 1)
