"""Closing positions under a kill that asks for it: reduce-only orders, one at a time, until nothing is held.

The position is what this journal traded in a symbol for an account. Its exit waits until every order of that symbol and
account has ended and settled, and until the market trades. An exit that leaves something open (no quote, refused, the
collar, a late fill) is followed by another one, ever more slowly, and each of these is a critical alert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from quietfill.domain.messages import NewOrder
from quietfill.domain.records import AlertRaised, KillSwitchEngaged
from quietfill.domain.types import MINUTE, SECOND, OrderSide, iso_time, quantity_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.types import Duration, Quantity, Timestamp
    from quietfill.engine.state import EngineState

Holding: TypeAlias = tuple[str, str | None]
"""A symbol, and the account that holds it."""

_AGAIN: Duration = 10 * SECOND
_SLOWEST: Duration = 10 * MINUTE


class Exits:
    """Says which exits are due."""

    __slots__ = ("_not_before", "_state")

    def __init__(self, state: EngineState) -> None:
        """Start with none asked for; what a journal already asked for is told from its decisions."""
        self._state = state
        self._not_before: dict[Holding, Timestamp] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether a kill in force asks for positions to be closed."""
        return any(kill.close_positions for kill in self._state.kills)

    def due(self, now: Timestamp) -> Iterator[NewOrder | AlertRaised]:
        """Yield the exits to be asked for now, each after the alerts that concern it."""
        for kill in self._state.kills:
            if not kill.close_positions:
                continue
            for holding, position in list(self._state.positions.items()):
                if position and kill.scope.covers(*holding) and self._is_free(holding, now):
                    yield from self._attempt(kill, holding, position, now)

    def next_at(self, now: Timestamp) -> Timestamp | None:
        """Return when `due` is next worth asking by itself, if at all; an order that ends brings it back anyway."""
        held = [at for holding, at in self._not_before.items() if at > now and self._state.positions.get(holding)]
        return min(held, default=None) if self.is_wanted else None

    def _is_free(self, holding: Holding, now: Timestamp) -> bool:
        symbol, account = holding
        live = self._state.live_by_symbol.get(symbol, {}).values()
        return now >= self._not_before.get(holding, 0) and all(parent.account != account for parent in live)

    def _attempt(
        self, kill: KillSwitchEngaged, holding: Holding, position: Quantity, now: Timestamp
    ) -> Iterator[NewOrder | AlertRaised]:
        held = f"{quantity_number(abs(position))} {holding[0]} {'long' if position > 0 else 'short'}"
        opens = self._opens(holding[0], now)
        if opens > now:
            self._not_before[holding] = opens
            yield _alarm(kill, f"{held} stays open until trading opens at {iso_time(opens)}", now)
            return
        number = self._attempts(kill, holding)
        self._not_before[holding] = now + min(_AGAIN << min(number, 16), _SLOWEST)
        if number:
            yield _alarm(kill, f"{held} is still open after {number} exit(s); one more is tried", now)
        yield _exit_order(kill, holding, position, number, now)

    def _attempts(self, kill: KillSwitchEngaged, holding: Holding) -> int:
        number = 0
        while exit_id(kill.kill_id, holding, number) in self._state.decisions:
            number += 1
        return number

    def _opens(self, symbol: str, now: Timestamp) -> Timestamp:
        """Return the next instant of continuous trading: *now* while it goes on."""
        spans = self._state.instruments[symbol].days(now, now + MINUTE).spans
        return next((max(now, opens) for opens, closes in spans if now < closes), now)


def exit_id(kill_id: str, holding: Holding, number: int) -> str:
    """Return the id of the so-manieth exit of a holding under a kill; order and decision have the same."""
    symbol, account = holding
    holding_name = symbol if account is None else f"{symbol}@{account}"
    return f"flatten:{kill_id}:{holding_name}" + (f"#{number}" if number else "")


def _exit_order(kill: KillSwitchEngaged, holding: Holding, position: Quantity, number: int, now: Timestamp) -> NewOrder:
    symbol, account = holding
    name = exit_id(kill.kill_id, holding, number)
    return NewOrder(
        order_id=name,
        decision_id=name,
        symbol=symbol,
        side=OrderSide.SELL if position > 0 else OrderSide.BUY,
        quantity=abs(position),
        algo="market",
        decided_at=now,
        account=account,
        reduce_only=True,
        by=kill.by,
        flattens=kill.kill_id,
    )


def _alarm(kill: KillSwitchEngaged, text: str, now: Timestamp) -> AlertRaised:
    return AlertRaised(at=now, subject=kill.kill_id, severity="critical", text=f"kill switch: {text}")
