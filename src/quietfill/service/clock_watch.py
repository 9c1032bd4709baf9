"""Whether the clock that an agent lives by still shows its gateway's time.

Where a gateway plays recorded data its time is read once, at the start. One that plays faster, or that was started
anew, leaves the agent in another hour: its schedules and ends are wrong, and nothing else would tell.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from quietfill.domain.errors import QuietfillError
from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.domain.types import Duration, Timestamp
    from quietfill.ports.clock import Clock

TOLERATED: Final = 5 * SECOND
"""A gateway tells whole seconds, and may be busy for some."""

_FIRST_SECONDS: Final = 2.0
_EVERY_SECONDS: Final = 20.0
_AGAIN_SECONDS: Final = 1.0


async def watch_clock(read: Callable[[], Awaitable[Timestamp]], clock: Clock, tell: Callable[[str], None]) -> None:
    """Compare for ever; tell once each time that the gateway's time is found to be another one.

    Args:
        read: asks the gateway for its time.
        clock: what the agent lives by.
        tell: hears it in words.
    """
    is_told = False
    await asyncio.sleep(_FIRST_SECONDS)
    while True:
        apart = await _apart(read, clock)
        if abs(apart) > TOLERATED and not is_told:
            await asyncio.sleep(_AGAIN_SECONDS)
            apart = await _apart(read, clock)  # an answer may have been under way for long
            if abs(apart) > TOLERATED:
                tell(_in_words(apart))
        is_told = abs(apart) > TOLERATED
        await asyncio.sleep(_EVERY_SECONDS)


async def _apart(read: Callable[[], Awaitable[Timestamp]], clock: Clock) -> Duration:
    """Return how far the gateway is ahead; 0 when it does not say, which others tell of."""
    try:
        return await read() - clock.now()
    except (QuietfillError, OSError):
        return 0


def _in_words(apart: Duration) -> str:
    side = "ahead of" if apart > 0 else "behind"
    return (
        f"the gateway's time is {abs(apart) / SECOND:.0f} s {side} the agent's, so its orders are timed wrongly: let"
        " the gateway play at --speed 1, and start the agent anew"
    )
