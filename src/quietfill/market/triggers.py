"""Conditions on the market that wake a parent order.

The live market view and the compiled venue core evaluate the same five kinds, always on the *others'*
market: our own displayed quantity never wakes us. A trigger says only "look again"; the plan decides.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from quietfill.domain.types import OrderSide, Price, Quantity


class TouchLeaves(msgspec.Struct, frozen=True, tag=True):
    """The others' best price on `side` (BUY: best bid) leaves [low, high], or there is none."""

    side: OrderSide
    low: Price
    high: Price


class MidLeaves(msgspec.Struct, frozen=True, tag=True):
    """The others' mid price leaves [low, high]; `low` and `high` count half ticks exactly."""

    low: Price
    high: Price


class SizeReaches(msgspec.Struct, frozen=True, tag=True):
    """The others show at least `quantity` on `side` at `price` or better for whoever trades against it."""

    side: OrderSide
    price: Price
    quantity: Quantity


class VolumeReaches(msgspec.Struct, frozen=True, tag=True):
    """The day's cumulative volume without our own prints reaches `volume`."""

    volume: Quantity


class LastThrough(msgspec.Struct, frozen=True, tag=True):
    """A print at `price` or beyond: at or above it when `rising`, else at or below."""

    price: Price
    rising: bool


Trigger: TypeAlias = TouchLeaves | MidLeaves | SizeReaches | VolumeReaches | LastThrough
