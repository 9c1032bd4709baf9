"""What concerns the whole house, or an order without moving it: refusals, alerts and the acts of people, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.events import AnyEvent, RiskAlertEvent, SystemEvent
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    AnyRecord,
    FillRevised,
    InstrumentRegistered,
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    OrderAmended,
    OrderCancelAsked,
    OrderFrozen,
    OrderPaused,
    OrderRefused,
    OrderResumed,
    OrdersImported,
    Reconciled,
    Resolved,
    RuleSwitched,
    VolumeProfileSet,
)
from quietfill.domain.types import Timestamp, datetime_of

if TYPE_CHECKING:
    from collections.abc import Callable


class HouseEvents:
    """Turns records into risk alerts and system events; those not listed here are nobody else's concern."""

    def __init__(self, name: str) -> None:
        """Sign events with *name*."""
        self._name = name

    def concerns(self, record: AnyRecord) -> bool:
        """Say whether *record* says anything to others."""
        return type(record) in _TELL or isinstance(record, (OrderRefused, AmendRefused, AlertRaised))

    def of(self, record: AnyRecord) -> AnyEvent | None:
        """Return what *record* says to others, None when nothing."""
        match record:
            case OrderRefused():
                kind = "refused" if record.duplicate_of is None else "duplicate"
                subject, reasons = record.decision_id, record.reasons
            case AmendRefused():
                kind, subject, reasons = "amendment refused", record.order_id, record.reasons
            case AlertRaised():
                return self._alert(record.at, record.subject, record.severity, record.text, {})
            case _:
                tell = _TELL.get(type(record))
                if tell is None:
                    return None
                subject, text = tell(record)
                return self.system(record.at, subject, text, _details(record))
        text = f"{kind}: {'; '.join(reasons)}"
        return self._alert(record.at, subject, "warning", text, {"kind": kind, **_details(record)})

    def system(self, at: Timestamp, subject: str, text: str, details: dict[str, Any]) -> AnyEvent:
        """Return what happened to the house at an instant."""
        return SystemEvent(
            timestamp=datetime_of(at), source_agent=self._name, subject=subject, message=text, details=details
        )

    def _alert(self, at: Timestamp, subject: str, severity: str, text: str, details: dict[str, Any]) -> AnyEvent:
        return RiskAlertEvent(
            timestamp=datetime_of(at),
            source_agent=self._name,
            subject=subject,
            severity=severity,
            message=text,
            details=details,
        )


def _details(record: AnyRecord) -> dict[str, Any]:
    """Return the record's fields in what JSON can hold, in internal numbers where it has any."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return {name: value for name, value in fields.items() if name not in {"kind", "at"}}


def _by(record: Any, did: str) -> str:
    why = f": {record.reason}" if record.reason else ""
    return f"{did} by {record.by}{why}"


_TELL: dict[type, Callable[[Any], tuple[str, str]]] = {
    OrderAmended: lambda record: (record.order_id, _by(record, "amended")),
    OrderPaused: lambda record: (record.order_id, _by(record, "paused")),
    OrderResumed: lambda record: (record.order_id, _by(record, "resumed")),
    OrderCancelAsked: lambda record: (record.order_id, _by(record, "cancel asked for")),
    OrderFrozen: lambda record: (record.order_id, f"frozen: {record.reason}"),
    FillRevised: lambda record: (record.child_id, f"execution {record.fill.execution_id} revised: {record.why}"),
    Resolved: lambda record: (record.subject, _by(record, f"resolved as {record.outcome}")),
    KillSwitchEngaged: lambda record: ("kill switch", _by(record, "engaged")),
    KillSwitchReleased: lambda record: (
        "kill switch",
        f"released by {record.by} and {record.second}: {record.reason}",
    ),
    RuleSwitched: lambda record: (str(record.rule), f"switched {'on' if record.on else 'off'} by {record.by}"),
    LinkChanged: lambda record: ("broker", f"line {'up' if record.up else 'down'}: {record.reason}"),
    Reconciled: lambda record: ("reconcile", f"adopted {record.adopted}, in doubt {record.still_in_doubt}"),
    OrdersImported: lambda record: ("import", f"{len(record.orders)} orders taken over by {record.by}"),
    InstrumentRegistered: lambda record: (record.instrument.symbol, _by(record, "registered")),
    VolumeProfileSet: lambda record: (record.symbol, f"volume profile set by {record.by}"),
}
