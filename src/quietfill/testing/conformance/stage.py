"""The stage that a broker is examined on: what the implementer of a broker writes, once, for all checks."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from quietfill.domain.types import OrderSide
from quietfill.runtime.loop_clock import LoopClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Price, Quantity
    from quietfill.ports.broker import BrokerEdge
    from quietfill.ports.clock import TimedClock


class Ability(StrEnum):
    """What not every broker can do, or not every stage can show. What is lacking is declared, with the reason."""

    SESSION = "session"
    """Connecting and disconnecting the edge opens and closes the session."""
    RESTING = "resting"
    """Orders can rest unfilled."""
    LATER_FILLS = "later_fills"
    """The stage knows a price at which an order rests first and trades as the market goes on: `later_price`."""
    PARTIAL_FILLS = "partial_fills"
    """The stage knows an order that is filled in part and rests with what is left: `part_fill`."""
    MARKET_ORDERS = "market_orders"
    """Orders without a limit are taken."""
    REPLACE = "replace"
    """A working order can be given other terms."""
    STATUS = "status"
    """The broker itself says that an order ended; else silence after a cancel is taken for the end."""
    REJECTS = "rejects"
    """Some order is certainly refused: `refused_price`."""
    LISTS_ORDERS = "lists_orders"
    """A snapshot lists orders."""
    LISTS_EXECUTIONS = "lists_executions"
    """A snapshot lists executions, also those of earlier sessions."""
    KEYS = "keys"
    """The same order reference twice places one order."""
    REOPEN = "reopen"
    """A second session on the same account can follow the first."""
    LINE = "line"
    """The stage can break the line and mend it: `break_line`, `mend_line`."""
    GOOD_TILL = "good_till"
    """An order may state when it ends."""
    IMMEDIATE = "immediate"
    """IOC orders are taken."""
    BOOKS = "books"
    """The edge brings market data."""
    OWN_SIZE = "own_size"
    """Our own resting orders are in the published book."""
    ON_GRID = "on_grid"
    """Executions happen on the tick grid; some venues trade between ticks."""


class PartFill(NamedTuple):
    """An order that trades at once in part: what to ask for, and at which limit."""

    quantity: Quantity
    price: Price


class BrokerStage(ABC):
    """One account at one broker, with a market that goes on when it is told to.

    Each check gets a stage of its own. Subclass it, state the prices, and hand a factory of it to `run_all`. Where the
    edge brings books (`Ability.BOOKS`), prices have defaults that look at the last one.

    Attributes:
        instrument: what is traded.
        clock: the time that the edge lives by; an agent would live by it too.
        lacks: abilities that are missing, each with the reason, which is printed beside every check it skips.
        book: the last book that was heard.
        reference: what our order references begin with; never twice the same where the account outlives the check.
        rounds: how often the market may go on until what is waited for must have happened.
        settle_rounds: how often it goes on until nothing more can come.
        submit_seconds: how long `submit` may take.
        limit_seconds: how long one check may take.
    """

    reference = "check"
    rounds = 400
    settle_rounds = 20
    submit_seconds = 0.25
    limit_seconds = 60.0

    def __init__(
        self, instrument: Instrument, clock: TimedClock | None = None, *, lacks: Mapping[Ability, str] | None = None
    ) -> None:
        """Take what is traded and by which time; the default is the machine's."""
        self.instrument = instrument
        self.clock = clock or LoopClock()
        self.lacks = dict(lacks or {})
        self.book: BookUpdate | None = None

    @abstractmethod
    def open_edge(self) -> BrokerEdge:
        """Return a new session with the broker on the same account, not connected yet."""

    async def go_on(self) -> None:
        """Let the market go on by one step, and whatever the broker has to say be heard."""
        await asyncio.sleep(0)

    @property
    def lot(self) -> Quantity:
        """The least quantity."""
        return self.instrument.lot

    @property
    def order_quantity(self) -> Quantity:
        """What an order of no particular size asks for: three lots."""
        return 3 * self.lot

    # Prices

    def resting_price(self, side: OrderSide) -> Price:
        """Return a price at which an order rests for the whole check; default 10 ticks behind the touch."""
        return self._touch(side) - side.sign * 10 * self.tick(side)

    def trading_price(self, side: OrderSide) -> Price:
        """Return a price at which `order_quantity` trades at once; default 2 ticks through the touch."""
        return self._touch(side.opposite) + side.sign * 2 * self.tick(side)

    def later_price(self, side: OrderSide) -> Price:
        """Return a price at which `order_quantity` rests first and trades as the market goes on.

        Default the touch.
        """
        return self._touch(side)

    def refused_price(self, side: OrderSide) -> Price:
        """Return a price at which an order is refused; default half a tick off the grid."""
        return self.resting_price(side) - self.tick(side) // 2

    def part_fill(self, side: OrderSide) -> PartFill:
        """Return an order that trades at once in part and rests with the rest.

        Default ten times what the other side's best level shows, at its price.
        """
        price, shown = self._level(side.opposite)
        return PartFill(10 * (shown - shown % self.lot + self.lot), price)

    def tick(self, side: OrderSide) -> Price:
        """Return the tick at the touch of a side."""
        return self.instrument.tick_at(self._touch(side))

    def _touch(self, side: OrderSide) -> Price:
        return self._level(side)[0]

    def _level(self, side: OrderSide) -> tuple[Price, Quantity]:
        assert self.book is not None, "no book was heard: override the prices of the stage"
        levels = self.book.bids if side is OrderSide.BUY else self.book.asks
        assert levels, f"the book shows no {'bids' if side is OrderSide.BUY else 'asks'}"
        return levels[0]

    # The line

    async def break_line(self) -> None:
        """Cut the line to the broker, so that nothing passes either way."""
        raise NotImplementedError

    async def mend_line(self) -> None:
        """Let the line be opened again."""
        raise NotImplementedError
