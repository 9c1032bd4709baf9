"""A venue to test on: a market written by hand, no latency unless asked for, and short words for requests."""

from collections.abc import Sequence

from quietfill.domain.execution_report import ExecutionReport, Fill
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import OrderSide, TimeInForce
from quietfill.venue.exchange import Exchange, VenueOptions
from quietfill.venue.handmade import DAY, Row, handmade_tape
from quietfill.venue.tape import RowKind, Tape

MIDNIGHT = handmade_tape([(0, RowKind.ADD, 0, 0, 100, 1)]).first_time
B, S = 0, 1


def add(time: int, side: int, order: int, price: int, quantity: int) -> Row:
    """A recorded order arrives."""
    return time, RowKind.ADD, side, order, price, quantity


def cut(time: int, side: int, order: int, price: int, quantity: int) -> Row:
    """A recorded order loses some of its size."""
    return time, RowKind.REDUCE, side, order, price, quantity


def gone(time: int, side: int, order: int, price: int) -> Row:
    """A recorded order is deleted."""
    return time, RowKind.DELETE, side, order, price, 0


def hit(time: int, side: int, order: int, price: int, quantity: int) -> Row:
    """A recorded resting order trades."""
    return time, RowKind.EXECUTE, side, order, price, quantity


def hidden(time: int, side: int, price: int, quantity: int) -> Row:
    """An order that nobody saw trades."""
    return time, RowKind.HIDDEN, side, -1, price, quantity


def quiet_book() -> list[Row]:
    """Bid 10 at 100 (order 0), ask 10 at 102 (order 1), and one level behind each (orders 2 and 3)."""
    return [add(1, B, 0, 100, 10), add(1, S, 1, 102, 10), add(1, B, 2, 99, 20), add(1, S, 3, 103, 20)]


class Floor:
    """An exchange on one tape. Times are ns after midnight; everything delivered so far is in `reports`."""

    def __init__(self, rows: Sequence[Row] | Tape, *, seed: int = 0, latency: int = 0, **options) -> None:
        self.tape = rows if isinstance(rows, Tape) else handmade_tape(rows)
        self.exchange = Exchange(self.tape, VenueOptions(latency_median_ns=latency, **options), seed)
        self.reports: list[ExecutionReport] = []
        self.triggered_at: list[int] = []

    def go(self, until: int) -> "Floor":
        """Let time go on, taking reports as they come."""
        while True:
            reached = self.exchange.advance(MIDNIGHT + until)
            self.reports += self.exchange.take_reports(reached)
            if self.exchange.triggered:
                self.triggered_at.append(reached - MIDNIGHT)
            elif reached == MIDNIGHT + until:
                return self

    def place(
        self,
        child: str,
        side: int,
        quantity: int,
        price: int | None,
        tif: TimeInForce = TimeInForce.DAY,
        *,
        good_till: int | None = None,
        **more,
    ) -> "Floor":
        """Send an order now and let it arrive, if there is no latency."""
        now = self.exchange.now
        request = ChildRequested(
            at=now, child_id=child, order_id="parent", key="k", symbol=more.pop("symbol", self.tape.instrument.symbol),
            side=OrderSide.SELL if side else OrderSide.BUY, quantity=quantity, limit_price=price, time_in_force=tif,
            good_till=None if good_till is None else MIDNIGHT + good_till, why="", **more,
        )  # fmt: skip
        self.exchange.send(request, now)
        return self.go(now - MIDNIGHT)

    def replace(self, child: str, total: int, price: int | None, revision: int = 1) -> "Floor":
        """Ask for new terms now."""
        now = self.exchange.now
        request = ReplaceRequested(at=now, child_id=child, revision=revision, total=total, limit_price=price, why="")
        self.exchange.send(request, now)
        return self.go(now - MIDNIGHT)

    def cancel(self, child: str, attempt: int = 1) -> "Floor":
        """Ask for a cancel now."""
        now = self.exchange.now
        self.exchange.send(CancelRequested(at=now, child_id=child, attempt=attempt, why=""), now)
        return self.go(now - MIDNIGHT)

    def words(self, child: str) -> list[str]:
        """What was said of a child, in order."""
        return [report.kind.value for report in self.reports if report.child_id == child]

    def last(self, child: str) -> ExecutionReport:
        """The last report on a child."""
        return [report for report in self.reports if report.child_id == child][-1]

    def executions(self, child: str | None = None) -> list[Fill]:
        """Each fill as it was reported."""
        return [report.fill for report in self.reports if report.fill and child in (None, report.child_id)]

    def fills(self, child: str | None = None) -> list[tuple[int, int, int]]:
        """(time, price, quantity) of each fill."""
        return [(fill.exchange_time - MIDNIGHT, fill.price, fill.quantity) for fill in self.executions(child)]

    def filled(self, child: str) -> int:
        """How much of a child has traded."""
        return sum(quantity for _, _, quantity in self.fills(child))

    @property
    def bids(self) -> tuple[tuple[int, int], ...]:
        """The published bids."""
        return self.exchange.book(self.tape.instrument.symbol).bids

    @property
    def asks(self) -> tuple[tuple[int, int], ...]:
        """The published asks."""
        return self.exchange.book(self.tape.instrument.symbol).asks


__all__ = ["DAY", "MIDNIGHT", "B", "Floor", "S", "add", "cut", "gone", "hidden", "hit", "quiet_book"]
