"""The port to durable storage of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from quietfill.domain.errors import JournalError
from quietfill.domain.records import AnyRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class JournalEntry(msgspec.Struct, frozen=True):
    """One record in its place in the chain. `digest` covers the previous digest, the sequence and the body."""

    sequence: int
    record: AnyRecord
    digest: bytes


class Journal(Protocol):
    """An ordered, hash-chained store of records with one writer.

    `append` never waits for the disk: it takes the records, gives them their sequence numbers and
    returns the last one. They are durable once the commit listener was called with that number or a
    higher one. The listener may be called from the writer's thread.
    """

    @property
    def sequence(self) -> int:
        """Number of the last record appended; 0 when empty."""
        ...

    @property
    def committed(self) -> int:
        """Number of the last record known to be durable."""
        ...

    @property
    def head(self) -> str:
        """Hex SHA-256 of the chain up to the last record appended."""
        ...

    def append(self, records: Sequence[AnyRecord]) -> int:
        """Take records in order; return the sequence number of the last."""
        ...

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Set the one listener that hears which sequence number is durable."""
        ...

    def on_failure(self, listener: Callable[[JournalError], None]) -> None:
        """Set the one listener that hears, once and maybe from the writer's thread, that the journal is dead."""
        ...

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield the durable entries behind sequence number *after*, verifying the chain."""
        ...

    def close(self) -> None:
        """Make everything durable and let go of the file."""
        ...
