"""What the broker said last is kept with the child and its order, so that a person can be told why."""

from __future__ import annotations

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.records import AlertRaised, OrderDone
from quietfill.domain.types import MINUTE, SECOND, OrderSide
from tests.engine.rig import Rig, fingerprint, slice_of


def resting() -> Rig:
    """Return a rig with one acknowledged child at 10.00."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    rig.ack()
    return rig


def alerts(rig: Rig, name: str) -> list[str]:
    """Return the texts of the alerts about an order."""
    return [one.text for one in rig.records if isinstance(one, AlertRaised) and one.subject == name]


def test_a_refused_change_is_the_last_word_until_one_is_confirmed() -> None:
    """Child and order say that the change was refused and why; the next change in force takes that back."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="price too far (201)"))

    child = rig.engine.state.children["p1-1"]
    assert child.last_word == "change refused: price too far (201)"
    assert rig.parent.rejects_in_words == "1 reject, the last: change refused: price too far (201)"
    rig.pass_time(SECOND)
    rig.replaced(100, "9.99", revision=2)
    assert child.last_word == ""


def test_an_end_brings_its_own_reason() -> None:
    """A child that ends by a cancel of ours says what that end said, not what was refused before."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="price too far (201)"))
    rig.want()
    rig.handle(rig.report(ReportKind.CANCELLED, cumulative=0, reason="Cancelled"))

    assert rig.engine.state.children["p1-1"].last_word == "Cancelled"


def test_doubt_and_refused_cancels_say_why() -> None:
    """A child in doubt says why it is; found alive again it says nothing."""
    rig = resting()
    child = rig.engine.state.children["p1-1"]
    rig.want()
    rig.handle(rig.report(ReportKind.CANCEL_REJECTED, reason="not found (10147)"))
    assert child.last_word == "cancel refused: not found (10147)"
    rig.handle(rig.report(ReportKind.STATUS))
    assert child.last_word == ""


def test_last_words_survive_a_restart() -> None:
    """They are a fold over the journal like everything else."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="no"))

    again = rig.fresh_engine()
    again.restore(rig.records)

    assert fingerprint(again) == fingerprint(rig.engine)


def crossed(rig: Rig) -> None:
    """Have a buy of ours be the only bid, and a sell that wants to trade."""
    rig.puppet.wanted = (slice_of(100, "10.00"),)
    rig.quote()
    rig.order(100, end=rig.now + 60 * MINUTE)
    rig.ack()
    rig.puppet.wanted = ()
    rig.order(40, "p2", side=OrderSide.SELL)
    rig.puppet.wanted = (slice_of(100, "10.00"),)
    rig.quote(size=100)


def test_that_nobody_else_is_there_to_trade_with_is_said_once() -> None:
    """When it is time to cross and the only bid is our own other order, its owner is told, once, before it ends."""
    rig = Rig()
    crossed(rig)
    assert alerts(rig, "p2") == []

    rig.pass_time(10 * MINUTE + SECOND)

    assert alerts(rig, "p2") == ["no bid of TEST but our own orders': cannot cross for the last 40"]
    kinds = [type(one) for one in rig.records if getattr(one, "order_id", getattr(one, "subject", "")) == "p2"]
    assert kinds.index(AlertRaised) < kinds.index(OrderDone)


def test_another_bid_is_nothing_to_tell() -> None:
    """With somebody else on the far side nothing is said."""
    rig = Rig()
    crossed(rig)
    rig.quote(size=101)

    rig.pass_time(10 * MINUTE + SECOND)

    assert alerts(rig, "p2") == []


def test_an_order_without_quotes_says_that_one_side_is_ours() -> None:
    """An order that never sees a market of others is rejected with that as the cause."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100, "10.00"),)
    rig.quote()
    rig.order(100)
    rig.ack()
    rig.quote(size=100)
    rig.order(40, "p2", side=OrderSide.SELL)

    rig.pass_time(MINUTE)

    done = next(one for one in rig.records if isinstance(one, OrderDone) and one.order_id == "p2")
    assert done.reason.endswith(": one side shows nothing but our own orders")
