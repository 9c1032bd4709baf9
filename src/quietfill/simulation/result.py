"""What came of a simulated order: its cost, and what is needed to explain it."""

from __future__ import annotations

from typing import Any

import msgspec

from quietfill.market.history import MarketHistory
from quietfill.ports.journal import JournalEntry
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import OrderSummary
from quietfill.venue.options import VenueOptions
from quietfill.venue.tape import Tape


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run.

    Attributes:
        summary: what the order cost.
        ledger, history: what the report is made from.
        tape, options: the recording, and what the venue did with the order.
        entries: the whole journal.
        start, end: the order's window as ISO text in the venue's local time.
        events: recorded events replayed.
        wall_s: seconds that the run took, without start-up and compiling.
        head: hex digest of the record chain.
    """

    summary: OrderSummary
    ledger: Ledger
    history: MarketHistory
    entries: tuple[JournalEntry, ...]
    tape: Tape
    options: VenueOptions
    seed: int
    start: str
    end: str
    events: int
    wall_s: float
    head: str

    @property
    def alerts(self) -> list[str]:
        """What a person should see, in order."""
        return [alert.text for alert in self.ledger.orders[self.summary.order_id].alerts]

    def as_json(self) -> dict[str, Any]:
        """Return the figures of `simulate --json`."""
        order = self.ledger.orders[self.summary.order_id]
        return {
            **msgspec.to_builtins(self.summary),
            "first_fill_ns": order.first_fill_at,
            "last_fill_ns": order.last_fill_at,
            "seed": self.seed,
            "mode": self.options.mode,
            "start": self.start,
            "end": self.end,
            "events": self.events,
            "wall_s": round(self.wall_s, 6),
            "journal_records": len(self.entries),
            "journal_sha256": self.head,
            "alerts": self.alerts,
        }
