"""The audit log: who did what, one JSON object a line, each tied to all before it.

A line is `{"seq": n, "at": ..., "kind": ..., "agent": ..., "content": ..., "prev": ..., "digest": ...}`.
Its digest is the SHA-256 of the line as it would stand without `digest`; `prev` is the digest of the
line before. A line that is changed, removed, added or moved is found by anybody who can compute SHA-256.
That lines at the end are missing shows only against a head that was noted elsewhere.

The journal is what recovery stands on; this is for people. A disk that fails here is reported and stops
nothing: `failure` says so.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec

from quietfill.domain.errors import JournalError
from quietfill.domain.types import iso_time
from quietfill.ports.clock import Clock
from quietfill.runtime.audit_chain import GENESIS, AuditCheck, check_file, check_lines, seal
from quietfill.runtime.clock import SystemClock

MAX_ENTRIES = 10_000
"""Entries kept in memory, the newest ones; a file keeps all."""

AuditNumber: TypeAlias = int | float | Decimal | None


class AuditableEvent(Protocol):
    """An event that can say what is worth keeping of it."""

    @property
    def event_type(self) -> str:
        """What it is about."""
        ...

    def to_audit_dict(self) -> dict[str, Any]:
        """Return its fields in what JSON can hold."""
        ...


class AuditLogger:
    """Appends entries to an audit log; from any thread.

    Args:
        path: the file, which is continued when it is there; None keeps entries in memory only.
        clock: gives each entry its time.
        max_entries: see `MAX_ENTRIES`.

    Attributes:
        failure: why the file could no longer be written, None while all is well.

    Raises:
        JournalError: when the file is not an audit log, does not verify, or cannot be opened.
    """

    def __init__(
        self, path: str | Path | None = None, *, clock: Clock | None = None, max_entries: int = MAX_ENTRIES
    ) -> None:
        self.path = Path(path) if path is not None else None
        self.failure: str | None = None
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._max_entries = max_entries
        self._recent: deque[tuple[bytes, str]] = deque()
        self._oldest = (0, GENESIS)  # count and head before the first that is remembered
        self._count, self._head = self._oldest
        self._file: int | None = None
        self._size = 0
        if self.path is not None:
            self._continue(self.path)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The newest entries logged through this object, oldest first."""
        return [msgspec.json.decode(line) for line, _ in self._recent]

    @property
    def count(self) -> int:
        """How many entries the log has."""
        return self._count

    @property
    def head(self) -> str:
        """The digest of the last entry, to be noted elsewhere."""
        return self._head

    def log_event(self, event: AuditableEvent) -> None:
        """Keep an event of the bus."""
        content = event.to_audit_dict()
        self._append("event", str(content.get("source_agent", "unknown")), content)

    def log_trade(
        self,
        agent_name: str,
        order_id: str,
        symbol: str,
        side: str,
        quantity: AuditNumber,
        price: AuditNumber,
        commission: AuditNumber,
        decision_id: str | None,
    ) -> None:
        """Keep a trade: quantity in shares, contracts or coins, price and commission in the currency."""
        content = {
            "order_id": order_id,
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "price": price,
            "commission": commission,
            "decision_id": decision_id,
        }
        self._append("trade", agent_name, content)

    def log_agent_event(self, agent_name: str, event_type: str, details: Mapping[str, Any]) -> None:
        """Keep something that an agent did or that happened to it."""
        self._append("agent", agent_name, {"event_type": event_type, "details": dict(details)})

    def verify(self, noted_head: str | None = None) -> AuditCheck:
        """Check the whole file, or what memory holds, against the chain.

        Args:
            noted_head: a head noted elsewhere at any earlier time, which must lie on the chain.
        """
        with self._lock:
            if self.path is not None:
                return check_file(self.path, noted_head)
            return check_lines(
                "audit log", [line + b"\n" for line, _ in self._recent], noted_head, begins_at=self._oldest
            )

    def close(self) -> None:
        """Make the file durable and let go of it; later entries stay in memory."""
        with self._lock:
            if self._file is not None:
                file, self._file = self._file, None
                os.fsync(file)
                os.close(file)

    def _continue(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror or error}") from error
        found = check_file(path)
        if found.problem is not None:
            os.close(self._file)
            raise JournalError(found.problem)
        self._count, self._head, self._size = found.count, found.head, found.sound_bytes
        self._oldest = (found.count, found.head)
        if found.torn_bytes:
            os.ftruncate(self._file, found.sound_bytes)
            _log().warning("audit_log_torn", path=str(path), cut_bytes=found.torn_bytes)
            self.log_agent_event("AuditLogger", "torn_line_cut", {"bytes": found.torn_bytes})

    def _append(self, kind: str, agent: str, content: Mapping[str, Any]) -> None:
        with self._lock:
            entry = {"seq": self._count + 1, "at": iso_time(self._clock.now()), "kind": kind, "agent": agent}
            line, digest = seal(entry, content, self._head)
            self._count, self._head = self._count + 1, digest
            self._remember(line, digest)
            if self._file is not None:
                self._write(self._file, line + b"\n")

    def _remember(self, line: bytes, digest: str) -> None:
        self._recent.append((line, digest))
        if len(self._recent) > self._max_entries:
            _, forgotten = self._recent.popleft()
            self._oldest = (self._oldest[0] + 1, forgotten)

    def _write(self, file: int, line: bytes) -> None:
        """Write a line, unless the file is not as we left it; behind a line that failed no other may follow."""
        try:
            size = os.fstat(file).st_size
            if size == self._size and os.write(file, line) == len(line):
                self._size += len(line)
                return
            self.failure = f"{self.path}: a line was cut short, or somebody else wrote to it"
        except OSError as error:
            self.failure = f"{self.path}: {error.strerror or error}"
        self._file = None
        os.close(file)
        _log().error("audit_log_failed", reason=self.failure, entry=self._count)


def _log() -> Any:
    import structlog

    return structlog.get_logger("quietfill.audit")
