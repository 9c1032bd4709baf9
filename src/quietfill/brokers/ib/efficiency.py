"""How many messages about orders a day takes for each order that traded: Interactive Brokers watches this ratio.

The ratio is (orders + modifications + cancels) / (orders executed + 1), of one day; above 20 it counts as excessive
(IBKR knowledge base, "Order Management Overview"). That is aimed at thousands of messages that lead to nothing, so a
first part of each day is free of it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quietfill.domain.types import datetime_of, timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from quietfill.brokers.ib.children import Children
    from quietfill.brokers.ib.gate import Gate
    from quietfill.brokers.ib.settings import IBSettings
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.types import Timestamp
    from quietfill.ports.clock import Alarm

_RULE = "order efficiency"
_ZONE = ZoneInfo("America/New_York")
"""Whose midnight begins the broker's day."""


class Efficiency:
    """Counts one day's messages and orders executed.

    Args:
        gate: is barred at the limit, until orders trade or the day is over.
        now, call_at: the time.
        notice: tells a person.
    """

    def __init__(
        self,
        settings: IBSettings,
        gate: Gate,
        *,
        now: Callable[[], Timestamp],
        call_at: Callable[[Timestamp, Callable[[], None]], Alarm],
        notice: Callable[[str, str], None],
    ) -> None:
        """Begin with a day on which nothing was sent."""
        self._settings = settings
        self._gate = gate
        self._now = now
        self._call_at = call_at
        self._notice = notice
        self._day: tuple[Timestamp, Timestamp] = (0, 0)
        self._messages = 0
        self._executed: set[str] = set()
        self._was_warned = False
        self._is_barred = False

    @property
    def ratio(self) -> float:
        """Messages for each order that traded, and one more."""
        return self._messages / (len(self._executed) + 1)

    def acted(self) -> None:
        """Count a message about an order that left."""
        self._roll()
        self._messages += 1
        self._look()

    def told(self, report: ExecutionReport) -> None:
        """Count the order of a fill of today."""
        self._roll()
        if report.fill is not None and report.fill.exchange_time >= self._day[0]:
            self._executed.add(report.child_id)
            self._look()

    def take_up(self, children: Children) -> None:
        """Count what earlier runs of today sent, as far as the books tell."""
        self._roll()
        books = children.books
        for child in () if books is None else books.children.values():
            if child.requested_at >= self._day[0] and not children.was_opened(child.child_id):
                self._messages += 1 + child.revision + child.cancel_attempts
                if child.filled:
                    self._executed.add(child.child_id)
        self._look()

    def figures(self) -> dict[str, Any]:
        """Return the day so far, as public figures."""
        self._roll()
        return {
            "messages": self._messages,
            "orders_executed": len(self._executed),
            "ratio": round(self.ratio, 2),
            "limit": self._settings.efficiency_limit or None,
        }

    def _look(self) -> None:
        counts = self._messages >= self._settings.efficiency_free
        if counts and not self._was_warned and self.ratio >= self._settings.efficiency_warning:
            self._was_warned = True
            self._notice("orders", f"{self._text()}; Interactive Brokers calls more than 20 excessive")
        limit = self._settings.efficiency_limit
        if counts and limit and self.ratio >= limit:
            if not self._is_barred:
                self._is_barred = True
                self._notice("orders", f"{self._text()}: at the limit of {limit:g}, nothing that adds risk is sent")
                self._call_at(self._day[1], self._roll)
                self._gate.bar(_RULE, f"{self._text()}, at the limit of {limit:g}: only cancels until orders trade")
        elif self._is_barred:
            self._is_barred = False
            self._gate.lift(_RULE, self._text())

    def _roll(self) -> None:
        """Begin anew on a new day."""
        now = self._now()
        if self._day[0] <= now < self._day[1]:
            return
        today = datetime_of(now).astimezone(_ZONE).date()
        self._day = _midnight(today), _midnight(today + timedelta(days=1))
        self._messages, self._was_warned = 0, False
        self._executed.clear()
        self._look()

    def _text(self) -> str:
        sent, executed = self._messages, len(self._executed)
        return f"order-efficiency ratio {self.ratio:.1f} ({sent} messages, {executed} orders executed)"


def _midnight(day: date) -> Timestamp:
    return timestamp_from(datetime.combine(day, time(), _ZONE))
