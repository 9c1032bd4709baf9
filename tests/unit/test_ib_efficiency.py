"""The order-efficiency ratio of a day: what counts, when a person is told, and when nothing that adds risk leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from quietfill.brokers.ib.efficiency import Efficiency
from quietfill.brokers.ib.gate import Gate
from quietfill.brokers.ib.settings import IBSettings
from quietfill.domain.errors import BadInput
from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.types import SECOND, Liquidity, price_from, quantity_from, timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = timestamp_from(datetime(2026, 11, 10, 17, tzinfo=UTC))  # in New York
MIDNIGHT = timestamp_from(datetime(2026, 11, 11, 5, tzinfo=UTC))


class Day:
    """A counter on a clock moved by hand."""

    def __init__(self, **settings: float) -> None:
        self.now = NOON
        self.notices: list[str] = []
        self.told: list[tuple[bool, str]] = []
        self.alarms: list[tuple[int, Callable[[], None]]] = []
        self.gate = Gate(lambda: True, lambda is_open, why: self.told.append((is_open, why)))
        known = {"efficiency_warning": 3.0, "efficiency_limit": 5.0, "efficiency_free": 4} | settings
        self.counter = Efficiency(
            IBSettings(**known),  # type: ignore[arg-type]
            self.gate,
            now=lambda: self.now,
            call_at=self._call_at,
            notice=lambda _subject, text: self.notices.append(text),
        )

    def _call_at(self, when: int, callback: Callable[[], None]) -> Day:
        self.alarms.append((when, callback))
        return self

    def cancel(self) -> None:
        """Alarms here are never taken back."""

    def act(self, times: int) -> None:
        """Have so many messages leave."""
        for _ in range(times):
            self.counter.acted()

    def fill(self, child_id: str, at: int | None = None) -> None:
        """Hear of an execution."""
        fill = Fill(
            execution_id="x",
            quantity=quantity_from(1),
            price=price_from(1),
            exchange_time=at or self.now,
            liquidity=Liquidity.UNKNOWN,
        )
        self.counter.told(
            ExecutionReport(child_id=child_id, kind=ReportKind.FILL, exchange_time=fill.exchange_time, fill=fill)
        )


def test_the_ratio_is_messages_over_orders_executed_and_one():
    """Several executions of one order are one order; one of yesterday is none of today's."""
    day = Day(efficiency_limit=0)
    day.act(12)
    for name in ("a", "a", "b"):
        day.fill(name)
    day.fill("c", NOON - 86_400 * SECOND)

    assert day.counter.figures() == {"messages": 12, "orders_executed": 2, "ratio": 4.0, "limit": None}


def test_a_person_is_told_once_a_day():
    """From the threshold on, and not while the day is young."""
    day = Day(efficiency_limit=0)
    day.act(3)
    assert day.notices == []
    day.act(40)
    assert len(day.notices) == 1
    assert day.notices[0].startswith("order-efficiency ratio 4.0 (4 messages, 0 orders executed)")

    day.now = MIDNIGHT
    day.act(4)
    assert len(day.notices) == 2


def test_without_a_limit_nothing_is_barred():
    """That is the default: a person decides what the ratio is worth."""
    day = Day(efficiency_limit=IBSettings().efficiency_limit)
    day.act(1_000)

    assert day.gate.is_open
    assert day.told == []


def test_at_the_limit_the_gate_closes_until_orders_trade():
    """The reason names the figures; an order that trades lowers the ratio."""
    day = Day()
    day.act(5)
    assert day.gate.why == (
        "order-efficiency ratio 5.0 (5 messages, 0 orders executed), at the limit of 5: only cancels until orders trade"
    )
    day.fill("a")
    assert day.gate.why == ""
    assert [is_open for is_open, _ in day.told] == [False, True]


def test_at_the_limit_the_gate_opens_with_a_new_day():
    """At midnight in New York, by an alarm: nobody sends anything that would look."""
    day = Day()
    day.act(6)
    day.now = MIDNIGHT
    assert {when for when, _ in day.alarms} == {MIDNIGHT}
    for _, callback in day.alarms:
        callback()

    assert [is_open for is_open, _ in day.told] == [False, True]
    assert day.counter.figures()["messages"] == 0


def test_figures_below_zero_are_refused():
    """By name."""
    with pytest.raises(BadInput, match="efficiency_limit"):
        IBSettings(efficiency_limit=-1)
