"""What hearing something may make the session do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.children import IBChild
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.types import Timestamp


class Wants:
    """What hearing something may make the session do.

    Args:
        report: tell an execution report.
        ask: reconcile after so long, unless the question answers itself; the texts are the child and why.
        place_again: place a child under a new id, if the broker has never heard of it.
        cancel: ask for a cancel.
        call_at: call something at a time.
        notice: tell a person.
    """

    __slots__ = ("ask", "call_at", "cancel", "notice", "place_again", "report")

    def __init__(
        self,
        *,
        report: Callable[[ExecutionReport], None],
        ask: Callable[[str, str], None],
        place_again: Callable[[IBChild], None],
        cancel: Callable[[IBChild], None],
        call_at: Callable[[Timestamp, Callable[[], None]], object],
        notice: Callable[[str, str], None],
    ) -> None:
        self.report = report
        self.ask = ask
        self.place_again = place_again
        self.cancel = cancel
        self.call_at = call_at
        self.notice = notice
