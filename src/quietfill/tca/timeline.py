"""How an order went over time: what was planned and done, its share of the market, its cost to date."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from quietfill.domain.types import Quantity, Timestamp
from quietfill.tca.children import BookedFill, Request
from quietfill.tca.fill_quality import mid_of

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger


class CostPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of everything filled so far against the arrival mid, in bps of it, positive when it hurts.

    spread + drift = total: spread is s (price - mid at the fill), drift is s (mid at the fill - arrival mid), both
    weighted by quantity. They are None from the first fill on whose mid is not known.
    """

    at: Timestamp
    total_bps: float
    spread_bps: float | None
    drift_bps: float | None


def planned(order: OrderLedger) -> list[tuple[Timestamp, Quantity]]:
    """Return, at each placement and replace, what should be done once everything then asked for has traded.

    That is filled + leaves of every child that is wanted: for a scheduled algo the schedule's own cumulative
    quantity at the end of the slice, for the others what they want working. A child whose cancel has been asked
    for is not wanted.
    """
    totals: dict[str, tuple[Quantity, Quantity]] = {}
    points: dict[Timestamp, Quantity] = {}
    plan = 0
    for step in _steps(order):
        wanted, filled = totals.get(step.child_id, (0, 0))
        plan -= max(wanted, filled)
        wanted, filled = wanted if step.wanted is None else step.wanted, filled + step.filled
        totals[step.child_id] = wanted, filled
        plan += max(wanted, filled)
        if step.wanted:
            points[step.at] = plan
    return list(points.items())


class _Step(msgspec.Struct, frozen=True):
    """One child's quantity changed: what is wanted of it in all (None: as before), or by a fill."""

    at: Timestamp
    child_id: str
    wanted: Quantity | None = None
    filled: Quantity = 0


def _steps(order: OrderLedger) -> list[_Step]:
    """Return the changes in order of time; at one instant fills and ends come first, as decisions saw them."""
    steps: list[_Step] = []
    for child in order.children:
        steps += [_Step(item.booked_at, child.child_id, filled=item.fill.quantity) for item in child.fills]
        if child.done_at is not None:
            steps.append(_Step(child.done_at, child.child_id, wanted=0))
        steps += [_Step(request.at, child.child_id, _total(request)) for request in child.requests]
    return sorted(steps, key=lambda step: (step.at, bool(step.wanted)))


def _total(request: Request) -> Quantity:
    return request.total or 0


def executed(order: OrderLedger) -> list[tuple[Timestamp, Quantity]]:
    """Return the cumulative filled quantity after each fill, in venue time."""
    points: list[tuple[Timestamp, Quantity]] = []
    done = 0
    for item in in_venue_time(order):
        done += item.fill.quantity
        points.append((item.fill.exchange_time, done))
    return points


def participation(
    order: OrderLedger, history: MarketHistory, end: Timestamp, *, points: int = 240
) -> list[tuple[Timestamp, float]]:
    """Return own / (own + market) volume since arrival, after each fill and on an even grid up to *end*, 0 to 1.

    There is no share before the first print or fill.
    """
    fills = executed(order)
    grid = np.linspace(order.arrival_at, max(order.arrival_at, end), points).astype(np.int64)
    fill_times = np.array([at for at, _ in fills], dtype=np.int64)
    times = np.union1d(grid, fill_times)
    first = int(np.searchsorted(history.print_time, order.arrival_at, side="left"))
    printed = np.concatenate([[0.0], np.cumsum(history.print_quantity[first:], dtype=np.float64)])
    market = printed[np.searchsorted(history.print_time[first:], times, side="right")]
    done = np.array([0, *(quantity for _, quantity in fills)], dtype=np.float64)
    own = done[np.searchsorted(fill_times, times, side="right")]
    some = market + own > 0
    shares = own[some] / (market + own)[some]
    return list(zip(times[some].tolist(), shares.tolist(), strict=True))


def participation_kept(order: OrderLedger) -> list[tuple[Timestamp, float]]:
    """Return own / (own + market) volume since arrival at each fill, by the volume that was kept with it, 0 to 1.

    It takes the place of `participation` where no market was recorded; fills without that volume have no point.
    """
    points: list[tuple[Timestamp, float]] = []
    own = 0
    for item in in_venue_time(order):
        own += item.fill.quantity
        market = None if item.marks is None else item.marks.market_volume
        if market is not None and own + market > 0:
            points.append((item.fill.exchange_time, own / (own + market)))
    return points


def cost_to_date(order: OrderLedger, history: MarketHistory | None, arrival: Fraction) -> list[CostPoint]:
    """Return the cost against the arrival mid after each fill, split into spread and drift."""
    points: list[CostPoint] = []
    quantity = value = 0
    at_mid: Fraction | None = Fraction(0)
    scale = 10_000 * order.side.sign / abs(arrival)
    for item in in_venue_time(order):
        fill = item.fill
        quantity += fill.quantity
        value += fill.quantity * fill.price
        mid = mid_of(item, history)
        at_mid = None if at_mid is None or mid is None else at_mid + fill.quantity * mid
        points.append(
            CostPoint(
                at=fill.exchange_time,
                total_bps=float(scale * (Fraction(value, quantity) - arrival)),
                spread_bps=None if at_mid is None else float(scale * (value - at_mid) / quantity),
                drift_bps=None if at_mid is None else float(scale * (at_mid / quantity - arrival)),
            )
        )
    return points


def in_venue_time(order: OrderLedger) -> list[BookedFill]:
    """Return the fills in the order in which they traded, which need not be that of their booking."""
    return sorted(order.fills, key=lambda item: item.fill.exchange_time)
