"""Running sums of what a feed has shown of one market, so that an average over any stretch is one subtraction.

Prints: volume and value of the others' trades. A feed that gives the day's turnover loses nothing when it is
conflated; from one that does not, a rise of the day's volume is taken to have traded at the last price.

Quotes: twice the others' mid integrated over trading time. Kept here from one update to the next, or taken from
a feed that keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from quietfill.domain.types import MINUTE

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Duration, Price, Quantity, Timestamp


class Sums(NamedTuple):
    """Sums over a stretch of time.

    Attributes:
        volume, turnover: of the others' prints of which a price is known, and their price x quantity.
        mid_sum, mid_time: 2 x mid x ns, and the ns over which there was a mid.
    """

    volume: Quantity = 0
    turnover: int = 0
    mid_sum: int = 0
    mid_time: Duration = 0

    def since(self, base: Sums) -> Sums:
        """Return what came after *base*."""
        return Sums(*(now - then for now, then in zip(self, base, strict=True)))

    @property
    def vwap(self) -> Price | None:
        """The average price of the prints, rounded to 1e-9 of the currency; None without any."""
        return _rounded(self.turnover, self.volume) if self.volume > 0 else None

    @property
    def twap(self) -> Price | None:
        """The time-weighted mid, rounded to 1e-9 of the currency; None without any time."""
        return _rounded(self.mid_sum, 2 * self.mid_time) if self.mid_time > 0 else None


class Tally:
    """The sums of one symbol since its first update.

    Attributes:
        own_before: what we had traded when the day's volume began to count; a session may span midnight UTC.
        print_number: prints seen so far; those that came in one update count as one.
    """

    __slots__ = (
        "_day_turnover",
        "_day_volume",
        "_grown",
        "_instrument",
        "_mid_sum",
        "_mid_time",
        "_own",
        "_time",
        "_turnover",
        "_volume",
        "own_before",
        "print_number",
    )

    def __init__(self, instrument: Instrument | None, own: tuple[Quantity, int], own_before: Quantity) -> None:
        """Start with nothing seen; *own* is the quantity and value that we traded so far."""
        self.own_before = own_before
        self.print_number = 0
        self._instrument = instrument
        self._own = own
        self._day_volume: Quantity | None = None
        self._day_turnover: int | None = None
        self._grown: Quantity = 0
        self._volume: Quantity = 0
        self._turnover = 0
        self._mid_sum = 0
        self._mid_time: Duration = 0
        self._time: Timestamp = 0

    def update(self, book: BookUpdate, mid_twice: Price | None, own_total: Quantity) -> None:
        """Take a book: *mid_twice* is the others' mid that was in force until now, *own_total* what we traded."""
        self._count_prints(book, own_total)
        if book.mid_sum is not None:
            self._mid_sum, self._mid_time = book.mid_sum, book.mid_time
        elif self._time and mid_twice is not None:
            lasted = self._trading_time(self._time, book.time)
            self._mid_sum += mid_twice * lasted
            self._mid_time += lasted
        self._time = book.time

    def others_volume(self, own_total: Quantity) -> Quantity:
        """Return what the others traded since the first update, new sessions included."""
        return self._grown - (own_total - self._own[0])

    def sums(self, now: Timestamp, mid_twice: Price | None, own: tuple[Quantity, int]) -> Sums:
        """Return the sums up to *now*, the mid in force until then included and our own prints left out."""
        lasted = self._trading_time(self._time, now) if mid_twice is not None else 0
        return Sums(
            volume=self._volume - (own[0] - self._own[0]),
            turnover=self._turnover - (own[1] - self._own[1]),
            mid_sum=self._mid_sum + (mid_twice or 0) * lasted,
            mid_time=self._mid_time + lasted,
        )

    def _count_prints(self, book: BookUpdate, own_total: Quantity) -> None:
        if book.volume is None:
            self.print_number += book.last_trusted
            return
        before, self._day_volume = self._day_volume, book.volume
        if before is None:  # what traded before we looked counts in no difference
            self._day_turnover = book.turnover
            return
        if book.volume < before:  # a new session: the day's own count starts again, the sums go on
            self.own_before, before, self._day_turnover = own_total, 0, 0
        grown = book.volume - before
        self._grown += grown
        self.print_number += grown > 0 or book.last_trusted
        self._count_turnover(book, grown)

    def _count_turnover(self, book: BookUpdate, grown: Quantity) -> None:
        """Add what traded at its price. Turnover counts from one that was known: a feed may begin to tell it late."""
        before, self._day_turnover = self._day_turnover, book.turnover
        if book.turnover is not None and before is not None:
            self._volume += grown
            self._turnover += book.turnover - before
        elif book.last is not None:  # volume of which no price is known counts in no average
            self._volume += grown
            self._turnover += book.last * grown

    def _trading_time(self, start: Timestamp, end: Timestamp) -> Duration:
        if end - start < MINUTE or self._instrument is None:
            return max(0, end - start)
        return self._instrument.day_of(start, end).elapsed(start, end)


def _rounded(total: int, parts: int) -> int:
    return (2 * total + parts) // (2 * parts)
