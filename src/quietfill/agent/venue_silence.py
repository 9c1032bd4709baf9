"""What a venue owes us: an answer that did not come, or any sign of life while orders of ours work there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from quietfill.agent.latency_watch import LatencyWatch, OpenChild
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.engine.state import EngineState


def silences(
    watch: LatencyWatch, state: EngineState, *, answer_within: Duration, quiet_after: Duration, now: Timestamp
) -> dict[str, str]:
    """Return each silent venue and why it counts as silent.

    Args:
        watch: what was asked and heard.
        state: the line, and the hours of each instrument.
        answer_within: a request that waits longer in vain is a silence.
        quiet_after: so long without market data or reports, within trading hours and with orders there, is one too;
            0 switches that off.
        now: the present.
    """
    silent: dict[str, str] = {}
    for child_id, child in watch.open.items():
        reason = _of_child(child_id, child, answer_within, now)
        if reason is None and quiet_after:
            reason = _of_market(child, watch, state, quiet_after, now)
        if reason is not None:
            silent.setdefault(child.venue, reason)
    if not state.link_up:
        silent.update(dict.fromkeys((*watch.heard_at, *silent), "no line to the broker"))
    return silent


def _of_child(child_id: str, child: OpenChild, answer_within: Duration, now: Timestamp) -> str | None:
    if child.doubted_at is not None:
        return f"{child_id} is in doubt since {(now - child.doubted_at) / SECOND:.1f} s"
    for kind, at in child.waits_since():
        if now - at > answer_within:
            return f"{kind} {child_id} has no answer since {(now - at) / SECOND:.1f} s"
    return None


def _of_market(
    child: OpenChild, watch: LatencyWatch, state: EngineState, quiet_after: Duration, now: Timestamp
) -> str | None:
    instrument = state.instruments.get(child.symbol)
    if instrument is None:
        return None
    opened = next((opens for opens, closes in instrument.day_of(now).spans if opens <= now < closes), None)
    if opened is None:
        return None  # a closed market says nothing
    quiet = now - max(opened, watch.heard_at.get(child.venue, opened))
    return f"neither market data nor a report for {quiet / SECOND:.0f} s" if quiet > quiet_after else None
