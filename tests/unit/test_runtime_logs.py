"""Log lines of our own."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import structlog

from quietfill.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    import pytest


def test_log_lines_leave_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """An error with its traceback goes to standard error as text, without the values of local variables."""
    secret = "swordfish"
    try:
        log_to_stderr()
        try:
            raise ValueError("broken")  # noqa: TRY301 - the traceback is what is looked at
        except ValueError:
            structlog.get_logger("test").exception("it failed", length=len(secret))
    finally:
        structlog.reset_defaults()

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "event='it failed'" in captured.err
    assert "ValueError: broken" in captured.err
    assert secret not in captured.err.replace('secret = "swordfish"', "")


def test_a_log_line_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """With standard error closed a log line is lost and nothing is raised."""
    closed = io.StringIO()
    closed.close()
    try:
        log_to_stderr()
        monkeypatch.setattr(sys, "stderr", closed)
        structlog.get_logger("test").critical("nobody hears this")
    finally:
        structlog.reset_defaults()

    assert closed.closed
