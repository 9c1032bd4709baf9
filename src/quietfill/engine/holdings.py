"""What the broker says an account holds, compared with what our fills explain.

Theory of operation. What an account holds of an instrument is what we traded and what others did: before us, by hand,
by other programs. Ours is booked, so the others' part is the difference, and it stays the same while we alone trade.
When it changes somebody traded, or something of ours was executed that we do not know of: a person must look, and until
then nothing of that instrument goes on.

A fill may be in one answer of the broker and not yet in the other. So a difference counts when it was seen twice, some
time apart; the first part of the others that was seen so is where counting begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.messages import Holding
from quietfill.domain.records import AlertRaised, OrderFrozen
from quietfill.domain.types import quantity_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.messages import BrokerSnapshot
    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Duration, Quantity, Timestamp
    from quietfill.engine.state import EngineState


class Holdings:
    """Compares snapshots with the books, and remembers which differences were seen once.

    Attributes:
        news: the others' parts that count from this snapshot on.
        look_again: a difference was seen for the first time.
        began: when this run did. What changed before that concerns no order accepted since.
    """

    __slots__ = ("_confirmed", "_patience", "_seen", "began", "look_again", "news")

    def __init__(self, patience: Duration) -> None:
        """Take how far apart a difference must be seen twice."""
        self._patience = patience
        self._seen: dict[tuple[str, str], tuple[Quantity, Timestamp]] = {}
        self._confirmed: set[tuple[str, str]] = set()
        self.began: Timestamp = 0
        self.news: tuple[Holding, ...] = ()
        self.look_again = False

    def compare(self, snapshot: BrokerSnapshot, state: EngineState, now: Timestamp) -> Iterator[AnyRecord]:
        """Yield what a snapshot's positions lead to; nothing when the broker did not say what it holds."""
        self.news, self.look_again = (), False
        if snapshot.positions is None:
            return
        ours = _ours(state, snapshot.account)
        held = {(one.symbol, one.account): one.quantity for one in snapshot.positions}
        for key in sorted(held):
            others = held[key] - ours.get(key, 0)
            if self._counts(key, others, state, snapshot.asked_at):
                self.news += (Holding(symbol=key[0], account=key[1], quantity=others),)
                if key in state.others:
                    yield from self._unexplained(key, others - state.others[key], snapshot.account, state, now)
                self._confirmed.add(key)

    def _counts(self, key: tuple[str, str], others: Quantity, state: EngineState, asked_at: Timestamp) -> bool:
        if state.others.get(key) == others:
            self._seen.pop(key, None)
            self._confirmed.add(key)
            return False
        before, since = self._seen.get(key, (None, 0))
        if before != others:
            self._seen[key] = others, asked_at
        elif asked_at >= since + self._patience:
            del self._seen[key]
            return True
        self.look_again = True
        return False

    def _unexplained(
        self, key: tuple[str, str], more: Quantity, default: str, state: EngineState, now: Timestamp
    ) -> Iterator[AnyRecord]:
        symbol, account = key
        amount = f"{'+' if more > 0 else ''}{quantity_number(more)}"
        text = (
            f"the position in {symbol} of {account or 'the account'} changed by {amount} that no fill of ours explains"
        )
        yield AlertRaised(at=now, subject=symbol, severity="critical", text=text)
        for parent in list(state.live_by_symbol.get(symbol, {}).values()):
            is_concerned = key in self._confirmed or parent.accepted.at < self.began
            if is_concerned and (parent.account or default) == account and parent.frozen_reason is None:
                yield OrderFrozen(at=now, order_id=parent.order_id, reason=text)


def _ours(state: EngineState, account: str) -> dict[tuple[str, str], Quantity]:
    """Return what we traded by symbol and account; orders that name none are for *account*."""
    ours: dict[tuple[str, str], Quantity] = {}
    for (symbol, named), quantity in state.positions.items():
        key = symbol, named or account
        ours[key] = ours.get(key, 0) + quantity
    return ours
