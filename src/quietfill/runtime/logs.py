"""Where our own log lines go: one plain line each to standard error, so that standard output stays the command's."""

from __future__ import annotations

import sys

import structlog


def log_to_stderr() -> None:
    """Send log lines to standard error, without local variables: they may hold what nobody should read."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
