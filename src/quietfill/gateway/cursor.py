"""Reading a request field by field."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from quietfill.gateway.wire import is_unset

CONTRACT = (
    "conId", "symbol", "secType", "lastTradeDateOrContractMonth", "strike", "right", "multiplier", "exchange",
    "primaryExchange", "currency", "localSymbol", "tradingClass",
)  # fmt: skip
"""What names a contract in most requests."""


class Refused(Exception):  # noqa: N818 - reads as what it is
    """A request is answered by an error message.

    Attributes:
        code: of the protocol's table of error codes.
        words: what the client reads.
    """

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class ContractQuery(NamedTuple):
    """A contract as a client names it; what it left out is empty."""

    con_id: int
    symbol: str
    security_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    multiplier: str


class Cursor:
    """The fields of one request, read in order.

    What is missing or of the wrong type raises `Refused` 320, as the real gateway answers it.
    """

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields
        self._at = 0

    def skip(self, count: int = 1) -> None:
        """Pass over fields that say nothing here."""
        self._at += count

    def text(self) -> str:
        """Return the next field as it is."""
        if self._at >= len(self.fields):
            raise Refused(320, f"Error reading request: field {self._at + 1} is missing.")
        self._at += 1
        return self.fields[self._at - 1]

    def rest(self) -> list[str]:
        """Return everything that was not read yet."""
        rest = self.fields[self._at :]
        self._at = len(self.fields)
        return rest

    def integer(self, unset: int = 0) -> int:
        """Return the next field as a whole number, *unset* when it is not given."""
        field = self.text()
        if is_unset(field):
            return unset
        try:
            return int(field)
        except ValueError:
            raise self._unreadable(field, "a whole number") from None

    def number(self) -> Decimal | None:
        """Return the next field as a number, None when it is not given."""
        field = self.text()
        if is_unset(field):
            return None
        try:
            number = Decimal(field)
        except InvalidOperation:
            raise self._unreadable(field, "a number") from None
        if not number.is_finite():
            raise self._unreadable(field, "a number")
        return number

    def flag(self) -> bool:
        """Return the next field as yes or no."""
        return self.text().lower() in {"1", "true"}

    def contract(self) -> ContractQuery:
        """Return the twelve fields that name a contract."""
        con_id = self.integer()
        named = dict(zip(CONTRACT[1:], (self.text() for _ in CONTRACT[1:]), strict=True))
        return ContractQuery(
            con_id=con_id,
            symbol=named["symbol"],
            security_type=named["secType"],
            exchange=named["exchange"],
            primary_exchange=named["primaryExchange"],
            currency=named["currency"],
            local_symbol=named["localSymbol"],
            multiplier=named["multiplier"],
        )

    def _unreadable(self, field: str, wanted: str) -> Refused:
        return Refused(320, f"Error reading request: field {self._at} is {field[:40]!r}, not {wanted}.")
