"""Where our own log lines go: one plain line each to standard error, so that standard output stays the command's."""

from __future__ import annotations

import sys
from contextlib import suppress

import structlog


class StderrLogger:
    """Writes to whatever standard error is at the moment, and never fails: a log line may not stop a cancel."""

    def msg(self, message: str) -> None:
        """Write one line, or nothing when nobody can be told."""
        with suppress(OSError, ValueError):  # a full disk, a closed file
            sys.stderr.write(f"{message}\n")
            sys.stderr.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def log_to_stderr() -> None:
    """Send log lines to standard error, without local variables: they may hold what nobody should read."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=lambda *_: StderrLogger(),
    )
