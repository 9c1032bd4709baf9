"""What an operator asks of orders and of the house. Each act is one method of the agent, waited for in bounds."""

from __future__ import annotations

import asyncio
import unicodedata
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.messages import Resolve
from quietfill.engine.acts import unsettled
from quietfill.service.control.answers import Refused
from quietfill.service.control.awaiting import missing
from quietfill.service.control.deciding import end_of, number
from quietfill.service.control.killing import scope_of
from quietfill.service.control.troubles import refusal_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.engine.parent import ParentState
    from quietfill.service.control.bodies import ActBody, AmendBody, ReleaseBody, ResolveBody
    from quietfill.service.control.heard import Heard


_NO_PARAMETERS: Final = frozenset({"self", "order_id", "by", "reason"})
"""Names of `amend_order`'s own arguments, which its changes stand beside."""


class Acting:
    """Passes acts on to one agent.

    Args:
        agent: whose orders.
        heard: hears the agent's journal.
        seconds: how long the journal may take.
    """

    def __init__(self, agent: ExecutionAgentImpl, heard: Heard, seconds: float) -> None:
        self._agent = agent
        self._state = agent.runtime.engine.state
        self._heard = heard
        self._seconds = seconds
        self._amending = asyncio.Lock()

    async def cancel(self, order_id: str, body: ActBody) -> dict[str, Any]:
        """Ask for everything of an order to be cancelled."""
        parent = self._live(order_id)
        await self._done(self._agent.cancel_order(order_id, by=body.by, reason=body.reason))
        return self._now(parent) | {"cancelling": True}

    async def pause(self, order_id: str, body: ActBody) -> dict[str, Any]:
        """Withdraw an order's children for the time being."""
        parent = self._live(order_id)
        if parent.is_paused:
            raise Refused(HTTPStatus.CONFLICT, f"order {order_id} is paused already")
        await self._done(self._agent.pause_order(order_id, by=body.by, reason=body.reason))
        return self._now(parent) | {"paused": True}

    async def resume(self, order_id: str, body: ActBody) -> dict[str, Any]:
        """Go on with a paused order."""
        parent = self._live(order_id)
        if not parent.is_paused:
            raise Refused(HTTPStatus.CONFLICT, f"order {order_id} is not paused")
        await self._done(self._agent.resume_order(order_id, by=body.by, reason=body.reason))
        return self._now(parent) | {"paused": False}

    async def amend(self, order_id: str, body: AmendBody) -> dict[str, Any]:
        """Change terms of an order; all of them, or none."""
        parent = self._live(order_id)
        changes = self._changes(body)
        async with self._amending:  # its reasons are heard by order: two at once would get each other's
            with self._heard.refusals_of(order_id) as reasons:
                await self._done(self._agent.amend_order(order_id, by=body.by, reason=body.reason, **changes))
            if reasons:
                text = f"refused: {'; '.join(reasons)}"
                raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, text, reasons=list(reasons))
        return self._now(parent) | {"amended": sorted(changes)}

    async def release(self, body: ReleaseBody) -> dict[str, Any]:
        """Lift the kills of exactly one scope."""
        if _person(body.by) == _person(body.second):
            text = f"releasing a kill needs two different people, not {body.by!r} and {body.second!r}"
            raise Refused(HTTPStatus.BAD_REQUEST, text)
        scope = scope_of(body, self._agent)
        engaged = [kill.scope for kill in self._state.kills]
        if scope not in engaged:
            others = f"; engaged: {', '.join(one.in_words for one in engaged)}" if engaged else ""
            raise Refused(HTTPStatus.CONFLICT, f"no kill of {scope.in_words} is engaged{others}")
        await self._done(self._agent.release_kill_switch(scope, body.by, body.second, body.reason))
        return {"released": scope.in_words, "still_engaged": [kill.scope.in_words for kill in self._state.kills]}

    async def resolve(self, body: ResolveBody) -> dict[str, Any]:
        """Settle by a person's word what is in doubt or frozen."""
        before = self._state.resolutions
        await self._done(self._agent.resolve(body.subject, body.outcome, body.by, body.reason))
        settled = self._state.resolutions - before
        if not settled:
            asked = Resolve(subject=body.subject, outcome=body.outcome, by=body.by, reason=body.reason)
            if (why := unsettled(asked, self._state)) is not None:
                raise Refused(HTTPStatus.CONFLICT, why)
            text = f"nothing that is in doubt or frozen fits {body.subject!r} and {body.outcome.value}"
            raise Refused(HTTPStatus.NOT_FOUND, text)
        return {"settled": settled}

    def _live(self, order_id: str) -> ParentState:
        parent = self._state.live.get(order_id)
        if parent is None:
            raise unknown_order(self._agent, order_id)
        return parent

    def _changes(self, body: AmendBody) -> dict[str, Any]:
        changes: dict[str, Any] = dict(body.params)
        terms = {
            "quantity": None if body.quantity is None else number(body.quantity),
            "limit_price": None if body.limit is None else number(body.limit),
            "stop_price": None if body.stop_price is None else number(body.stop_price),
            "end": end_of(body, self._agent.runtime.clock.now()),
        }
        for name in sorted(changes.keys() & (_NO_PARAMETERS | terms.keys())):
            raise Refused(HTTPStatus.BAD_REQUEST, f"params: {name} is no parameter of an algo")
        changes |= {name: value for name, value in terms.items() if value is not None}
        if not changes:
            raise Refused(HTTPStatus.BAD_REQUEST, "nothing is to be changed: state at least one new term")
        return changes

    async def _done(self, act: Coroutine[Any, Any, object]) -> None:
        """Wait until an act is durable.

        Raises:
            Refused: when it is not yet: it was asked for, and is not known to survive a restart.
        """
        why = await missing(act, self._seconds)
        if why is not None:
            text = f"{why}: whether this holds is not known. `quietfill kill` needs no journal"
            raise Refused(HTTPStatus.GATEWAY_TIMEOUT, text)

    @staticmethod
    def _now(parent: ParentState) -> dict[str, Any]:
        return {"order_id": parent.order_id, "status": parent.state.value, "live_children": len(parent.live_children)}


def _person(name: str) -> str:
    """Return a name without what makes no other person: case, spaces, and ways to write the same letters."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def unknown_order(agent: ExecutionAgentImpl, order_id: str) -> Refused:
    """Return why there is no live order with this id."""
    state = agent.runtime.engine.state
    parent = state.parents.get(order_id)
    if parent is None:
        refusal = refusal_of(state, order_id)
        text = f"no order {order_id} is known here" if refusal is None else f"order {order_id} was {refusal}"
        return Refused(HTTPStatus.NOT_FOUND, text)
    return Refused(HTTPStatus.CONFLICT, f"order {order_id} has ended: {parent.state.value}")
