"""One child order as the engine knows it: terms in force, terms asked for, and what was filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.order_state import OrderState, is_valid_state_transition

if TYPE_CHECKING:
    from quietfill.domain.execution_report import Fill
    from quietfill.domain.records import (
        CancelRequested,
        ChildAcknowledged,
        ChildAdopted,
        ChildRequested,
        ReplaceConfirmed,
        ReplaceRequested,
    )
    from quietfill.domain.types import Duration, Liquidity, Price, Quantity, Timestamp


class ChildState:
    """A child order. Changed only while a record is applied.

    `total` and `limit_price_confirmed` are the terms the broker confirmed; `wanted_total` and
    `limit_price` are those last asked for. They differ only while a replace is on its way, and the
    exposure then counts the larger. `last_word` is what the broker said last that a person should know: why a
    request was refused, why it is in doubt, why it ended; empty while all is as it was asked for.
    """

    __slots__ = (
        "acknowledged_at",
        "ask_at_request",
        "asked_at",
        "bid_at_request",
        "broker_algo",
        "broker_order_id",
        "cancel_asked_at",
        "cancel_attempts",
        "cancel_pending",
        "child_id",
        "confirmed_revision",
        "costs",
        "crossing",
        "done_at",
        "done_cumulative",
        "done_reason",
        "execution_ids",
        "filled",
        "filled_value",
        "fills",
        "given_up_revision",
        "good_till",
        "is_acknowledged",
        "key",
        "last_word",
        "limit_price",
        "limit_price_confirmed",
        "note",
        "number",
        "order_id",
        "requested_at",
        "revision",
        "settles_from",
        "side",
        "state",
        "symbol",
        "terms_at",
        "time_in_force",
        "total",
        "wanted_total",
        "written_off",
    )

    def __init__(self, record: ChildRequested, number: int) -> None:
        """Begin as a request that was not answered yet."""
        self.child_id = record.child_id
        self.order_id = record.order_id
        self.key = record.key
        self.symbol = record.symbol
        self.side = record.side
        self.number = number
        self.state = OrderState.PENDING
        self.total: Quantity = record.quantity
        self.wanted_total: Quantity = record.quantity
        self.limit_price: Price | None = record.limit_price
        self.limit_price_confirmed: Price | None = record.limit_price
        self.good_till = record.good_till
        self.time_in_force = record.time_in_force
        self.broker_algo = record.broker_algo or None
        self.note = ""
        self.crossing = record.crossing
        self.bid_at_request = record.bid
        self.ask_at_request = record.ask
        self.requested_at: Timestamp = record.at
        self.terms_at: Timestamp = record.at
        self.asked_at: Timestamp | None = record.at
        self.acknowledged_at: Timestamp | None = None
        self.is_acknowledged = False
        self.broker_order_id: int | None = None
        self.revision = 0
        self.confirmed_revision = 0
        self.given_up_revision: int | None = None
        self.cancel_pending = False
        self.cancel_attempts = 0
        self.cancel_asked_at: Timestamp = 0
        self.filled: Quantity = 0
        self.filled_value = 0
        self.fills: list[tuple[Quantity, Price, Liquidity]] = []
        self.execution_ids: dict[str, int] = {}
        self.costs: dict[str, tuple[int, Price | None]] = {}
        self.done_at: Timestamp | None = None
        self.settles_from: Timestamp = 0
        self.done_cumulative: Quantity = 0
        self.done_reason = ""
        self.last_word = ""
        self.written_off = False

    @property
    def is_live(self) -> bool:
        """Whether the broker may still have it."""
        return not self.state.is_terminal

    @property
    def leaves(self) -> Quantity:
        """Quantity that can still trade under the terms last asked for; 0 once done."""
        return 0 if self.state.is_terminal else max(0, self.wanted_total - self.filled)

    @property
    def replace_pending(self) -> bool:
        """Whether a replace is on its way."""
        return self.revision != self.confirmed_revision

    @property
    def awaits_answer(self) -> bool:
        """Whether a request about it has no answer yet."""
        return not self.is_acknowledged or self.revision != self.confirmed_revision or self.cancel_pending

    @property
    def in_flight(self) -> bool:
        """Whether its terms cannot be told for sure: a request without an answer, or in doubt."""
        return self.awaits_answer or self.state is OrderState.UNKNOWN

    @property
    def is_asked_about(self) -> bool:
        """Whether a cancel went out that nobody answered: sending more of them settles nothing."""
        return self.state is OrderState.UNKNOWN and self.cancel_attempts > 0

    def exposure(self, now: Timestamp, settle: Duration) -> Quantity:
        """Return the quantity that may still trade, counted the careful way.

        A cancelled child's remainder is free only when the broker's cumulative quantity equals the
        booked fills and the settle time has passed: a late fill may be on its way.
        """
        remainder = max(self.total, self.wanted_total) - self.filled
        if not self.state.is_terminal:
            return max(0, remainder)
        if self._is_over:
            return 0
        if self.state is OrderState.REJECTED and not self.is_acknowledged and not self.done_cumulative:
            return 0  # it never was at the venue
        return 0 if self.is_settled(now, settle) else max(0, remainder)

    def is_settled(self, now: Timestamp, settle: Duration) -> bool:
        """Say whether a done child can trade no more, as far as anybody can know."""
        if self._is_over:
            return True
        return not self.misses_fills and now >= self.settles_from + settle

    @property
    def _is_over(self) -> bool:
        """Whether nothing of it is left to settle: withdrawn before it was sent, or filled in full."""
        if self.state is OrderState.FAILED:
            return not self.written_off
        return self.state is OrderState.FILLED and not self.misses_fills

    @property
    def misses_fills(self) -> bool:
        """Whether the broker counted more fills, when it ended, than were booked."""
        return self.state.is_terminal and self.done_cumulative > self.filled

    # Called while a record is applied

    def ask_replace(self, record: ReplaceRequested) -> None:
        """Note the terms asked for."""
        self.revision = record.revision
        self.wanted_total = record.total
        self.limit_price = record.limit_price
        self.crossing = record.crossing
        self.asked_at = self.terms_at = record.at
        self._move_to(OrderState.PENDING_REPLACE)

    def ask_cancel(self, record: CancelRequested) -> None:
        """Note that a cancel was asked for."""
        self.cancel_pending = True
        self.cancel_attempts = record.attempt
        self.asked_at = self.cancel_asked_at = record.at
        self._move_to(OrderState.PENDING_CANCEL)

    def acknowledge(self, record: ChildAcknowledged) -> None:
        """Note that the broker has it."""
        self.is_acknowledged = True
        if self.acknowledged_at is None:
            self.acknowledged_at = record.at
        self.broker_order_id = record.broker_order_id
        self._answered(record.at)

    def confirms(self, revision: int) -> bool:
        """Say whether the broker's word that this replace is in force is news: also when we no longer expected it."""
        return revision > self.confirmed_revision or revision == self.given_up_revision

    def confirm_replace(self, record: ReplaceConfirmed) -> None:
        """Put the new terms in force."""
        self.given_up_revision, self.terms_at = None, record.at
        self.total, self.limit_price_confirmed = record.total, record.limit_price
        if record.revision == self.revision:
            self.wanted_total, self.limit_price = record.total, record.limit_price
        self.confirmed_revision = max(self.confirmed_revision, record.revision)
        self.last_word = ""
        self._answered(record.at)

    def drop_replace(self, at: Timestamp, why: str = "") -> None:
        """Go back to the terms in force."""
        self.last_word = why
        self.wanted_total, self.limit_price = self.total, self.limit_price_confirmed
        self.confirmed_revision = self.revision
        self._answered(at)

    def refuse_cancel(self, at: Timestamp, why: str) -> None:
        """The cancel did not work; the child is what it was."""
        self.last_word = f"cancel refused: {why}"
        self.cancel_pending = False
        self._answered(at)

    def adopt(self, record: ChildAdopted) -> None:
        """Believe what the broker lists."""
        if record.revision < self.revision and self.replace_pending:
            self.given_up_revision = self.revision  # it may still be on its way
        self.is_acknowledged = True
        self.broker_order_id = record.broker_order_id
        self.terms_at = record.at
        self.total = self.wanted_total = record.total
        self.limit_price = self.limit_price_confirmed = record.limit_price
        self.revision = max(self.revision, record.revision)
        self.confirmed_revision = self.revision
        self.cancel_pending = False
        self.last_word = ""
        self._answered(record.at)

    def revive(self) -> None:
        """Begin again as in doubt: we took it for never sent or never arrived, and the broker has it."""
        self.done_at, self.done_reason, self.written_off = None, "", False
        self._move_to(OrderState.WORKING)

    def doubt(self, why: str) -> None:
        """No answer in time: exposed in full until somebody knows."""
        self.last_word = why
        self.asked_at = None
        self._move_to(OrderState.UNKNOWN)

    def write_off(self, reason: str, at: Timestamp) -> None:
        """A person says that it can trade no more: it settles like any cancel."""
        self.end(OrderState.FAILED, self.filled, reason, at)
        self.written_off = True

    def settle_working(self, at: Timestamp) -> None:
        """A person says that it lives on the terms last asked for."""
        self.is_acknowledged = True
        self.total, self.limit_price_confirmed = self.wanted_total, self.limit_price
        self.confirmed_revision = self.revision
        self.cancel_pending = False
        self.terms_at, self.last_word = at, ""
        self._answered(at)

    def book_fill(self, fill: Fill, at: Timestamp) -> None:
        """Book one execution; a fill counts in every state."""
        self.filled += fill.quantity
        self.filled_value += fill.quantity * fill.price
        self.execution_ids[fill.execution_id] = len(self.fills)
        self.fills.append((fill.quantity, fill.price, fill.liquidity))
        self.costs[fill.execution_id] = (fill.revision, fill.commission)
        if not self.state.is_terminal and not self.in_flight:
            self._move_to(OrderState.PARTIAL)
        if self.state.is_terminal and self.filled > self.done_cumulative:
            # The broker's last word counted too little, so more may come: settling begins anew.
            self.done_cumulative, self.settles_from = self.filled, at

    def revise_fill(self, fill: Fill) -> tuple[Quantity, int]:
        """Replace what was booked of an execution; return by how much quantity and value changed.

        A child that ended stays ended: what a correction takes back, its parent may ask for again.
        """
        place = self.execution_ids[fill.execution_id]
        quantity, price, _ = self.fills[place]
        more, value = fill.quantity - quantity, fill.quantity * fill.price - quantity * price
        self.filled += more
        self.filled_value += value
        self.fills[place] = (fill.quantity, fill.price, fill.liquidity)
        self.costs[fill.execution_id] = (fill.revision, fill.commission)
        if self.state.is_terminal:
            self.done_cumulative = max(self.filled, self.done_cumulative + min(more, 0))
        return more, value

    def complete_if_filled(self, at: Timestamp) -> bool:
        """Move to filled when nothing is left under any terms that may be in force; say whether it did."""
        if self.state is OrderState.FILLED or self.filled < max(self.total, self.wanted_total):
            return False
        self.done_at, self.done_cumulative, self.asked_at, self.last_word = at, self.filled, None, ""
        self._move_to(OrderState.FILLED)
        return True

    def end(self, state: OrderState, cumulative: Quantity, reason: str, at: Timestamp) -> None:
        """Book the broker's last word."""
        self.done_at, self.done_cumulative, self.done_reason = at, max(cumulative, self.filled), reason
        self.last_word = reason
        self.settles_from = at
        self.asked_at = None
        self._move_to(state)

    def _answered(self, at: Timestamp) -> None:
        if self.state.is_terminal:
            return
        if not self.awaits_answer:
            self.asked_at = None
        elif self.asked_at is None:  # it was in doubt: what is still unanswered gets a deadline again
            self.asked_at = at
        if self.cancel_pending:
            self._move_to(OrderState.PENDING_CANCEL)
        elif self.replace_pending:
            self._move_to(OrderState.PENDING_REPLACE)
        elif self.filled:
            self._move_to(OrderState.PARTIAL)
        else:
            self._move_to(OrderState.WORKING)

    def _move_to(self, state: OrderState) -> None:
        if state is self.state:
            return
        assert is_valid_state_transition(self.state, state), f"{self.child_id}: {self.state} -> {state}"
        self.state = state
