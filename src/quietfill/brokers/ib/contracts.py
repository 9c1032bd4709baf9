"""Which contract a symbol means at Interactive Brokers: exactly one, or none at all.

A ticker alone may be a dozen contracts in as many currencies; the first of them is never taken. What was found is kept
for the session, with its grid of prices from the market rule of the exchange that it is routed to.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from ib_async.contract import Contract

from quietfill.brokers.ib.errors import NoSuchContract, RequestFailed
from quietfill.brokers.ib.raw import price_of, quantity_of
from quietfill.brokers.ib.trading_hours import sessions_of
from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.types import QUANTITY_SCALE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ib_async.contract import ContractDetails

    from quietfill.domain.types import Price

_NO_CONTRACT = 200
_SHOWN = 8
_PLAIN_STOCK_EXCHANGES = {"CASH": "IDEALPRO"}


class ContractSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies a contract. What is left out is open, and must leave one contract all the same.

    Attributes:
        security_type: STK, FUT, CASH (currency pairs: symbol EUR, currency USD), OPT, IND, CFD, ...
        expiry: of futures and options, `20261218` or `202612`.
        right: of options, C or P.
        con_id: Interactive Brokers' own number, which alone is enough.
    """

    symbol: str
    security_type: str = "STK"
    exchange: str = ""
    currency: str = "USD"
    primary_exchange: str = ""
    expiry: str = ""
    strike: Decimal | None = None
    right: str = ""
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    con_id: int = 0

    @classmethod
    def of(cls, instrument: Instrument) -> ContractSpec:
        """Return what an instrument of the table says."""
        return cls(
            symbol=instrument.symbol,
            security_type=instrument.security_type,
            exchange=instrument.venue,
            currency=instrument.currency,
            multiplier="" if instrument.multiplier == 1 else str(instrument.multiplier),
            con_id=instrument.broker_contract_id or 0,
        )

    def contract(self) -> Contract:
        """Return it as ib_async asks for it."""
        exchange = self.exchange or _PLAIN_STOCK_EXCHANGES.get(self.security_type, "SMART")
        if self.con_id:
            return Contract(conId=self.con_id, exchange=exchange)
        return Contract(
            symbol=self.symbol,
            secType=self.security_type,
            exchange=exchange,
            currency=self.currency,
            primaryExchange=self.primary_exchange,
            lastTradeDateOrContractMonth=self.expiry,
            strike=float(self.strike or 0),
            right=self.right,
            multiplier=self.multiplier,
            localSymbol=self.local_symbol,
            tradingClass=self.trading_class,
        )

    def __str__(self) -> str:
        """Name it in a message."""
        parts = (self.symbol, self.security_type, self.exchange, self.currency, self.expiry, self.right)
        strike = "" if self.strike is None else str(self.strike)
        return " ".join(part for part in (*parts, strike, f"#{self.con_id}" if self.con_id else "") if part)


class Resolved(msgspec.Struct, frozen=True):
    """A contract that is known to be the one, and the grid that its prices lie on.

    Attributes:
        contract: as it goes on the wire.
        details: all that the gateway said of it.
        ticks: the ladder of the exchange that it is routed to.
    """

    contract: Any
    details: Any
    ticks: tuple[TickRule, ...]

    def is_on_grid(self, price: Price) -> bool:
        """Say whether an order may have this price."""
        increment = self.ticks[0].increment
        for rule in self.ticks[1:]:
            if abs(price) >= rule.above:
                increment = rule.increment
        return price % increment == 0


class Contracts:
    """Contracts by symbol, each looked up once.

    Args:
        details: asks for all contracts that match one.
        rule: asks for a market rule's rows of price and increment.
    """

    def __init__(
        self,
        details: Callable[[Contract], Awaitable[list[ContractDetails]]],
        rule: Callable[[int], Awaitable[list[tuple[tuple[Price, Price], ...]]]],
    ) -> None:
        """Nothing is known yet."""
        self._details = details
        self._rule = rule
        self._known: dict[str, Resolved] = {}
        self._specs: dict[str, ContractSpec] = {}
        self._rules: dict[int, tuple[TickRule, ...]] = {}

    def known(self, symbol: str) -> Resolved | None:
        """Return a symbol's contract if it was looked up before."""
        return self._known.get(symbol)

    def symbol_of(self, con_id: int) -> str | None:
        """Return the symbol under which a contract was looked up."""
        return next((name for name, item in self._known.items() if item.contract.conId == con_id), None)

    def looked_up(self) -> dict[int, str]:
        """Return the symbols of all contracts that were looked up, by number."""
        return {item.contract.conId: name for name, item in self._known.items()}

    async def resolve(self, symbol: str, spec: ContractSpec) -> Resolved:
        """Return the one contract that *spec* means, and know it as *symbol* from now on.

        Raises:
            NoSuchContract: when none matches, or several do; the message lists them.
            BrokerError: when the gateway cannot be asked.
        """
        if symbol in self._known:
            return self._known[symbol]
        self._specs[symbol] = spec
        return await self._look_up(symbol, spec)

    async def read_again(self, symbol: str) -> Resolved:
        """Look a symbol that is known up anew, market rule included; what is known of it holds until then.

        Raises:
            BrokerError: when the gateway cannot be asked.
        """
        self._rules.clear()
        return await self._look_up(symbol, self._specs[symbol])

    async def _look_up(self, symbol: str, spec: ContractSpec) -> Resolved:
        try:
            found = await self._details(spec.contract())
        except RequestFailed as error:
            if error.code != _NO_CONTRACT:
                raise
            found = []
        if len(found) != 1:
            raise NoSuchContract(_refusal(spec, found))
        details = found[0]
        assert details.contract is not None, "details are of a contract"
        resolved = Resolved(_routed(details.contract, spec), details, await self._ticks(details, spec))
        self._known[symbol] = resolved
        return resolved

    async def _ticks(self, details: ContractDetails, spec: ContractSpec) -> tuple[TickRule, ...]:
        """Return the ladder of the exchange that orders go to; position by position rules belong to exchanges."""
        exchange = spec.contract().exchange
        pairs = dict(zip(details.validExchanges.split(","), details.marketRuleIds.split(","), strict=False))
        number = pairs.get(exchange, "")
        if number.isdigit():
            if int(number) not in self._rules:
                rows = await self._rule(int(number))
                self._rules[int(number)] = tuple(TickRule(above, increment) for above, increment in rows[-1])
            return self._rules[int(number)]
        return (TickRule(0, price_of(details.minTick) or 1),)


def instrument_of(symbol: str, resolved: Resolved) -> Instrument:
    """Return a contract as an instrument of our table.

    Raises:
        BadInput: when its sizes or hours cannot be expressed.
    """
    details, contract = resolved.details, resolved.contract
    multiplier = Decimal(contract.multiplier or 1) / (details.priceMagnifier or 1)
    if multiplier != int(multiplier) or multiplier < 1:
        raise BadInput(f"{symbol}: a multiplier of {multiplier} per quoted point cannot be expressed")
    hours = sessions_of(details.liquidHours, details.timeZoneId)
    return Instrument(
        symbol=symbol,
        ticks=resolved.ticks,
        lot=quantity_of(details.sizeIncrement) or QUANTITY_SCALE,
        currency=contract.currency,
        venue=contract.exchange,
        security_type=contract.secType,
        multiplier=int(multiplier),
        timezone=hours.timezone,
        sessions=hours.sessions,
        closed_weekdays=hours.closed_weekdays,
        special_days=hours.special_days,
        broker_contract_id=contract.conId,
    )


def _routed(contract: Contract, spec: ContractSpec) -> Contract:
    """Return the contract with the exchange that was asked for: details name the one that they describe."""
    contract.exchange = spec.contract().exchange
    return contract


def _refusal(spec: ContractSpec, found: list[ContractDetails]) -> str:
    if not found:
        return f"no contract matches {spec}"
    candidates = [_candidate(item.contract) for item in found[:_SHOWN] if item.contract is not None]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{spec} may be {len(found)} contracts; name one, best by con_id: {'; '.join(candidates)}{more}"


def _candidate(contract: Contract) -> str:
    parts = (
        f"con_id {contract.conId}",
        contract.localSymbol or contract.symbol,
        contract.secType,
        contract.primaryExchange or contract.exchange,
        contract.currency,
        contract.lastTradeDateOrContractMonth,
        contract.right.replace("?", ""),
        f"{contract.strike:g}" if contract.strike else "",
    )
    return " ".join(part for part in parts if part)
