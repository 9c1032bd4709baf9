"""A journal that lives and dies with the process, for tests and simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from quietfill.domain.errors import JournalError
from quietfill.domain.records import AnyRecord
from quietfill.journal.codec import CODEC, Chain, Chained
from quietfill.ports.journal import JournalEntry


class MemoryJournal:
    """Commits at once: the listener has heard of every record before `append` returns.

    It keeps encoded bodies, so that what is read is what a file would have given back, and its head
    equals that of a file with the same records.
    """

    def __init__(self) -> None:
        self._chain = Chain()
        self._rows: list[Chained] = []
        self._listener: Callable[[int], None] | None = None
        self._closed = False

    @property
    def sequence(self) -> int:
        """Number of the last record appended; 0 when empty."""
        return self._chain.sequence

    @property
    def committed(self) -> int:
        """Number of the last record appended: here, memory is as durable as it gets."""
        return self._chain.sequence

    @property
    def head(self) -> str:
        """Hex SHA-256 of the chain up to the last record appended."""
        return self._chain.head

    def append(self, records: Sequence[AnyRecord]) -> int:
        """Take all records in order, or none; return the sequence number of the last.

        Raises:
            JournalError: when the journal is closed, or a record cannot be encoded.
        """
        if self._closed:
            raise JournalError("the journal is closed")
        taken = self._chain.extend(records)
        self._rows += taken
        if taken and self._listener is not None:
            self._listener(self._chain.sequence)
        return self._chain.sequence

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Set the one listener; it is called inside `append`, after the records were taken."""
        self._listener = listener

    def on_failure(self, listener: Callable[[JournalError], None]) -> None:
        """Do nothing: memory does not fail, so nobody will hear of it."""

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield the entries behind sequence number *after*; records appended meanwhile come too."""
        while after < len(self._rows):
            row = self._rows[after]
            after = row.sequence
            yield JournalEntry(row.sequence, CODEC.decode(row.body, row.version), row.digest)

    def close(self) -> None:
        """Take no more records; what was taken can still be read."""
        self._closed = True
