"""What holds outside an order's own trading time, the same for every algo.

Before the start nothing works, in a break what works is left alone, at the end everything goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import ChildView, Outcome, ParentView, Plan, Rest, Slice
from quietfill.algos.pricing import appears
from quietfill.domain.types import TimeInForce, iso_time, quantity_number

if TYPE_CHECKING:
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.market.view import MarketView


_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def window(order: ParentView) -> tuple[Timestamp, Timestamp]:
    """Return the order's window from where its schedule starts, clipped to continuous trading."""
    return order.day.clip(order.schedule_start, order.end)


def outside(order: ParentView, now: Timestamp) -> Plan | None:
    """Return the plan where no algo has a say: filled, ended, not begun, or in a break; None inside the window."""
    if order.leaves == 0:
        return Plan(why="filled", finish=Outcome.FILLED)
    start, end = window(order)
    if now >= end:
        return ended(order)
    if now < start:
        return Plan(wake_at=start, why=f"starts at {iso_time(start)}")
    if not order.day.is_open(now):
        opens = min(opens for opens, _ in order.day.spans if opens > now)
        return Plan(slices=as_working(order), wake_at=opens, why="break: what works is left alone")
    return None


def ended(order: ParentView) -> Plan:
    """Return the plan at the end of the window: nothing works, and the rest is treated as asked."""
    left = f"{quantity_number(order.leaves)} of {quantity_number(order.quantity)} left at the end"
    if order.params.rest is Rest.COMPLETE:
        return Plan(why=left, finish=Outcome.ENDED)
    alert = f"rest abandoned: {left}" if order.params.rest is Rest.ALERT else None
    return Plan(why=left, finish=Outcome.ABANDONED, alert=alert)


def as_working(order: ParentView) -> tuple[Slice, ...]:
    """Return the slices that leave every working child as it is."""
    kept = {child.key: child for child in order.working if child.leaves > 0}
    return tuple(keep(child, child.leaves) for child in kept.values())


def keep(child: ChildView, quantity: Quantity) -> Slice:
    """Return the slice that leaves a child where it stands, with at most *quantity*."""
    return Slice(child.key, min(quantity, child.leaves), child.limit_price, crossing=child.crossing, why="left alone")


def life(order: ParentView) -> TimeInForce:
    """Return how long a child of this order is to live at the venue: at once or not at all, where the order says so."""
    return order.time_in_force if order.time_in_force in _AT_ONCE else TimeInForce.DAY


def spent(order: ParentView) -> Plan | None:
    """Return the end of an order that was to trade at once, when its one child is done; else None."""
    if order.time_in_force not in _AT_ONCE or not order.children_count or order.working:
        return None
    left = f"{quantity_number(order.leaves)} of {quantity_number(order.quantity)} could not trade at once"
    return Plan(why=left, finish=Outcome.ENDED)


def child_of(order: ParentView, key: str) -> ChildView | None:
    """Return the live child that works slice *key*, if there is one."""
    return next((child for child in order.working if child.key == key and child.leaves > 0), None)


def leaves_of_others(order: ParentView, key: str) -> Quantity:
    """Return what children of other slices can still trade: it is not this slice's to ask for."""
    return sum(child.leaves for child in order.working if child.key != key)


def without_market(market: MarketView, child: ChildView | None, quantity: Quantity, wake_at: Timestamp | None) -> Plan:
    """Return the plan while a side of the book is missing or the book is crossed: keep what works, start nothing."""
    slices = () if child is None else (keep(child, quantity),)
    return Plan(slices, wake_at, appears(market), why="no two-sided market")
