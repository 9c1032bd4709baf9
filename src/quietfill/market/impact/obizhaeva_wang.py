"""Obizhaeva and Wang: a book that is eaten into, recovers in part at once and the rest with time.

Source: A. Obizhaeva and J. Wang, "Optimal trading strategy and supply/demand dynamics", Journal of Financial
Markets 16 (2013). A block book of depth q: a trade of n moves the price by n / q, of which lambda_p n remains for
ever and kappa n, kappa = 1/q - lambda_p, decays at rate rho. The optimum is a block, a constant rate, a block.
Valid for linear impact that decays exponentially, no risk aversion, and a book of equal depth at all prices.
Quantities in shares, prices and costs in currency, time in the same unit as 1 / rho.
"""

from __future__ import annotations

from math import exp, expm1, log
from typing import TYPE_CHECKING, Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import figures, finite, positive

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResilientBook(msgspec.Struct, frozen=True, kw_only=True):
    """A block-shaped book that recovers.

    Attributes:
        depth: q, in shares for each unit of price.
        recovery_rate: rho, per unit of time.
        permanent_impact: lambda_p, in currency a share for each share traded, from 0 to 1/q; None for 1 / (2 q).
    """

    depth: Annotated[float, positive]
    recovery_rate: Annotated[float, positive]
    permanent_impact: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)
        if self.permanent_impact is not None and not finite(self.permanent_impact, "permanent_impact") >= 0:
            raise BadInput(f"permanent_impact must not be negative, not {self.permanent_impact}")
        if self.transient < 0:
            raise BadInput(f"permanent_impact must be at most 1 / depth, not {self.permanent_impact}")

    @property
    def permanent(self) -> float:
        """Return lambda_p, in currency a share for each share traded."""
        return 1 / (2 * self.depth) if self.permanent_impact is None else self.permanent_impact

    @property
    def transient(self) -> float:
        """Return kappa = 1/q - lambda_p, the part of a trade's impact that decays."""
        return 1 / self.depth - self.permanent

    @property
    def half_life(self) -> float:
        """Return ln 2 / rho, in which half of the transient impact is gone."""
        return log(2) / self.recovery_rate


class BlockSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A block at the start, a constant rate between, and a block at the end.

    Attributes:
        first_block, last_block: in shares; equal.
        rate: in shares per unit of time.
        horizon: T.
    """

    first_block: float
    rate: float
    last_block: float
    horizon: float

    def traded(self, at: float) -> float:
        """Return how much is done at time *at*, 0 to the horizon, the block of that instant included.

        Raises:
            BadInput: when *at* lies outside.
        """
        if not 0 <= finite(at, "at") <= self.horizon:
            raise BadInput(f"at must lie between 0 and the horizon {self.horizon}, not {at}")
        return self.first_block + self.rate * at + (self.last_block if at == self.horizon else 0.0)


def optimal_blocks(book: ResilientBook, quantity: float, horizon: float) -> BlockSchedule:
    """Return the optimum: blocks of X / (rho T + 2) at both ends and a rate of rho X / (rho T + 2) between.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, span = positive(quantity, "quantity"), positive(horizon, "horizon")
    block = total / (book.recovery_rate * span + 2)
    return BlockSchedule(first_block=block, rate=book.recovery_rate * block, last_block=block, horizon=span)


def permanent_cost(book: ResilientBook, quantity: float) -> float:
    """Return lambda_p X^2 / 2, in currency, which every schedule pays.

    Raises:
        BadInput: naming the argument and its value.
    """
    return book.permanent * positive(quantity, "quantity") ** 2 / 2


def optimal_transient_cost(book: ResilientBook, quantity: float, horizon: float) -> float:
    """Return the optimum's cost beyond the permanent part, kappa X^2 / (rho T + 2), in currency.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, span = positive(quantity, "quantity"), positive(horizon, "horizon")
    return book.transient * total**2 / (book.recovery_rate * span + 2)


def constant_rate_transient_cost(book: ResilientBook, quantity: float, horizon: float) -> float:
    """Return the same for a constant rate: kappa X^2 [1 / (rho T) - (1 - e^(-rho T)) / (rho T)^2], in currency.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, aged = positive(quantity, "quantity"), book.recovery_rate * positive(horizon, "horizon")
    if aged < 1e-4:  # noqa: PLR2004 - two nearly equal terms; their difference by its series
        return book.transient * total**2 * (0.5 - aged / 6 + aged**2 / 24)
    return book.transient * total**2 * (1 / aged + expm1(-aged) / aged**2)


def saving_against_constant_rate(book: ResilientBook, horizon: float) -> float:
    """Return the share of the cost beyond the permanent part that the optimum saves, 0 to 1; the same for any size.

    Raises:
        BadInput: naming the argument and its value.
    """
    if not book.transient:
        return 0.0
    return 1 - optimal_transient_cost(book, 1, horizon) / constant_rate_transient_cost(book, 1, horizon)


def trades_cost(book: ResilientBook, times: Sequence[float], trades: Sequence[float]) -> float:
    """Return what a list of single trades costs in all, in currency.

    Args:
        times: of the trades, never falling.
        trades: in shares, negative the other way.

    Raises:
        BadInput: when the lists differ in length or the times fall.
    """
    moments, sizes = figures(times, "times"), figures(trades, "trades")
    if len(moments) != len(sizes):
        raise BadInput(f"times has {len(moments)} entries and trades {len(sizes)}")
    cost = done = displaced = 0.0
    before = moments[0]
    for moment, size in zip(moments, sizes, strict=True):
        if moment < before:
            raise BadInput(f"times must never fall, but {moment} comes after {before}")
        displaced *= exp(-book.recovery_rate * (moment - before))
        cost += size * (book.permanent * done + displaced + size / (2 * book.depth))
        done, displaced, before = done + size, displaced + book.transient * size, moment
    return cost
