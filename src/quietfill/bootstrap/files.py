"""The files of a run: the audit log beside its journal, a journal of its own making, a report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput, JournalError
from quietfill.journal.sqlite import SqliteJournal
from quietfill.report.page import write_report
from quietfill.runtime.audit import AuditLogger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.ports.clock import Clock
    from quietfill.ports.journal import JournalEntry
    from quietfill.report.run import RunReport


def open_audit(journal_path: Path, clock: Clock, journal: SqliteJournal) -> AuditLogger:
    """Open the audit log beside a journal; when that fails, leave no journal that was made for nothing."""
    try:
        return AuditLogger(audit_path(journal_path), clock=clock)
    except JournalError:
        is_new = journal.sequence == 0
        journal.close()
        if is_new:
            journal_path.unlink(missing_ok=True)
        raise


def audit_path(journal_path: Path) -> Path:
    """Return where the audit log beside a journal lies."""
    return journal_path.with_name(journal_path.name + ".audit")


def save_journal(path: Path, entries: Sequence[JournalEntry]) -> None:
    """Write a journal file that is there completely or not at all.

    Raises:
        JournalError: when it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        journal = SqliteJournal(partial)
        try:
            journal.append([entry.record for entry in entries])
        finally:
            journal.close()
        os.replace(partial, path)  # noqa: PTH105 - reads as the step that it is
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def save_report(path: Path, report: RunReport) -> None:
    """Write a report file that is there completely or not at all.

    Raises:
        BadInput: when it cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link is followed, never replaced
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a regular file")
    try:
        write_report(path, report)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
