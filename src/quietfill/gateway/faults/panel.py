"""All faults that are switched on, asked one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.gateway.faults import line, lists, market, orders, reports
from quietfill.gateway.faults.base import KINDS, Fault, read_fault

__all__ = ["KINDS", "SOURCES", "Faults", "fault_table"]

SOURCES = (line, lists, market, orders, reports)
"""The modules that hold the faults; importing one registers what it holds."""

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.gateway.orders import PaperOrder
    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Message


class Faults:
    """The switchboard."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._on: list[Fault] = []
        self._is_running = False

    def add(self, text: str) -> Fault:
        """Switch a fault on; return it.

        Raises:
            BadInput: for a fault that does not exist or cannot be set so.
        """
        fault = read_fault(text, self._gateway)
        self._on.append(fault)
        if self._is_running:
            fault.start()
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch a fault off; what it has done stays done."""
        self._on.remove(fault)

    def start(self) -> None:
        """Let time count for all faults."""
        self._is_running = True
        for fault in self._on:
            fault.start()

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Say whether a request ends at a fault."""
        return any(fault.takes(session, kind, fields) for fault in self._on)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Return what leaves in place of a message."""
        messages: list[Message] = [message]
        for fault in self._on:
            messages = [passed for one in messages for passed in fault.outgoing(session, one)]
        return messages

    def reported(self, order: PaperOrder, report: ExecutionReport) -> bool:
        """Say whether a report of the venue is heard."""
        return all(fault.reported(order, report) for fault in self._on)

    def keeps_out(self, session: Session, client_id: int) -> bool:
        """Say whether a client is told that its id is in use."""
        return any(fault.keeps_out(session, client_id) for fault in self._on)

    def welcomed(self, session: Session) -> None:
        """Hear that a client has started."""
        for fault in self._on:
            fault.welcomed(session)


def fault_table() -> str:
    """Return the table of all faults for the documentation."""
    lines = ["| fault | settings | what the gateway does | what it catches | rules |", "|---|---|---|---|---|"]
    for name, kind in sorted(KINDS.items()):
        settings = "<br>".join(f"`{key}={setting.default}` {setting.meaning}" for key, setting in kind.settings.items())
        rules = ", ".join(map(str, kind.rules))
        lines.append(f"| `{name}` | {settings} | {kind.what} | {kind.trap} | {rules} |")
    return "\n".join(lines) + "\n"
