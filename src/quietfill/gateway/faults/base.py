"""What a fault is, and how one is chosen from text.

A fault may hold back or swallow a request before it is answered, change or hold back a message before it leaves, stop a
report of the venue, refuse a client, or act at a time of its own. It is written `name`, or `name:key=value,key=value`;
all its times are simulated seconds, counted from the start of the gateway or, if it was added later, from then.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, to_decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.gateway.orders import PaperOrder
    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Message

PLACE: Final = 3
CANCEL: Final = 4
ORDER_STATUS: Final = 3
ERROR: Final = 4
OPEN_ORDER: Final = 5
EXECUTION: Final = 11
COMMISSION: Final = 59


@dataclass(frozen=True)
class Setting:
    """One thing that can be said about a fault; `default` is a number, or a word of `words`."""

    default: str
    meaning: str
    words: tuple[str, ...] = ()


AFTER: Final = Setting("0", "s until it begins")
HOW_LONG: Final = Setting("0", "s that it lasts; 0 for ever")
TIMES: Final = Setting("0", "how often it strikes; 0 always")


def settings(**known: Setting) -> Mapping[str, Setting]:
    """Return what can be said about a fault."""
    return MappingProxyType(known)


class Fault:
    """One way to misbehave.

    Attributes:
        name: how it is chosen.
        rules: which of the rules for a robust client it puts to the test (see the how-to).
        what: what the gateway does.
        trap: what goes wrong in a client that does not expect it.
        settings: what can be said about it.
    """

    name: ClassVar[str]
    rules: ClassVar[tuple[int, ...]]
    what: ClassVar[str]
    trap: ClassVar[str]
    settings: ClassVar[Mapping[str, Setting]] = settings()

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        self.gateway = gateway
        self._values = values
        self._struck = 0
        self._since: Timestamp = 0

    def start(self) -> None:
        """Begin to count time; called once, when the gateway runs."""
        self._since = self.gateway.floor.now
        self.begin()

    # ------------------------------------------------------------ what a fault may do

    def begin(self) -> None:
        """Plan what is to be done by itself."""

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Say whether a request ends here, unanswered or answered by this fault."""
        return False

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Return what leaves in place of a message."""
        return (message,)

    def reported(self, order: PaperOrder, report: ExecutionReport) -> bool:
        """Say whether a report of the venue is heard; False when this fault has dealt with it."""
        return True

    def keeps_out(self, session: Session, client_id: int) -> bool:
        """Say whether a client is told that its id is in use."""
        return False

    def welcomed(self, session: Session) -> None:
        """Hear that a client has started."""

    # ------------------------------------------------------------ parts

    def number(self, key: str) -> Decimal:
        """Return a setting as a number."""
        return Decimal(self._values[key])

    def word(self, key: str) -> str:
        """Return a setting as text."""
        return self._values[key]

    def seconds(self, key: str) -> Duration:
        """Return a setting given in seconds in ns."""
        return round(self.number(key) * SECOND)

    @property
    def starts_at(self) -> Timestamp:
        """When it begins."""
        return self._since + (self.seconds("after") if "after" in self._values else 0)

    @property
    def is_on(self) -> bool:
        """Whether it has begun and is not over."""
        now, lasts = self.gateway.floor.now, self.seconds("lasts") if "lasts" in self._values else 0
        return now >= self.starts_at and (lasts == 0 or now < self.starts_at + lasts)

    def strikes(self) -> bool:
        """Say whether it happens this time, and count it."""
        most = int(self.number("times")) if "times" in self._values else 0
        if not self.is_on or (most and self._struck >= most):
            return False
        self._struck += 1
        return True

    def at_start(self, act: Callable[[], None]) -> None:
        """Do something when it begins."""
        self.gateway.floor.when(self.starts_at, act)

    def later(self, session: Session, message: Message, delay: Duration) -> None:
        """Send a message some simulated time from now."""
        self.gateway.floor.after(delay, lambda: session.write(message))


KINDS: dict[str, type[Fault]] = {}


def register(kind: type[Fault]) -> type[Fault]:
    """Make a fault available under its name."""
    assert kind.name not in KINDS, f"two faults are called {kind.name}"
    KINDS[kind.name] = kind
    return kind


def read_fault(text: str, gateway: PaperGateway) -> Fault:
    """Return the fault that a text like `commission-late:seconds=5` asks for.

    Raises:
        BadInput: for an unknown fault or setting, or a value that is none.
    """
    name, _, rest = text.partition(":")
    kind = KINDS.get(name.strip())
    if kind is None:
        raise BadInput(f"fault {name.strip()!r} is none of {', '.join(sorted(KINDS))}")
    values = {key: setting.default for key, setting in kind.settings.items()}
    for part in filter(None, rest.split(",")):
        key, separator, value = part.partition("=")
        key, value = key.strip(), value.strip()
        if not separator or key not in kind.settings:
            known = ", ".join(kind.settings) or "none"
            raise BadInput(f"fault {name}: {part.strip()!r} is not a setting like key=value (its settings: {known})")
        values[key] = _checked(name, key, value, kind.settings[key])
    return kind(gateway, values)


def _checked(name: str, key: str, value: str, setting: Setting) -> str:
    if setting.words:
        if value not in setting.words:
            raise BadInput(f"fault {name}: {key} must be one of {', '.join(setting.words)}, not {value!r}")
        return value
    try:
        number = to_decimal(value, f"fault {name}: {key}")
    except ValueError as error:
        raise BadInput(str(error)) from None
    if number < 0:
        raise BadInput(f"fault {name}: {key} must not be negative, not {value}")
    return str(number)
