"""One parent order as the engine knows it; algos see it as a `ParentView`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from quietfill.algos.base import AlgoParams
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import WorkingMark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quietfill.domain.execution_report import Fill
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import ArrivalQuoted, OrderAccepted, OrderAmended
    from quietfill.domain.types import Duration, Price, Quantity, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.market.tally import Sums
    from quietfill.market.triggers import Trigger


class ParentState:
    """A parent order. The first group of attributes is a fold over records; the last is merely observed."""

    def __init__(self, record: OrderAccepted, instrument: Instrument) -> None:
        """Begin as accepted, with nothing working."""
        self.accepted = record
        self.order_id = record.order_id
        self.symbol = record.symbol
        self.time_in_force = record.time_in_force
        self.side = record.side
        self.account = record.account
        self.instrument = instrument
        self.day = instrument.window(record.start, record.end, record.time_in_force)
        self.algo = record.algo
        self.quantity: Quantity = record.quantity
        self.limit_price: Price | None = record.limit_price
        self.stop_price: Price | None = record.stop_price
        self.start: Timestamp = record.start
        self.end: Timestamp = record.end
        self.raw_params = dict(record.params)
        self.params = AlgoParams()
        self.arrival_bid: Price | None = record.bid
        self.arrival_ask: Price | None = record.ask
        self.day_volume_at_start: Quantity | None = record.day_volume
        self.schedule_start: Timestamp = record.start
        self.schedule_filled: Quantity = 0
        self.schedule_volume: Quantity = 0
        self.rebases = 0
        self.amendments = 0
        self.state = OrderState.CREATED
        self.filled: Quantity = 0
        self.filled_value = 0
        self.children_count = 0
        self.consecutive_rejects = 0
        self.rejected_at: Timestamp = 0
        self.rejected_because = ""
        self.is_paused = False
        self.frozen_reason: str | None = None
        self.cancel_reason: str | None = None
        self.mark = WorkingMark(at=record.at, order_id=record.order_id, market_volume=0)
        self.memo: Mapping[str, int] = MappingProxyType({})
        self.last_child_ended_at: Timestamp | None = None
        self.done_at: Timestamp | None = None
        self.done_reason = ""
        self.timed_out = False
        self.live_children: dict[str, ChildState] = {}
        self.ended_children: list[ChildState] = []
        self._observe_nothing()

    def _observe_nothing(self) -> None:
        """Start what is not journaled: set by the engine before it asks the algo."""
        self.market_volume: Quantity = 0
        self.volume_base: Quantity | None = None
        self.sums_base: Sums | None = None
        self.max_slippage_bps = 0
        self.crossing_margin: Duration = 0
        self.profile: tuple[float, ...] | None = None
        self.triggers: tuple[Trigger, ...] = ()
        self.wake_at: Timestamp | None = None
        self.alerts_raised: set[str] = set()
        self.settled_children = 0
        self.asks = 0
        self.ask_at: Timestamp | None = None
        self.may_send = True
        self.heard_at: Timestamp = 0

    @property
    def leaves(self) -> Quantity:
        """Quantity not filled yet."""
        return max(0, self.quantity - self.filled)

    @property
    def working(self) -> Sequence[ChildState]:
        """Children that are live or may be."""
        return tuple(self.live_children.values())

    @property
    def has_arrival(self) -> bool:
        """Whether the arrival quote is known."""
        return self.arrival_bid is not None and self.arrival_ask is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the broker said about who works it, each once: on a paper gateway, that a stand-in does."""
        return tuple(dict.fromkeys(child.note for child in self.children() if child.note))

    @property
    def shown_algo(self) -> str:
        """What works it, as people are shown it: no stand-in passes for the broker's algo."""
        return self.algo + (" (stand-in)" if self.notes else "")

    @property
    def is_done(self) -> bool:
        """Whether it ended."""
        return self.state.is_terminal

    @property
    def rejects_in_words(self) -> str:
        """The refusals since the last fill, with the reason of the last one; empty without any."""
        count = self.consecutive_rejects
        if not count:
            return ""
        last = f", the last: {self.rejected_because}" if self.rejected_because else ""
        return (f"{count} rejects in a row" if count > 1 else "1 reject") + last

    def room(self, now: Timestamp, settle: Duration) -> Quantity:
        """Return what may still be asked for: the order less filled, working, in doubt and settling."""
        exposed = sum(child.exposure(now, settle) for child in self.live_children.values())
        settling = sum(child.exposure(now, settle) for child in self._unsettled(now, settle))
        return self.quantity - self.filled - exposed - settling

    def unsettled(self, now: Timestamp, settle: Duration) -> list[ChildState]:
        """Return the done children whose remainder is not free yet."""
        return [child for child in self._unsettled(now, settle) if child.exposure(now, settle) > 0]

    def children(self) -> list[ChildState]:
        """Return every child in the order they were asked for."""
        return sorted([*self.ended_children, *self.live_children.values()], key=lambda child: child.number)

    # Called while a record is applied

    def set_arrival(self, record: ArrivalQuoted) -> None:
        """Note the arrival quote."""
        self.arrival_bid, self.arrival_ask = record.bid, record.ask
        self.day_volume_at_start = record.day_volume

    def amend(self, record: OrderAmended) -> None:
        """Put changed terms in force."""
        self.amendments += 1
        if record.quantity is not None:
            self.quantity = record.quantity
        if record.limit_price is not None:
            self.limit_price = record.limit_price
        if record.stop_price is not None:
            self.stop_price = record.stop_price
        if record.end is not None:
            self.end = record.end
            self.day = self.instrument.window(self.start, record.end, self.time_in_force)
        self.raw_params.update(record.params)

    def add_child(self, child: ChildState) -> None:
        """Take up a child that was asked for."""
        self.live_children[child.child_id] = child
        self.children_count += 1
        if self.state is OrderState.CREATED:
            self.state = OrderState.WORKING

    def retire(self, child: ChildState) -> None:
        """Move a done child out of the working set."""
        if self.live_children.pop(child.child_id, None) is not None:
            self.ended_children.append(child)
            self.last_child_ended_at = child.done_at

    def take_back(self, child: ChildState) -> None:
        """Put a child that turned out to be alive back into the working set."""
        self.ended_children.remove(child)
        self.settled_children = 0
        self.live_children[child.child_id] = child

    def book_fill(self, fill: Fill) -> None:
        """Add one execution to the order's totals."""
        self.filled += fill.quantity
        self.filled_value += fill.quantity * fill.price
        self.consecutive_rejects = 0
        if not self.is_done:
            self.state = OrderState.PARTIAL

    def revise_fill(self, more: Quantity, value: int) -> None:
        """Add what a correction changed of an execution."""
        self.filled += more
        self.filled_value += value

    def note_reject(self, why: str, at: Timestamp) -> None:
        """Count a refusal, or an end that nobody asked for, since the last fill."""
        self.consecutive_rejects += 1
        self.rejected_at, self.rejected_because = at, why

    def move_to(self, state: OrderState) -> None:
        """End in *state*."""
        self.state = state

    def _unsettled(self, now: Timestamp, settle: Duration) -> list[ChildState]:
        """The ended children from the oldest on that may not have settled; those before it are not looked at again."""
        ended = self.ended_children
        while self.settled_children < len(ended) and ended[self.settled_children].is_settled(now, settle):
            self.settled_children += 1
        return ended[self.settled_children :]
