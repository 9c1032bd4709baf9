"""What an order looks like on the wire, field by field, for every native type and every algo of the broker's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ib_async.client import Client
from ib_async.contract import Contract

from quietfill.brokers.ib.native import (
    Exact,
    Limit,
    Market,
    Midprice,
    OnClose,
    Relative,
    Stop,
    StopLimit,
    Style,
    Trail,
)
from quietfill.brokers.ib.orders import Placement, placement_of, reference_problem, wire_order
from quietfill.brokers.ib.strategies import (
    AccumulateDistribute,
    Adaptive,
    ArrivalPx,
    ClosePx,
    DarkIce,
    PctVol,
    Priority,
    RiskAversion,
    Twap,
    TwapStyle,
    Vwap,
)
from quietfill.domain.errors import BadInput
from quietfill.domain.records import ChildRequested
from quietfill.domain.types import MILLISECOND, SECOND, OrderSide, TimeInForce, price_from, quantity_from
from quietfill.gateway.cursor import Cursor
from quietfill.gateway.layouts import read_order

NOON = 1_700_000_000 * SECOND  # 2023-11-14 22:13:20 UTC
STOCK = Contract(secType="STK", conId=265598, symbol="AAPL", exchange="SMART", currency="USD")


def placement(style: Style | None = None, quantity: str = "100", **terms: Any) -> Placement:
    """Return a buy order of AAPL in DU1."""
    return Placement(
        reference="p1-1",
        account="DU1",
        side=terms.pop("side", OrderSide.BUY),
        total=quantity_from(quantity),
        style=style or Limit(price=price_from("187.25")),
        **terms,
    )


def on_the_wire(order: Placement) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the fields that ib_async's client writes for an order, by name, and its algo's tags."""
    written: list[str] = []
    client: Any = Client(object())
    client.connState, client._serverVersion = Client.CONNECTED, 178
    client.sendMsg = written.append
    client.placeOrder(5, STOCK, wire_order(order))
    fields = written[0].split("\0")[:-1]
    assert fields[0] == "3"
    return read_order(Cursor(fields[1:]), 178)


def fields_of(order: Placement, *names: str) -> dict[str, str]:
    """Return these fields of an order on the wire."""
    written, _ = on_the_wire(order)
    return {name: written[name] for name in names}


@pytest.mark.parametrize(
    ("style", "fields"),
    [
        (Market(), {"orderType": "MKT"}),
        (Limit(price=price_from("187.25")), {"orderType": "LMT", "lmtPrice": "187.25"}),
        (Limit(price=price_from("-37.63")), {"orderType": "LMT", "lmtPrice": "-37.63"}),
        (Limit(price=price_from("100")), {"orderType": "LMT", "lmtPrice": "100"}),
        (Limit(price=price_from("0.00000105")), {"orderType": "LMT", "lmtPrice": "0.00000105"}),
        (Stop(stop=price_from("180")), {"orderType": "STP", "auxPrice": "180"}),
        (
            StopLimit(stop=price_from("180"), price=price_from("179.5")),
            {"orderType": "STP LMT", "auxPrice": "180", "lmtPrice": "179.5"},
        ),
        (
            Trail(amount=price_from("0.5"), stop=price_from("186")),
            {"orderType": "TRAIL", "auxPrice": "0.5", "trailStopPrice": "186"},
        ),
        (Trail(percent=Decimal("1.5")), {"orderType": "TRAIL", "trailingPercent": "1.5", "auxPrice": ""}),
        (
            Trail(amount=price_from("1"), limit_offset=price_from("0.1")),
            {"orderType": "TRAIL LIMIT", "auxPrice": "1", "lmtPriceOffset": "0.1"},
        ),
        (Midprice(), {"orderType": "MIDPRICE", "lmtPrice": "", "tif": "DAY"}),
        (Midprice(cap=price_from("187.3")), {"orderType": "MIDPRICE", "lmtPrice": "187.3"}),
        (Relative(offset=price_from("0.01")), {"orderType": "REL", "auxPrice": "0.01", "lmtPrice": ""}),
        (
            Relative(percent=Decimal("0.001"), cap=price_from("188")),
            {"orderType": "REL", "percentOffset": "0.001", "lmtPrice": "188"},
        ),
        (OnClose(), {"orderType": "MOC", "tif": "DAY"}),
        (OnClose(price=price_from("187")), {"orderType": "LOC", "lmtPrice": "187", "tif": "DAY"}),
    ],
)
def test_a_native_type_has_its_fields(style, fields):
    """Type and prices reach the wire digit by digit, and nothing else is filled in."""
    assert fields_of(placement(style), *fields) == fields


def test_an_order_states_everything_that_presets_could_set():
    """Account, life, hours and reference are ours; the type's own defaults never are."""
    written, tags = on_the_wire(placement(good_till=NOON + 1))

    expected = {
        "orderId": "5", "action": "BUY", "totalQuantity": "100", "account": "DU1", "orderRef": "p1-1",
        "tif": "GTD", "goodTillDate": "20231114-22:13:21", "outsideRth": "0", "transmit": "1", "openClose": "",
        "eTradeOnly": "0", "firmQuoteOnly": "0", "usePriceMgmtAlgo": "0", "displaySize": "0", "conId": "265598",
    }  # fmt: skip
    assert {name: written[name] for name in expected} == expected
    assert tags == []


@pytest.mark.parametrize(
    ("time_in_force", "dated", "life"),
    [
        (TimeInForce.DAY, True, ("GTD", "20231114-22:13:20")),
        (TimeInForce.GTC, True, ("GTD", "20231114-22:13:20")),
        (TimeInForce.GTD, True, ("GTD", "20231114-22:13:20")),
        (TimeInForce.DAY, False, ("DAY", "")),
        (TimeInForce.GTC, False, ("GTC", "")),
        (TimeInForce.IOC, True, ("IOC", "")),
        (TimeInForce.FOK, True, ("FOK", "")),
        (TimeInForce.OPG, True, ("OPG", "")),
    ],
)
def test_an_order_lives_as_shortly_as_it_can(time_in_force, dated, life):
    """What has a date to end at gets it on the wire, so that nothing works on if we die for good."""
    order = placement(time_in_force=time_in_force, good_till=NOON if dated else None)

    assert tuple(fields_of(order, "tif", "goodTillDate").values()) == life


@pytest.mark.parametrize("style", [OnClose(), Midprice()])
def test_what_takes_no_date_lives_a_day(style):
    """Types that end by themselves are day orders."""
    written = fields_of(placement(style, good_till=NOON), "tif", "goodTillDate")

    assert written == {"tif": "DAY", "goodTillDate": ""}


def test_an_end_within_a_second_is_rounded_up():
    """The gateway reads whole seconds; a life that ends too early would be a rejection."""
    assert fields_of(placement(good_till=NOON + MILLISECOND), "goodTillDate") == {"goodTillDate": "20231114-22:13:21"}


@pytest.mark.parametrize(("displayed", "size"), [("10", "10"), ("100", "0"), ("250", "0")])
def test_an_iceberg_shows_its_displayed_size(displayed, size):
    """What is not smaller than the order is no iceberg."""
    assert fields_of(placement(displayed=quantity_from(displayed)), "displaySize") == {"displaySize": size}


@pytest.mark.parametrize(("quantity", "text"), [("100", "100"), ("1000000", "1000000"), ("0.00000001", "0.00000001")])
def test_sizes_reach_the_wire_exactly(quantity, text):
    """Whole sizes are whole, fractions have no exponent."""
    assert fields_of(placement(quantity=quantity), "totalQuantity") == {"totalQuantity": text}


@pytest.mark.parametrize(
    ("strategy", "name", "tags"),
    [
        (Adaptive(priority=Priority.URGENT), "Adaptive", [("adaptivePriority", "Urgent")]),
        (
            Twap(style=TwapStyle.MIDPOINT, start=NOON, end=NOON + SECOND, past_end=True),
            "Twap",
            [("strategyType", "Matching Midpoint"), ("startTime", "20231114-22:13:20"),
             ("endTime", "20231114-22:13:21"), ("allowPastEndTime", "1")],
        ),
        (
            Vwap(share=Decimal("0.2"), passive=True),
            "Vwap",
            [("maxPctVol", "0.2"), ("allowPastEndTime", "0"), ("noTakeLiq", "1")],
        ),
        (
            ArrivalPx(share=Decimal("0.1"), risk_aversion=RiskAversion.GET_DONE, complete=True),
            "ArrivalPx",
            [("maxPctVol", "0.1"), ("riskAversion", "Get Done"), ("forceCompletion", "1"), ("allowPastEndTime", "0")],
        ),
        (
            ClosePx(start=NOON),
            "ClosePx",
            [("maxPctVol", "0.1"), ("riskAversion", "Neutral"), ("startTime", "20231114-22:13:20"),
             ("forceCompletion", "0")],
        ),
        (PctVol(share=Decimal("0.05")), "PctVol", [("pctVol", "0.05"), ("noTakeLiq", "0")]),
        (DarkIce(display=50), "DarkIce", [("displaySize", "50"), ("allowPastEndTime", "0")]),
        (
            AccumulateDistribute(component=10, seconds_between=30, start=NOON),
            "AD",
            [("componentSize", "10"), ("timeBetweenOrders", "30"), ("randomizeTime20", "1"), ("randomizeSize55", "1"),
             ("catchUp", "1"), ("waitForFill", "1"), ("activeTimeStart", "20231114-22:13:20 GMT")],
        ),
    ],
)  # fmt: skip
def test_an_algo_of_the_brokers_has_its_tags(strategy, name, tags):
    """Name and parameters as the order ticket names them, and a day order."""
    written, sent = on_the_wire(placement(algo=strategy.on_the_wire(), good_till=NOON))

    assert (written["algoStrategy"], written["tif"]) == (name, "DAY")
    assert sent == tags


@pytest.mark.parametrize(
    "make",
    [
        Trail,
        lambda: Trail(amount=1, percent=Decimal(1)),
        lambda: Relative(offset=1, percent=Decimal(1)),
        lambda: Vwap(share=Decimal("0.6")),
        lambda: PctVol(share=Decimal(0)),
        lambda: DarkIce(display=0),
        lambda: AccumulateDistribute(component=0, seconds_between=1),
    ],
)
def test_what_no_ticket_takes_is_refused_by_name(make):
    """Nonsense is refused here, with the field in the message."""
    with pytest.raises(BadInput):
        make()


def requested(**terms: Any) -> ChildRequested:
    """Return a child as the engine asks for it."""
    known: dict[str, Any] = {
        "at": NOON, "child_id": "p1-1", "order_id": "p1", "key": "a", "symbol": "AAPL", "side": OrderSide.SELL,
        "quantity": quantity_from(100), "limit_price": price_from("187.25"), "time_in_force": TimeInForce.DAY,
        "good_till": NOON + 60 * SECOND, "why": "test",
    }  # fmt: skip
    return ChildRequested(**(known | terms))


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({}, {"orderType": "LMT", "action": "SELL", "tif": "GTD", "account": "DU1"}),
        ({"limit_price": None}, {"orderType": "MKT", "tif": "GTD"}),
        ({"time_in_force": TimeInForce.MOC, "limit_price": None}, {"orderType": "MOC", "tif": "DAY"}),
        ({"time_in_force": TimeInForce.MOC}, {"orderType": "LOC", "tif": "DAY", "lmtPrice": "187.25"}),
        ({"time_in_force": TimeInForce.IOC}, {"orderType": "LMT", "tif": "IOC"}),
        ({"account": "DU2", "displayed": quantity_from(20)}, {"account": "DU2", "displaySize": "20"}),
    ],
)
def test_a_child_of_the_engine_becomes_an_order(terms, fields):
    """Type and life follow from limit and time in force; the child's account counts before the session's."""
    assert fields_of(placement_of(requested(**terms), "DU1"), *fields) == fields


def test_a_modification_is_the_same_order_with_other_terms():
    """Everything else stays as it was sent, or the gateway takes it for another order."""
    order = placement(displayed=quantity_from(10), good_till=NOON)
    before, _ = on_the_wire(order)
    after, _ = on_the_wire(order.with_terms(quantity_from(80), price_from("187.3")))

    assert {name for name in before if before[name] != after[name]} == {"totalQuantity", "lmtPrice"}
    assert (after["totalQuantity"], after["lmtPrice"]) == ("80", "187.3")


@pytest.mark.parametrize(
    ("style", "price", "fields"),
    [
        (Market(), "10", {"orderType": "LMT", "lmtPrice": "10"}),
        (Limit(price=1), None, {"orderType": "MKT"}),
        (StopLimit(stop=price_from("9"), price=price_from("8")), "7", {"auxPrice": "9", "lmtPrice": "7"}),
        (Midprice(cap=price_from("9")), "10", {"orderType": "MIDPRICE", "lmtPrice": "10"}),
    ],
)
def test_new_limits_go_where_the_type_has_its_limit(style, price, fields):
    """A stop keeps its trigger, a cap stays a cap, and a market order with a limit is a limit order."""
    limit = None if price is None else price_from(price)
    assert fields_of(placement(style).with_terms(quantity_from(5), limit), *fields) == fields


@pytest.mark.parametrize("reference", ["", "x" * 129, "naïve", "tab\there", "nul\0"])
def test_a_reference_that_would_not_come_back_is_refused(reference):
    """Our reference must make the round trip unchanged: it is all the identity there is."""
    assert reference_problem(reference) is not None


def test_a_plain_reference_is_fine():
    """Parent ids with a child's number are."""
    assert reference_problem("26958f64-194e-4613-9a6b-1c062a495232-17") is None


def test_numbers_have_no_exponent_on_the_wire():
    """`1E+2` is what a decimal calls a hundred, and no gateway does."""
    assert str(Exact(Decimal(100).normalize())) == "100"
