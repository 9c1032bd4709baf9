"""Ids that are never given twice: of orders, and of questions.

The gateway's own counter can fall: ids written into a dying socket are forgotten there and given out again after its
restart, and whatever is said about one order is then heard as being about another. So the next id here is above
everything that was ever used or seen, whatever the gateway proposes.
"""

from __future__ import annotations

from quietfill.domain.errors import BrokerError

FIRST_QUESTION = 1_900_000_000
"""Ids of questions start here, so that a code about one of them is never taken for one about an order."""

_LAST = 2**31 - 2
"""The largest that all programs of Interactive Brokers can read, less one."""


class OrderIds:
    """Gives order ids out, each above all that went before."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._highest = 0

    @property
    def highest(self) -> int:
        """The highest id given out or seen."""
        return self._highest

    def seen(self, order_id: int) -> None:
        """Note an id that somebody used; ids of manual orders are negative and do not count."""
        if order_id < FIRST_QUESTION:
            self._highest = max(self._highest, order_id)

    def proposed(self, next_id: int) -> None:
        """Note the first id that the gateway would take; it never lowers ours."""
        self.seen(next_id - 1)

    def take(self) -> int:
        """Return an id that was never used.

        Raises:
            BrokerError: when the gateway's ids have run out and must be reset there.
        """
        if self._highest + 1 >= FIRST_QUESTION:
            raise BrokerError("order ids have run out: reset the API order id sequence in the gateway's settings")
        self._highest += 1
        return self._highest


class QuestionIds:
    """Numbers questions; after two hundred million it starts anew."""

    def __init__(self) -> None:
        """Start at the first."""
        self._next = FIRST_QUESTION

    def take(self) -> int:
        """Return an id that no recent question has."""
        number, self._next = self._next, self._next + 1 if self._next < _LAST else FIRST_QUESTION
        return number
