"""What an examination says when a broker does not keep a guarantee."""

from __future__ import annotations


class ConformanceFailure(AssertionError):  # noqa: N818 - what it is, not which family it belongs to
    """A broker did not do what the engine relies on.

    Attributes:
        expected: what should have happened.
        heard: everything that was asked and heard, in order, one line each.
        why: why the engine needs it.
    """

    def __init__(self, expected: str, heard: tuple[str, ...], why: str) -> None:
        """Keep the three, and put them into the message."""
        self.expected = expected
        self.heard = heard
        self.why = why
        lines = [f"  {number:>3}. {line}" for number, line in enumerate(heard, start=1)] or ["  nothing"]
        super().__init__("\n".join([f"expected: {expected}", "heard:", *lines, f"because: {why}"]))
