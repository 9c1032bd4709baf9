"""What a report is made from: the orders of a run, the market they met, and the facts of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quietfill.tca.figures import order_figures
from quietfill.tca.observed_order import ObservedOrder
from quietfill.tca.order_market import market_of
from quietfill.tca.summary import order_summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.instrument import Instrument
    from quietfill.market.history import MarketHistory
    from quietfill.tca.figures import OrderFigures
    from quietfill.tca.ledger import Ledger, Notice, OrderLedger
    from quietfill.tca.summary import OrderSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """One parent order of a report.

    Attributes:
        figures: every figure of its cost.
        history: the observed market of its day; None leaves out what needs it.
        multiplier: currency per price point and contract.
        timezone: the venue's, for every time that is shown.
        currency: of its prices.
    """

    order: OrderLedger
    summary: OrderSummary
    figures: OrderFigures
    history: MarketHistory | None = None
    timezone: str = "UTC"
    currency: str = ""
    multiplier: int = 1

    @property
    def observed(self) -> ObservedOrder:
        """The order with its market and its money, for sums over orders."""
        return ObservedOrder(self.order, self.history, self.multiplier, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run to be reported.

    Attributes:
        title: what the page is called.
        orders: in the order in which they are shown.
        facts: label and value of what a reader must know to repeat the run: feed, source, seed, mode, digest.
        notices: what concerned every order: kills, line changes, reconciliations.
        is_simulated: the page says so in its header; False for a live journal.
    """

    title: str
    orders: tuple[OrderReport, ...]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    notices: tuple[Notice, ...] = ()
    is_simulated: bool = True

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        histories: Mapping[str, MarketHistory],
        instruments: Mapping[str, Instrument],
        *,
        title: str,
        facts: Mapping[str, str],
        is_simulated: bool = True,
    ) -> RunReport:
        """Return the report of every order of a journal.

        Args:
            ledger: the folded journal.
            histories: the recorded market of one day by symbol; a symbol without one, and an order of another day, is
                reported from the journal alone.
            instruments: by symbol; one that is not there is shown in UTC and without a currency.
            title: see the class.
            facts: see the class.
            is_simulated: see the class.
        """
        orders = tuple(
            _order_report(order, histories.get(order.symbol), instruments.get(order.symbol))
            for order in ledger.orders.values()
        )
        return cls(title=title, orders=orders, facts=facts, notices=tuple(ledger.notices), is_simulated=is_simulated)


def _order_report(order: OrderLedger, history: MarketHistory | None, instrument: Instrument | None) -> OrderReport:
    multiplier = 1 if instrument is None else instrument.multiplier
    history = market_of(order, history)
    return OrderReport(
        order=order,
        summary=order_summary(order, history, multiplier=multiplier),
        figures=order_figures(order, history, multiplier=multiplier),
        history=history,
        timezone="UTC" if instrument is None else instrument.timezone,
        currency="" if instrument is None else instrument.currency,
        multiplier=multiplier,
    )
