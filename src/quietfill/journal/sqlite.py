"""The durable journal: an SQLite file with one writer.

What a caller may rely on:

* A record whose number was reported to the commit listener survives the death of the process and, as far
  as the disk keeps its promises, of the machine: write-ahead log, synchronous FULL, settings read back.
* After a write or sync has failed the journal is dead: it says so once, refuses every further record, and
  never tries again. What the file then holds is decided by reading it.
* One writer at a time; readers are welcome beside it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import apsw

from quietfill.domain.errors import JournalError
from quietfill.domain.records import SCHEMA_VERSION, AnyRecord
from quietfill.domain.types import Timestamp, iso_time
from quietfill.journal.codec import Chain
from quietfill.journal.commit import CommitThread
from quietfill.journal.lock import WriterLock
from quietfill.journal.sqlite_file import APPLICATION_ID, LAYOUT, JournalReader, connect, is_blank, refuse_foreign
from quietfill.ports.journal import JournalEntry

MAX_PENDING = 1_000_000
"""Records that may wait for the disk; behind a disk that is slower than that we must not go on."""

_BUSY_TIMEOUT_MS = 5_000
_SAFE_SQLITE = (3, 51, 3)  # older ones can lose a write-ahead log that is reset while it is read

_SETTINGS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit is on the disk when it returns
    "fullfsync": 1,  # macOS: through the drive's own cache too; of no effect elsewhere
    "checkpoint_fullfsync": 1,
    "wal_autocheckpoint": 0,  # a checkpoint in the middle of a commit is where the slow ones come from
}


class SqliteJournal:
    """An open journal file; `append` is for one thread, the commit listener is called from another.

    Args:
        path: the file; `PATH-wal`, `PATH-shm` and `PATH.lock` stand beside it while it is open.
        create: make the file, and its folder, when it is missing.
        created_at: noted in a new file.
        max_pending: see `MAX_PENDING`.
        vfs: name of a registered SQLite VFS, by which tests put faults under the file.

    Raises:
        JournalError: when the file is missing, locked by another writer, no journal, newer or damaged.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool = True,
        created_at: Timestamp | None = None,
        max_pending: int = MAX_PENDING,
        vfs: str | None = None,
    ) -> None:
        self.path = Path(path)
        self._max_pending = max_pending
        self._failure: JournalError | None = None
        self._closed = False
        self._on_commit: Callable[[int], None] | None = None
        self._on_failure: Callable[[JournalError], None] | None = None
        self._prepare(create=create)
        self._lock = WriterLock(self.path.resolve())
        try:
            connection = self._open(create=create, created_at=created_at, vfs=vfs)
            self._chain = self._last_link()
        except BaseException:
            self._lock.release()
            raise
        self._committed = self._chain.sequence
        self._thread = CommitThread(connection, self.path.resolve(), self._hear_commit, self._hear_failure)

    @property
    def sequence(self) -> int:
        """Number of the last record appended; 0 when empty."""
        return self._chain.sequence

    @property
    def committed(self) -> int:
        """Number of the last record known to be durable."""
        return self._committed

    @property
    def head(self) -> str:
        """Hex SHA-256 of the chain up to the last record appended."""
        return self._chain.head

    def append(self, records: Sequence[AnyRecord]) -> int:
        """Take all records in order, or none; they become durable in one transaction.

        Raises:
            JournalError: when the journal is dead, closed or too far behind, or a record cannot be encoded.
        """
        if self._failure is not None or self._closed:
            raise self._failure or JournalError(f"{self.path}: closed")
        if self._chain.sequence - self._committed > self._max_pending:
            raise JournalError(f"{self.path}: more than {self._max_pending} records wait for the disk")
        taken = self._chain.extend(records)
        if taken:
            self._thread.put(taken)
        return self._chain.sequence

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Set the one listener that hears, in the writer's thread, which sequence number is durable."""
        self._on_commit = listener

    def on_failure(self, listener: Callable[[JournalError], None]) -> None:
        """Set the one listener that hears, in the writer's thread, that the journal is dead."""
        self._on_failure = listener
        if self._failure is not None:
            listener(self._failure)

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield the durable entries behind sequence number *after*, verifying the chain.

        Raises:
            DamagedError: at the first record that is missing, changed or unreadable.
        """
        with JournalReader(self.path) as reader:
            yield from reader.read(after)

    def close(self) -> None:
        """Make everything durable and let go of the file. A second call does nothing.

        Raises:
            JournalError: when not everything could be made durable.
        """
        if self._closed:
            return
        self._closed = True
        self._thread.stop()
        self._lock.release()
        if self._failure is not None:
            raise self._failure

    def _prepare(self, *, create: bool) -> None:
        if self.path.is_dir():
            raise JournalError(f"{self.path}: is a folder")
        if not create and not self.path.exists():
            raise JournalError(f"{self.path}: no such file")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(f"{self.path.parent}: {error.strerror or error}") from error

    def _open(self, *, create: bool, created_at: Timestamp | None, vfs: str | None) -> apsw.Connection:
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < _SAFE_SQLITE:
            raise JournalError(f"SQLite {apsw.sqlite_lib_version()} is too old to keep a journal")
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        connection = connect(self.path, flags, vfs=vfs)
        try:
            # Until we know that the file is ours nothing may be written to it, on closing neither.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            blank = create and is_blank(connection, self.path)
            if not blank:
                refuse_foreign(connection, self.path)
            self._set_up(connection, blank=blank, created_at=created_at)
        except apsw.Error as error:
            connection.close()
            raise JournalError(f"{self.path}: {error}") from error
        except JournalError:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: apsw.Connection, *, blank: bool, created_at: Timestamp | None) -> None:
        connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
        for name, wanted in _SETTINGS.items():
            connection.pragma(name, wanted)
            if (found := connection.pragma(name)) != wanted:
                raise JournalError(f"{self.path}: SQLite setting {name} is {found!r}, not {wanted!r}")
        with connection:
            if blank:
                connection.execute(LAYOUT)
                connection.pragma("application_id", APPLICATION_ID)
                connection.executemany("INSERT INTO meta VALUES (?, ?)", _origin(created_at).items())
            connection.pragma("user_version", SCHEMA_VERSION)  # from here on it may hold such records
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'")
        self.epoch = int(connection.execute("SELECT value FROM meta WHERE key = 'epoch'").get)
        self._lock.note(self.epoch)
        # A process that died may have left records in the log that were written but not synced. They
        # will be read back as facts, so first they are made durable.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _last_link(self) -> Chain:
        """Continue behind the last record, after a look at whether it stands where it says."""
        with JournalReader(self.path) as reader:
            last = reader.last()
            if last is None:
                return Chain()
            for row in reader.rows(after=last.sequence - 1):
                last = row
        return Chain(last.sequence, last.digest)

    def _hear_commit(self, sequence: int) -> None:
        self._committed = sequence
        if self._on_commit is not None:
            self._on_commit(sequence)

    def _hear_failure(self, error: Exception) -> None:
        self._failure = JournalError(f"{self.path}: journal is dead: {error}")
        self._failure.__cause__ = error
        if self._on_failure is not None:
            self._on_failure(self._failure)


def _origin(created_at: Timestamp | None) -> dict[str, str]:
    from quietfill import __version__

    return {
        "created": iso_time(created_at) if created_at is not None else "",
        "quietfill": __version__,
        "python": platform.python_version(),
        "schema": str(SCHEMA_VERSION),
        "epoch": "0",
    }
