"""Every fill reaches the best-execution analyzer once, with what it is measured against.

The analyzer is a stranger's object: it hears of fills behind the agent's back, one after the other, and whatever it
raises is counted, logged, and alerted once. Only durable fills are told, so none is told that a restart would not
know; those of before a restart are told again only where that is asked for. Some brokers say what a fill cost a moment
after the fill: it is held back that long, since it is told once.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from quietfill.agent.outlet import MAX_WAITING, Outlet
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import shown
from quietfill.domain.records import AnyRecord, ChildFilled, FillRevised
from quietfill.domain.types import SECOND, Duration, datetime_of, price_float, quantity_number
from quietfill.tca.benchmarks import in_currency
from quietfill.tca.children import BookedFill

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.agent.history import OrderHistory
    from quietfill.ports.clock import Alarm
    from quietfill.runtime.runtime import Runtime
    from quietfill.tca.ledger import OrderLedger

_log = structlog.get_logger(__name__)

TOLD = (
    "symbol", "side", "quantity", "fill_price", "commission", "arrival_price", "vwap_price", "twap_price",
    "venue", "algo_used", "order_id", "decision_timestamp", "order_timestamp",
)  # fmt: skip
"""What an analyzer is told of a fill, by keyword."""

COMMISSION_WAIT: Duration = 2 * SECOND
"""How long a fill whose commission is not known is held back for it."""

_BY_KEYWORD = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
_REST = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


class _Analyzer(NamedTuple):
    """Whom to tell, and which of the keywords it takes."""

    record: Callable[..., Any]
    takes: frozenset[str]


class _Execution:
    """One fill that waits to be told; a correction that comes before then replaces it."""

    __slots__ = ("alarm", "analyzer", "fill", "is_released", "key", "marks", "order")

    def __init__(self, analyzer: _Analyzer, order: OrderLedger, item: BookedFill) -> None:
        self.analyzer = analyzer
        self.order = order
        self.fill = item.fill
        self.marks = item.marks
        self.key = (item.child_id, item.fill.execution_id)
        self.alarm: Alarm | None = None
        self.is_released = False


class BestExecutionFeed:
    """Tells one analyzer of fills.

    Attributes:
        dropped: fills that came while too many waited.
        told: fills that the analyzer took.
        failed: fills at which it raised.
    """

    def __init__(self, history: OrderHistory, runtime: Runtime, alert: Callable[[str, str], None]) -> None:
        """Tell nobody yet; *history* has heard each record before; *alert* takes a subject and a text."""
        self._history = history
        self._instruments = runtime.engine.state.instruments
        self._clock = runtime.clock
        self._alert = alert
        self._limit = MAX_WAITING
        self._untold: dict[tuple[str, str], _Execution] = {}
        self._outlet: Outlet[_Execution] = Outlet("best execution", self._tell)
        self._analyzer: _Analyzer | None = None
        self._with_past = False
        self._is_reported = False
        self._has_dropped = False
        self.dropped = 0
        self.told = 0
        self.failed = 0

    def attend(self, runtime: Runtime) -> None:
        """Hear the records of *runtime*, which was not started yet."""
        runtime.on_replay(self.hear_again)
        runtime.on_record(self.hear)

    def set(self, analyzer: Any, *, include_past: bool = False) -> None:
        """Tell *analyzer* of every fill from now on, None for nobody; see `set_best_execution_analyzer`.

        Raises:
            BadInput: when it has no `record_execution`, or one that needs what it is not told.
        """
        found = None if analyzer is None else _analyzer(analyzer)
        self._analyzer, self._with_past = found, include_past
        self._is_reported = self._has_dropped = False
        if include_past:
            for order in self._history.orders():
                for item in order.fills:
                    self._queue(order, item, is_past=True)

    def hear(self, record: AnyRecord) -> None:
        """Take a record that just became durable."""
        if isinstance(record, FillRevised):
            self._revise(record)
        elif isinstance(record, ChildFilled) and (self._with_past or not self._history.is_imported):
            self._take(record, is_past=self._history.is_imported)

    def hear_again(self, record: AnyRecord) -> None:
        """Take a record that a restart found in the journal."""
        if isinstance(record, FillRevised):
            self._revise(record)
        elif isinstance(record, ChildFilled) and self._with_past:
            self._take(record, is_past=True)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on
        """Tell of what waits, within *timeout* seconds."""
        for execution in list(self._untold.values()):
            self._release(execution)
        await self._outlet.close(timeout)

    def status(self) -> dict[str, int]:
        """Return how many fills were told, wait, failed and were dropped."""
        return {
            "told": self.told,
            "waiting": len(self._untold),
            "failed": self.failed,
            "dropped": self.dropped + self._outlet.dropped,
        }

    def _take(self, record: ChildFilled, *, is_past: bool) -> None:
        child = self._history.child(record.child_id)
        order = None if child is None else self._history.order(child.order_id)
        if order is not None:
            item = BookedFill(child_id=record.child_id, booked_at=record.at, fill=record.fill, marks=record.marks)
            self._queue(order, item, is_past=is_past)

    def _queue(self, order: OrderLedger, item: BookedFill, *, is_past: bool) -> None:
        if self._analyzer is None:
            return
        execution = _Execution(self._analyzer, order, item)
        if not is_past and len(self._untold) >= self._limit:
            self._drop()
            return
        self._untold[execution.key] = execution
        if is_past or item.fill.commission is not None:
            self._release(execution)
        else:
            at = self._clock.now() + COMMISSION_WAIT
            execution.alarm = self._clock.call_at(at, partial(self._release, execution))

    def _revise(self, record: FillRevised) -> None:
        execution = self._untold.get((record.child_id, record.fill.execution_id))
        if execution is not None:
            execution.fill = record.fill
            if execution.alarm is not None and record.fill.commission is not None:
                execution.alarm.cancel()
                self._release(execution)

    def _release(self, execution: _Execution) -> None:
        if execution.key in self._untold and not execution.is_released:
            execution.is_released = True
            self._outlet.put(execution, is_bounded=False)  # counted where it came in

    def _drop(self) -> None:
        self.dropped += 1
        if not self._has_dropped:
            self._has_dropped = True
            self._alert("best execution", "too many fills wait for the analyzer: it misses some from now on")

    async def _tell(self, execution: _Execution) -> None:
        record, takes = execution.analyzer
        self._untold.pop(execution.key, None)
        figures = self._figures(execution)
        try:
            answer = record(**{name: value for name, value in figures.items() if name in takes})
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:  # noqa: BLE001 - a stranger's code: whatever it raises
            self._fail(error)
        else:
            self.told += 1

    def _fail(self, error: Exception) -> None:
        self.failed += 1
        if self._is_reported:
            return
        self._is_reported = True
        _log.exception("the best-execution analyzer failed", exc_info=error)
        text = f"the analyzer failed at a fill, and is told of the next all the same: {type(error).__name__}: {error}"
        self._alert("best execution", text)

    def _figures(self, execution: _Execution) -> dict[str, Any]:
        """Return the fill in public numbers, under the names of `TOLD`; None for what is not known."""
        order, fill, marks = execution.order, execution.fill, execution.marks
        accepted = order.accepted
        instrument = self._instruments.get(order.symbol)
        return {
            "symbol": order.symbol,
            "side": order.side.value,
            "quantity": quantity_number(fill.quantity),
            "fill_price": price_float(fill.price),
            "commission": None if fill.commission is None else price_float(fill.commission),
            "arrival_price": in_currency(order.arrival_mid),
            "vwap_price": None if marks is None else in_currency(marks.vwap),
            "twap_price": None if marks is None else in_currency(marks.twap),
            "venue": fill.venue or (instrument.venue if instrument is not None else "") or None,
            "algo_used": order.algo,
            "order_id": order.order_id,
            "decision_timestamp": None if accepted.decided_at is None else datetime_of(accepted.decided_at),
            "order_timestamp": datetime_of(accepted.at),
        }


def _analyzer(analyzer: Any) -> _Analyzer:
    """Look once at what the analyzer takes.

    Raises:
        BadInput: when it cannot be told of a fill.
    """
    record = getattr(analyzer, "record_execution", None)
    if not callable(record):
        raise BadInput(f"analyzer must have a method record_execution, not {shown(analyzer)}")
    try:
        parameters = list(inspect.signature(record).parameters.values())
    except (TypeError, ValueError):  # written in C: it says nothing of itself
        return _Analyzer(record, frozenset(TOLD))
    named = {each.name for each in parameters if each.kind in _BY_KEYWORD}
    needed = [each.name for each in parameters if each.default is each.empty and each.kind not in _REST]
    missing = [name for name in needed if name not in TOLD or name not in named]
    if missing:
        raise BadInput(f"record_execution needs {', '.join(missing)}, which no fill comes with by keyword")
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return _Analyzer(record, frozenset(TOLD) if takes_all else frozenset(TOLD) & named)
