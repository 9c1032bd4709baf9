"""Limits at every door: a change of a running order, a limit below zero, a foreign account, an import."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.messages import AmendOrder, ImportOrders, Kill, Resolution, Resolve
from quietfill.domain.records import AmendRefused, OrderAccepted, OrderAmended, OrderRefused
from quietfill.domain.types import MINUTE, OrderSide, TimeInForce, price_from, quantity_from
from quietfill.engine.acts import unsettled
from quietfill.engine.engine import Engine
from quietfill.risk.limits import RiskLimits
from tests.engine.rig import FAST, NOON, SYMBOL, Rig, fingerprint, slice_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS = RiskLimits(
    max_order_quantity=quantity_from(500), max_order_notional=price_from(4_000), max_limit_distance_bps=1_000
)
LATER = NOON + 20 * MINUTE


class LimitRig(Rig):
    """A rig whose engine has limits, and an instrument of any type."""

    def __init__(self, limits: RiskLimits | None = LIMITS, security_type: str = "STK") -> None:
        self.limits = limits
        self.security_type = security_type
        super().__init__()
        self.quote()

    def fresh_engine(self) -> Engine:
        """Return an empty engine with limits."""
        ticks = (TickRule(0, price_from(Decimal("0.01"))),)
        instrument = Instrument(symbol=SYMBOL, ticks=ticks, lot=quantity_from(1), security_type=self.security_type)
        return Engine({SYMBOL: instrument}, super().fresh_engine().algos, FAST, self.limits)

    def amend(self, **changes: Any) -> tuple[str, ...]:
        """Change the first order; return why not, nothing when it was changed."""
        before = fingerprint(self.engine)["parents"]
        record = self.handle(AmendOrder(order_id="p1", by="desk", changes=changes))[0]
        if isinstance(record, OrderAmended):
            return ()
        assert isinstance(record, AmendRefused)
        assert fingerprint(self.engine)["parents"] == before, "a refused change changes nothing"
        return record.reasons

    def under(self, limits: RiskLimits) -> LimitRig:
        """Return a restart of this rig's engine under other limits."""
        self.limits, journal = limits, list(self.records)
        self.engine = self.fresh_engine()
        self.engine.restore(journal)
        self.quote()
        return self


def beyond(side: OrderSide = OrderSide.BUY, limit_price: str | None = "12.00", **terms: Any) -> LimitRig:
    """Return a rig whose order of 800 stands beyond every one of the limits."""
    rig = LimitRig(RiskLimits())
    price = None if limit_price is None else price_from(limit_price)
    rig.order(800, side=side, limit_price=price, **terms)
    return rig.under(LIMITS)


def refusal(records: list[Any]) -> tuple[str, ...]:
    """Return why an order was refused, nothing when it was accepted."""
    (record,) = [record for record in records if isinstance(record, (OrderAccepted, OrderRefused))]
    return record.reasons if isinstance(record, OrderRefused) else ()


# Changes that a new order could not have


@pytest.mark.parametrize(
    ("side", "changes", "reason"),
    [
        ("buy", {"quantity": 501}, "quantity 501 is above max_order_quantity 500"),
        ("buy", {"quantity": 400}, "notional 4004 is above max_order_notional 4000 USD"),
        ("buy", {"limit_price": "11.02"}, "limit_price 11.02 reaches more than 1000 bps through the market at 10.01"),
        ("sell", {"limit_price": "9.09"}, "limit_price 9.09 reaches more than 1000 bps through the market at 10.01"),
        ("sell", {"limit_price": "40.01"}, "notional 4001 is above max_order_notional 4000 USD"),
        ("buy", {"limit_price": "-1.00"}, "limit_price -1 is not positive: TEST (STK) has no such price"),
        ("sell", {"limit_price": "0"}, "limit_price 0 is not positive"),
        ("buy", {"limit_price": "10.001"}, "limit_price 10.001 is not on the tick"),
        ("buy", {"end": LATER - 30 * MINUTE}, "end 2023-11-14T22:03:20"),
        ("buy", {"end": NOON + 3 * MINUTE}, "end 2023-11-14T22:16:20.000000000Z is not after start 2023-11-14T22:18"),
        ("buy", {"max_child": "0.5"}, "max_child 0.5 is below the smallest child of 1"),
    ],
)
def test_a_change_that_no_new_order_could_have_is_refused(side: str, changes: Mapping[str, Any], reason: str) -> None:
    """Size, amount, limit, sign, tick, window and parameters are checked as on entry; the order stays as it was."""
    rig = LimitRig()
    rig.order(100, side=OrderSide(side), start=NOON + 5 * MINUTE)

    found = rig.amend(**changes)

    assert found
    assert found[0].startswith(reason)


def test_every_reason_against_a_change_is_named_at_once() -> None:
    """Whoever mends a change need not find its faults one by one."""
    rig = LimitRig()
    rig.order(100, algo="limit", limit_price=price_from("10.00"), time_in_force=TimeInForce.FOK)

    reasons = rig.amend(quantity=600, limit_price="30.00", participation_cap=0.2)

    for part in ("fill-or-kill", "max_order_quantity", "max_order_notional", "max_limit_distance_bps"):
        assert any(part in reason for reason in reasons), (part, reasons)


def test_a_stop_price_below_zero_is_refused_on_entry_and_as_a_change() -> None:
    """A stop at or below zero would trigger at once, or never."""
    rig = LimitRig()
    entry = rig.order(100, "p0", algo="stop", stop_price=price_from("-0.01"))
    rig.order(100, algo="stop", side=OrderSide.SELL, stop_price=price_from("9.00"))

    assert refusal(entry) == ("stop_price -0.01 is not positive: TEST (STK) has no such price",)
    assert rig.amend(stop_price=0) == ("stop_price 0 is not positive: TEST (STK) has no such price",)
    assert rig.amend(stop_price="9.50") == ()


def test_an_order_within_its_limits_is_changed() -> None:
    """What a new order could have is put in force."""
    rig = LimitRig()
    rig.order(100, limit_price=price_from("9.90"))

    assert rig.amend(quantity=300, limit_price="10.50", end=LATER, urgency=0.9) == ()
    assert (rig.parent.quantity, rig.parent.limit_price) == (quantity_from(300), price_from("10.50"))


# Changes that take risk away


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 700},
        {"limit_price": "11.50"},
        {"end": NOON + 5 * MINUTE},
        {"quantity": 700, "limit_price": "11.50", "end": NOON + 5 * MINUTE},
        {"urgency": 0.9},
    ],
)
def test_what_takes_risk_away_is_never_refused_by_a_limit_exceeded_already(changes: Mapping[str, Any]) -> None:
    """An order beyond a limit can be made smaller, nearer and shorter, also by too little to come within it."""
    assert beyond().amend(**changes) == ()


@pytest.mark.parametrize("changes", [{"quantity": 801}, {"limit_price": "12.01"}, {"end": LATER}])
def test_what_adds_risk_beyond_a_limit_is_refused_by_every_limit(changes: Mapping[str, Any]) -> None:
    """An order beyond its limits is not made larger, nor bound further, nor let live longer."""
    reasons = beyond().amend(**changes)

    assert [reason.split()[0] for reason in reasons] == ["quantity", "notional", "limit_price"]


def test_one_gain_does_not_pay_for_another_loss() -> None:
    """A change that makes an order smaller and its limit more aggressive is checked like a new order."""
    assert len(beyond().amend(quantity=700, limit_price="12.50")) == 3


def test_a_limit_that_the_order_keeps_so_far_refuses_also_what_takes_risk_away() -> None:
    """A seller's higher limit is worth more: where that goes beyond the amount allowed at last it is refused."""
    rig = beyond(OrderSide.SELL, "10.00")
    tight = RiskLimits(max_order_notional=price_from(9_000), max_order_quantity=quantity_from(500))

    (found,) = rig.under(tight).amend(limit_price="12.00")

    assert found.startswith("notional 9600")


def test_the_stop_of_an_order_beyond_its_limits_can_be_moved() -> None:
    """What protects a position follows the market, however much the position is worth by now."""
    rig = beyond(OrderSide.SELL, None, algo="stop", stop_price=price_from("9.00"))

    assert rig.amend(stop_price="9.50") == ()


def test_nothing_is_made_larger_under_a_kill() -> None:
    """A kill bars new risk by a change as it does by a new order; less is still possible."""
    rig = LimitRig()
    rig.order(100)
    rig.handle(Kill(kill_id="k", by="anna", reason="odd", cancel_pending=False))

    assert rig.amend(quantity=200) == (f"kill switch is engaged for {SYMBOL}",)
    assert rig.amend(quantity=50) == ()


# Prices that an instrument cannot have


@pytest.mark.parametrize("kind", ["STK", "CASH", "CRYPTO", "ETF", "OPT", "FOP", "CFD"])
@pytest.mark.parametrize("terms", [{"limit_price": price_from("-5.00")}, {"params": {"limit_price": "-5.00"}}])
def test_a_limit_below_zero_is_refused_where_there_is_no_such_price(kind: str, terms: Mapping[str, Any]) -> None:
    """Also where it stands among the parameters; the refusal names the price."""
    reasons = refusal(LimitRig(security_type=kind).order(100, **terms))

    assert reasons == (f"limit_price -5 is not positive: TEST ({kind}) has no such price",)


@pytest.mark.parametrize("kind", ["FUT", "BAG"])
def test_futures_and_combinations_trade_below_zero(kind: str) -> None:
    """A future or a spread may cost less than nothing, on entry and after a change."""
    rig = LimitRig(security_type=kind)

    assert refusal(rig.order(100, limit_price=price_from("-5.00"))) == ()
    assert rig.amend(limit_price="0") == ()


# Accounts


@pytest.mark.parametrize(
    ("account", "own", "reason"),
    [
        ("DU9", "DU1", "unknown account 'DU9': known are DU1, DU2"),
        ("DU9", None, "unknown account 'DU9': known are DU1, DU2"),
        (None, None, "no account is named and there are several: DU1, DU2"),
        ("DU2", "DU1", None),
        (None, "DU1", None),
    ],
)
def test_an_order_for_an_account_that_is_not_served_is_refused(
    account: str | None, own: str | None, reason: str | None
) -> None:
    """From the moment that the broker says whose orders it takes, others are refused with those that may be named."""
    rig = LimitRig()
    assert refusal(rig.order(100, "p0", account="DU9")) == ()

    rig.engine.serve_accounts(("DU1", "DU2"), own)

    assert refusal(rig.order(100, account=account)) == (() if reason is None else (reason,))


def test_what_was_decided_about_accounts_is_the_same_after_a_replay() -> None:
    """A refusal is a record: an engine that knows no accounts yet reads it as it was."""
    rig = LimitRig()
    rig.engine.serve_accounts(("DU1",), "DU1")
    rig.order(100, account="DU9")
    rig.order(100, "p2")
    before, journal = fingerprint(rig.engine), list(rig.records)

    rig.engine = rig.fresh_engine()
    rig.engine.restore(journal)

    assert fingerprint(rig.engine) == before
    assert rig.engine.state.decisions["d-p1"] == "refused: unknown account 'DU9': known are DU1"


# Imports


@pytest.mark.parametrize(
    ("limits", "accounts", "reason"),
    [
        (LIMITS, (), "order p1: quantity 800 is above max_order_quantity 500; order p1: notional 9600"),
        (RiskLimits(max_open_orders=1), (), "3 orders would be live, max_open_orders is 1"),
        (RiskLimits(), ("DU1",), "order p2: unknown account 'DU9': known are DU1"),
    ],
)
def test_an_import_is_checked_like_an_entry(limits: RiskLimits, accounts: tuple[str, ...], reason: str) -> None:
    """Orders that may not be worked here are not taken over, by name; nothing is changed."""
    old = LimitRig(RiskLimits())
    old.order(800, limit_price=price_from("12.00"))
    old.order(10, "p2", account="DU9")
    new = LimitRig(limits)
    new.engine.serve_accounts(accounts, None)
    new.order(10, "p3")
    before = fingerprint(new.engine)

    with pytest.raises(BadInput, match=reason):
        new.handle(ImportOrders(records=tuple(old.records), by="anna"))

    assert fingerprint(new.engine) == before


def test_orders_that_ended_are_no_hindrance_to_an_import() -> None:
    """Only what is still to be worked is held against the limits."""
    old = LimitRig(RiskLimits())
    old.order(800, limit_price=price_from("12.00"))
    old.pass_time(11 * MINUTE)
    assert old.parent.is_done
    new = LimitRig()

    new.handle(ImportOrders(records=tuple(old.records), by="anna"))

    assert list(new.engine.state.parents) == ["p1"]


# Words that settle nothing


def test_a_word_that_the_books_contradict_is_answered_with_what_they_know() -> None:
    """What was acknowledged or filled did arrive; what is not in doubt needs no word; of the rest nothing is said."""
    rig = LimitRig(RiskLimits())
    rig.puppet.wanted = (slice_of(100),)
    rig.order(100)
    never = Resolve(subject="p1-1", outcome=Resolution.NEVER_ARRIVED, by="anna", reason="it is not there")
    rig.ack()
    working = unsettled(never, rig.engine.state)
    rig.want()  # its cancel gets no answer
    rig.pass_time(5 * MINUTE)
    in_doubt = unsettled(never, rig.engine.state)
    rig.fill(30)
    filled = unsettled(msgspec.structs.replace(never, subject="p1"), rig.engine.state)

    assert working == "p1-1 is not in doubt: it is working"
    assert in_doubt == "p1-1 did arrive, the broker acknowledged it: say cancelled or working"
    assert filled == "p1-1 did arrive, 30 of it filled: say cancelled or working"
    assert unsettled(msgspec.structs.replace(never, subject="p9"), rig.engine.state) is None
