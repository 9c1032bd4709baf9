"""Every fill reaches the best-execution analyzer once, with what it is measured against.

The analyzer is a stranger's object: it hears of fills behind the agent's back, one after the other, and whatever it
raises is counted, logged, and alerted once. Only durable fills are told, so none is told that a restart would not
know; those of before a restart are told again only where that is asked for.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from quietfill.agent.outlet import Outlet
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import shown
from quietfill.domain.records import AnyRecord, ChildFilled
from quietfill.domain.types import datetime_of, price_float, quantity_number
from quietfill.tca.benchmarks import in_currency

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.agent.history import OrderHistory
    from quietfill.domain.execution_report import Fill
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import FillMarks
    from quietfill.runtime.runtime import Runtime
    from quietfill.tca.ledger import OrderLedger

_log = structlog.get_logger(__name__)

TOLD = (
    "symbol", "side", "quantity", "fill_price", "commission", "arrival_price", "vwap_price", "twap_price",
    "venue", "algo_used", "order_id", "decision_timestamp", "order_timestamp",
)  # fmt: skip
"""What an analyzer is told of a fill, by keyword."""

_BY_KEYWORD = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
_REST = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


class _Analyzer(NamedTuple):
    """Whom to tell, and which of the keywords it takes."""

    record: Callable[..., Any]
    takes: frozenset[str]


class _Execution(NamedTuple):
    """One fill that waits to be told."""

    analyzer: _Analyzer
    order: OrderLedger
    fill: Fill
    marks: FillMarks | None


class BestExecutionFeed:
    """Tells one analyzer of fills.

    Attributes:
        told: fills that the analyzer took.
        failed: fills at which it raised.
    """

    def __init__(
        self, history: OrderHistory, instruments: dict[str, Instrument], alert: Callable[[str, str], None]
    ) -> None:
        """Tell nobody yet; *history* has heard each record before; *alert* takes a subject and a text."""
        self._history = history
        self._instruments = instruments
        self._alert = alert
        self._outlet: Outlet[_Execution] = Outlet("best execution", self._tell)
        self._analyzer: _Analyzer | None = None
        self._with_past = False
        self._is_reported = False
        self._has_dropped = False
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
                    self._put(order, item.fill, item.marks, is_past=True)

    def hear(self, record: AnyRecord) -> None:
        """Take a record that just became durable."""
        if isinstance(record, ChildFilled) and (self._with_past or not self._history.is_imported):
            self._take(record, is_past=self._history.is_imported)

    def hear_again(self, record: AnyRecord) -> None:
        """Take a record that a restart found in the journal."""
        if isinstance(record, ChildFilled) and self._with_past:
            self._take(record, is_past=True)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on
        """Tell of what waits, within *timeout* seconds."""
        await self._outlet.close(timeout)

    def status(self) -> dict[str, int]:
        """Return how many fills were told, wait, failed and were dropped."""
        return {
            "told": self.told,
            "waiting": self._outlet.waiting,
            "failed": self.failed,
            "dropped": self._outlet.dropped,
        }

    def _take(self, record: ChildFilled, *, is_past: bool) -> None:
        child = self._history.child(record.child_id)
        order = None if child is None else self._history.order(child.order_id)
        if order is not None:
            self._put(order, record.fill, record.marks, is_past=is_past)

    def _put(self, order: OrderLedger, fill: Fill, marks: FillMarks | None, *, is_past: bool) -> None:
        if self._analyzer is None:
            return
        taken = self._outlet.put(_Execution(self._analyzer, order, fill, marks), is_bounded=not is_past)
        if not taken and not self._has_dropped:
            self._has_dropped = True
            self._alert("best execution", "too many fills wait for the analyzer: it misses some from now on")

    async def _tell(self, execution: _Execution) -> None:
        record, takes = execution.analyzer
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
        _, order, fill, marks = execution
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
            "algo_used": accepted.algo,
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
