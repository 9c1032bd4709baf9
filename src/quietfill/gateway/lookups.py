"""What a client may ask about the session and the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import SECOND
from quietfill.gateway.cursor import Refused
from quietfill.gateway.layouts import CONTRACT_DETAILS, encoded

if TYPE_CHECKING:
    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.server import Handler, PaperGateway
    from quietfill.gateway.session import Session

_DESCRIBES_SYMBOLS = 176  # from here on symbol samples carry a description and an issuer


class Lookups:
    """Answers that need no state of their own."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._contract = gateway.contract

    def handlers(self) -> dict[int, Handler]:
        """Return what answers which request."""
        return {
            8: self._ids,
            9: self._contract_details,
            14: self._ignore,
            17: self._managed_accounts,
            49: self._current_time,
            71: self._start_again,
            80: self._family_codes,
            81: self._matching_symbols,
            82: self._depth_exchanges,
            91: self._market_rule,
            104: self._user_info,
        }

    def welcome(self, session: Session) -> None:
        """Say what a client must hear before it may do anything."""
        session.say(15, 1, ",".join(self._gateway.books))
        self._say_next_id(session)

    def _say_next_id(self, session: Session) -> None:
        session.say(9, 1, self._gateway.trading.next_valid_id())

    def _ids(self, session: Session, _: Cursor) -> None:
        self._say_next_id(session)

    def _managed_accounts(self, session: Session, _: Cursor) -> None:
        session.say(15, 1, ",".join(self._gateway.books))

    def _current_time(self, session: Session, _: Cursor) -> None:
        session.say(49, 1, self._gateway.floor.now // SECOND)

    def _ignore(self, session: Session, _: Cursor) -> None:
        """Take a request that has no answer and changes nothing here."""

    def _start_again(self, _: Session, __: Cursor) -> None:
        raise Refused(322, "Error processing request.-'gw' : cause - the session was started already")

    def _contract_details(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        self._contract.check(cursor.contract())
        values = self._contract.details(self._gateway.floor.now) | {"reqId": str(number)}
        session.say(10, *encoded(CONTRACT_DETAILS, session.version, values), about=number)
        session.say(52, 1, number)

    def _market_rule(self, session: Session, cursor: Cursor) -> None:
        rule = cursor.integer()
        if rule != self._contract.rule_id:
            raise Refused(321, f"Error validating request.-'gw' : cause - there is no market rule {rule}")
        steps = self._contract.price_steps()
        session.say(93, rule, len(steps), *[field for step in steps for field in step])

    def _matching_symbols(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        pattern = cursor.text().upper()
        contract = self._contract
        if not pattern or pattern not in contract.instrument.symbol.upper():
            session.say(79, number, 0)
            return
        more = (contract.instrument.symbol, "") if session.version >= _DESCRIBES_SYMBOLS else ()
        named = (contract.con_id, contract.symbol, contract.security_type, contract.primary_exchange, contract.currency)
        session.say(79, number, 1, *named, 0, *more)

    def _depth_exchanges(self, session: Session, _: Cursor) -> None:
        contract = self._contract
        session.say(80, 1, contract.primary_exchange, contract.security_type, "", "Deep", 1)

    def _family_codes(self, session: Session, _: Cursor) -> None:
        codes = [field for account in self._gateway.books for field in (account, "")]
        session.say(78, len(self._gateway.books), *codes)

    def _user_info(self, session: Session, cursor: Cursor) -> None:
        session.say(107, cursor.integer(), "")
