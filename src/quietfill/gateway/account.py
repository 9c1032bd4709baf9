"""An account's book: what is held, at what average, and how much money there is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from quietfill.domain.types import OrderSide

INITIAL_MARGIN: Final = Decimal("0.25")
"""Share of a position's value that what-if orders and account values state as margin; maintenance is the same."""

_CENT: Final = Decimal("0.01")


@dataclass
class Account:
    """One account in one contract.

    Attributes:
        position: in shares or contracts, negative when short.
        average_cost: per share times the multiplier, commissions included; 0 when flat.
        cash: in the contract's currency.
        realized: profit that was taken, after commissions.
    """

    code: str
    cash: Decimal
    position: Decimal = Decimal(0)
    average_cost: Decimal = Decimal(0)
    realized: Decimal = Decimal(0)

    def __init__(self, code: str, cash: int) -> None:
        self.code = code
        self.cash = Decimal(cash)
        self.position = self.average_cost = self.realized = Decimal(0)

    def book(self, side: OrderSide, size: Decimal, price: Decimal, commission: Decimal) -> Decimal | None:
        """Book one execution; return what it realized, None when it only opened.

        Args:
            price: per share, times the multiplier.
            commission: positive when paid.
        """
        signed = size * side.sign
        self.cash -= signed * price + commission
        closing = min(size, abs(self.position)) if self.position * signed < 0 else Decimal(0)
        per_share = commission / size
        realized: Decimal | None = None
        if closing:
            held = 1 if self.position > 0 else -1
            realized = closing * ((price - self.average_cost) * held - per_share)
            self.realized += realized
        opening = size - closing
        before = self.position
        self.position += signed
        if opening:
            kept = abs(before) if before * signed > 0 else Decimal(0)
            paid = price + per_share * side.sign
            self.average_cost = (self.average_cost * kept + paid * opening) / (kept + opening)
        elif not self.position:
            self.average_cost = Decimal(0)
        return realized

    def value(self, price: Decimal) -> Decimal:
        """Return what the position is worth at a price (times the multiplier)."""
        return self.position * price

    def unrealized(self, price: Decimal) -> Decimal:
        """Return the profit that is not taken yet."""
        return self.position * (price - self.average_cost) if self.position else Decimal(0)

    def equity(self, price: Decimal) -> Decimal:
        """Return cash and position together."""
        return self.cash + self.value(price)

    def margin(self, price: Decimal, *, more: Decimal = Decimal(0)) -> Decimal:
        """Return the margin of the position, with *more* shares added."""
        return abs((self.position + more) * price) * INITIAL_MARGIN

    def figures(self, price: Decimal) -> dict[str, str]:
        """Return the account's values by the protocol's keys, at a price (times the multiplier)."""
        equity, margin, value = self.equity(price), self.margin(price), self.value(price)
        figures = {
            "NetLiquidation": equity,
            "TotalCashValue": self.cash,
            "SettledCash": self.cash,
            "EquityWithLoanValue": equity,
            "GrossPositionValue": abs(value),
            "StockMarketValue": value,
            "InitMarginReq": margin,
            "MaintMarginReq": margin,
            "AvailableFunds": equity - margin,
            "ExcessLiquidity": equity - margin,
            "BuyingPower": max(equity - margin, Decimal(0)) / INITIAL_MARGIN,
            "UnrealizedPnL": self.unrealized(price),
            "RealizedPnL": self.realized,
            "AccruedCash": Decimal(0),
        }
        return {key: money(figure) for key, figure in figures.items()}


def money(amount: Decimal) -> str:
    """Return an amount to the cent."""
    return format(amount.quantize(_CENT, ROUND_HALF_EVEN), "f")
