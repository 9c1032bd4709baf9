"""Ticks put together to books, and contracts told apart, without a gateway."""

from __future__ import annotations

import asyncio
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from ib_async.contract import Contract, ContractDetails

from quietfill.brokers.ib.contracts import Contracts, ContractSpec, instrument_of
from quietfill.brokers.ib.errors import NoSuchContract, RequestFailed
from quietfill.brokers.ib.guard import is_paper
from quietfill.brokers.ib.quotes import Market, Quotes
from quietfill.brokers.ib.raw import DataKind, DepthRow, NumberTick, PriceTick, SizeTick, TextTick
from quietfill.brokers.ib.tap import StrictDecoder, Tap
from quietfill.brokers.ib.trading_hours import sessions_of
from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import LocalSession, SpecialDay, TickRule
from quietfill.domain.types import price_from, quantity_from
from tests.ib.rig import DirectTap

P, Q = price_from, quantity_from
NOW = 1_700_000_000 * 10**9


# Books


def market(*ticks: Any) -> Market:
    """Return a market that heard these ticks."""
    one = Market("X")
    for tick in ticks:
        one.hear(tick)
    return one


def quoted(*more: Any) -> Market:
    """Return a market of 10.00 x 10.02."""
    return market(PriceTick(1, 1, P("10"), Q(5)), PriceTick(1, 2, P("10.02"), Q(7)), *more)


def test_a_touch_and_its_sizes_make_a_book():
    """A size that comes alone changes the size alone."""
    book = quoted(SizeTick(1, 0, Q(3))).book(NOW)

    assert book.bids == ((P("10"), Q(3)),)
    assert book.asks == ((P("10.02"), Q(7)),)


@pytest.mark.parametrize("tick", [PriceTick(1, 1, None, 0), PriceTick(1, 1, P("10"), 0)])
def test_a_side_that_nobody_quotes_is_empty(tick):
    """No price, or a price without a size, is no quote."""
    assert quoted(tick).book(NOW).bids == ()


def test_prints_bring_volume_turnover_and_extremes():
    """Totals grow by each print at its price, whatever the rounded average says; extremes are since the last book."""
    one = quoted(
        TextTick(1, 48, "10.01;1;1700000000000;1000;10.005;true"),
        TextTick(1, 48, "10.03;1;1700000001000;1010;10.006;true"),
        TextTick(1, 48, "9.99;1;1700000002000;1020;10.006;true"),
    )
    first, second = one.book(NOW), one.book(NOW)

    assert (first.last, first.volume, first.turnover) == (
        P("9.99"),
        Q(1020),
        Q(1000) * P("10.005") + Q(10) * P("10.03") + Q(10) * P("9.99"),
    )
    assert (first.print_low, first.print_high) == (P("9.99"), P("10.03"))
    assert (second.print_low, second.print_high) == (None, None)


@pytest.mark.parametrize("counted", [600, 880, 1000])
def test_two_counts_of_a_days_volume_are_no_new_session(counted: int):
    """Quotes and prints count different trades: what is told goes on from the higher count."""
    one = quoted(SizeTick(1, 8, Q(1000)))
    told = [one.book(NOW).volume]
    for shares in (0, 10, 5, 30):
        one.hear(TextTick(1, 48, f"10;1;1700000000000;{counted + shares};10.0;true"))
        told.append(one.book(NOW).volume)

    assert told == [Q(1000), Q(1000), Q(1010), Q(1010), Q(1030)]


def test_a_new_session_counts_from_its_own_beginning():
    """When the count falls by half or more a new day has begun."""
    one = quoted(SizeTick(1, 8, Q(1000)))
    for total in (900, 950, 20, 50):
        one.hear(TextTick(1, 48, f"10;1;1700000000000;{total};10.0;true"))

    book = one.book(NOW)
    assert (book.volume, book.turnover) == (Q(50), Q(50) * P("10"))


def test_the_first_print_may_be_of_long_ago():
    """What is told on subscribing triggers nothing: it may have happened before."""
    book = quoted(PriceTick(1, 4, P("1"), Q(1)), TextTick(1, 48, "1;1;1700000000000;1000;10.0;true")).book(NOW)

    assert (book.print_low, book.print_high) == (None, None)


def test_a_print_without_price_or_totals_changes_nothing_it_does_not_say():
    """Fields of the text may be empty."""
    assert quoted(TextTick(1, 48, ";;;;;")).book(NOW).volume is None


@pytest.mark.parametrize(("kind", "counts"), [(1, True), (2, False), (3, False), (4, False)])
def test_only_live_quotes_count(kind, counts):
    """Frozen and delayed quotes are shown as none."""
    book = quoted(DataKind(1, kind)).book(NOW)

    assert bool(book.bids) is counts
    assert bool(book.asks) is counts


def test_a_halted_market_shows_no_quotes():
    """They come back with the trading."""
    one = quoted(NumberTick(1, 49, 1.0))
    halted = one.book(NOW)
    one.hear(NumberTick(1, 49, 0.0))

    assert halted.bids == ()
    assert one.book(NOW).bids


def row(place: int, operation: int, price: str, size: int, *, is_bid: bool = True) -> DepthRow:
    """Return one change of depth."""
    return DepthRow(request_id=1, row=place, operation=operation, is_bid=is_bid, price=P(price), size=Q(size))


def test_depth_is_built_from_changes_of_rows():
    """Insert, update and delete by row; several makers at one price add up."""
    one = quoted(
        row(0, 0, "10", 1), row(1, 0, "9.98", 2), row(1, 0, "9.99", 3), row(0, 0, "10", 4), row(1, 1, "10", 5),
        row(9, 2, "0", 0), row(2, 2, "0", 0),
    )  # fmt: skip

    assert one.book(NOW).bids == ((P("10"), Q(9)), (P("9.98"), Q(2)))


def test_depth_that_is_cleared_leaves_the_touch():
    """After a reset the rows are built anew, and the touch is there meanwhile."""
    one = quoted(row(0, 0, "9.5", 1))
    one.clear_depth()

    assert one.book(NOW).bids == ((P("10"), Q(5)),)


def test_ticks_of_no_subscription_are_passed_over():
    """What still comes of a closed one changes nothing."""
    quotes = Quotes()
    quotes.open("X", 1)
    quotes.close(1)
    quotes.hear(PriceTick(1, 1, P("10"), Q(5)), NOW)

    assert quotes.news(NOW) == []


# Contracts


def details(con_id: int = 1, **fields: Any) -> ContractDetails:
    """Return a stock as the gateway describes it."""
    known: dict[str, Any] = {
        "minTick": 0.0001, "validExchanges": "SMART,NYSE,ISLAND", "marketRuleIds": "26,27,28",
        "timeZoneId": "US/Eastern", "liquidHours": "20231114:0930-20231114:1600", "sizeIncrement": 1.0,
    }  # fmt: skip
    contract = Contract(
        conId=con_id, symbol="AAPL", secType=fields.pop("kind", "STK"), exchange="SMART", currency="USD",
        primaryExchange="NASDAQ", multiplier=fields.pop("multiplier", ""), localSymbol="AAPL",
    )  # fmt: skip
    return ContractDetails(contract=contract, **(known | fields))


class Directory:
    """Answers for contracts and rules, counting the questions."""

    def __init__(self, *found: ContractDetails) -> None:
        self.found = list(found)
        self.asked: list[Any] = []
        self.contracts = Contracts(self._details, self._rule)

    async def _details(self, contract: Contract) -> list[ContractDetails]:
        self.asked.append(contract)
        if not self.found:
            raise RequestFailed("contract", 200, "No security definition has been found")
        return self.found

    async def _rule(self, number: int) -> list[tuple[tuple[int, int], ...]]:
        self.asked.append(number)
        return [((0, P("0.0001")), (P("1"), P("0.01")))] if number == 26 else [((0, P("0.05")),)]

    def resolve(self, symbol: str = "AAPL", **what: Any) -> Any:
        """Look a symbol up."""
        fields: dict[str, Any] = {"symbol": symbol, **what}
        return asyncio.run(self.contracts.resolve(symbol, ContractSpec(**fields)))


def test_a_contract_is_looked_up_once_with_the_ladder_of_its_exchange():
    """The rule at the exchange's place counts, not the smallest step; the second time nobody is asked."""
    directory = Directory(details())
    resolved = directory.resolve()
    directory.resolve()

    assert resolved.ticks == (TickRule(0, P("0.0001")), TickRule(P("1"), P("0.01")))
    assert directory.asked[1:] == [26]
    assert resolved.is_on_grid(P("0.0005"))
    assert not resolved.is_on_grid(P("1.0005"))
    assert resolved.is_on_grid(P("-37.63"))


def test_an_order_routed_elsewhere_follows_that_exchanges_ladder():
    """Positions of rules belong to positions of exchanges."""
    assert Directory(details()).resolve(exchange="NYSE").ticks == (TickRule(0, P("0.05")),)


def test_no_contract_and_several_are_refused():
    """The candidates are in the message, so that one can be named."""
    with pytest.raises(NoSuchContract, match="no contract matches AAPL STK USD"):
        Directory().resolve()
    with pytest.raises(NoSuchContract, match=r"2 contracts.*con_id 1 AAPL STK NASDAQ USD; con_id 2"):
        Directory(details(1), details(2)).resolve()


def test_a_failed_question_is_not_an_empty_answer():
    """Only the code that says so means that there is no such contract."""

    async def fail(_contract: Contract) -> list[ContractDetails]:
        raise RequestFailed("contract", 322, "busy")

    contracts = Contracts(fail, Directory()._rule)
    with pytest.raises(RequestFailed):
        asyncio.run(contracts.resolve("X", ContractSpec(symbol="X")))


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (ContractSpec(symbol="AAPL"), {"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"}),
        (ContractSpec(symbol="EUR", security_type="CASH"), {"secType": "CASH", "exchange": "IDEALPRO"}),
        (
            ContractSpec(symbol="ES", security_type="FUT", exchange="CME", expiry="202612", multiplier="50"),
            {"exchange": "CME", "lastTradeDateOrContractMonth": "202612", "multiplier": "50"},
        ),
        (
            ContractSpec(symbol="SPY", security_type="OPT", right="P", strike=Decimal("450.5")),
            {"right": "P", "strike": 450.5},
        ),
        (ContractSpec(symbol="X", con_id=5), {"conId": 5, "symbol": "", "exchange": "SMART"}),
    ],
)
def test_a_contract_is_asked_for_by_what_identifies_it(spec, fields):
    """Stocks, currencies, futures and options; the broker's own number is enough alone."""
    contract = spec.contract()

    assert {name: getattr(contract, name) for name in fields} == fields


def test_a_contract_becomes_an_instrument():
    """Ladder, lot, hours and the broker's number."""
    instrument = instrument_of("AAPL", Directory(details(7)).resolve())

    assert (instrument.symbol, instrument.broker_contract_id, instrument.lot) == ("AAPL", 7, Q(1))
    assert instrument.sessions == (LocalSession(time(9, 30), time(16)),)
    assert instrument.timezone == "US/Eastern"


def test_prices_in_hundredths_make_a_smaller_multiplier():
    """A magnified price is worth less a point; what is no whole number cannot be expressed."""
    future = details(kind="FUT", multiplier="5000", priceMagnifier=100)

    assert instrument_of("ZC", Directory(future).resolve("ZC")).multiplier == 50
    with pytest.raises(BadInput, match="multiplier"):
        instrument_of("Z", Directory(details(kind="FUT", multiplier="5", priceMagnifier=100)).resolve("Z"))


# Hours


def test_hours_are_a_regular_day_and_those_that_differ():
    """An early close and a holiday are special days, a weekend is none."""
    hours = sessions_of(
        "20231122:0930-20231122:1600;20231123:CLOSED;20231124:0930-20231124:1300;20231125:CLOSED;20231126:CLOSED;"
        "20231127:0930-20231127:1600",
        "US/Eastern",
    )

    assert hours.sessions == (LocalSession(time(9, 30), time(16)),)
    assert hours.closed_weekdays == (5, 6)
    assert hours.special_days == (
        SpecialDay(date(2023, 11, 23)),
        SpecialDay(date(2023, 11, 24), (LocalSession(time(9, 30), time(13)),)),
    )


def test_a_session_over_midnight_belongs_to_the_date_on_which_it_opens():
    """As futures trade."""
    hours = sessions_of("20231120:1700-20231121:1600;20231121:1700-20231122:1600", "US/Central")

    assert hours.sessions == (LocalSession(time(17), time(16)),)


def test_two_sessions_a_day_are_two():
    """With a break at noon."""
    text = "20230711:0930-20230711:1130;20230711:1300-20230711:1457"

    assert [span.opens for span in sessions_of(text, "Asia/Shanghai").sessions] == [time(9, 30), time(13)]


@pytest.mark.parametrize(("text", "zone"), [("nonsense", "UTC"), ("20231114:0930", "UTC"), ("", "Mars/Olympus")])
def test_hours_that_cannot_be_read_are_refused(text, zone):
    """Guessing when a market is open is no option."""
    with pytest.raises(BadInput):
        sessions_of(text, zone)


def test_no_hours_at_all_are_round_the_clock():
    """As the table has it."""
    assert sessions_of("", "UTC").sessions == ()


# The account and the tap


@pytest.mark.parametrize(("code", "paper"), [("DU123", True), ("DF123", True), ("U123", False), ("F123", False)])
def test_a_paper_account_is_told_by_its_code(code, paper):
    """Paper codes begin with D."""
    assert is_paper(code) is paper


def test_what_cannot_be_decoded_is_said_and_not_swallowed():
    """A torn message, one of an unknown kind, and none at all: each is heard as unreadable."""
    heard: list[Any] = []
    tap: Tap = DirectTap(heard.append, lambda: None)
    decoder = StrictDecoder(tap, 178)
    for fields in (["3", "x"], ["5", "1"], ["9999"], []):
        decoder.interpret(fields)

    assert [type(item).__name__ for item in heard] == ["Unreadable"] * 4
    assert [item.message_id for item in heard] == ["3", "5", "9999", ""]


def test_kinds_that_nobody_listens_to_are_passed_over():
    """News and portfolio are decoded for nobody."""
    heard: list[Any] = []
    decoder = StrictDecoder(DirectTap(heard.append, lambda: None), 178)
    decoder.interpret(["14", "1", "2", "3", "text", "exchange"])
    decoder.interpret(["7", "8"])

    assert heard == []
