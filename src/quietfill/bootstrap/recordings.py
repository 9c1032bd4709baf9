"""What every run on a recorded market has: the recording, its first record, and the facts that its report states."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from quietfill import __version__
from quietfill.domain.messages import StartRun
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import MILLISECOND
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions
from quietfill.venue.tape import Tape


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Where recorded market data lies, and what its files do not say of themselves."""

    feed: str
    data: tuple[Path, ...]
    symbol: str
    book: Path | None = None
    date: date | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None

    def tape(self) -> Tape:
        """Read the files.

        Raises:
            BadInput: when a file or value is wrong; the message names which.
        """
        return load_tape(
            self.feed, self.data, book=self.book, symbol=self.symbol, date=self.date, tick=self.tick, lot=self.lot
        )


def start_of(kind: str, tape: Tape, options: VenueOptions, seed: int, **more: object) -> StartRun:
    """Return the first record's message: all that decides how the run goes. No path, clock, host or build is in it."""
    details = {
        "run": kind,
        "seed": seed,
        "tape_sha256": tape.sha256,
        "source": list(tape.source),
        "venue": msgspec.to_builtins(options),
        **more,
    }
    return StartRun(run_id=seeded_event_id(seed, 0), details=details)


def facts_of(tape: Tape, options: VenueOptions, seed: int, head: str) -> dict[str, str]:
    """Return what a reader of a report must know to repeat the run."""
    latency = f"{options.latency_median_ns / MILLISECOND:g} ms median each way"
    return {
        "market": ", ".join(tape.source),
        "date": str(tape.date),
        "recording sha256": tape.sha256,
        "mode": options.mode,
        "latency": latency,
        "fees": f"{options.maker_fee_bps} bps passive, {options.taker_fee_bps} bps aggressive",
        "seed": str(seed),
        "journal sha256": head,
        "quietfill": __version__,
    }


def warm_up_venue() -> None:
    """Compile the venue's core before time counts; it is loaded here, since few commands need it."""
    from quietfill.venue.warmup import warm_up

    warm_up()
