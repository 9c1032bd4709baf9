"""The ears of an examination: what a broker said, in order, and what each order's words add up to."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from quietfill.brokers.minimal import MinimalEdge
from quietfill.domain.execution_report import ReportKind
from quietfill.testing.conformance import log
from quietfill.testing.conformance.books import Books

if TYPE_CHECKING:
    from collections.abc import Generator

    from quietfill.domain.execution_report import ExecutionReport, Fill
    from quietfill.domain.messages import BookUpdate, LinkState
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.engine.state import EngineState
    from quietfill.ports.broker import BrokerEdge
    from quietfill.ports.clock import TimedClock
    from quietfill.testing.conformance.stage import BrokerStage

ENDS = frozenset({ReportKind.REJECTED, ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.ASSUMED_CANCELLED})
"""Words after which an order can trade no more."""


class Ears:
    """Everything that was heard of one account, over one session or several.

    Attributes:
        stage: where it was heard.
        reports, books, links: in order; `heard_at` is when each report was.
        log: requests and words in order, one line each; books are left out.
        engine: what the engine would believe.
        out_of_turn: what was heard from inside a call of ours, or on another thread.
    """

    def __init__(self, stage: BrokerStage) -> None:
        """Hear nothing yet."""
        self.stage = stage
        self.reports: list[ExecutionReport] = []
        self.heard_at: list[Timestamp] = []
        self.books: list[BookUpdate] = []
        self.links: list[LinkState] = []
        self.log: list[str] = []
        self.engine = Books(stage.instrument)
        self.out_of_turn: list[str] = []
        self._inside = ""
        self._thread = threading.get_ident()

    def listen(self, edge: BrokerEdge) -> None:
        """Hear a session, and let its edge look children up as in an agent's books."""
        edge.on_report(self._hear_report)
        edge.on_book(self._hear_book)
        edge.on_link(self._hear_link)
        if isinstance(edge, MinimalEdge):
            edge.attend(self.engine.state)
        elif isinstance(edge, _Follower):
            edge.follow(self.engine.state, self.stage.clock)

    # What was heard

    def about(self, child_id: str) -> list[ExecutionReport]:
        """Return the reports about one child."""
        return [report for report in self.reports if report.child_id == child_id]

    def kinds(self, child_id: str) -> list[ReportKind]:
        """Return the kinds of the reports about one child."""
        return [report.kind for report in self.about(child_id)]

    def ends(self, child_id: str) -> list[ExecutionReport]:
        """Return the reports that end a child."""
        return [report for report in self.about(child_id) if report.kind in ENDS]

    def fills(self, child_id: str) -> list[Fill]:
        """Return every word about executions of a child, repeats and corrections included."""
        return [report.fill for report in self.about(child_id) if report.fill is not None]

    def executions(self, child_id: str) -> dict[str, Fill]:
        """Return the executions of a child by id, each at its highest revision."""
        return newest(self.fills(child_id))

    def filled(self, child_id: str) -> Quantity:
        """Return what the executions of a child add up to."""
        return sum(fill.quantity for fill in self.executions(child_id).values())

    # Hearing

    @contextmanager
    def calling(self, what: str) -> Generator[None]:
        """Note what is heard meanwhile as heard from inside."""
        self._inside = what
        try:
            yield
        finally:
            self._inside = ""

    def _hear_report(self, report: ExecutionReport) -> None:
        self._note_turn(f"report {report.kind}")
        now = self.stage.clock.now()
        self.reports.append(report)
        self.heard_at.append(now)
        self.log.append(log.told(report))
        self.engine.hear(report, now)

    def _hear_book(self, book: BookUpdate) -> None:
        self._note_turn("book")
        self.books.append(book)
        self.stage.book = book

    def _hear_link(self, link: LinkState) -> None:
        self._note_turn("link")
        self.links.append(link)
        self.log.append(log.linked(link))
        self.engine.hear_link(link, self.stage.clock.now())

    def _note_turn(self, what: str) -> None:
        if self._inside:
            self.out_of_turn.append(f"a {what} from inside {self._inside}")
        if threading.get_ident() != self._thread:
            self.out_of_turn.append(f"a {what} on another thread")


def newest(fills: list[Fill]) -> dict[str, Fill]:
    """Return executions by id, each at its highest revision; of words of one revision the first."""
    best: dict[str, Fill] = {}
    for fill in fills:
        before = best.get(fill.execution_id)
        if before is None or before.revision < fill.revision:
            best[fill.execution_id] = fill
    return best


@runtime_checkable
class _Follower(Protocol):
    """An edge that looks children up in an agent's books and lives by its clock."""

    def follow(self, books: EngineState, clock: TimedClock) -> None:
        """Take both."""
        ...
