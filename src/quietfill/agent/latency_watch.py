"""The agent measures how quickly each venue answers it: from durable records and the moments of sending.

All times are the agent's own clock's, simulated time in a simulation. An answer that came while the line was down
or the process was not there measures nothing, so what was open then is forgotten. The venue is the fill's, else
the instrument's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AnyRecord,
    CancelRefused,
    CancelRequested,
    ChildAcknowledged,
    ChildAdopted,
    ChildDone,
    ChildFilled,
    ChildInDoubt,
    ChildRequested,
    LinkChanged,
    ReplaceConfirmed,
    ReplaceRefused,
    ReplaceRequested,
    RequestWithdrawn,
    Resolved,
)
from quietfill.domain.types import Liquidity
from quietfill.tca.venue_latency import LatencyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quietfill.agent.history import OrderHistory
    from quietfill.agent.latency_log import LatencyLog
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.engine.state import EngineState
    from quietfill.ports.clock import Clock
    from quietfill.runtime.runtime import Runtime

UNNAMED_VENUE = "unknown"
"""Where neither the fill nor the instrument names one."""


class OpenChild:
    """One live child order: when its placement was asked for, and what else has no answer yet."""

    __slots__ = (
        "cancel_at",
        "crossing_at",
        "doubted_at",
        "is_acknowledged",
        "is_heard",
        "place_at",
        "replace_at",
        "symbol",
        "venue",
    )

    def __init__(self, symbol: str, venue: str) -> None:
        """Begin with nothing asked."""
        self.symbol = symbol
        self.venue = venue
        self.is_acknowledged = False
        self.is_heard = False
        self.doubted_at: Timestamp | None = None
        self.forget()

    def forget(self) -> None:
        """Measure no answer to anything that was asked until now."""
        self.place_at: Timestamp | None = None
        self.replace_at: Timestamp | None = None
        self.cancel_at: Timestamp | None = None
        self.crossing_at: Timestamp | None = None

    def waits_since(self) -> Iterator[tuple[str, Timestamp]]:
        """Yield what the broker owes an answer to, and since when."""
        if self.place_at is not None and not self.is_heard:
            yield "order", self.place_at
        for kind, at in (("replace", self.replace_at), ("cancel", self.cancel_at)):
            if at is not None:
                yield kind, at


class LatencyWatch:
    """Hears records, sendings and books; logs what they say of each venue's speed.

    Attributes:
        open: the children that wait or may wait for an answer.
        heard_at: when each venue last said anything, market data included.
    """

    def __init__(self, log: LatencyLog, state: EngineState, history: OrderHistory, clock: Clock) -> None:
        """Measure children of *state* into *log*; *history* has heard each record before."""
        self._log = log
        self._state = state
        self._history = history
        self._clock = clock
        self.open: dict[str, OpenChild] = {}
        self.heard_at: dict[str, Timestamp] = {}
        self._hear: dict[type, Callable[[Any, OpenChild], None]] = {
            ChildRequested: self._place,
            ReplaceRequested: self._replace,
            CancelRequested: self._cancel,
            RequestWithdrawn: self._withdrawn,
            ChildAcknowledged: self._acknowledged,
            ReplaceConfirmed: self._replaced,
            ReplaceRefused: self._replaced,
            CancelRefused: self._cancel_refused,
            ChildFilled: self._filled,
            ChildDone: self._done,
            ChildAdopted: self._settled,
            Resolved: self._settled,
            ChildInDoubt: self._doubted,
        }

    def attend(self, runtime: Runtime) -> None:
        """Hear records, sendings and books of *runtime*, which was not started yet."""
        runtime.on_replay(self.hear_again)
        runtime.on_record(self.hear)
        runtime.on_sent(self.sent)
        runtime.on_book(self.shown)

    # What happens

    def hear_again(self, record: AnyRecord) -> None:
        """Take a record that a restart found in the journal: measured as it was, and nothing is alerted."""
        self._log.is_silent = True
        self._take(record)

    def hear(self, record: AnyRecord) -> None:
        """Take a record that just became durable."""
        if self._log.is_silent:
            self._log.is_silent = False
            self._forget()
            self.heard_at = dict.fromkeys(self.heard_at, record.at)
        if not self._history.is_imported:
            self._take(record)

    def sent(self, request: WireRequest, at: Timestamp) -> None:
        """Take the moment at which a request was handed to the edge."""
        child = self._state.children.get(request.child_id)  # a request leaves before its record is told
        if child is not None:
            self._sample(self._venue_of(child.symbol), LatencyKind.WIRE, at - request.at, at)

    def shown(self, book: BookUpdate) -> None:
        """Take market data as a sign of life of its venue."""
        self.heard_at[self._venue_of(book.symbol)] = self._clock.now()

    # Records

    def _take(self, record: AnyRecord) -> None:
        if isinstance(record, LinkChanged):
            self._forget()
            return
        take = self._hear.get(type(record))
        child_id = record.subject if isinstance(record, Resolved) else str(getattr(record, "child_id", ""))
        known = self._history.child(child_id)
        if take is None or known is None:
            return
        child = self.open.get(child_id)
        if child is None:
            child = self.open[child_id] = OpenChild(known.symbol, self._venue_of(known.symbol))
        take(record, child)
        if known.state.is_terminal:
            del self.open[child_id]

    def _forget(self) -> None:
        for child in self.open.values():
            child.forget()

    def _place(self, record: ChildRequested, child: OpenChild) -> None:
        child.place_at = record.at
        child.crossing_at = record.at if record.crossing or record.limit_price is None else None

    def _replace(self, record: ReplaceRequested, child: OpenChild) -> None:
        child.replace_at = record.at
        child.crossing_at = record.at if record.crossing or record.limit_price is None else None

    def _cancel(self, record: CancelRequested, child: OpenChild) -> None:
        if child.cancel_at is None:
            child.cancel_at = record.at

    def _withdrawn(self, record: RequestWithdrawn, child: OpenChild) -> None:
        if record.revision:
            child.replace_at = child.crossing_at = None
        else:
            child.forget()

    def _acknowledged(self, record: ChildAcknowledged, child: OpenChild) -> None:
        if not child.is_acknowledged:  # it comes again when only the broker's id is news
            self._measure(child.venue, LatencyKind.ORDER, child.place_at, record.at)
            child.is_acknowledged = True
        self._heard(child, record.at)

    def _replaced(self, record: ReplaceConfirmed | ReplaceRefused, child: OpenChild) -> None:
        if isinstance(record, ReplaceConfirmed):
            self._measure(child.venue, LatencyKind.REPLACE, child.replace_at, record.at)
        else:
            child.crossing_at = None
        child.replace_at = None
        self._heard(child, record.at)

    def _cancel_refused(self, record: CancelRefused, child: OpenChild) -> None:
        child.cancel_at = None
        self._heard(child, record.at)

    def _filled(self, record: ChildFilled, child: OpenChild) -> None:
        venue = record.fill.venue or child.venue
        if record.fill.liquidity is not Liquidity.PASSIVE:  # one that rested waited for others, not for the venue
            self._measure(venue, LatencyKind.FILL, child.crossing_at, record.at)
            child.crossing_at = None
        self.heard_at[venue] = record.at
        self._heard(child, record.at)

    def _done(self, record: ChildDone, child: OpenChild) -> None:
        if record.state is OrderState.REJECTED:  # also after an acknowledgement, as brokers do
            self._measure(child.venue, LatencyKind.REJECT, child.place_at, record.at)
        elif record.state is OrderState.CANCELLED:
            self._measure(child.venue, LatencyKind.CANCEL, child.cancel_at, record.at)
        self._heard(child, record.at)

    def _settled(self, record: ChildAdopted | Resolved, child: OpenChild) -> None:
        child.forget()
        child.is_heard, child.doubted_at = True, None
        if isinstance(record, ChildAdopted):
            self.heard_at[child.venue] = record.at

    def _doubted(self, record: ChildInDoubt, child: OpenChild) -> None:
        child.doubted_at = record.at

    def _heard(self, child: OpenChild, at: Timestamp) -> None:
        child.is_heard, child.doubted_at = True, None
        self.heard_at[child.venue] = at

    # Samples

    def _measure(self, venue: str, kind: LatencyKind, since: Timestamp | None, at: Timestamp) -> None:
        if since is not None:
            self._sample(venue, kind, at - since, at)

    def _sample(self, venue: str, kind: LatencyKind, duration: Duration, at: Timestamp) -> None:
        with suppress(BadInput):  # a clock that was set back, or more venues than anybody has
            self._log.add(venue, kind, duration, at)

    def _venue_of(self, symbol: str) -> str:
        instrument = self._state.instruments.get(symbol)
        return (instrument.venue if instrument is not None else "") or UNNAMED_VENUE
