"""Waiting for an act to be durable, but not for ever: a person at the other end must be told what is known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.domain.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


async def missing(act: Coroutine[Any, Any, object], seconds: float) -> str | None:
    """Wait for *act* at most so long.

    Returns:
        Why it is not known to be durable; None when it is.
    """
    try:
        async with asyncio.timeout(seconds):
            await act
    except TimeoutError:
        return f"the journal did not answer within {seconds:g} s"
    except JournalError as error:
        return f"the journal failed: {error}"
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        return "the agent is stopping"
    return None
