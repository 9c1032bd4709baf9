"""Every message of the gateway led to the one that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.brokers.ib.codes import OFF_GRID, is_read_only
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
    PrintTick,
    SizeTick,
    StatusSeen,
    TextTick,
    Unreadable,
)
from quietfill.brokers.ib.tap import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.children import Children
    from quietfill.brokers.ib.grids import Grids
    from quietfill.brokers.ib.hearing import Hearing
    from quietfill.brokers.ib.house_codes import HouseCodes
    from quietfill.brokers.ib.ids import OrderIds
    from quietfill.brokers.ib.markets import Markets
    from quietfill.brokers.ib.questions import Questions
    from quietfill.brokers.ib.raw import Raw
    from quietfill.domain.errors import BrokerError

_TICKS = (PriceTick, PrintTick, SizeTick, TextTick, NumberTick, DepthRow, DataKind)


class Switchboard:
    """Leads messages to questions, orders, markets and the line; a message may be for several.

    Args:
        grids: are told of refused prices.
        house: hears codes that are about nothing in particular.
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
        grids: Grids,
        house: HouseCodes,
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
        self._grids = grids
        self._house = house
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
        if self._questions.failed(seen) or self._markets.code(seen):
            return
        child = self._hearing.code(seen)
        if child is None:
            self._house.hear(seen)
        elif seen.code == OFF_GRID:
            self._grids.contradicted(child.symbol, child.note)
