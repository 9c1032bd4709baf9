"""A report made from a journal file alone: of a run that was cut short, or of days long past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput
from quietfill.domain.records import InstrumentRegistered, RunStarted
from quietfill.journal.inspect import entries
from quietfill.report.run import RunReport
from quietfill.tca.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import AnyRecord
    from quietfill.ports.journal import JournalEntry


def journal_report(path: Path) -> RunReport:
    """Return the report of every order in a journal.

    The market is what was kept with each order and fill; what needs the whole day's market (markouts, the paths of
    prices) is left out and says so.

    Raises:
        BadInput: when no order is in it.
        JournalError: when the file is damaged, or no journal.
    """
    kept = list(entries(path))
    past = [entry.record for entry in kept]
    ledger = Ledger.of(past)
    if not ledger.orders:
        raise BadInput(f"{path}: no order is in it, so there is nothing to report")
    return RunReport.of(
        ledger,
        {},
        _instruments(past),
        title=f"Quietfill: {path.stem}",
        facts=_facts(path, kept),
        is_simulated=_was_simulated([record for record in past if isinstance(record, RunStarted)]),
    )


def _instruments(past: list[AnyRecord]) -> dict[str, Instrument]:
    return {record.instrument.symbol: record.instrument for record in past if isinstance(record, InstrumentRegistered)}


def _facts(path: Path, kept: list[JournalEntry]) -> dict[str, str]:
    last = kept[-1]
    facts = {"journal": path.name, "records": str(last.sequence), "journal sha256": last.digest.hex()}
    for entry in kept:
        if isinstance(entry.record, RunStarted):
            details = entry.record.details
            facts |= {key: str(details[key]) for key in ("account", "source", "seed") if key in details}
    return facts


def _was_simulated(runs: list[RunStarted]) -> bool:
    """Say whether nothing of a journal traded for real; one that says nothing of its runs is not taken for a game."""
    return bool(runs) and all(_is_simulated(record) for record in runs)


def _is_simulated(record: RunStarted) -> bool:
    """Say whether a run traded on recorded data: at the embedded exchange, or through a gateway that plays them."""
    return "tape_sha256" in record.details or bool(record.details.get("recorded"))
