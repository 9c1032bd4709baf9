"""Trade off the cost of impact against the risk of waiting: the trajectory of Almgren and Chriss.

Source: R. Almgren and N. Chriss, "Optimal Execution of Portfolio Transactions", working paper of December 2000,
eqs. 16-18; `market/scheduling/almgren_chriss.py` has the model. What is still held at t of a window that ends at T
falls as sinh(kappa (T - t)) / sinh(kappa T), so the next slice only depends on what is left and how long: at each
slice the trajectory is computed anew from there. With the same risk aversion that is the tail of the first one as
long as the order is on schedule; what it is behind or ahead is spread over all that is to come.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import exp, expm1, inf
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from quietfill.algos.base import Plan
from quietfill.algos.schedule import Schedule, ScheduleParams, work
from quietfill.algos.windows import as_working, outside, window
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, SECOND
from quietfill.market.scheduling.linear_market import LinearMarket, time_scale

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.types import Duration, Quantity, Timestamp
    from quietfill.market.view import MarketView

USUAL_RISK_AVERSION = 1e-6
"""Lambda of an order of urgency 0.5, per unit of its currency: that of Almgren and Chriss's example."""

_IMPACT, _EXPONENT = 0.142, 0.6
"""Temporary impact of Almgren, Thum, Hauptmann, Li (2005): 0.142 daily volatilities x (share of volume) ^ 0.6."""

_SLICE_FROM, _SLICE_NUMBER, _SLICE_FILLED = "slice_from", "slice", "slice_filled"
"""Memo: of which schedule, which slice, and how much was filled when it began."""


class ShortfallParams(ScheduleParams, frozen=True, kw_only=True):
    """What the trajectory is made of; pacing, and the parameters that every algo has.

    Attributes:
        volatility: of a day, as a fraction of the price: 0.02 for 2 %. What was observed, when not stated.
        adv: average volume of a day, in shares, contracts or coins. What was observed, when not stated.
        risk_aversion: what one unit of variance of the cost is worth, per unit of the instrument's currency; 0 trades
            evenly. When not stated it comes from urgency u: 1e-6 x (u / (1 - u)) ^ 2.
        eta: temporary impact of trading at the rate of one adv a day, in daily volatilities, linear in the rate. When
            not stated it is the line through Almgren et al. (2005) at the order's own average rate.
    """

    volatility: Annotated[float, Meta(gt=0)] | None = None
    adv: Decimal | None = None
    risk_aversion: Annotated[float, Meta(ge=0)] | None = None
    eta: Annotated[float, Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        """Refuse a volume that is none."""
        if self.adv is not None and self.adv.is_finite() and self.adv <= 0:
            raise ValueError(f"adv must be above 0, not {self.adv}")

    @property
    def aversion(self) -> float:
        """The risk aversion in force, infinite at urgency 1."""
        if self.risk_aversion is not None:
            return self.risk_aversion
        return inf if self.urgency >= 1 else USUAL_RISK_AVERSION * (self.urgency / (1 - self.urgency)) ** 2

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parameters that must be known and are not; a straight line and all at once need none."""
        if not 0 < self.aversion < inf:
            return ()
        return tuple(name for name in ("volatility", "adv") if getattr(self, name) is None)


class Shortfall:
    """Trade faster at first, the more so the riskier waiting is against the impact of trading.

    The trajectory of Almgren and Chriss, computed anew at each slice from what is left. Each slice rests at the near
    touch, steps to mid, and crosses at its own deadline.
    """

    Params = ShortfallParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the slice in which *now* falls."""
        if (idle := outside(order, now)) is not None:
            return idle
        params = order.params
        assert isinstance(params, ShortfallParams)
        rate = _kappa(order, params)
        if rate is None:
            lack = ", ".join(params.missing) or "an arrival price"
            why = f"no trajectory without {lack}"
            return Plan(as_working(order), window(order)[1], why=why, alert=f"{why}; nothing new is sent")
        schedule = Schedule.of(order, params)
        number = schedule.slice_at(schedule.elapsed(now))
        filled = _filled_before(order, number)

        def cumulative(schedule: Schedule, number: int) -> Quantity:
            return filled - order.schedule_filled + _share(order, schedule, number, filled, rate)

        plan = work(order, market, now, params, cumulative)
        memo = {**order.memo, _SLICE_FROM: order.schedule_start, _SLICE_NUMBER: number, _SLICE_FILLED: filled}
        return msgspec.structs.replace(plan, memo=memo if memo != order.memo else None)


def held_share(kappa: float, left_before: Duration, left_after: Duration) -> float:
    """Return the share of what is held that is to be held *left_after* ns before the end, 0-1.

    sinh(kappa t_after) / sinh(kappa t_before), in a form that never overflows (eq. 17).

    Args:
        kappa: per ns of trading time; 0 is a straight line, infinite trades all at once.
        left_before: trading time to the end now.
        left_after: trading time to the end then, no longer.
    """
    if left_after <= 0 or kappa == inf:
        return 0.0
    whole, part = kappa * left_before, kappa * left_after
    if not expm1(-2 * part):
        return left_after / left_before
    return exp(part - whole) * expm1(-2 * part) / expm1(-2 * whole)


def _share(order: ParentView, schedule: Schedule, number: int, filled: Quantity, kappa: float) -> Quantity:
    """Return how much slice *number* is to do, in whole lots: its part of what was left when it began."""
    left = schedule.span - schedule.boundary(number - 1), schedule.span - schedule.boundary(number)
    lots = (order.quantity - filled) // order.instrument.lot
    return order.instrument.lot * (lots - round(lots * held_share(kappa, *left)))


def _filled_before(order: ParentView, number: int) -> Quantity:
    """Return what was filled when slice *number* began, as far as is remembered; else it begins now."""
    memo = order.memo
    known = memo.get(_SLICE_FROM) == order.schedule_start and memo.get(_SLICE_NUMBER) == number
    return memo[_SLICE_FILLED] if known else order.filled


def _kappa(order: ParentView, params: ShortfallParams) -> float | None:
    """Return the rate at which the order is worked off, per ns of trading time; None when it cannot be known."""
    if not 0 < params.aversion < inf:
        return params.aversion
    if params.volatility is None or params.adv is None or order.arrival_bid is None or order.arrival_ask is None:
        return None
    day = order.day.elapsed(order.day.spans[0][0], order.day.spans[-1][1])
    eta = params.eta
    if eta is None:
        window_days = max(1, order.day.elapsed(order.start, order.end)) / day
        volumes_a_day = order.quantity / QUANTITY_SCALE / float(params.adv) / window_days
        eta = _IMPACT * volumes_a_day ** (_EXPONENT - 1)
    notional = abs(order.arrival_bid + order.arrival_ask) / 2 / PRICE_SCALE * order.instrument.multiplier
    step = params.slice_seconds * SECOND / day
    return _kappa_a_day(params.aversion, params.volatility, float(params.adv), eta, notional, step) / day


@lru_cache(maxsize=1024)
def _kappa_a_day(aversion: float, volatility: float, adv: float, eta: float, notional: float, step: float) -> float:
    if not notional:
        return 0.0
    risk = volatility * notional
    market = LinearMarket(volatility=risk, temporary_impact=eta * risk / adv)
    return time_scale(market, aversion, step).kappa
