"""Every message of the gateway led to the one that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.ib.codes import Effect, code_of, is_read_only
from quietfill.brokers.ib.errors import ApiIsReadOnly
from quietfill.brokers.ib.raw import (
    AnswerEnded,
    AnswerSeen,
    CommissionSeen,
    DataKind,
    DepthRow,
    ErrorSeen,
    ExecutionSeen,
    NumberTick,
    OrderEcho,
    PositionSeen,
    PriceTick,
    SizeTick,
    StatusSeen,
    TextTick,
    Unreadable,
)
from quietfill.brokers.ib.tap import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.children import Children
    from quietfill.brokers.ib.connection import Connection
    from quietfill.brokers.ib.hearing import Hearing
    from quietfill.brokers.ib.ids import OrderIds
    from quietfill.brokers.ib.markets import Markets
    from quietfill.brokers.ib.questions import Questions
    from quietfill.brokers.ib.raw import Raw
    from quietfill.domain.errors import BrokerError

_log = structlog.get_logger(__name__)

_TICKS = (PriceTick, SizeTick, TextTick, NumberTick, DepthRow, DataKind)


class Switchboard:
    """Leads messages to questions, orders, markets and the line; a message may be for several.

    Args:
        connection: is told what codes say about the line.
        slow_down: called when the gateway says that we are too fast.
        notice: tells a person.
    """

    def __init__(
        self,
        *,
        children: Children,
        order_ids: OrderIds,
        questions: Questions,
        hearing: Hearing,
        markets: Markets,
        connection: Connection,
        slow_down: Callable[[], None],
        notice: Callable[[str, str], None],
    ) -> None:
        """Know where everything goes."""
        self.problem: BrokerError | None = None
        """Why nothing can be traded in this session, once a code said so."""
        self._children = children
        self._order_ids = order_ids
        self._questions = questions
        self._hearing = hearing
        self._markets = markets
        self._connection = connection
        self._slow_down = slow_down
        self._notice = notice
        self._by: dict[type, Callable[[Any], object]] = {
            OrderEcho: self._order,
            StatusSeen: hearing.status,
            ExecutionSeen: self._execution,
            CommissionSeen: hearing.commission,
            ErrorSeen: self._code,
            PositionSeen: lambda raw: questions.heard(POSITIONS, raw),
            AnswerSeen: lambda raw: questions.heard(raw.key, raw.content),
            AnswerEnded: lambda raw: questions.ended(raw.key),
            Unreadable: self._nonsense,
            **dict.fromkeys(_TICKS, markets.hear),
        }

    def hear(self, raw: Raw) -> None:
        """Lead one message to where it belongs."""
        self._by[type(raw)](raw)

    def _order(self, seen: OrderEcho) -> None:
        self._order_ids.seen(seen.order_id)
        self._questions.heard(COMPLETED_ORDERS if seen.is_completed else OPEN_ORDERS, seen)
        self._hearing.echo(seen)

    def _execution(self, seen: ExecutionSeen) -> None:
        if self._children.is_ours(seen.client_id):
            self._order_ids.seen(seen.order_id)
        self._questions.heard(seen.request_id, seen)
        self._hearing.execution(seen)

    def _nonsense(self, seen: Unreadable) -> None:
        self._notice("gateway", f"message {seen.message_id} cannot be read: {seen.error}")

    # Codes

    def _code(self, seen: ErrorSeen) -> None:
        if is_read_only(seen.code, seen.text):
            self.problem = ApiIsReadOnly(seen.text)
            self._notice("gateway", str(self.problem))
            self._questions.fail_all(str(self.problem))
        if self._questions.failed(seen) or self._markets.code(seen) or self._hearing.code(seen) is not None:
            return
        self._of_the_house(seen)

    def _of_the_house(self, seen: ErrorSeen) -> None:
        """Do what a code about everything asks for."""
        text = f"{seen.text} ({seen.code})"
        match code_of(seen.code).effect:
            case Effect.LINE_LOST:
                self._connection.cut(text)
            case Effect.LINE_BACK_DATA_LOST:
                self._connection.restored(text)
                self._markets.request_anew()
            case Effect.LINE_BACK:
                self._connection.restored(text)
                self._markets.watch()
            case Effect.DATA_LOST:
                self._markets.farm(is_up=False)
            case Effect.DATA_BACK:
                self._markets.farm(is_up=True)
            case Effect.SLOW_DOWN:
                self._slow_down()
                self._notice("gateway", text)
            case _:
                _log.info("the gateway says", subject=seen.subject, code=seen.code, text=seen.text)
