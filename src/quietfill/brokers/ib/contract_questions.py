"""Asking the gateway about contracts and their market rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.brokers.ib.pacing import Urgency
from quietfill.brokers.ib.tap import market_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from ib_async.contract import Contract, ContractDetails

    from quietfill.brokers.ib.survey import Surveyor
    from quietfill.domain.types import Price


class ContractQuestions:
    """Questions that an order may wait for.

    Args:
        surveyor: asks.
        seconds: until a question must be answered.
        is_open: says whether what adds risk may leave; while it may not a question goes before all that waits for that.
    """

    def __init__(self, surveyor: Surveyor, seconds: float, is_open: Callable[[], bool]) -> None:
        """Ask nothing yet."""
        self._surveyor = surveyor
        self._seconds = seconds
        self._is_open = is_open

    async def details(self, contract: Contract) -> list[ContractDetails]:
        """Return all contracts that match one.

        Raises:
            TimeoutError: when the answer did not come in time.
            BrokerError: when it was refused, or the session ended.
        """
        name = f"contract {contract.symbol or contract.conId}"
        urgency = Urgency.PLACE if self._is_open() else Urgency.QUESTION
        return await self._surveyor.numbered(name, self._seconds, "reqContractDetails", contract, urgency=urgency)

    async def rule(self, number: int) -> list[tuple[tuple[Price, Price], ...]]:
        """Return a market rule's rows of price and increment.

        Raises:
            TimeoutError: when the answer did not come in time.
            BrokerError: when it was refused, or the session ended.
        """
        return await self._surveyor.named(market_rule(number), self._seconds, "reqMarketRule", number)
