"""Whether anything that adds risk may leave, and if not, why: the line, and rules of the house on top of it.

To the agent all of these are one thing, a line that is up or down: while it is down its algos hold back, and when it is
up again they plan what is left anew. Cancels pass in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_LINE = "the line to the broker is down"


class Gate:
    """Open while the line is up and nothing bars it.

    Args:
        has_line: says whether the line is up.
        changed: told that the gate opened or closed, and why.
    """

    def __init__(self, has_line: Callable[[], bool], changed: Callable[[bool, str], None]) -> None:
        """Start without a bar."""
        self._has_line = has_line
        self._changed = changed
        self._bars: dict[str, str] = {}
        self._told = True

    @property
    def is_open(self) -> bool:
        """Whether what adds risk may leave."""
        return self._has_line() and not self._bars

    @property
    def why(self) -> str:
        """Why it may not; "" while it may."""
        return next(iter(self._bars.values()), "") if self._has_line() else _NO_LINE

    def expect_open(self) -> None:
        """Take it as told that it is open, as whoever has just connected believes; `look` puts that right."""
        self._told = True

    def bar(self, rule: str, why: str) -> None:
        """Let nothing pass for a rule's sake."""
        self._bars[rule] = why
        self.look(why)

    def lift(self, rule: str, why: str) -> None:
        """Let things pass again, for all that this rule cares."""
        if self._bars.pop(rule, None) is not None:
            self.look(why)

    def look(self, why: str = "") -> None:
        """Tell whether it opened or closed since that was last told."""
        if self._told != self.is_open:
            self._told = self.is_open
            self._changed(self.is_open, why or self.why)
