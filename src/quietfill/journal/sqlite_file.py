"""The SQLite file of a journal: its layout, how to tell it from other files, and how to read it.

One table of records. The view `entries` gives their kind and time in SQL, computed from the body: what is
stored once cannot contradict itself. `meta` says when and by what the file was made and how often it was
opened for writing; nothing in it is part of the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw

from quietfill.domain.errors import JournalError
from quietfill.domain.records import SCHEMA_VERSION
from quietfill.journal.codec import CODEC, GENESIS, Chained, DamagedError, link
from quietfill.ports.journal import JournalEntry

APPLICATION_ID = 0x51464A4C  # "QFJL"
PAGE_ROWS = 1_000
"""Records fetched at a time: a reader never pins the write-ahead log for longer than this takes."""

LAYOUT = """
CREATE TABLE records(
    sequence INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE VIEW entries AS SELECT sequence, body ->> '$.at' AS at, body ->> '$.kind' AS kind, body FROM records;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_SELECT = "SELECT sequence, version, CAST(body AS BLOB), digest FROM records"


class JournalReader:
    """Reads a journal and never writes to it, whether or not a writer is at work beside it.

    Raises:
        JournalError: when the file is missing, is no journal, or was written by a newer Quietfill.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise JournalError(f"{self.path}: no such file")
        self._connection = self._open()
        try:
            refuse_foreign(self._connection, self.path)
        except JournalError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def meta(self) -> dict[str, str]:
        """Return what is noted about the file: created, quietfill, python, schema, epoch."""
        return dict(self._fetch(0, "SELECT key, value FROM meta ORDER BY key", ()))

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield the entries behind sequence number *after* that were durable when it got to them.

        Raises:
            DamagedError: at the first record that is missing, changed or unreadable.
            JournalError: at a record that a newer Quietfill wrote.
        """
        for row in self.rows(after):
            if row.version > CODEC.version:
                raise newer(self.path, row.version)
            try:
                record = CODEC.decode(row.body, row.version)
            except JournalError as error:
                raise DamagedError(str(self.path), row.sequence, str(error)) from error
            yield JournalEntry(row.sequence, record, row.digest)

    def rows(self, after: int = 0) -> Iterator[Chained]:
        """Yield the same as `read`, still encoded.

        Raises:
            DamagedError: at the first record that is missing, changed or unreadable.
        """
        sequence, digest = after, self._digest(after)
        while page := self._fetch(
            sequence + 1, f"{_SELECT} WHERE sequence > ? ORDER BY sequence LIMIT {PAGE_ROWS}", (sequence,)
        ):
            for row in map(Chained._make, page):
                sequence += 1
                digest = self._verify(row, sequence, digest)
                yield row

    def last(self) -> Chained | None:
        """Return the last record, or None when there is none."""
        rows = self._fetch(0, f"{_SELECT} ORDER BY sequence DESC LIMIT 1", ())
        return Chained._make(rows[0]) if rows else None

    def check_structure(self) -> None:
        """Do nothing when the file is sound as an SQLite database, which the chain does not look at.

        Raises:
            DamagedError: when it is not.
        """
        answer = str(self._fetch(0, "PRAGMA quick_check(1)", ())[0][0])
        if answer != "ok":
            raise DamagedError(str(self.path), 0, " ".join(answer.split()))

    def _digest(self, sequence: int) -> bytes:
        if sequence == 0:
            if self._fetch(1, "SELECT 1 FROM records WHERE sequence < 1 LIMIT 1", ()):
                raise DamagedError(str(self.path), 1, "there are records before it")
            return GENESIS
        rows = self._fetch(
            sequence, "SELECT sequence, digest FROM records WHERE sequence >= ? ORDER BY sequence LIMIT 1", (sequence,)
        )
        if rows and rows[0][0] != sequence:
            raise DamagedError(str(self.path), sequence, f"missing, the next is {rows[0][0]}")
        return bytes(rows[0][1]) if rows else GENESIS  # with no record there, none follows to be checked

    def _verify(self, row: Chained, sequence: int, previous: bytes) -> bytes:
        if row.sequence != sequence:
            raise DamagedError(str(self.path), sequence, f"missing, the next is {row.sequence}")
        if row.digest != link(previous, sequence, row.body):
            raise DamagedError(str(self.path), sequence, "digest does not match")
        return row.digest

    def _fetch(self, sequence: int, sql: str, values: tuple[int, ...]) -> list[Any]:
        """Return all rows of a query; *sequence* is the record to name when the file cannot be read."""
        try:
            rows = self._connection.execute(sql, values).fetchall()
            if self._still and self._stamp() != self._still:
                self._connection.close()
                self._connection = self._open()
                rows = self._connection.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise DamagedError(str(self.path), sequence, f"cannot be read: {error}") from error
        return rows

    def _open(self) -> apsw.Connection:
        # Without a write-ahead log nobody is writing, and the file may be read as it lies: in a
        # read-only folder too, and without leaving files of SQLite's beside it. `_fetch` watches
        # whether that stays so.
        lies_still = not self._log.exists()
        self._still = self._stamp() if lies_still else None
        return connect(self.path, apsw.SQLITE_OPEN_READONLY, "?immutable=1" if lies_still else "")

    @property
    def _log(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _stamp(self) -> tuple[bool, int, int]:
        status = self.path.stat()
        return self._log.exists(), status.st_mtime_ns, status.st_size


def connect(path: Path, flags: int, options: str = "", vfs: str | None = None) -> apsw.Connection:
    """Open *path* in SQLite.

    Raises:
        JournalError: when it cannot be opened.
    """
    try:
        return apsw.Connection(path.absolute().as_uri() + options, flags=flags | apsw.SQLITE_OPEN_URI, vfs=vfs)
    except apsw.Error as error:
        raise JournalError(f"{path}: {error}") from error


def is_blank(connection: apsw.Connection, path: Path) -> bool:
    """Say whether the database holds nothing at all: a writer died before it had laid it out.

    Raises:
        JournalError: when the file is not a database.
    """
    return _ask(connection, path, "SELECT count(*) FROM sqlite_schema") == 0 and _identity(connection, path) == 0


def refuse_foreign(connection: apsw.Connection, path: Path) -> None:
    """Do nothing for a journal that this version can read.

    Raises:
        JournalError: when the file is something else, is damaged, or was written by a newer Quietfill.
    """
    if _identity(connection, path) != APPLICATION_ID:
        raise JournalError(f"{path}: not a Quietfill journal")
    version = _ask(connection, path, "PRAGMA user_version")
    if version > SCHEMA_VERSION:
        raise newer(path, version)


def newer(path: Path, version: int) -> JournalError:
    """Return the refusal of a journal written under a schema *version* that is not known here."""
    return JournalError(f"{path}: written by a newer Quietfill (schema {version}, this one reads {SCHEMA_VERSION})")


def _identity(connection: apsw.Connection, path: Path) -> int:
    return _ask(connection, path, "PRAGMA application_id")


def _ask(connection: apsw.Connection, path: Path, sql: str) -> int:
    try:
        return int(connection.execute(sql).get)
    except apsw.NotADBError:
        raise JournalError(f"{path}: not a Quietfill journal") from None
    except apsw.Error as error:
        raise DamagedError(str(path), 0, str(error)) from error
