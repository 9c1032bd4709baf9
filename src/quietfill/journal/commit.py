"""The thread that makes records durable: one connection, one transaction for whatever is waiting.

Every call into SQLite gives up the interpreter's lock, and to get it back from a busy event loop can
take a whole switch interval (5 ms). A batch is therefore one statement, which is its own transaction,
and not a statement for each record.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

import apsw

from quietfill.domain.errors import JournalError
from quietfill.journal.codec import Chained

Batch: TypeAlias = list[Chained]

BATCH_ROWS = 1_000
"""No further append joins a transaction that has this many records; one append is never split."""

_STATEMENT_ROWS = 5_000  # SQLite takes at most 32,766 values in a statement
_CHECKPOINT_BYTES = 64 << 20
_IDLE_SECONDS = 0.2
_WATCH_SECONDS = 5.0
_WATCH_COMMITS = 50  # a file that was removed is noticed within 10 s, busy or not
_ROW_OVERHEAD_BYTES = 64
_PAGE_BYTES = 4096

_STOP: Batch = []


class CommitThread:
    """Writes batches in order until told to stop, or until the first failure, which is final."""

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        on_commit: Callable[[int], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._connection = connection
        self._path = path
        self._identity = _identity(path)
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._waiting: SimpleQueue[Batch] = SimpleQueue()
        self._log_bytes = 0
        self._commits = 0
        self.put = self._waiting.put
        self._thread = Thread(target=self._run, name=f"journal {path.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when everything put before is durable, or has failed, and the file is closed."""
        self.put(_STOP)
        self._thread.join()

    def _run(self) -> None:
        try:
            while (batch := self._next()) is not _STOP:
                self._commit(batch)
            self._close()
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing after it is durable
            # A sync that failed may have dropped the pages it was to write: trying again would lie.
            # The log is left as it is; what it holds is decided when it is read back.
            self._connection.close(force=True)
            self._on_failure(error)

    def _next(self) -> Batch:
        """Wait for the first batch, then take what else is there. A stop is put back behind the rest."""
        batch = self._wait()
        while batch is not _STOP and len(batch) < BATCH_ROWS and not self._waiting.empty():
            more = self._waiting.get()
            if more is _STOP:
                self._waiting.put(_STOP)
                break
            batch += more
        return batch

    def _wait(self) -> Batch:
        while True:
            try:
                return self._waiting.get(timeout=_IDLE_SECONDS if self._log_bytes else _WATCH_SECONDS)
            except Empty:
                self._look_after_file()
                self._checkpoint()

    def _commit(self, batch: Batch) -> None:
        if len(batch) <= _STATEMENT_ROWS:
            self._insert(batch)
        else:
            with self._connection:
                for start in range(0, len(batch), _STATEMENT_ROWS):
                    self._insert(batch[start : start + _STATEMENT_ROWS])
        self._on_commit(batch[-1].sequence)
        self._log_bytes += 2 * _PAGE_BYTES + sum(len(row.body) + _ROW_OVERHEAD_BYTES for row in batch)
        self._commits += 1
        if self._commits % _WATCH_COMMITS == 0:
            self._look_after_file()
        if self._log_bytes > _CHECKPOINT_BYTES:
            self._checkpoint()

    def _insert(self, rows: Batch) -> None:
        places = ",".join(["(?,?,CAST(? AS TEXT),?)"] * len(rows))
        self._connection.execute(
            f"INSERT INTO records(sequence, version, body, digest) VALUES {places}",  # noqa: S608 - question marks
            [value for row in rows for value in row],
        )

    def _look_after_file(self) -> None:
        if _identity(self._path) != self._identity:
            raise JournalError("the file was removed or replaced")

    def _checkpoint(self) -> None:
        """Move the log into the file, in a quiet moment if there is one: a commit that has to do it is slow."""
        if self._log_bytes:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._log_bytes = 0

    def _close(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - `Path.stat` takes twice as long
    except OSError:
        return None
    return status.st_dev, status.st_ino
