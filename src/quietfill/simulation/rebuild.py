"""Bring a simulated venue that died with its process back to where the journal says it was.

The venue's only inputs are the tape, the seed and our requests, and its latency is drawn from (seed, child,
message, number); so a fresh venue that is sent the same requests at the same instants is the old one again. What
it reports meanwhile was reported before and is dropped: the agent's knowledge comes from its own journal, and
reconciliation asks the venue for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested, RequestWithdrawn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.domain.records import AnyRecord, WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.venue.exchange import Exchange


def rebuild(exchange: Exchange, records: Iterable[AnyRecord]) -> Timestamp | None:
    """Replay our own requests into a fresh *exchange*; return the time of the last record, None without any.

    A request that was journaled and never sent, because the process died between the two, is sent here: the
    engine holds it for possibly sent, and the venue that answers is this one. Reports that were under way
    at that time stay to be delivered.
    """
    journal = list(records)
    if not journal:
        return None
    for request in sent_requests(journal):
        _pass_time(exchange, request.at)
        exchange.send(request, request.at)
    _pass_time(exchange, journal[-1].at)
    return journal[-1].at


def sent_requests(records: Iterable[AnyRecord]) -> list[WireRequest]:
    """Return the requests that left for the broker, in order; what the second gate withdrew did not.

    With a withdrawn placement goes everything asked of that child, since cancels of it were held back too.
    """
    journal = list(records)
    withdrawn = {(record.child_id, record.revision) for record in journal if isinstance(record, RequestWithdrawn)}
    return [
        record
        for record in journal
        if isinstance(record, (ChildRequested, ReplaceRequested, CancelRequested))
        and (record.child_id, 0) not in withdrawn
        and (not isinstance(record, ReplaceRequested) or (record.child_id, record.revision) not in withdrawn)
    ]


def _pass_time(exchange: Exchange, until: Timestamp) -> None:
    until = max(until, exchange.now)
    while True:
        reached = exchange.advance(until)
        exchange.take_reports(reached)
        if reached >= until:
            return
