"""An execution desk in a Python package: the only sender of orders to the broker.

Everything that users program against is importable from here; it is loaded when it is first asked for,
so that `import quietfill` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from quietfill.domain.stamps import install_stamps

if TYPE_CHECKING:
    from quietfill.agent.agent import ExecutionAgentImpl as ExecutionAgentImpl
    from quietfill.agent.base import ExecutionAgentBase as ExecutionAgentBase
    from quietfill.agent.config import AgentConfig as AgentConfig
    from quietfill.brokers.ib.broker import IBBroker as IBBroker
    from quietfill.bus.local import EventBus as EventBus
    from quietfill.domain.book import OrderBookLevel as OrderBookLevel
    from quietfill.domain.book import OrderBookSnapshot as OrderBookSnapshot
    from quietfill.domain.errors import BadInput as BadInput
    from quietfill.domain.errors import BrokerError as BrokerError
    from quietfill.domain.errors import BrokerRefusal as BrokerRefusal
    from quietfill.domain.errors import JournalError as JournalError
    from quietfill.domain.errors import QuietfillError as QuietfillError
    from quietfill.domain.events import DecisionEvent as DecisionEvent
    from quietfill.domain.events import EventType as EventType
    from quietfill.domain.events import FillEvent as FillEvent
    from quietfill.domain.events import KillSwitchEvent as KillSwitchEvent
    from quietfill.domain.events import MarketDataEvent as MarketDataEvent
    from quietfill.domain.events import OrderEvent as OrderEvent
    from quietfill.domain.events import OrderStateChangeEvent as OrderStateChangeEvent
    from quietfill.domain.events import RiskAlertEvent as RiskAlertEvent
    from quietfill.domain.events import SystemEvent as SystemEvent
    from quietfill.domain.events import ValidatedDecisionEvent as ValidatedDecisionEvent
    from quietfill.domain.instrument import Instrument as Instrument
    from quietfill.domain.instrument import LocalSession as LocalSession
    from quietfill.domain.instrument import SpecialDay as SpecialDay
    from quietfill.domain.instrument import TickRule as TickRule
    from quietfill.domain.messages import KillScope as KillScope
    from quietfill.domain.order import FillCategory as FillCategory
    from quietfill.domain.order import MarketImpactEstimate as MarketImpactEstimate
    from quietfill.domain.order import PendingOrder as PendingOrder
    from quietfill.domain.order import SliceFill as SliceFill
    from quietfill.domain.order_state import VALID_ORDER_TRANSITIONS as VALID_ORDER_TRANSITIONS
    from quietfill.domain.order_state import OrderState as OrderState
    from quietfill.domain.order_state import is_valid_state_transition as is_valid_state_transition
    from quietfill.domain.types import Liquidity as Liquidity
    from quietfill.domain.types import OrderSide as OrderSide
    from quietfill.domain.types import OrderType as OrderType
    from quietfill.domain.types import TimeInForce as TimeInForce
    from quietfill.journal.memory import MemoryJournal as MemoryJournal
    from quietfill.journal.sqlite import SqliteJournal as SqliteJournal
    from quietfill.runtime.audit import AuditLogger as AuditLogger
    from quietfill.tca.best_execution import BestExecutionAnalyzer as BestExecutionAnalyzer
    from quietfill.venue.simulated import SimulatedBroker as SimulatedBroker

__version__ = "0.1.0"

_HOMES = {
    "agent.agent": ("ExecutionAgentImpl",),
    "agent.base": ("ExecutionAgentBase",),
    "agent.config": ("AgentConfig",),
    "brokers.ib.broker": ("IBBroker",),
    "bus.local": ("EventBus",),
    "domain.book": ("OrderBookLevel", "OrderBookSnapshot"),
    "domain.errors": ("BadInput", "BrokerError", "BrokerRefusal", "JournalError", "QuietfillError"),
    "domain.events": (
        "DecisionEvent",
        "EventType",
        "FillEvent",
        "KillSwitchEvent",
        "MarketDataEvent",
        "OrderEvent",
        "OrderStateChangeEvent",
        "RiskAlertEvent",
        "SystemEvent",
        "ValidatedDecisionEvent",
    ),
    "domain.instrument": ("Instrument", "LocalSession", "SpecialDay", "TickRule"),
    "domain.messages": ("KillScope",),
    "domain.order": ("FillCategory", "MarketImpactEstimate", "PendingOrder", "SliceFill"),
    "domain.order_state": ("VALID_ORDER_TRANSITIONS", "OrderState", "is_valid_state_transition"),
    "domain.types": ("Liquidity", "OrderSide", "OrderType", "TimeInForce"),
    "journal.memory": ("MemoryJournal",),
    "journal.sqlite": ("SqliteJournal",),
    "runtime.audit": ("AuditLogger",),
    "tca.best_execution": ("BestExecutionAnalyzer",),
    "venue.simulated": ("SimulatedBroker",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "VALID_ORDER_TRANSITIONS",
    "AgentConfig",
    "AuditLogger",
    "BadInput",
    "BestExecutionAnalyzer",
    "BrokerError",
    "BrokerRefusal",
    "DecisionEvent",
    "EventBus",
    "EventType",
    "ExecutionAgentBase",
    "ExecutionAgentImpl",
    "FillCategory",
    "FillEvent",
    "IBBroker",
    "Instrument",
    "JournalError",
    "KillScope",
    "KillSwitchEvent",
    "Liquidity",
    "LocalSession",
    "MarketDataEvent",
    "MarketImpactEstimate",
    "MemoryJournal",
    "OrderBookLevel",
    "OrderBookSnapshot",
    "OrderEvent",
    "OrderSide",
    "OrderState",
    "OrderStateChangeEvent",
    "OrderType",
    "PendingOrder",
    "QuietfillError",
    "RiskAlertEvent",
    "SimulatedBroker",
    "SliceFill",
    "SpecialDay",
    "SqliteJournal",
    "SystemEvent",
    "TickRule",
    "TimeInForce",
    "ValidatedDecisionEvent",
    "__version__",
    "is_valid_state_transition",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'quietfill' has no attribute {name!r}")
    value = getattr(import_module(f"quietfill.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what can be asked for."""
    return sorted(__all__)


# The domain reads no clock itself, yet users' events want an id and a time. Imported by name, so that a package
# which asks this one for its version does not count as importing what lies above it.
install_stamps(import_module("quietfill.runtime.stamps").SystemStamps())
