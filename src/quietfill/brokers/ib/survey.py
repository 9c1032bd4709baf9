"""Asking the gateway for everything it knows: open orders of ours and of all, completed ones, executions, positions.

One step after the other, since two lists of open orders under way at once end in one answer for both. Each step has a
verdict of its own: an empty answer is an answer, and no answer proves nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from ib_async.objects import ExecutionFilter

from quietfill.brokers.ib.pacing import Urgency
from quietfill.brokers.ib.raw import ExecutionSeen, OrderEcho, PositionSeen
from quietfill.brokers.ib.tap import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS
from quietfill.domain.errors import BrokerError
from quietfill.domain.types import SECOND, Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.ids import QuestionIds
    from quietfill.brokers.ib.questions import Questions

OWN_ORDERS, ALL_ORDERS, COMPLETED, EXECUTIONS, HOLDINGS = (
    "open orders", "all open orders", "completed orders", "executions", "positions",
)  # fmt: skip


_OF_ALL = False
"""Not of API clients only."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one step: how many rows it brought, how long it took, and why there was no answer."""

    step: str
    is_answered: bool
    rows: int
    took: Duration
    reason: str = ""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the gateway listed.

    Attributes:
        asked_at: before the first question.
        open_orders: by all clients; where both lists have an order, the later one counts.
    """

    asked_at: Timestamp
    verdicts: tuple[Verdict, ...]
    open_orders: tuple[OrderEcho, ...]
    completed: tuple[OrderEcho, ...]
    executions: tuple[ExecutionSeen, ...]
    positions: tuple[PositionSeen, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every step was answered, so that absence is evidence."""
        return all(verdict.is_answered for verdict in self.verdicts)

    @property
    def hides_orders(self) -> bool:
        """Whether all lists of orders were left unanswered, and everything else was not: so a read-only API acts."""
        silent = {verdict.step for verdict in self.verdicts if not verdict.is_answered}
        return silent == {OWN_ORDERS, ALL_ORDERS, COMPLETED}

    def unanswered(self) -> list[str]:
        """Return the steps without an answer, with the reason."""
        return [f"{verdict.step}: {verdict.reason}" for verdict in self.verdicts if not verdict.is_answered]


class Surveyor:
    """Asks, one step at a time and one survey at a time.

    Args:
        questions: where answers come in.
        ids: numbers questions.
        request: puts a request of ib_async's client into the outbox.
        now: the time.
        client_id: ours.
    """

    def __init__(
        self,
        questions: Questions,
        ids: QuestionIds,
        request: Callable[..., None],
        now: Callable[[], Timestamp],
        client_id: int,
    ) -> None:
        """Nothing is asked yet."""
        self._questions = questions
        self._ids = ids
        self._request = request
        self._now = now
        self._client_id = client_id
        self._turn = asyncio.Lock()

    async def ask(self, step_seconds: float, all_seconds: float) -> Survey:
        """Go through all steps. What is not answered in time has its verdict; the others are asked all the same."""
        async with self._turn:
            asked_at = self._now()
            deadline = asked_at + round(all_seconds * SECOND)
            steps = _Steps(self._now, deadline, step_seconds)
            own = await steps.take(OWN_ORDERS, lambda left: self._named(OPEN_ORDERS, left, "reqOpenOrders"))
            everybody = await steps.take(ALL_ORDERS, lambda left: self._named(OPEN_ORDERS, left, "reqAllOpenOrders"))
            done = await steps.take(
                COMPLETED, lambda left: self._named(COMPLETED_ORDERS, left, "reqCompletedOrders", _OF_ALL)
            )
            executions = await steps.take(EXECUTIONS, self._executions)
            positions = await steps.take(HOLDINGS, lambda left: self._named(POSITIONS, left, "reqPositions"))
            return Survey(
                asked_at=asked_at,
                verdicts=tuple(steps.verdicts),
                open_orders=tuple({_key(echo): echo for echo in [*own, *everybody]}.values()),
                completed=tuple(done),
                executions=tuple(executions),
                positions=tuple(positions),
            )

    async def numbered(
        self, name: str, seconds: float, request: str, *arguments: Any, urgency: Urgency = Urgency.QUESTION
    ) -> list[Any]:
        """Ask one question that carries an id.

        Raises:
            TimeoutError: when the answer did not come in time.
            BrokerError: when it was refused, or the session ended.
        """
        key = self._ids.take()
        question = self._questions.begin(key, name)
        try:
            self._request(urgency, request, key, *arguments)
            return await question.answered(seconds)
        finally:
            self._questions.forget(key)

    async def named(self, key: str, seconds: float, request: str, *arguments: Any) -> list[Any]:
        """Ask one question whose answer is known by its name.

        Raises:
            TimeoutError: when the answer did not come in time.
            BrokerError: when it was refused, or the session ended.
        """
        return await self._named(key, seconds, request, *arguments)

    async def _named(self, key: str, seconds: float, request: str, *arguments: Any) -> list[Any]:
        question = self._questions.begin(key, key)
        try:
            self._request(Urgency.QUESTION, request, *arguments)
            return await question.answered(seconds)
        finally:
            self._questions.forget(key)

    async def _executions(self, seconds: float) -> list[Any]:
        """Ask for all executions, then for our client's alone: some gateways answer only that."""
        half = seconds / 2
        try:
            return await self.numbered(EXECUTIONS, half, "reqExecutions", ExecutionFilter())
        except TimeoutError:
            ours = ExecutionFilter(clientId=self._client_id)
            return await self.numbered(EXECUTIONS, half, "reqExecutions", ours)


_STEPS = 5
_LEAST_SECONDS = 0.001


class _Steps:
    """The steps of one survey, with their verdicts."""

    def __init__(self, now: Callable[[], Timestamp], deadline: Timestamp, step_seconds: float) -> None:
        self.verdicts: list[Verdict] = []
        self._now = now
        self._deadline = deadline
        self._step_seconds = step_seconds

    async def take(self, step: str, ask: Callable[[float], Any]) -> list[Any]:
        """Ask one thing; return what was listed, nothing when it was not answered."""
        began = self._now()
        # Those that come after an unanswered step must have their share of the time left.
        share = (self._deadline - began) / SECOND / max(1, _STEPS - len(self.verdicts))
        seconds = min(self._step_seconds, max(_LEAST_SECONDS, share))
        rows: list[Any] = []
        reason = ""
        try:
            rows = await ask(seconds)
        except TimeoutError:
            reason = f"no answer within {seconds:g} s"
        except BrokerError as error:
            reason = str(error)
        took = self._now() - began
        self.verdicts.append(Verdict(step=step, is_answered=not reason, rows=len(rows), took=took, reason=reason))
        return rows


def _key(echo: OrderEcho) -> tuple[int, int, int]:
    return (echo.perm_id, 0, 0) if echo.perm_id else (0, echo.client_id, echo.order_id)
