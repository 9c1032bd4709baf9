"""The second gate: what was decided and is now durable is checked again in the step that sends it.

Between deciding and sending lies a commit, and a kill may slip in there. So a placement or replace
that is barred by now is closed by a `RequestWithdrawn` record instead of leaving, and its child may be
planned again. Cancels always leave.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    CancelRequested,
    ChildRequested,
    ReplaceRequested,
    RequestWithdrawn,
    WireRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.types import Duration, Price, Timestamp
    from quietfill.engine.observed import ObservedMarkets
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState


class Sender:
    """Requests that wait for their commit, in the order they were decided."""

    __slots__ = ("_observed", "_quote_age_limit", "_state", "_waiting")

    def __init__(self, state: EngineState, observed: ObservedMarkets, quote_age_limit: Duration) -> None:
        """Start with nothing waiting; nothing may cross on a quote older than the limit, 0 for none."""
        self._state = state
        self._observed = observed
        self._quote_age_limit = quote_age_limit
        self._waiting: deque[tuple[int, WireRequest]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits for its commit."""
        return not self._waiting

    def wait(self, sequence: int, request: WireRequest) -> None:
        """Hold a request until the record with this sequence number is durable."""
        self._waiting.append((sequence, request))

    def urgent_cancels(self) -> list[WireRequest]:
        """Take out every waiting cancel: they may leave even when the journal is dead."""
        cancels: list[WireRequest] = [request for _, request in self._waiting if isinstance(request, CancelRequested)]
        self._waiting = deque(item for item in self._waiting if not isinstance(item[1], CancelRequested))
        return cancels

    def release(self, committed: int, now: Timestamp) -> tuple[list[WireRequest], list[RequestWithdrawn]]:
        """Return what may leave now that everything up to *committed* is durable, and what may not any more."""
        leaving: list[WireRequest] = []
        withdrawn: list[RequestWithdrawn] = []
        stopped: set[str] = set()
        while self._waiting and self._waiting[0][0] <= committed:
            request = self._waiting.popleft()[1]
            if isinstance(request, CancelRequested):
                if request.child_id not in stopped and self._was_sent(request.child_id):
                    leaving.append(request)
                continue
            reason = self._barred(request, now)
            if reason is None:
                leaving.append(request)
            else:
                revision = 0 if isinstance(request, ChildRequested) else request.revision
                withdrawn.append(RequestWithdrawn(at=now, child_id=request.child_id, revision=revision, reason=reason))
                if revision == 0:
                    stopped.add(request.child_id)
        return leaving, withdrawn

    def _was_sent(self, child_id: str) -> bool:
        return self._state.children[child_id].state is not OrderState.FAILED

    def _barred(self, request: ChildRequested | ReplaceRequested, now: Timestamp) -> str | None:
        return next(self._bars(request, now), None)

    def _bars(self, request: ChildRequested | ReplaceRequested, now: Timestamp) -> Iterator[str]:
        child = self._state.children[request.child_id]
        parent = self._state.parents[child.order_id]
        if self._state.bars(parent):
            yield "kill switch"
        if not self._state.link_up:
            yield "no line to the broker"
        if child.cancel_pending:
            yield "cancelled before it was sent"
        if child.state.is_terminal:
            yield f"child is {child.state}"
        if isinstance(request, ReplaceRequested) and not child.replace_pending:
            yield "settled otherwise meanwhile"
        if not within_limit(parent, request.limit_price):
            yield "beyond the order's limit"  # it may have been amended since this was decided
        if request.crossing and self._is_stale(child.symbol, now):
            yield "the quote is too old to cross on"

    def _is_stale(self, symbol: str, now: Timestamp) -> bool:
        book = self._observed.book(symbol)
        return 0 < self._quote_age_limit < (now if book is None else now - book.time)


def within_limit(parent: ParentState, price: Price | None) -> bool:
    """Say whether a child may be priced there; a market order only where there is no limit."""
    limit = parent.limit_price
    return limit is None or (price is not None and parent.side.sign * (price - limit) <= 0)
