"""Errors by family. Refusals are records, never exceptions; these are the rest.

`BadInput` is what a user or a file got wrong: one line that names it, exit code 2 at the command
line. `BrokerError` is what the broker did. Our own bugs are assertions.
"""

from __future__ import annotations


class QuietfillError(Exception):
    """The base of all errors that we raise on purpose."""


class BadInput(QuietfillError, ValueError):  # noqa: N818 - reads as what it is at the command line
    """A file, option or value was wrong; the message names which and why in one line."""


class JournalError(QuietfillError):
    """The journal cannot be trusted or written."""


class BrokerError(QuietfillError):
    """The broker or the line to it failed."""


class BrokerRefusal(BrokerError):  # noqa: N818 - the broker works as it should, it said no
    """The broker said no to one request: nothing came of it. Raised by brokers that users bring."""
