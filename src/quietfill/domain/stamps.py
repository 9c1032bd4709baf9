"""Where a public event gets its id and its time when the caller states neither.

The domain reads no clock and draws no random number, yet a user who writes `KillSwitchEvent(reason="test")`
expects an id and a time. So the source is a slot that the shell fills: `quietfill/__init__.py` installs the
system's clock and uuid4 on import, and tests may install their own. In simulation nothing asks this slot: ids
there come from the seed through `seeded_event_id`, times from the tape.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class StampSource(Protocol):
    """Gives fresh ids and the present time."""

    def new_id(self) -> str:
        """Return a uuid4 as text, never the same twice."""
        ...

    def utc_now(self) -> datetime:
        """Return the present time as an aware UTC datetime."""
        ...


class _Slot:
    source: StampSource | None = None


def install_stamps(source: StampSource | None) -> StampSource | None:
    """Use *source* (None: none) for all events from now on; return the one it replaces."""
    previous, _Slot.source = _Slot.source, source
    return previous


def new_event_id() -> str:
    """Return a fresh event id from the installed source."""
    return _installed().new_id()


def utc_now() -> datetime:
    """Return the present time from the installed source."""
    return _installed().utc_now()


def seeded_event_id(seed: int, number: int) -> str:
    """Return the id of event *number* of a simulation: shaped like a uuid4, the same for the same seed for ever."""
    digest = bytearray(hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x40  # the version nibble of RFC 9562: 4
    digest[8] = digest[8] & 0x3F | 0x80  # and its variant bits: 10
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _installed() -> StampSource:
    if _Slot.source is None:
        raise ValueError("no source of event ids and times is installed: pass event_id and timestamp")
    return _Slot.source
