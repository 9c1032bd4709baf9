"""Ids and times of public events that state neither: uuid4 and the house's one clock."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from quietfill.domain.types import datetime_of
from quietfill.runtime.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

    from quietfill.ports.clock import Clock


class SystemStamps:
    """The source that `import quietfill` installs."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def new_id(self) -> str:
        """Return a random uuid4 as text."""
        return str(uuid.uuid4())

    def utc_now(self) -> datetime:
        """Return the present time as an aware UTC datetime, cut to the microsecond."""
        return datetime_of(self._clock.now())
