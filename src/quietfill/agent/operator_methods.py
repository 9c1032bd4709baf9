"""What an operator does to running orders and to the house. Each act is a journaled record with who and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.calendars import to_register
from quietfill.agent.face import AgentFace
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import member, named, text
from quietfill.domain.messages import (
    AmendOrder,
    CancelOrder,
    Kill,
    KillScope,
    PauseOrder,
    RegisterInstrument,
    ReleaseKill,
    Resolution,
    Resolve,
    ResumeOrder,
)

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import AnyMessage


class OperatorMethods(AgentFace):
    """Cancel, amend, pause, resume, kill, release, resolve, register."""

    async def cancel_order(self, order_id: str, *, by: str | None = None, reason: str = "") -> bool:
        """Ask for everything of a parent to be cancelled; True when it is live. Final only on the broker's word."""
        return await self._act(
            order_id,
            CancelOrder(order_id=order_id, by=named(by or self.config.name, "by"), reason=text(reason, "reason")),
        )

    async def amend_order(self, order_id: str, *, by: str, reason: str = "", **changes: Any) -> bool:
        """Change quantity, limit_price, stop_price, end (aware datetime) or parameters of a live parent; it re-plans.

        Returns:
            False when the order is not live or a change was refused; the refusal is on the bus and in the journal.

        Raises:
            BadInput: (a ValueError) when *by* is empty or `end` is a naive datetime.
        """
        named(by, "by")
        if order_id not in self._state.live:
            return False
        before = self._state.parents[order_id].amendments
        wanted = self._intake.changes_of(changes)
        await self._act(order_id, AmendOrder(order_id=order_id, by=by, changes=wanted, reason=text(reason, "reason")))
        return self._state.parents[order_id].amendments > before

    async def pause_order(self, order_id: str, *, by: str, reason: str = "") -> bool:
        """Withdraw a parent's children; its clock runs on. False when it is not live."""
        named(by, "by")
        return await self._act(order_id, PauseOrder(order_id=order_id, by=by, reason=text(reason, "reason")))

    async def resume_order(self, order_id: str, *, by: str, reason: str = "") -> bool:
        """Go on with a paused parent; what was missed is spread over the time left. False when it is not live."""
        named(by, "by")
        return await self._act(order_id, ResumeOrder(order_id=order_id, by=by, reason=text(reason, "reason")))

    async def kill(self, scope: KillScope, by: str, reason: str) -> None:
        """Engage the kill switch for *scope*: cancel everything in it, disarm its stops, bar new risk.

        Raises:
            BadInput: (a ValueError) when nobody is named, or *scope* is no `KillScope`.
        """
        named(by, "by")
        checked = _scope(scope)
        kill = Kill(kill_id=f"{by}:{self.runtime.clock.now()}", by=by, reason=text(reason, "reason"), scope=checked)
        await self.runtime.committed(self.runtime.submit(kill))

    async def release_kill_switch(self, scope: KillScope, by: str, second: str, reason: str) -> bool:
        """Lift the kills of exactly this scope; a second person's name is needed. False when there is none.

        Raises:
            BadInput: (a ValueError) when both names are the same or one is empty.
        """
        if not named(by, "by") or not second or by == text(second, "second"):
            raise BadInput(f"releasing a kill needs two different people, not {by!r} and {second!r}")
        engaged = any(kill.scope == _scope(scope) for kill in self._state.kills)
        release = ReleaseKill(by=by, second=second, reason=text(reason, "reason"), scope=scope)
        await self.runtime.committed(self.runtime.submit(release))
        return engaged

    async def resolve(self, child_or_symbol: str, outcome: Resolution | str, by: str, reason: str) -> int:
        """Settle what evidence could not, by a person's word.

        Args:
            child_or_symbol: a child order, a parent order, or a symbol (whatever of it is in doubt or frozen).
            outcome: `cancelled`, `never_arrived` or `working` for a child in doubt, `go_on` for a frozen parent.
            by: who says so.
            reason: why, for the record.

        Returns:
            How many children or parents it settled; 0 when it fits nothing.

        Raises:
            BadInput: (a ValueError) for an unknown outcome, or when *by* or *reason* is empty.
        """
        message = Resolve(
            subject=child_or_symbol,
            outcome=_read_outcome(outcome, "outcome"),
            by=named(by, "by"),
            reason=named(reason, "reason"),
        )
        before = self._state.resolutions
        await self.runtime.committed(self.runtime.submit(message))
        return self._state.resolutions - before

    def register_instrument(self, instrument: Instrument, *, by: str = "configuration", reason: str = "") -> None:
        """Add an instrument to the table, for good: the journal keeps it for the next start.

        Where it names a calendar, the days off around now come from there; registered again later, newer ones do.

        Raises:
            BadInput: (a ValueError) when the symbol stands for something else already, or the calendar is not known.
        """
        instrument = to_register(instrument, self._instrument(instrument.symbol), self.runtime.clock.now())
        self._state.instruments.setdefault(instrument.symbol, instrument)
        self.runtime.submit(
            RegisterInstrument(instrument=instrument, by=named(by, "by"), reason=text(reason, "reason"))
        )

    async def _act(self, order_id: str, message: AnyMessage) -> bool:
        known = order_id in self._state.live
        await self.runtime.committed(self.runtime.submit(message))
        return known


def _scope(scope: object) -> KillScope:
    if not isinstance(scope, KillScope):
        raise BadInput(f"scope must be a KillScope, such as KillScope(symbols=('AAPL',)), not {scope!r}")
    return scope


_read_outcome = member(Resolution)
