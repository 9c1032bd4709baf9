"""Which executions a client asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quietfill.domain.types import OrderSide
from quietfill.gateway.cursor import Refused
from quietfill.gateway.wire import instant_of

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.gateway.contract import PaperContract
    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.orders import Execution

_SIDES = {"BUY": OrderSide.BUY, "BOT": OrderSide.BUY, "SELL": OrderSide.SELL, "SLD": OrderSide.SELL}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """The filter of reqExecutions; what is empty (client id: 0) takes all."""

    client_id: int
    account: str
    since: Timestamp | None
    side: OrderSide | None
    is_other_contract: bool

    @classmethod
    def read(cls, cursor: Cursor, contract: PaperContract) -> Filter:
        """Read the seven fields of a filter.

        Raises:
            Refused: when the time or the side makes no sense.
        """
        client_id, account, time = cursor.integer(), cursor.text(), cursor.text()
        symbol, security_type, exchange, side = cursor.text(), cursor.text(), cursor.text(), cursor.text().upper()
        if side and side not in _SIDES:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid side '{side}'")
        try:
            since = instant_of(time, contract.zone) if time else None
        except ValueError:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid time '{time}'") from None
        return cls(
            client_id=client_id,
            account=account,
            since=since,
            side=_SIDES.get(side),
            is_other_contract=(
                symbol not in {"", contract.symbol, contract.instrument.symbol}
                or security_type not in {"", contract.security_type}
                or exchange not in {"", "SMART", contract.primary_exchange}
            ),
        )

    def takes(self, execution: Execution) -> bool:
        """Say whether an execution is wanted."""
        order = execution.order
        return (
            not self.is_other_contract
            and self.client_id in {0, order.client_id}
            and self.account in {"", order.terms.account}
            and (self.since is None or execution.at >= self.since)
            and self.side in {None, order.terms.side}
        )
