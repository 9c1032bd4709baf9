"""A small run to report on: one order filled at rest and across, one for which nothing happened."""

from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.records import AlertRaised, OrderPaused, OrderResumed
from quietfill.domain.types import Liquidity, price_from, quantity_from
from quietfill.report.run import RunReport
from quietfill.tca.ledger import Ledger
from tests.tca_records import Script, at, market

SHANGHAI = Instrument(
    symbol="600961", ticks=(TickRule(0, price_from("0.01")),), lot=quantity_from(100), currency="CNY",
    timezone="Asia/Shanghai", sessions=(),
)  # fmt: skip


FACTS = {"seed": "7", "source": "made by hand"}


def filled_order(**terms):
    """Return the records of an order for 1,000 of which 300 rested and 500 crossed."""
    script = Script(arrival=(9.18, 9.19), algo="twap", **terms)
    script.place("c1", 1, 300, 9.18, touch=(9.18, 9.19)).fill(
        "c1", 60, 300, 9.18, touch=(9.18, 9.19), liquidity=Liquidity.PASSIVE
    )
    script.place("c2", 300, 700, 9.18, key="s2", touch=(9.19, 9.2), why="slice 2 of 2 rests").replace(
        "c2", 500, 700, 9.22
    )
    script.fill("c2", 501, 500, 9.21, touch=(9.2, 9.21), liquidity=Liquidity.AGGRESSIVE).end_child("c2", 600, 500)
    script.add(
        OrderPaused(at=at(100), order_id=script.order_id, by="ann"),
        OrderResumed(at=at(120), order_id=script.order_id, by="ann"),
        AlertRaised(at=at(400), subject=script.order_id, severity="warning", text="collar <binds> & rests"),
    )
    return script.done(600, "expired", 800)


def idle_order():
    """Return the records of a limit order far from the market."""
    script = Script(order_id="order-2", side="sell", arrival=(9.18, 9.19), algo="limit", limit=12)
    return (
        script.place("d1", 1, 1000, 12, key="all", why="at the limit 12").end_child("d1", 600, 0).done(600, "expired")
    )


def history():
    """Return ten minutes of a market that ticks up."""
    return market(
        [(-60, 9.18, 9.19), (250, 9.19, 9.20), (450, 9.20, 9.21), (550, 9.19, 9.20)],
        [(-30, 9.18, 500), (40, 9.19, 2000), (260, 9.20, 3000), (501, 9.21, 1200)],
        spans=((-3600, 3600),),
    )


def run_of(*scripts, title="Two orders", facts=FACTS, is_simulated=True):
    """Return the report of these orders."""
    ledger = Ledger.of(record for script in scripts for record in script)
    markets, instruments = {"600961": history()}, {"600961": SHANGHAI}
    return RunReport.of(ledger, markets, instruments, title=title, facts=facts, is_simulated=is_simulated)
