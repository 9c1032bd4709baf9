"""Executions put together with what they cost, whichever of the two comes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind

if TYPE_CHECKING:
    from quietfill.brokers.ib.children import IBChild
    from quietfill.brokers.ib.raw import CommissionSeen, ExecutionSeen

_KEPT = 20_000


class Fills:
    """The fills that were told, by stem, and commissions whose execution did not come yet."""

    def __init__(self) -> None:
        """Know of none."""
        self._costs: OrderedDict[tuple[str, int], CommissionSeen] = OrderedDict()
        self._told: OrderedDict[str, tuple[str, Fill]] = OrderedDict()

    def of(self, seen: ExecutionSeen) -> Fill:
        """Return an execution as a fill, with what it cost where that is known."""
        cost, known = self._costs.pop((seen.stem, seen.revision), None), self._told.get(seen.stem)
        commission = None if cost is None else cost.commission
        if commission is None and known is not None and known[1].revision == seen.revision:
            commission = known[1].commission
        return Fill(
            execution_id=seen.stem,
            quantity=seen.quantity,
            price=seen.price,
            exchange_time=seen.time,
            liquidity=seen.liquidity,
            commission=commission,
            venue=seen.exchange,
            revision=seen.revision,
        )

    def tell(self, child: IBChild, fill: Fill) -> ExecutionReport:
        """Remember a fill as told; return the report that tells it."""
        self._told[fill.execution_id] = child.child_id, fill
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return fill_report(child, fill)

    def costed(self, seen: CommissionSeen) -> tuple[str, Fill] | None:
        """Return the child and the fill that a commission is news about; one that comes early is kept."""
        known = self._told.get(seen.stem)
        if known is None or known[1].revision != seen.revision:
            self._costs[seen.stem, seen.revision] = seen
            while len(self._costs) > _KEPT:
                self._costs.popitem(last=False)
            return None
        child_id, fill = known
        if seen.commission is None or fill.commission == seen.commission:
            return None
        return child_id, msgspec.structs.replace(fill, commission=seen.commission)


def fill_report(child: IBChild, fill: Fill) -> ExecutionReport:
    """Return the report that books a fill."""
    return ExecutionReport(
        child_id=child.child_id,
        kind=ReportKind.FILL,
        exchange_time=fill.exchange_time,
        broker_order_id=child.order_id,
        fill=fill,
    )
