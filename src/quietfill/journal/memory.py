"""A journal that lives and dies with the process, for tests and simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from quietfill.domain.errors import JournalError
from quietfill.domain.records import AnyRecord
from quietfill.journal.codec import CODEC, GENESIS, link
from quietfill.ports.journal import JournalEntry


class MemoryJournal:
    """Commits at once: the listener has heard of every record before `append` returns.

    It keeps encoded bodies, so that what is read is what a file would have given back, and its head
    equals that of a file with the same records.
    """

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._digests: list[bytes] = []
        self._head = GENESIS
        self._listener: Callable[[int], None] | None = None
        self._closed = False

    @property
    def sequence(self) -> int:
        """Number of the last record appended; 0 when empty."""
        return len(self._bodies)

    @property
    def committed(self) -> int:
        """Number of the last record appended: here, memory is as durable as it gets."""
        return len(self._bodies)

    @property
    def head(self) -> str:
        """Hex SHA-256 of the chain up to the last record appended."""
        return self._head.hex()

    def append(self, records: Sequence[AnyRecord]) -> int:
        """Take records in order; return the sequence number of the last.

        Raises:
            JournalError: when the journal is closed.
        """
        if self._closed:
            raise JournalError("the journal is closed")
        bodies = [CODEC.encode(record) for record in records]  # all or nothing: a bad one takes none
        for body in bodies:
            self._head = link(self._head, len(self._bodies) + 1, body)
            self._bodies.append(body)
            self._digests.append(self._head)
        if bodies and self._listener is not None:
            self._listener(len(self._bodies))
        return len(self._bodies)

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Set the one listener; it is called inside `append`, after the records were taken."""
        self._listener = listener

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield the entries behind sequence number *after*; records appended meanwhile come too."""
        sequence = after
        while sequence < len(self._bodies):
            record = CODEC.decode(self._bodies[sequence], CODEC.version)
            sequence += 1
            yield JournalEntry(sequence=sequence, record=record, digest=self._digests[sequence - 1])

    def close(self) -> None:
        """Take no more records; what was taken can still be read."""
        self._closed = True
