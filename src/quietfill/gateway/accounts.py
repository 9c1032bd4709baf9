"""Account values, positions and profit, for whoever asked to be told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.types import datetime_of, price_decimal
from quietfill.gateway.account import Account, money
from quietfill.gateway.cursor import Refused
from quietfill.gateway.orders import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.server import Handler, PaperGateway
    from quietfill.gateway.session import Session

_ALL_TAGS: Final = "All"
_LEDGER_KEYS: Final = ("CashBalance", "TotalCashBalance", "NetLiquidationByCurrency", "ExchangeRate", "RealCurrency")


class Accounts:
    """Subscriptions to what is in the accounts; each is told again after every execution."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._told: dict[tuple[Session, str, int], Callable[[], None]] = {}

    def handlers(self) -> dict[int, Handler]:
        """Return what answers which request."""
        return {
            6: self._updates,
            61: self._positions,
            64: lambda session, _: self._drop(session, "positions"),
            62: self._summary,
            63: self._numbered_drop("summary", has_version=True),
            74: self._positions_multi,
            75: self._numbered_drop("positions multi", has_version=True),
            76: self._updates_multi,
            77: self._numbered_drop("updates multi", has_version=True),
            92: self._profit,
            93: self._numbered_drop("profit", has_version=False),
            94: self._profit_of_one,
            95: self._numbered_drop("profit of one", has_version=False),
        }

    def forget(self, session: Session) -> None:
        """Drop all subscriptions of a client that left."""
        for key in [key for key in self._told if key[0] is session]:
            del self._told[key]

    def changed(self) -> None:
        """Tell all subscribers: something was executed."""
        for tell in list(self._told.values()):
            tell()

    @property
    def price(self) -> Decimal:
        """The last price, or the middle of the book where nothing traded yet, times the multiplier."""
        book = self._gateway.floor.book
        if book.last is not None:
            price = price_decimal(book.last)
        elif book.bids and book.asks:
            price = price_decimal(book.bids[0][0] + book.asks[0][0]) / 2
        else:
            price = Decimal(0)
        return price * self._gateway.contract.instrument.multiplier

    # ------------------------------------------------------------ answers

    def _updates(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        if not cursor.flag():
            self._drop(session, "updates")
            return
        account = self._one(cursor.text())
        said: dict[str, str] = {}
        self._told[session, "updates", 0] = lambda: self._say_updates(session, account, said, first=False)
        session.say(6, 2, "AccountCode", account.code, "", account.code)
        session.say(6, 2, "AccountType", "INDIVIDUAL", "", account.code)
        self._say_updates(session, account, said, first=True)

    def _say_updates(self, session: Session, account: Account, said: dict[str, str], *, first: bool) -> None:
        price = self.price
        for key, value in self._news(account, price, said):
            session.say(6, 2, key, value, self._currency, account.code)
        if account.position or not first:
            shown = rounded(price / self._gateway.contract.instrument.multiplier)
            worth, average = money(account.value(price)), rounded(account.average_cost)
            profits = map(money, (account.unrealized(price), account.realized))
            session.say(7, 8, *self._place, account.position, shown, worth, average, *profits, account.code)
        session.say(8, 1, datetime_of(self._gateway.floor.now).strftime("%H:%M"))
        if first:
            session.say(54, 1, account.code)

    def _updates_multi(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        accounts = self._asked(cursor.text())
        said: dict[str, dict[str, str]] = {account.code: {} for account in accounts}

        def tell() -> None:
            for account in accounts:
                for key, value in self._news(account, self.price, said[account.code]):
                    session.say(73, 1, number, account.code, "", key, value, self._currency)

        self._told[session, "updates multi", number] = tell
        tell()
        session.say(74, 1, number)

    def _positions(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()

        def tell() -> None:
            for account in self._gateway.books.values():
                if account.position or account.realized:
                    place = self._place
                    session.say(
                        61, 3, account.code, *place, account.position, rounded(account.average_cost), about=account
                    )

        self._told[session, "positions", 0] = tell
        tell()
        session.say(62, 1)

    def _positions_multi(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        accounts = self._asked(cursor.text())

        def tell() -> None:
            place = self._place
            for account in accounts:
                if account.position or account.realized:
                    session.say(
                        71, 1, number, account.code, *place, account.position, rounded(account.average_cost), ""
                    )

        self._told[session, "positions multi", number] = tell
        tell()
        session.say(72, 1, number)

    def _summary(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        cursor.skip()
        wanted = {tag.strip() for tag in cursor.text().split(",")}

        def tell() -> None:
            for account in self._gateway.books.values():
                if "AccountType" in wanted:
                    session.say(63, 1, number, account.code, "AccountType", "INDIVIDUAL", "")
                for key, value in account.figures(self.price).items():
                    if key in wanted or _ALL_TAGS in wanted:
                        session.say(63, 1, number, account.code, key, value, self._currency)

        self._told[session, "summary", number] = tell
        tell()
        session.say(64, 1, number)

    def _profit(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        account = self._one(cursor.text())

        def tell() -> None:
            unrealized = account.unrealized(self.price)
            profits = (unrealized + account.realized, unrealized, account.realized)
            session.say(94, number, *map(money, profits))

        self._told[session, "profit", number] = tell
        tell()

    def _profit_of_one(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        account = self._one(cursor.text())
        cursor.skip()
        if cursor.integer() != self._gateway.contract.con_id:
            raise Refused(321, "Error validating request.-'gw' : cause - there is no position in that contract")

        def tell() -> None:
            price = self.price
            unrealized = account.unrealized(price)
            profits = (unrealized + account.realized, unrealized, account.realized, account.value(price))
            session.say(95, number, account.position, *map(money, profits))

        self._told[session, "profit of one", number] = tell
        tell()

    # ------------------------------------------------------------ parts

    @property
    def _place(self) -> tuple[str, ...]:
        return self._gateway.contract.eleven(self._gateway.contract.primary_exchange)

    @property
    def _currency(self) -> str:
        return self._gateway.contract.currency

    def _news(self, account: Account, price: Decimal, said: dict[str, str]) -> list[tuple[str, str]]:
        values = dict(self._values(account, price))
        news = [(key, value) for key, value in values.items() if said.get(key) != value]
        said |= values
        return news

    def _values(self, account: Account, price: Decimal) -> Iterable[tuple[str, str]]:
        figures = account.figures(price)
        yield from figures.items()
        cash, equity = figures["TotalCashValue"], figures["NetLiquidation"]
        yield from zip(_LEDGER_KEYS, (cash, cash, equity, "1.00", self._currency), strict=True)

    def _one(self, code: str) -> Account:
        found = self._gateway.books.get(code) if code else next(iter(self._gateway.books.values()))
        if found is None:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid account code '{code}'.")
        return found

    def _asked(self, code: str) -> list[Account]:
        return list(self._gateway.books.values()) if code in {"", "All"} else [self._one(code)]

    def _drop(self, session: Session, what: str, number: int = 0) -> None:
        self._told.pop((session, what, number), None)

    def _numbered_drop(self, what: str, *, has_version: bool) -> Handler:
        def drop(session: Session, cursor: Cursor) -> None:
            cursor.skip(int(has_version))
            self._drop(session, what, cursor.integer())

        return drop
