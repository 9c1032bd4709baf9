"""Admission, case by case: which orders may be worked, and every reason why not."""

from datetime import date, time
from typing import Any

import msgspec
import pytest

from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.messages import NewOrder
from quietfill.domain.types import (
    MINUTE,
    PRICE_SCALE,
    QUANTITY_SCALE,
    SECOND,
    OrderSide,
    OrderType,
    iso_time,
    price_from,
    quantity_from,
)
from quietfill.risk.checks import admission_reasons
from quietfill.risk.limits import RiskLimits

SHANGHAI = Instrument(
    symbol="600961",
    ticks=(TickRule(0, price_from("0.01")),),
    lot=quantity_from(100),
    currency="CNY",
    timezone="Asia/Shanghai",
    sessions=(LocalSession(time(9, 30), time(11, 30)), LocalSession(time(13), time(14, 57))),
)
DAY = SHANGHAI.trading_day(date(2023, 7, 11))
OPEN, NOON = DAY.spans[0]
AFTERNOON, CLOSE = DAY.spans[1]
NOW = OPEN + 30 * MINUTE
ALGOS = ("close", "limit", "market", "stop", "stop_limit", "twap")


def order(**changes) -> NewOrder:
    """Build an order that may be worked, with changes."""
    given: dict[str, Any] = {
        "order_id": "o-1",
        "decision_id": "d-1",
        "symbol": "600961",
        "side": OrderSide.BUY,
        "quantity": quantity_from(1000),
        "algo": "TWAP",
        "limit_price": price_from("9.11"),
        **changes,
    }
    return NewOrder(**given)


def reasons(changes=None, limits=None, instrument: Instrument | None = SHANGHAI, **known: Any):
    """Ask for the reasons against an order."""
    facts: dict[str, Any] = {"now": NOW, "known_algos": ALGOS, "reference_price": price_from("9.11"), "day": DAY}
    return admission_reasons(order(**(changes or {})), instrument, limits or RiskLimits(), **{**facts, **known})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"side": OrderSide.SELL},
        {"limit_price": None, "algo": "market"},
        {"limit_price": price_from("18.22")},
        {"limit_price": price_from("4.56"), "side": OrderSide.SELL},
        {"limit_price": price_from("90"), "side": OrderSide.SELL},
        {"limit_price": price_from("0.01")},
        {"start": NOW + MINUTE, "end": NOW + 2 * MINUTE},
        {"start": NOW - MINUTE, "end": NOW + MINUTE},
        {"start": NOON + MINUTE, "end": AFTERNOON + SECOND},
        {"end": CLOSE + MINUTE},
        {"order_type": OrderType.STOP, "stop_price": price_from("9.5"), "algo": "stop"},
        {"algo": "Limit"},
    ],
)
def test_ordinary_orders_are_let_in(changes):
    """The default limits leave normal use alone."""
    assert reasons(changes) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": 0}, "quantity 0 is not positive"),
        ({"quantity": -quantity_from(100)}, "quantity -100 is not positive"),
        ({"quantity": quantity_from(150)}, "quantity 150 is not a whole number of lots of 100 (600961)"),
        ({"quantity": quantity_from("0.5")}, "quantity 0.5 is not a whole number of lots of 100 (600961)"),
        ({"limit_price": price_from("9.115")}, "limit_price 9.115 is not on the tick of 0.01 (600961); 9.11 is"),
        (
            {"limit_price": price_from("9.115"), "side": OrderSide.SELL},
            "limit_price 9.115 is not on the tick of 0.01 (600961); 9.12 is",
        ),
        ({"stop_price": price_from("9.001")}, "stop_price 9.001 is not on the tick of 0.01 (600961); 9 is"),
        ({"order_type": OrderType.STOP, "algo": "stop"}, "order type stop needs a stop_price"),
        (
            {"order_type": OrderType.STOP_LIMIT, "algo": "stop_limit", "limit_price": price_from("9.5")},
            "order type stop_limit needs a stop_price",
        ),
        (
            {"order_type": OrderType.LIMIT_ON_CLOSE, "algo": "close", "limit_price": None},
            "order type limit_on_close needs a limit_price",
        ),
        ({"order_type": OrderType.MARKET_ON_CLOSE}, "order type market_on_close is worked by algo close, not by TWAP"),
        ({"algo": "twop"}, "unknown algo 'twop': known are close, limit, market, stop, stop_limit, twap"),
        (
            {"start": NOW + MINUTE, "end": NOW + MINUTE},
            f"end {iso_time(NOW + MINUTE)} is not after start {iso_time(NOW + MINUTE)}",
        ),
        ({"end": NOW}, f"end {iso_time(NOW)} has passed: it is {iso_time(NOW)}"),
        ({"start": OPEN, "end": NOW - 1}, f"end {iso_time(NOW - 1)} has passed: it is {iso_time(NOW)}"),
        (
            {"start": NOON, "end": AFTERNOON},
            f"the window from {iso_time(NOON)} to {iso_time(AFTERNOON)} holds no continuous trading",
        ),
        ({"start": CLOSE}, f"the window from {iso_time(CLOSE)} holds no continuous trading"),
        (
            {"limit_price": price_from("18.23")},
            "limit_price 18.23 reaches more than 10000 bps through the market at 9.11 (max_limit_distance_bps)",
        ),
        (
            {"limit_price": price_from("4.55"), "side": OrderSide.SELL},
            "limit_price 4.55 reaches more than 10000 bps through the market at 9.11 (max_limit_distance_bps)",
        ),
    ],
)
def test_each_fault_has_its_own_reason(changes, reason):
    """One fault, one plain sentence with the value and what would be right."""
    assert reasons(changes) == (reason,)


def test_all_faults_are_named_at_once():
    """Nobody has to mend an order fault by fault."""
    found = reasons({"quantity": quantity_from(150), "limit_price": price_from("9.115"), "algo": "x", "end": NOW})

    assert [reason.split()[0] for reason in found] == ["quantity", "limit_price", "end", "unknown"]


def test_an_unknown_symbol_is_refused_with_whatever_else_is_wrong():
    """Without an instrument there is no grid, but the rest is still checked."""
    assert reasons({"quantity": 0}, instrument=None) == (
        "unknown symbol '600961': no instrument is registered under it",
        "quantity 0 is not positive",
    )


@pytest.mark.parametrize(
    ("account", "accounts", "reason"),
    [
        (None, (), None),
        ("U1", (), None),
        (None, ("U1",), None),
        ("U1", ("U1", "U2"), None),
        (None, ("U2", "U1"), "no account is named and there are several: U1, U2"),
        ("U3", ("U2", "U1"), "unknown account 'U3': known are U1, U2"),
    ],
)
def test_an_account_must_be_known_and_named_where_there_are_several(account, accounts, reason):
    """With several accounts and none named, an order is refused."""
    assert reasons({"account": account}, accounts=accounts) == (() if reason is None else (reason,))


def test_a_quantity_limit_binds_above_itself():
    """The limit itself is allowed, a lot more is not."""
    limits = RiskLimits(max_order_quantity=quantity_from(1000))

    assert reasons(limits=limits) == ()
    assert reasons({"quantity": quantity_from(1100)}, limits) == ("quantity 1100 is above max_order_quantity 1000",)


@pytest.mark.parametrize(
    ("changes", "reference", "notional"),
    [
        ({"limit_price": price_from(10)}, price_from("9.11"), 10_000),
        ({"limit_price": None, "algo": "market"}, price_from("9.11"), 9_110),
        ({"limit_price": price_from(8), "side": OrderSide.SELL}, price_from("9.11"), 9_110),
        ({"limit_price": price_from(10), "side": OrderSide.SELL}, price_from("9.11"), 10_000),
        ({"limit_price": price_from(10)}, None, 10_000),
        ({"limit_price": price_from(-10)}, None, 10_000),
    ],
)
def test_a_notional_limit_counts_the_worst_price(changes, reference, notional):
    """A buyer's limit, a seller's limit or the market, whichever is more; a cent less is too little."""
    future = msgspec.structs.replace(SHANGHAI, security_type="FUT")  # it may cost less than nothing
    enough, too_little = notional * PRICE_SCALE, notional * PRICE_SCALE - PRICE_SCALE // 100

    assert reasons(changes, RiskLimits(max_order_notional=enough), future, reference_price=reference) == ()
    assert reasons(changes, RiskLimits(max_order_notional=too_little), future, reference_price=reference) == (
        f"notional {notional} is above max_order_notional {notional - 1}.99 CNY",
    )


def test_a_notional_limit_counts_the_multiplier():
    """Ten contracts of a thousand are ten thousand shares."""
    contract = msgspec.structs.replace(SHANGHAI, multiplier=1000)
    limits = RiskLimits(max_order_notional=9_110_000 * PRICE_SCALE)

    assert reasons(limits=limits, instrument=contract) == ()
    assert len(reasons({"quantity": quantity_from(1100)}, limits, contract)) == 1


def test_a_notional_limit_without_any_price_refuses():
    """What cannot be checked is not let in."""
    limits = RiskLimits(max_order_notional=PRICE_SCALE)

    assert reasons({"limit_price": None}, limits, reference_price=None) == (
        "max_order_notional cannot be checked: the order has no limit price and the market no quote",
    )


def test_the_number_of_live_orders_is_bounded():
    """The order that would be one too many is refused."""
    limits = RiskLimits(max_open_orders=3)

    assert reasons(limits=limits, live_orders=2) == ()
    assert reasons(limits=limits, live_orders=3) == ("3 orders are live, max_open_orders is 3",)


@pytest.mark.parametrize("reference", [None, 0, -price_from(37)])
def test_distance_from_the_market_needs_a_positive_market(reference):
    """Without a quote, or at prices of zero and less, no limit price is taken for a typing error."""
    assert reasons({"limit_price": price_from(10**6)}, reference_price=reference) == ()


def test_the_distance_check_can_be_switched_off_and_tightened():
    """None lets everything through, a smaller distance less."""
    wide = {"limit_price": price_from(1000)}

    assert reasons(wide, RiskLimits(max_limit_distance_bps=None)) == ()
    assert reasons({"limit_price": price_from("9.22")}, RiskLimits(max_limit_distance_bps=100)) != ()
    assert reasons({"limit_price": price_from("9.20")}, RiskLimits(max_limit_distance_bps=100)) == ()


@pytest.mark.parametrize("name", RiskLimits.__struct_fields__)
def test_limits_must_be_positive(name):
    """A limit of zero would stop everything without saying so."""
    with pytest.raises(ValueError, match=f"{name} must be positive, not 0"):
        RiskLimits(**{name: 0})


def test_a_round_the_clock_instrument_takes_orders_at_any_time():
    """Without stated sessions the whole day is continuous trading."""
    coin = Instrument(symbol="BTCUSDT", ticks=(TickRule(0, price_from("0.1")),), lot=quantity_from("0.001"))
    buy = order(symbol="BTCUSDT", quantity=5 * QUANTITY_SCALE // 1000, limit_price=None, end=NOW + MINUTE)

    found = admission_reasons(
        buy, coin, RiskLimits(), now=NOW, known_algos=ALGOS, day=coin.trading_day(date(2023, 7, 11))
    )

    assert found == ()
