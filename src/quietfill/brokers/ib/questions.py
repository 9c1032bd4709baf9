"""Questions to the gateway and their answers. No answer, a refusal and an empty answer are three different things."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quietfill.brokers.ib.errors import NotConnected, RequestFailed

if TYPE_CHECKING:
    from quietfill.brokers.ib.raw import ErrorSeen


class Question:
    """One that is under way: what came so far, and the end of it."""

    def __init__(self, name: str) -> None:
        """Begin with nothing answered."""
        self.name = name
        self.askers = 0
        self.content: list[Any] = []
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answered(self, seconds: float) -> list[Any]:
        """Wait for the whole answer.

        Raises:
            TimeoutError: when it did not come in time.
            BrokerError: when it was refused, or the session ended.
        """
        async with asyncio.timeout(seconds):
            await asyncio.shield(self._end)  # one who gives up must not take the answer from the others
        return self.content

    def end(self) -> None:
        """Note that the answer is complete."""
        if not self._end.done():
            self._end.set_result(None)

    def fail(self, error: Exception) -> None:
        """Note that there will be no answer."""
        if not self._end.done():
            self._end.set_exception(error)
            self._end.exception()  # whoever asked may have gone


class Questions:
    """All questions under way, by id or name."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: dict[int | str, Question] = {}

    def begin(self, key: int | str, name: str) -> Question:
        """Open a question; who asks under a name that is asked under already waits for the same answer."""
        question = self._open.get(key)
        if question is None:
            question = self._open[key] = Question(name)
        question.askers += 1
        return question

    def forget(self, key: int | str) -> None:
        """Listen no more, unless somebody else still does."""
        question = self._open.get(key)
        if question is not None:
            question.askers -= 1
            if not question.askers:
                del self._open[key]

    def heard(self, key: int | str, content: Any) -> None:
        """Take a piece of an answer; one to no question is passed over."""
        question = self._open.get(key)
        if question is not None:
            question.content.append(content)

    def ended(self, key: int | str) -> None:
        """Close a question."""
        question = self._open.get(key)
        if question is not None:
            question.end()

    def failed(self, seen: ErrorSeen) -> bool:
        """Let a question fail by the code that answers it; False when the code answers none."""
        question = self._open.get(seen.subject)
        if question is None:
            return False
        question.fail(RequestFailed(question.name, seen.code, seen.text))
        return True

    def fail_all(self, why: str) -> None:
        """Let everything fail: the session that was asked is over."""
        for question in self._open.values():
            question.fail(NotConnected(why))
        self._open.clear()
