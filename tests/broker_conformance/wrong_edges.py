"""Edges to the pit that are wrong in one way each: what is said, listed or done at the door."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested
from quietfill.domain.types import SECOND, price_from
from tests.broker_conformance.pit import PitEdge

if TYPE_CHECKING:
    from quietfill.domain.messages import BookUpdate, BrokerSnapshot
    from quietfill.domain.records import WireRequest
    from tests.broker_conformance.pit import Pit


_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def but(struct: _Struct, **changes: Any) -> _Struct:
    """Return a struct with other content."""
    return msgspec.structs.replace(struct, **changes)


def first_fill_only(report: ExecutionReport) -> bool:
    """Say whether a report is a fill beyond the first 200."""
    return report.fill is None or report.cumulative == report.fill.quantity


# Sessions


class AlwaysConnected(PitEdge):
    """Says that it is connected, come what may."""

    @property
    def is_connected(self) -> bool:
        """Say so."""
        return True


class TalksAfterTheEnd(PitEdge):
    """Goes on telling after disconnect."""

    async def disconnect(self) -> None:
        """Close the door and not the ears."""
        self.is_open = False


class AnswersInside(PitEdge):
    """Carries out and answers before submit returns."""

    def submit(self, request: WireRequest) -> None:
        """Do it now."""
        self.pit.carry_out(request)


class TellsFromAThread(PitEdge):
    """Calls back from a thread of its own."""

    def tell(self, report: ExecutionReport) -> None:
        """Hand it to a thread."""
        thread = threading.Thread(target=self.report, args=(report,))
        thread.start()
        thread.join()


class AsksToBeAwaited(PitEdge):
    """Has a coroutine for submit."""

    def submit(self, request: WireRequest) -> Any:
        """Return what nobody awaits."""
        super().submit(request)
        return asyncio.sleep(0)


class WaitsInSubmit(PitEdge):
    """Waits for the network in submit."""

    def submit(self, request: WireRequest) -> None:
        """Wait longer than is allowed."""
        threading.Event().wait(0.3)
        super().submit(request)


# What is said


class AcceptsTwice(PitEdge):
    """Tells each acceptance again."""

    def tell(self, report: ExecutionReport) -> None:
        """Say it, and say it again."""
        super().tell(report)
        if report.kind is ReportKind.ACCEPTED:
            super().tell(report)


class LosesOurId(PitEdge):
    """Speaks of orders by its own number."""

    def tell(self, report: ExecutionReport) -> None:
        """Forget whose it is."""
        super().tell(but(report, child_id=f"#{report.broker_order_id}"))


class NeverAcknowledges(PitEdge):
    """Says nothing until something trades."""

    def tell(self, report: ExecutionReport) -> None:
        """Keep it to itself."""
        if report.kind is not ReportKind.ACCEPTED:
            super().tell(report)


class StatesOtherTerms(PitEdge):
    """Counts in lots where it accepts."""

    def tell(self, report: ExecutionReport) -> None:
        """Divide."""
        is_acceptance = report.kind is ReportKind.ACCEPTED and report.total is not None
        super().tell(but(report, total=(report.total or 0) // 100) if is_acceptance else report)


class RefusesInSilence(PitEdge):
    """Tells no rejection."""

    def tell(self, report: ExecutionReport) -> None:
        """Swallow it."""
        if report.kind is not ReportKind.REJECTED:
            super().tell(report)


class RefusesWithoutReason(PitEdge):
    """Tells no reason."""

    def tell(self, report: ExecutionReport) -> None:
        """Say no, and no more."""
        super().tell(but(report, reason=""))


class FillsTheFirst(PitEdge):
    """Tells every fill as the first order's."""

    def __init__(self, pit: Pit) -> None:
        super().__init__(pit)
        self.first = ""

    def tell(self, report: ExecutionReport) -> None:
        """Mix them up."""
        self.first = self.first or report.child_id
        super().tell(report if report.fill is None else but(report, child_id=self.first))


class RejectsTheRepeat(PitEdge):
    """Tells a repeated placement as rejected, although the first works."""

    def tell(self, report: ExecutionReport) -> None:
        """Refuse under the same id."""
        is_repeat = report.kind is ReportKind.STATUS
        super().tell(but(report, kind=ReportKind.REJECTED) if is_repeat else report)


class LosesFills(PitEdge):
    """Tells the first execution alone."""

    def tell(self, report: ExecutionReport) -> None:
        """Leave the others out."""
        if first_fill_only(report):
            super().tell(report)


class FillsTwice(PitEdge):
    """Tells each execution again under another id."""

    def tell(self, report: ExecutionReport) -> None:
        """Make two of one."""
        super().tell(report)
        if report.fill is not None:
            super().tell(but(report, fill=but(report.fill, execution_id=f"{report.fill.execution_id}-again")))


class OneExecutionId(PitEdge):
    """Gives all executions one id."""

    def tell(self, report: ExecutionReport) -> None:
        """Number nothing."""
        super().tell(report if report.fill is None else but(report, fill=but(report.fill, execution_id="1")))


class ChangesItsMind(PitEdge):
    """Tells an execution again with another price, and calls it no correction."""

    def tell(self, report: ExecutionReport) -> None:
        """Say it, and say otherwise."""
        super().tell(report)
        if report.fill is not None:
            super().tell(but(report, fill=but(report.fill, price=report.fill.price + price_from("0.01"))))


class FillsBeyondTheLimit(PitEdge):
    """Tells prices that no limit allowed."""

    def tell(self, report: ExecutionReport) -> None:
        """Ten percent up, for buys and sells alike."""
        super().tell(_priced(report, 11, 10))


class TellsAverages(PitEdge):
    """Tells average prices, which lie between ticks."""

    def tell(self, report: ExecutionReport) -> None:
        """Move each by a part of a tick."""
        super().tell(_priced(report, 99_973, 100_000))


class CountsWrong(PitEdge):
    """Counts each execution as if it were the first."""

    def tell(self, report: ExecutionReport) -> None:
        """Forget those before."""
        super().tell(report if report.fill is None else but(report, cumulative=report.fill.quantity))


class StampsAhead(PitEdge):
    """Stamps in a clock that is an hour ahead."""

    def tell(self, report: ExecutionReport) -> None:
        """Add it."""
        super().tell(but(report, exchange_time=report.exchange_time + 3_600 * SECOND))


class StampsNothing(PitEdge):
    """Leaves stamps at 0."""

    def tell(self, report: ExecutionReport) -> None:
        """Say no time."""
        super().tell(report if report.fill is None else but(report, fill=but(report.fill, exchange_time=0)))


class CancelsInSilence(PitEdge):
    """Tells no end of a cancelled order."""

    def tell(self, report: ExecutionReport) -> None:
        """Swallow it."""
        if report.kind is not ReportKind.CANCELLED:
            super().tell(report)


class AssumesTheEnd(PitEdge):
    """Is told of cancels, and passes them on as assumed."""

    def tell(self, report: ExecutionReport) -> None:
        """Know less than it does."""
        is_cancel = report.kind is ReportKind.CANCELLED
        super().tell(but(report, kind=ReportKind.ASSUMED_CANCELLED) if is_cancel else report)


class CancelsTwice(PitEdge):
    """Tells each cancel's end again."""

    def tell(self, report: ExecutionReport) -> None:
        """End it, and end it again."""
        super().tell(report)
        if report.kind is ReportKind.CANCELLED:
            super().tell(report)


class EveryCancelWorks(PitEdge):
    """Tells a refused cancel as one that worked."""

    def tell(self, report: ExecutionReport) -> None:
        """Agree."""
        is_refusal = report.kind is ReportKind.CANCEL_REJECTED
        super().tell(but(report, kind=ReportKind.CANCELLED) if is_refusal else report)


class IgnoresStrangers(PitEdge):
    """Says nothing about what it does not know."""

    def tell(self, report: ExecutionReport) -> None:
        """Keep silent."""
        if report.kind is not ReportKind.CANCEL_REJECTED:
            super().tell(report)


class ConfirmsOldTerms(PitEdge):
    """Confirms a replace with the first terms."""

    def tell(self, report: ExecutionReport) -> None:
        """Say the price of before."""
        is_replace = report.kind is ReportKind.REPLACED
        super().tell(
            but(report, limit_price=self.pit.orders[report.child_id].asked.limit_price) if is_replace else report
        )


class ForgetsRevisions(PitEdge):
    """Confirms replaces without saying which."""

    def tell(self, report: ExecutionReport) -> None:
        """Call all of them 0."""
        super().tell(but(report, revision=0))


class EveryReplaceWorks(PitEdge):
    """Tells a refused replace as one that worked."""

    def tell(self, report: ExecutionReport) -> None:
        """Agree."""
        is_refusal = report.kind is ReportKind.REPLACE_REJECTED
        super().tell(but(report, kind=ReportKind.REPLACED, total=0) if is_refusal else report)


class ReplacesByCancel(PitEdge):
    """Replaces by cancel and new, and tells the old one's end as the child's."""

    def tell(self, report: ExecutionReport) -> None:
        """Tell it after the confirmation."""
        super().tell(report)
        if report.kind is ReportKind.REPLACED:
            super().tell(but(report, kind=ReportKind.CANCELLED, reason="replaced"))


class TradesForStrangers(PitEdge):
    """Tells executions of somebody else's orders on our account."""

    def tell(self, report: ExecutionReport) -> None:
        """Add one."""
        super().tell(report)
        if report.kind is ReportKind.FILL:
            fill = Fill(execution_id="x", quantity=1, price=1, exchange_time=self.pit.clock.now())
            super().tell(but(report, child_id="somebody-else", fill=fill))


# Lists


class ListsNothing(PitEdge):
    """Lists no order, and says that this is all."""

    async def snapshot(self) -> BrokerSnapshot:
        """Leave orders out."""
        return but(await super().snapshot(), orders=())


class ListsByNumber(PitEdge):
    """Lists orders by its own number."""

    async def snapshot(self) -> BrokerSnapshot:
        """Forget whose they are."""
        snapshot = await super().snapshot()
        return but(
            snapshot, orders=tuple(but(order, child_id=f"#{order.broker_order_id}") for order in snapshot.orders)
        )


class ListsNothingFilled(PitEdge):
    """Lists orders as if nothing of them had traded."""

    async def snapshot(self) -> BrokerSnapshot:
        """Count nothing."""
        snapshot = await super().snapshot()
        return but(snapshot, orders=tuple(but(order, cumulative=0) for order in snapshot.orders))


class ListsNoExecutions(PitEdge):
    """Lists no execution, and says that this is all."""

    async def snapshot(self) -> BrokerSnapshot:
        """Leave executions out."""
        return but(await super().snapshot(), fills=())


class ListsOtherIds(PitEdge):
    """Lists executions under other ids than it told."""

    async def snapshot(self) -> BrokerSnapshot:
        """Number them anew."""
        snapshot = await super().snapshot()
        known = [(report, report.fill) for report in snapshot.fills if report.fill is not None]
        fills = tuple(but(report, fill=but(fill, execution_id=f"L{n}")) for n, (report, fill) in enumerate(known))
        return but(snapshot, fills=fills)


class ListsTheDeadAsOpen(PitEdge):
    """Lists every order as open."""

    async def snapshot(self) -> BrokerSnapshot:
        """Bury nothing."""
        snapshot = await super().snapshot()
        return but(snapshot, orders=tuple(but(order, is_open=True) for order in snapshot.orders))


class StampsTheAnswer(PitEdge):
    """Stamps a snapshot with another time than it was asked at."""

    async def snapshot(self) -> BrokerSnapshot:
        """Say a minute later."""
        return but(await super().snapshot(), asked_at=self.pit.clock.now() + 60 * SECOND)


class ActsWhenAsked(PitEdge):
    """Cancels what works when it is asked what works."""

    async def snapshot(self) -> BrokerSnapshot:
        """Clean up."""
        self.pit.queue += _cancels_of_all(self.pit)
        return await super().snapshot()


class CancelsOnDisconnect(PitEdge):
    """Takes its orders with it."""

    async def disconnect(self) -> None:
        """Clean up."""
        self.pit.queue += _cancels_of_all(self.pit)
        await super().disconnect()


class KnowsThisSessionOnly(PitEdge):
    """Lists executions that it heard itself."""

    def __init__(self, pit: Pit) -> None:
        super().__init__(pit)
        self.heard: set[str] = set()

    def tell(self, report: ExecutionReport) -> None:
        """Remember it."""
        self.heard.add("" if report.fill is None else report.fill.execution_id)
        super().tell(report)

    async def snapshot(self) -> BrokerSnapshot:
        """List what is remembered."""
        snapshot = await super().snapshot()
        return but(snapshot, fills=tuple(r for r in snapshot.fills if r.fill and r.fill.execution_id in self.heard))


# The line


class KeepsABreakToItself(PitEdge):
    """Tells nothing of the line."""

    def line(self, *, up: bool) -> None:
        """Note it."""
        self.is_line_up = up


class TellsABreakTwice(PitEdge):
    """Tells each change of the line again."""

    def line(self, *, up: bool) -> None:
        """Say it, and say it again."""
        super().line(up=up)
        super().line(up=up)


class SendsLater(PitEdge):
    """Keeps what cannot leave, and sends it when the line is back."""

    def submit(self, request: WireRequest) -> None:
        """Queue it in any case."""
        self.pit.queue.append(request)


class DropsInSilence(PitEdge):
    """Loses what cannot leave."""

    def not_sent(self, request: ChildRequested) -> None:
        """Say nothing."""


class RejectsAndSends(PitEdge):
    """Says that a placement was not sent, and sends it later."""

    def not_sent(self, request: ChildRequested) -> None:
        """Do both."""
        super().not_sent(request)
        self.pit.queue.append(request)


class EndsOrdersWithTheLine(PitEdge):
    """Takes a broken line for the end of every order."""

    def line(self, *, up: bool) -> None:
        """Bury all."""
        for order in self.pit.orders.values():
            if order.is_open and not up:
                self.tell(but(self.pit.say(order, ReportKind.STATUS), kind=ReportKind.CANCELLED))
        super().line(up=up)


# Books


class CrossesTheBook(PitEdge):
    """Shows asks as bids."""

    def show(self, book: BookUpdate) -> None:
        """Swap them."""
        super().show(but(book, bids=tuple(reversed(book.asks)), asks=tuple(reversed(book.bids))))


class ShowsAnotherSymbol(PitEdge):
    """Names the instrument as the venue does."""

    def show(self, book: BookUpdate) -> None:
        """Rename it."""
        super().show(but(book, symbol="ACME.X"))


class ShowsOldBooks(PitEdge):
    """Shows every third book a minute too late."""

    def show(self, book: BookUpdate) -> None:
        """Go back."""
        super().show(but(book, time=book.time - (60 * SECOND if self.pit.steps % 3 == 0 else 0)))


class CountsOthersOnly(PitEdge):
    """Leaves what we traded out of the volume."""

    def show(self, book: BookUpdate) -> None:
        """Count nothing."""
        super().show(but(book, volume=0))


class HidesOurOrders(PitEdge):
    """Shows the others' orders alone."""

    def show(self, book: BookUpdate) -> None:
        """Show less."""
        small = tuple((price, min(size, 500 * 10**8)) for price, size in book.bids)
        super().show(but(book, bids=small))


def _priced(report: ExecutionReport, times: int, by: int) -> ExecutionReport:
    if report.fill is None:
        return report
    return but(report, fill=but(report.fill, price=report.fill.price * times // by))


def _cancels_of_all(pit: Pit) -> list[WireRequest]:
    now = pit.clock.now()
    return [
        CancelRequested(at=now, child_id=child_id, attempt=1, why="clean up")
        for child_id, order in pit.orders.items()
        if order.is_open
    ]
