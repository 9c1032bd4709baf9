"""Words of the broker about orders whose id we do not know yet: kept until it is known, named when it stays unknown.

A broker may tell of a fill before `place_order` has returned the id that the fill is told by. What nobody claims once
nothing is being placed any more, or for long, is somebody else's order or a broken broker: a person must look.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from quietfill.brokers.words import Status
from quietfill.domain.events import FillEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.types import Duration, Timestamp

Word: TypeAlias = FillEvent | Status

_KEPT = 1_000


class _Kept:
    """One word, since when, and whether a person was told."""

    __slots__ = ("is_told", "since", "word")

    def __init__(self, word: Word, since: Timestamp) -> None:
        self.word = word
        self.since = since
        self.is_told = False


class Shelf:
    """Holds words until somebody claims them. The oldest that a person was told of give way when there are many."""

    def __init__(self, patience: Duration) -> None:
        """Take how long a word may wait for an id that may still come."""
        self._patience = patience
        self._kept: deque[_Kept] = deque()

    def put(self, word: Word, now: Timestamp) -> None:
        """Keep one."""
        self._kept.append(_Kept(word, now))

    def review(
        self, claim: Callable[[Word], bool], tell: Callable[[Word], None], now: Timestamp, *, ids_may_come: bool
    ) -> None:
        """Offer every word to *claim*, in order; name those that stay, once each, when no id is to come for them."""
        kept, self._kept = self._kept, deque()
        for item in kept:
            if claim(item.word):
                continue
            if not item.is_told and (not ids_may_come or now >= item.since + self._patience):
                item.is_told = True
                tell(item.word)
            self._kept.append(item)
        while len(self._kept) > _KEPT and self._kept[0].is_told:
            self._kept.popleft()
