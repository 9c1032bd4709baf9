"""Faults of what the gateway lists: answers that never come, are empty, or show what nobody here did."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.types import OrderSide, TimeInForce, price_decimal, quantity_from
from quietfill.gateway.faults.base import AFTER, HOW_LONG, TIMES, Fault, Setting, register, settings
from quietfill.gateway.orders import PaperOrder, Terms
from quietfill.gateway.wire import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.gateway.session import Session

_LISTS: Final = {"orders": (5, 16), "completed": (99,), "executions": (7,), "positions": (61,), "account": (6,)}
_ENDS: Final = {5: (53, 1), 16: (53, 1), 99: (102,), 61: (62, 1)}
_WHICH: Final = Setting("completed", f"which: {', '.join(_LISTS)}", tuple(_LISTS))
_EXECUTIONS: Final = 7
_ACCOUNT: Final = 6


@register
class ListSilent(Fault):
    """A question is never answered."""

    name = "list-silent"
    rules = (12, 13)
    what = "never answers one of the questions of a reconciliation"
    trap = "the time-out is taken for an empty list: no orders, no fills, flat"
    settings = settings(list=_WHICH, times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Stay silent."""
        return kind in _LISTS[self.word("list")] and self.strikes()


@register
class ListEmpty(Fault):
    """A list is empty that is not."""

    name = "list-empty"
    rules = (12, 13)
    what = "answers one of the questions of a reconciliation with nothing but its end"
    trap = "absence from one list ends an order that is alive"
    settings = settings(list=_WHICH, times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Say the end only."""
        if kind not in _LISTS[self.word("list")] or not self.strikes():
            return False
        if kind == _EXECUTIONS:
            session.say(55, 1, fields[1])
        elif kind == _ACCOUNT:
            session.say(54, 1, fields[2] or next(iter(self.gateway.books)))
        else:
            message, *values = _ENDS[kind]
            session.say(message, *values)
        return True


@register
class CompletedUnasked(Fault):
    """A list entry that nobody asked for."""

    name = "completed-unasked"
    rules = (7, 20)
    what = "sends a completed order as soon as an order is done, without being asked"
    trap = "it is decoded into a list that does not exist, and lost"

    def begin(self) -> None:
        """Remember what was told."""
        self._told: set[str] = set()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Add the completed order."""
        order = message.about
        if isinstance(order, PaperOrder) and order.is_done and order.child_id not in self._told:
            self._told.add(order.child_id)
            fields = order.completed_order(self.gateway.contract, session.version)
            return (message, Message(101, fields))
        return (message,)


@register
class ForeignFill(Fault):
    """Somebody else trades in the account."""

    name = "foreign-fill"
    rules = (13,)
    what = "changes the position by an execution that no client of the API caused"
    trap = "the position is believed to be what one's own fills add up to"
    settings = settings(
        after=AFTER,
        quantity=Setting("100", "shares"),
        side=Setting("buy", "which way", ("buy", "sell")),
    )

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._trade)

    def _trade(self) -> None:
        book = next(iter(self.gateway.books.values()))
        side = OrderSide.parse(self.word("side"))
        book.book(side, self.number("quantity"), self.gateway.accounts.price, Decimal(0))
        self.gateway.accounts.changed()


@register
class ForeignOrder(Fault):
    """Somebody works an order by hand."""

    name = "foreign-order"
    rules = (10, 13)
    what = "puts an order in by hand, away from the market; it is listed under client 0 with a negative id"
    trap = "it is adopted as one's own; or a global cancel kills it"
    settings = settings(
        after=AFTER,
        quantity=Setting("100", "shares"),
        away=Setting("0.1", "below the bid, in the contract's currency"),
    )

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._place)

    def _place(self) -> None:
        gateway = self.gateway
        book, contract = gateway.floor.book, gateway.contract
        if not book.bids:
            return
        price = contract.price_of(price_decimal(book.bids[0][0]) - self.number("away"))
        if price is None:
            return
        terms = Terms(
            side=OrderSide.BUY,
            total=quantity_from(self.number("quantity")),
            limit_price=contract.instrument.round_price(price, OrderSide.BUY),
            time_in_force=TimeInForce.DAY,
            good_till=None,
            account=next(iter(gateway.books)),
            exchange=contract.exchanges[0],
            what_if=False,
            fields={"action": "BUY", "orderType": "LMT", "tif": "DAY", "outsideRth": "0"},
        )
        gateway.trading.send(0, -1 - len(gateway.trading.all_orders), terms)
