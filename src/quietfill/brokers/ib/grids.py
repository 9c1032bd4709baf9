"""Price grids that the broker contradicted: read anew, once, and handed to the agent when they have changed.

A refusal for the price's sake (110) means that the grid we round to is not the broker's. Until it was read anew no
priced order of that symbol leaves; if it turns out to be the one that we used, a person must look, and none leaves in
this session: the same price would be refused again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.errors import BadInput, BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from quietfill.brokers.ib.children import Children
    from quietfill.brokers.ib.contracts import Contracts
    from quietfill.domain.instrument import Instrument


class Grids:
    """Which symbols' grids are in doubt.

    Args:
        start: runs something beside.
        notice: tells a person.
    """

    def __init__(
        self,
        contracts: Contracts,
        children: Children,
        *,
        start: Callable[[Coroutine[Any, Any, None]], None],
        notice: Callable[[str, str], None],
    ) -> None:
        """Trust all of them."""
        self.changed: Callable[[Instrument, str], object] = _nobody
        """Hears an instrument whose ladder has changed, and why."""
        self._contracts = contracts
        self._children = children
        self._start = start
        self._notice = notice
        self._doubted: dict[str, str] = {}

    def problem(self, symbol: str) -> str | None:
        """Return why no priced order of a symbol may leave, None while its grid is trusted."""
        return self._doubted.get(symbol)

    def contradicted(self, symbol: str, text: str) -> None:
        """Note that the broker refused a price that is on the grid as we know it."""
        if symbol not in self._doubted:
            self._doubted[symbol] = f"the broker refused a price of {symbol}, its price steps are being read anew"
            self._start(self._read(symbol, text))

    def trust(self, symbol: str | None = None) -> None:
        """Trust a symbol's grid again, None for all: somebody looked, or a session is new."""
        if symbol is None:
            self._doubted.clear()
        else:
            self._doubted.pop(symbol, None)

    async def _read(self, symbol: str, text: str) -> None:
        before = self._contracts.known(symbol)
        try:
            now = await self._contracts.read_again(symbol)
        except (BrokerError, TimeoutError) as error:
            self._give_up(symbol, f"{text}, and its price steps cannot be read: {str(error) or 'no answer'}")
            return
        if before is not None and before.ticks == now.ticks:
            self._give_up(symbol, f"{text}, though it is on the price steps that the broker states")
            return
        self.trust(symbol)
        why = f"its price steps have changed: {text}"
        self._notice(symbol, f"{symbol}: {why}")
        books = self._children.books
        instrument = None if books is None else books.instruments.get(symbol)
        if instrument is not None and instrument.ticks != now.ticks:
            try:
                self.changed(msgspec.structs.replace(instrument, ticks=now.ticks), why)
            except BadInput as error:
                self._give_up(symbol, f"{why}, and the agent does not take that: {error}")

    def _give_up(self, symbol: str, why: str) -> None:
        self._doubted[symbol] = f"no priced order of {symbol} is sent in this session: {why}"
        self._notice(symbol, self._doubted[symbol])


def _nobody(_instrument: Instrument, _why: str) -> None:
    """No agent listens."""
