"""What an object of the user's can do, and how it is called.

Four members are needed: `is_connected`, `place_order`, `cancel_order`, `on_fill`. What else is there is used. A member
may be a plain function or a coroutine function. A plain one is called on the event loop, since many libraries allow
nothing else; one that waits for the network should hand itself to `asyncio.to_thread`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, cast

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import shown, whole

if TYPE_CHECKING:
    from quietfill.domain.events import OrderEvent
    from quietfill.domain.types import PublicNumber
    from quietfill.ports.broker import BrokerEdge

_NEEDED = ("is_connected", "place_order", "cancel_order", "on_fill")
_EDGE = ("submit", "snapshot", "on_report")


class UserBroker(Protocol):
    """The least that an agent's broker must have. See the how-to page *Bring your own broker*."""

    @property
    def is_connected(self) -> object:
        """Whether requests would reach the broker now; a property or a method."""
        ...

    @property
    def place_order(self) -> Callable[..., Any]:
        """`place_order(order_event, idempotency_key=None)`: the broker's order id, None when refused."""
        ...

    @property
    def cancel_order(self) -> Callable[..., Any]:
        """`cancel_order(broker_order_id)`: whether the request was sent."""
        ...

    @property
    def on_fill(self) -> Callable[..., Any]:
        """`on_fill(callback)`: call *callback* with a `FillEvent` for every fill."""
        ...


def is_edge(broker: object) -> TypeGuard[BrokerEdge]:
    """Say whether an object speaks in records and reports itself, and needs nobody between."""
    return all(_offers(broker, name) for name in _EDGE)


class BrokerFace:
    """One object of the user's, called the same way whatever it offers.

    Raises:
        BadInput: when one of the four needed members is missing.
    """

    def __init__(self, broker: object) -> None:
        """Look at what is there."""
        missing = [name for name in _NEEDED if getattr(broker, name, None) is None]
        if missing:
            raise BadInput(f"broker {type(broker).__name__} has no {', '.join(missing)}")
        self._broker = cast("Any", broker)
        self._takes_key = _takes_key(self._broker.place_order)
        self.reports_status = _offers(broker, "on_order_status")
        self.can_modify = self.reports_status and _offers(broker, "modify_order")
        """Without status reports nobody would tell which terms are in force."""
        self.lists_orders = _offers(broker, "open_orders")
        self.lists_executions = _offers(broker, "executions")

    def is_connected(self) -> bool:
        """Ask now.

        Raises:
            BadInput: when the answer would have to be awaited.
        """
        answer = self._broker.is_connected
        if callable(answer):
            answer = answer()
        if inspect.iscoroutine(answer):
            answer.close()
            raise BadInput("is_connected must be a property or a plain method, not a coroutine function")
        return bool(answer)

    def listen(self, on_fill: Callable[[Any], None], on_status: Callable[[Any], None]) -> None:
        """Have fills told, and status where it is told at all."""
        self._broker.on_fill(on_fill)
        if self.reports_status:
            self._broker.on_order_status(on_status)

    async def place(self, order: OrderEvent, key: str) -> int | None:
        """Place an order; return the broker's id, None when it was refused.

        Raises:
            BadInput: when the answer is neither; whether there is an order then nobody knows.
        """
        place = self._broker.place_order
        answer = await _answer(place(order, idempotency_key=key) if self._takes_key else place(order))
        return None if answer is None else whole(answer, "what place_order returned")

    async def cancel(self, broker_order_id: int) -> bool:
        """Ask for a cancel; return whether the request was sent."""
        return bool(await _answer(self._broker.cancel_order(broker_order_id)))

    async def modify(self, broker_order_id: int, quantity: PublicNumber, limit_price: PublicNumber | None) -> bool:
        """Ask for new terms, *quantity* in total; return whether the request was sent."""
        modify = self._broker.modify_order
        return bool(await _answer(modify(broker_order_id, quantity=quantity, limit_price=limit_price)))

    async def open_orders(self) -> list[Any]:
        """List what is open at the broker; nothing where it cannot be asked.

        Raises:
            BadInput: when the answer is no list.
        """
        return _listed(await _answer(self._broker.open_orders()), "open_orders") if self.lists_orders else []

    async def executions(self) -> list[Any]:
        """List what was executed; nothing where it cannot be asked.

        Raises:
            BadInput: when the answer is no list.
        """
        return _listed(await _answer(self._broker.executions()), "executions") if self.lists_executions else []


def _offers(broker: object, name: str) -> bool:
    """Say whether an object really has a method: one that answers to every name has none."""
    return inspect.getattr_static(broker, name, None) is not None and callable(getattr(broker, name))


def _takes_key(place_order: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(place_order).parameters
    except (TypeError, ValueError):  # some callables do not say
        return False
    named = parameters.get("idempotency_key")
    if named is not None:
        return named.kind is not inspect.Parameter.POSITIONAL_ONLY
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


async def _answer(given: Any) -> Any:
    """Return what a call gave, awaited where it must be."""
    return await given if inspect.isawaitable(given) else given


def _listed(answer: Any, name: str) -> list[Any]:
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        raise BadInput(f"{name} must return a list, not {shown(answer)}")
    return list(answer)
