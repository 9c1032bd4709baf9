"""Faults in what is said of orders and executions: late, twice, never, out of order, or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from quietfill.gateway import layouts
from quietfill.gateway.faults.base import (
    AFTER,
    COMMISSION,
    EXECUTION,
    HOW_LONG,
    OPEN_ORDER,
    ORDER_STATUS,
    TIMES,
    Fault,
    Setting,
    register,
    settings,
)
from quietfill.gateway.orders import FILLED, Execution, PaperOrder
from quietfill.gateway.wire import UNSET_FLOAT, Message, price_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session

_SECONDS: Final = Setting("5", "by which it is late")
_NOTHING: Final[tuple[Message, ...]] = ()
_STATUS_PERM_ID: Final = 5
_EXECUTION_PRICE: Final = 21
_EXECUTION_ID: Final = 13


def is_of_order(message: Message) -> bool:
    """Say whether a message tells, unasked, where an order stands."""
    return message.kind in {ORDER_STATUS, OPEN_ORDER} and isinstance(message.about, PaperOrder)


def is_live(message: Message, kind: int) -> bool:
    """Say whether a message tells, unasked, of an execution."""
    return message.kind == kind and isinstance(message.about, Execution)


class Delay(Fault):
    """Holds back some messages, in their order."""

    settings = settings(seconds=_SECONDS, times=TIMES, after=AFTER, lasts=HOW_LONG)

    def concerns(self, message: Message) -> bool:
        """Say whether a message is held back."""
        raise NotImplementedError

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Hold back."""
        if self.concerns(message) and self.strikes():
            self.later(session, message, self.seconds("seconds"))
            return _NOTHING
        return (message,)


@register
class AckLate(Delay):
    """The acknowledgement is late."""

    name = "ack-late"
    rules = (7, 9)
    what = "sends openOrder and orderStatus late; executions come in time"
    trap = "the order is sent again; or its fill is dropped, since nobody knows the order yet"

    def concerns(self, message: Message) -> bool:
        """Hold back what tells where an order stands."""
        return is_of_order(message)


@register
class StatusLate(Delay):
    """orderStatus is late."""

    name = "status-late"
    rules = (5, 7)
    what = "sends orderStatus late, behind newer news"
    trap = "an old status moves an order backwards"

    def concerns(self, message: Message) -> bool:
        """Hold back statuses."""
        return message.kind == ORDER_STATUS and isinstance(message.about, PaperOrder)


@register
class ExecutionLate(Delay):
    """Executions are late."""

    name = "execution-late"
    rules = (5, 7)
    what = "sends executions and their commissions late, behind Filled"
    trap = "the order is booked from orderStatus, and again when the execution comes"

    def concerns(self, message: Message) -> bool:
        """Hold back executions."""
        return is_live(message, EXECUTION) or is_live(message, COMMISSION)


@register
class CommissionLate(Delay):
    """Commissions are late."""

    name = "commission-late"
    rules = (6,)
    what = "sends commission reports late"
    trap = "the fill is held hostage until its commission is there"

    def concerns(self, message: Message) -> bool:
        """Hold back commissions."""
        return is_live(message, COMMISSION)


@register
class StatusMissing(Fault):
    """Only the execution is told."""

    name = "status-missing"
    rules = (5, 7)
    what = "never says openOrder or orderStatus unasked; executions only"
    trap = "the order is pending for ever although it is filled"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Leave them out."""
        return _NOTHING if is_of_order(message) and self.is_on else (message,)


@register
class OrderUnheard(Fault):
    """Nothing is told of an order that works."""

    name = "order-unheard"
    rules = (9, 13)
    what = "takes orders to the venue, where they work and trade, and says nothing unless asked"
    trap = "silence is taken for rejection"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Say nothing unasked."""
        is_unasked = isinstance(message.about, (PaperOrder, Execution))
        return _NOTHING if is_unasked and self.is_on else (message,)


@register
class ExecutionMissing(Fault):
    """Only the status is told."""

    name = "execution-missing"
    rules = (5, 13)
    what = "says Filled but sends executions only when asked"
    trap = "the order is filled with no fills, or fills are invented from the status"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Leave executions out."""
        is_execution = isinstance(message.about, Execution)
        return _NOTHING if is_execution and self.is_on else (message,)


@register
class StatusTwice(Fault):
    """Statuses are repeated, the first one last."""

    name = "status-replayed"
    rules = (7,)
    what = "says every orderStatus twice, and after Filled the first one once more"
    trap = "repetition is counted twice, or an order that is done comes back to life"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._first: dict[str, Message] = {}

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Repeat."""
        order = message.about
        if message.kind != ORDER_STATUS or not isinstance(order, PaperOrder) or not self.is_on:
            return (message,)
        first = self._first.setdefault(order.child_id, message)
        return (message, message, first) if order.status == FILLED else (message, message)


@register
class PermIdZero(Fault):
    """Permanent ids are missing."""

    name = "perm-id-zero"
    rules = (3,)
    what = "says permanent id 0 in openOrder and orderStatus of new orders"
    trap = "all orders with id 0 are one, and fills are booked on the first of them"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Say 0."""
        if not is_of_order(message) or not self.is_on:
            return (message,)
        place = _STATUS_PERM_ID
        if message.kind == OPEN_ORDER:
            place = [name for name, _ in layouts.names(layouts.OPEN_ORDER, session.version)].index("permId")
        return (message._replace(fields=_with(message.fields, place, "0")),)


@register
class FillBeforeAck(Fault):
    """The fill comes first."""

    name = "fill-before-ack"
    rules = (3, 7)
    what = "holds everything else about an order back until its first execution was told"
    trap = "the execution has no order to go to, and is dropped"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._held: dict[tuple[Session, str], list[Message]] = {}

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Hold back, and let go behind the execution."""
        if is_live(message, EXECUTION):
            assert isinstance(message.about, Execution)
            return (message, *self._held.pop((session, message.about.order.child_id), []))
        order = message.about
        if not is_of_order(message) or not isinstance(order, PaperOrder) or not self.is_on:
            return (message,)
        if order.filled or order.is_done:
            return (*self._held.pop((session, order.child_id), []), message)
        self._held.setdefault((session, order.child_id), []).append(message)
        return _NOTHING


@register
class ExecutionTwice(Fault):
    """Executions are repeated."""

    name = "execution-twice"
    rules = (5,)
    what = "sends every execution and commission report twice"
    trap = "the fill is booked twice"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Repeat."""
        is_execution = isinstance(message.about, Execution)
        return (message, message) if is_execution and self.is_on else (message,)


@register
class ExecutionCorrected(Fault):
    """The broker corrects a price."""

    name = "execution-corrected"
    rules = (5,)
    what = "sends an execution again some time later, one tick dearer, under the next revision of its id"
    trap = "both are booked: twice the quantity"
    settings = settings(seconds=Setting("2", "until the correction"), times=TIMES, after=AFTER)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Plan the correction."""
        execution = message.about
        if is_live(message, EXECUTION) and isinstance(execution, Execution) and self.strikes():
            stem = execution.exec_id.rpartition(".")[0]
            tick = self.gateway.contract.instrument.tick_at(execution.price)
            dearer = price_text(execution.price + execution.order.terms.side.sign * tick)
            fields = _with(_with(message.fields, _EXECUTION_ID, f"{stem}.02"), _EXECUTION_PRICE - 2, dearer)
            self.later(session, Message(EXECUTION, fields), self.seconds("seconds"))
        return (message,)


@register
class CommissionEarly(Fault):
    """The commission comes before its execution."""

    name = "commission-early"
    rules = (6,)
    what = "sends each commission report before its execution"
    trap = "the commission is lost, and stays 0"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Change their places."""
        execution = message.about
        if not isinstance(execution, Execution) or not self.is_on:
            return (message,)
        if message.kind == COMMISSION:
            return _NOTHING
        report = Message(COMMISSION, execution.commission_report(self.gateway.contract.currency), execution)
        return (report, message)


@register
class CommissionMissing(Fault):
    """The commission never comes."""

    name = "commission-missing"
    rules = (6,)
    what = "sends commission reports only with the answer to reqExecutions"
    trap = "the fill is never seen, or its cost is 0 for ever"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Leave it out."""
        return _NOTHING if is_live(message, COMMISSION) and self.is_on else (message,)


@register
class CommissionUnset(Fault):
    """The commission is the largest number."""

    name = "commission-unset"
    rules = (6,)
    what = "sends 1.7976931348623157E308, which means not known, as the commission"
    trap = "an order costs more than there is money in the world"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Say that it is not known."""
        if is_live(message, COMMISSION) and self.is_on:
            return (message._replace(fields=_with(message.fields, 2, UNSET_FLOAT)),)
        return (message,)


def _with(fields: tuple[str, ...], place: int, text: str) -> tuple[str, ...]:
    return (*fields[:place], text, *fields[place + 1 :])
