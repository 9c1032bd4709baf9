"""Closing a journal without waiting for its disk in the event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietfill.ports.journal import Journal


async def closed(journal: Journal) -> None:
    """Close a journal, and wait for it. A disk that hangs holds up one thread, which nobody has to wait for.

    Raises:
        JournalError: when not everything could be made durable.
    """
    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if end.done():
            return
        if error is None:
            end.set_result(None)
        else:
            end.set_exception(error)

    def close() -> None:
        error: Exception | None = None
        try:
            journal.close()
        except Exception as found:  # noqa: BLE001 - passed on to who waits
            error = found
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, error)

    Thread(target=close, name="closing the journal", daemon=True).start()
    await end
