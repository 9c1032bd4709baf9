"""The hook for best execution: who hears of every fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.face import AgentFace

if TYPE_CHECKING:
    from quietfill.agent.hearers import Hearers


class BestExecutionMethods(AgentFace):
    """Connects an analyzer."""

    _hearers: Hearers

    def set_best_execution_analyzer(self, analyzer: Any, *, include_past: bool = False) -> None:
        """Call `analyzer.record_execution(...)` once for every fill from now on, when it is durable.

        It gets, by keyword, those of these that it takes: symbol, side, quantity, fill_price, commission,
        arrival_price (mid), vwap_price and twap_price (the others' market from arrival to the fill), venue, algo_used,
        order_id, decision_timestamp, order_timestamp (aware datetimes). None stands for what is not known. The method
        may be async; one that raises is reported once and told of the next fill all the same.

        Args:
            analyzer: any object with that method; None disconnects the one before.
            include_past: also tell of fills from before: all in the journal when it is set before the start, else
                those of the orders that are still held in memory.

        Raises:
            ValueError: when there is no such method, or it needs what it is not told.
        """
        self._hearers.best_execution.set(analyzer, include_past=include_past)
