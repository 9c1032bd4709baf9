"""Cross the spread or wait at the touch: what each is expected to cost, for one share at the back of the queue.

The order has to be done. Crossing pays the half-spread. Resting earns it if it trades; if the price moves away first,
or time runs out, the whole spread is paid after all, and what the price moved on top. All costs are in bps of the mid
and measured from a fill at our own touch, so what an adverse move does to a fill counts for neither side: whoever had
crossed would own the same shares.

Who goes first is told by the queues (Cont and de Larrard 2013, `market.queue_moves`): a long queue on our own side and
a short one opposite make it likely that the price leaves us behind. For a buy that is a heavy bid.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

import msgspec

from quietfill.domain.fields import optional, read_fields
from quietfill.market.arguments import not_negative, positive, share
from quietfill.market.queue import queue_time
from quietfill.market.queue_moves import chance_mid_rises_limit

LEFT_BEHIND = 0.79
"""Of the moves away that the queues foretell, in how many an order at the back has not traded before.

An order of the model trades last of its level. Real ones also trade before later arrivals: of new orders in five
large-tick names 0.62, 0.63, 0.64, 0.57 and 0.57 traded (Moallemi and Yuan 2017), so 0.394 were left behind where
balanced queues foretell 0.5."""

PATIENT_WEIGHT = 0.5
"""At urgency 0, waiting must cost twice what crossing costs."""


class WaitingCase(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when one must choose. Sizes in shares, contracts or coins, times in minutes.

    Attributes:
        spread_bps: the whole spread.
        ahead: what trades before us at the touch of our own side.
        opposite: what is shown at the touch that we could cross to.
        own: of ours, in the queue; 0 judges the next share alone.
        rate: quantity a minute that reaches our side; None when nothing was observed.
        trade_size: of one trade; None takes the whole queue for one, the least certain law.
        volatility_bps: of the mid, a square root of a minute; None when not known.
        minutes_left: until it crosses in any case; None when nothing forces it.
        opportunity_cost_bps: what a missed order pays more than crossing now; None derives it: one spread, or if
            that is more, the mid's expected move over the queue's time.
    """

    spread_bps: Annotated[float, positive]
    ahead: Annotated[float, positive]
    opposite: Annotated[float, positive]
    own: Annotated[float, not_negative] = 0.0
    rate: Annotated[float | None, optional(not_negative)] = None
    trade_size: Annotated[float | None, optional(positive)] = None
    volatility_bps: Annotated[float | None, optional(not_negative)] = None
    minutes_left: Annotated[float | None, optional(not_negative)] = None
    opportunity_cost_bps: Annotated[float | None, optional(not_negative)] = None

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """The choice, and what it rests on.

    Attributes:
        should_cross: whether net_benefit_bps is above 0.
        reason: `queue_too_long`, `price_moving_away`, `time_running_out` or `urgency` for crossing; `spread_saved` or
            `patience` for waiting.
        spread_cost_bps: the half-spread that crossing pays against the mid.
        spread_saved_bps: the half-spread that a resting fill earns against it.
        queue_minutes: expected until ours has traded; None when the pace is not known or nothing trades.
        queue_cost_bps: what waiting is expected to cost more than a sure fill at our own touch.
        left_behind: the chance that the price moves away first, 0 to 1.
        net_benefit_bps: of crossing: queue_cost_bps weighted by min(1, 0.5 + urgency), less the whole spread weighted
            by min(1, 2 (1 - urgency)). At urgency 0.5 the plain difference.
    """

    should_cross: bool
    reason: str
    spread_cost_bps: float
    spread_saved_bps: float
    queue_minutes: float | None
    queue_cost_bps: float
    left_behind: float
    net_benefit_bps: float


def choose(case: WaitingCase, urgency: float) -> Crossing:
    """Return whether to cross the spread now.

    With S the spread, m the chance of being left behind, O what is then to be paid on top, and F the chance of trading
    before time runs out, waiting costs m (S + O) + (1 - m) (1 - F) S.

    Args:
        case: what is known.
        urgency: 0 crosses only where waiting costs more than twice as much, 0.5 takes the lesser expected cost,
            1 crosses.

    Raises:
        BadInput: when *urgency* is not within 0 to 1.
    """
    hurry = share(urgency, "urgency")
    law = None if case.rate is None else queue_time(case.ahead + case.own, case.rate, case.trade_size)
    minutes = None if law is None else law.mean
    missed = LEFT_BEHIND * chance_mid_rises_limit(case.ahead, case.opposite)
    moved_away = missed * (case.spread_bps + _opportunity(case, minutes))
    late = 0.0 if law is None or case.minutes_left is None else 1 - law.by(case.minutes_left)
    ran_out = (1 - missed) * late * case.spread_bps
    waiting = moved_away + ran_out
    net = min(1.0, PATIENT_WEIGHT + hurry) * waiting - min(1.0, 2 * (1 - hurry)) * case.spread_bps
    return Crossing(
        should_cross=net > 0,
        reason=_reason(case, moved_away, waiting, net),
        spread_cost_bps=case.spread_bps / 2,
        spread_saved_bps=case.spread_bps / 2,
        queue_minutes=minutes,
        queue_cost_bps=waiting,
        left_behind=missed,
        net_benefit_bps=net,
    )


def _opportunity(case: WaitingCase, minutes: float | None) -> float:
    if case.opportunity_cost_bps is not None:
        return case.opportunity_cost_bps
    if case.volatility_bps is None or minutes is None:
        return case.spread_bps
    if case.minutes_left is not None:
        minutes = min(minutes, case.minutes_left)
    return max(case.spread_bps, case.volatility_bps * sqrt(2 * minutes / pi))


def _reason(case: WaitingCase, moved_away: float, waiting: float, net: float) -> str:
    costs_more = waiting > case.spread_bps
    if net <= 0:
        return "patience" if costs_more else "spread_saved"
    if not costs_more:
        return "urgency"
    if moved_away <= case.spread_bps:
        return "time_running_out"
    return "price_moving_away" if case.opposite < case.ahead else "queue_too_long"
