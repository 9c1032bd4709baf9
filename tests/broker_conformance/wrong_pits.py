"""Markets that are wrong in one way each: what becomes of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.types import SECOND, TimeInForce
from tests.broker_conformance.pit import Pit

if TYPE_CHECKING:
    from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
    from tests.broker_conformance.pit import PitOrder

_GOES_AFTER = 10


class PlacesTwice(Pit):
    """Places an order for each request, whatever its reference."""

    def place(self, asked: ChildRequested) -> None:
        """Keep the second one under a name of its own."""
        if asked.child_id in self.orders:
            first = self.orders.pop(asked.child_id)
            self.orders[f"{asked.child_id} (first)"] = first
        super().place(asked)


class FillsTheRefused(Pit):
    """Refuses an order, and trades it."""

    def place(self, asked: ChildRequested) -> None:
        """Do both."""
        super().place(asked)
        order = self.orders[asked.child_id]
        if order.end is ReportKind.REJECTED and order.price is not None:
            self.trade(order, order.left, order.price)


class ForgetsGoodTill(Pit):
    """Takes a good-till time and does nothing with it."""

    def place(self, asked: ChildRequested) -> None:
        """Leave it out."""
        super().place(msgspec.structs.replace(asked, good_till=None))


class EndsTooEarly(Pit):
    """Ends orders before the time they state."""

    def place(self, asked: ChildRequested) -> None:
        """Take three seconds off."""
        good_till = asked.good_till
        early = None if good_till is None else good_till - 3 * SECOND
        super().place(msgspec.structs.replace(asked, good_till=early))


class RestsTheImmediate(Pit):
    """Takes every order for a day order."""

    def place(self, asked: ChildRequested) -> None:
        """Forget what it stated."""
        super().place(msgspec.structs.replace(asked, time_in_force=TimeInForce.DAY))


class LosesPatience(Pit):
    """Ends orders that rested for a while."""

    def step(self) -> None:
        """Look how old each is."""
        super().step()
        for order in self.orders.values():
            if order.is_open and self.steps > order.since + _GOES_AFTER:
                self.finish(order, ReportKind.CANCELLED, "old")


class TakesNoMarketOrders(Pit):
    """Refuses orders without a limit."""

    def place(self, asked: ChildRequested) -> None:
        """Refuse."""
        if asked.limit_price is None:
            self.refuse(asked.child_id, ReportKind.REJECTED, "no limit")
        else:
            super().place(asked)


class TradesTheWrongSide(Pit):
    """Sells what should be bought."""

    def place(self, asked: ChildRequested) -> None:
        """Turn it round."""
        super().place(msgspec.structs.replace(asked, side=asked.side.opposite))


class EndsAfterAPart(Pit):
    """Cancels what is left of an order that traded in part."""

    def match(self, order: PitOrder) -> None:
        """Trade, and end the rest."""
        super().match(order)
        if order.filled and order.is_open:
            self.finish(order, ReportKind.CANCELLED, "the rest")


class NeverTradesWhatRests(Pit):
    """Fills nothing that rested."""

    def trade(self, order: PitOrder, quantity: int, price: int) -> None:
        """Trade what just came."""
        if order.since == self.steps:
            super().trade(order, quantity, price)


class FillsAfterTheCancel(Pit):
    """Trades an order that it told as cancelled."""

    def cancel(self, request: CancelRequested) -> None:
        """End it, then trade a lot of it."""
        super().cancel(request)
        order = self.orders.get(request.child_id)
        if order is not None and order.end is ReportKind.CANCELLED and order.price is not None:
            self.trade(order, order.left, order.price)


class CancelsBeforePlacing(Pit):
    """Carries cancels out first, and forgets those that found nothing."""

    def step(self) -> None:
        """Put the cancels in front."""
        self.queue.sort(key=lambda request: hasattr(request, "quantity"))
        super().step()


class CancelsEverything(Pit):
    """Takes a cancel of one order for one of all."""

    def cancel(self, request: CancelRequested) -> None:
        """End all."""
        for order in self.orders.values():
            if order.is_open:
                self.finish(order, ReportKind.CANCELLED, "all")


class TotalIsWhatIsLeft(Pit):
    """Takes a replace's total for what is left."""

    def replace(self, request: ReplaceRequested) -> None:
        """Add what is filled, and confirm what was asked."""
        order = self.orders[request.child_id]
        super().replace(msgspec.structs.replace(request, total=request.total + order.filled))

    def tell(self, report: ExecutionReport) -> None:
        """Count as it was asked."""
        if report.kind is ReportKind.REPLACED and report.total is not None and report.cumulative:
            report = msgspec.structs.replace(report, total=report.total - report.cumulative)
        super().tell(report)


class EndsWhatItWillNotReplace(Pit):
    """Refuses a replace, and ends the order."""

    def replace(self, request: ReplaceRequested) -> None:
        """Do both."""
        before = self.orders[request.child_id].revision
        super().replace(request)
        order = self.orders[request.child_id]
        if order.is_open and order.revision == before:
            self.finish(order, ReportKind.CANCELLED, "not possible")


class LosesWhatNobodyHears(Pit):
    """Forgets executions that nobody was told of."""

    def tell(self, report: ExecutionReport) -> None:
        """Look whether anybody hears it."""
        super().tell(report)
        self.was_heard = any(getattr(hear, "__self__").is_connected for hear in self.hear)  # noqa: B009

    def trade(self, order: PitOrder, quantity: int, price: int) -> None:
        """Drop the record of it."""
        super().trade(order, quantity, price)
        if not self.was_heard:
            order.fills.pop()


class GoesOnAfterTheEnd(Pit):
    """Tells orders as cancelled that go on working."""

    def finish(self, order: PitOrder, kind: ReportKind, reason: str) -> None:
        """Say it, and forget it."""
        super().finish(order, kind, reason)
        if kind is ReportKind.CANCELLED:
            order.end = None
