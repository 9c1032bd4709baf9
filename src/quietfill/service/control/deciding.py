"""A decision from the command line, put on the bus like anybody's, and what became of it.

It is signed `CommandLine`, or `CommandLine:` and a name. The agent trades on it only where `approving_agents` lists
that: no request can pass for another approver.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from quietfill.agent.intake import order_id_of
from quietfill.domain.errors import BadInput
from quietfill.domain.events import DecisionEvent, ValidatedDecisionEvent
from quietfill.domain.records import OrderAccepted
from quietfill.domain.stamps import new_event_id
from quietfill.domain.types import OrderType, datetime_of, quantity_from, quantity_number
from quietfill.service.control.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.domain.types import PublicNumber, Timestamp
    from quietfill.engine.parent import ParentState
    from quietfill.ports.bus import Bus
    from quietfill.service.control.bodies import AmendBody, DecisionBody
    from quietfill.service.control.heard import Heard, Outcome

APPROVER: Final = "CommandLine"

_YEARS: Final = range(1990, 2200)


class Deciding:
    """Takes decisions to one agent.

    Args:
        agent: who trades.
        bus: the bus that it listens to.
        heard: hears the agent's journal.
        is_ready: whether the agent takes decisions now.
        seconds: how long to wait for what becomes of one.
    """

    def __init__(
        self, agent: ExecutionAgentImpl, bus: Bus, heard: Heard, is_ready: Callable[[], bool], seconds: float
    ) -> None:
        self._agent = agent
        self._bus = bus
        self._heard = heard
        self._is_ready = is_ready
        self._seconds = seconds

    async def decide(self, body: DecisionBody) -> dict[str, Any]:
        """Say a decision and its approval on the bus; return the order that came of it.

        Raises:
            Refused: with the agent's reasons; or when nothing is known of it yet, and then it may still be taken.
        """
        failure = self._agent.runtime.journal_failure
        if failure is not None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"nothing new is traded: the journal failed: {failure}")
        if not self._is_ready():
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the agent is not ready: it takes no decisions yet")
        decision = decision_of(body, self._agent.runtime.clock.now())
        known = self._agent.runtime.engine.state.parents.get(order_id_of(decision.event_id))
        if known is not None:
            return _said_again(decision, known) | {"broker_connected": self._is_line_up()}
        if decision.event_id in self._agent.runtime.engine.state.remembered:
            raise Refused(HTTPStatus.CONFLICT, f"decision {decision.event_id} waits for its approval already")
        outcome = await self._outcome(decision, APPROVER if body.approver is None else f"{APPROVER}:{body.approver}")
        order_id = order_id_of(decision.event_id)
        if isinstance(outcome, OrderAccepted):
            told = {"accepted": True, "order_id": order_id, "notes": list(outcome.notes)}
            return told | {"broker_connected": self._is_line_up()}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if outcome.duplicate_of is None else HTTPStatus.CONFLICT
        raise Refused(
            status,
            f"refused: {'; '.join(outcome.reasons)}",
            accepted=False,
            order_id=order_id,
            reasons=list(outcome.reasons),
        )

    def _is_line_up(self) -> bool:
        runtime = self._agent.runtime
        return runtime.edge.is_connected and runtime.engine.state.link_up

    async def _outcome(self, decision: DecisionEvent, approver: str) -> Outcome:
        validation = ValidatedDecisionEvent(
            timestamp=decision.timestamp,
            source_agent=approver,
            original_decision_id=decision.event_id,
            approved=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                with self._heard.outcome_of(decision.event_id) as outcome:
                    for event in (decision, validation):
                        if await self._bus.publish(event) is False:
                            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the bus did not take the decision")
                    return await outcome
        except TimeoutError:
            raise Refused(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"what became of the decision is not known after {self._seconds:g} s: it may still be taken",
                order_id=order_id_of(decision.event_id),
            ) from None


def _said_again(decision: DecisionEvent, known: ParentState) -> dict[str, Any]:
    """Answer a decision that is an order already: nothing is sent for it again.

    Raises:
        Refused: when its id was given to something else.
    """
    asked = known.symbol, known.side, known.accepted.quantity
    if (decision.symbol, decision.action, quantity_from(decision.quantity)) != asked:
        size = quantity_number(known.accepted.quantity)
        text = f"is order {known.order_id} already: {known.side.value} {size} {known.symbol}"
        raise Refused(HTTPStatus.CONFLICT, f"refused: decision {decision.event_id} {text}", order_id=known.order_id)
    note = "it was accepted before, and nothing is sent again"
    return {"accepted": True, "order_id": known.order_id, "notes": [*known.accepted.notes, note], "again": True}


def decision_of(body: DecisionBody, now: Timestamp) -> DecisionEvent:
    """Return the event that a request means.

    Raises:
        BadInput: naming what can never be meant.
    """
    end = end_of(body, now)
    return DecisionEvent(
        event_id=new_event_id() if body.decision_id is None else body.decision_id,
        timestamp=datetime_of(now),
        source_agent=body.by,
        symbol=body.symbol,
        action=body.side,
        quantity=number(body.quantity),
        order_type=_order_type(body),
        limit_price=None if body.limit is None else number(body.limit),
        stop_price=None if body.stop_price is None else number(body.stop_price),
        rationale=body.reason,
        algo=body.algo,
        algo_params=body.params,
        end=end,
        account=body.account,
    )


def end_of(body: DecisionBody | AmendBody, now: Timestamp) -> datetime | None:
    """Return when it must be over: as stated, or so many minutes from the agent's now.

    Raises:
        BadInput: when both are stated, or the end is in a year that no order lives in.
    """
    if body.minutes is not None:
        if body.end is not None:
            raise BadInput("end and minutes are both stated: leave one out")
        return datetime_of(now) + timedelta(minutes=body.minutes)
    if body.end is not None and body.end.year not in _YEARS:
        raise BadInput(f"end must be in the years {_YEARS[0]} to {_YEARS[-1]}, not {body.end.isoformat()}")
    return body.end


def number(value: PublicNumber) -> Any:
    """Return a number as a person wrote it, exactly."""
    return Decimal(value) if isinstance(value, str) else value


def _order_type(body: DecisionBody) -> OrderType:
    """Return what algo and prices say; only a decision without an algo needs more than a limit order's type."""
    if body.order_type is not None:
        return body.order_type
    if (body.algo or "").lower() == "market":
        return OrderType.MARKET
    if body.algo is not None or body.stop_price is None:
        return OrderType.LIMIT
    return OrderType.STOP if body.limit is None else OrderType.STOP_LIMIT
