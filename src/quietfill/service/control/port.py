"""`ControlPort`: the port of one agent, put together, started and stopped with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.domain.events import RiskAlertEvent
from quietfill.domain.types import datetime_of
from quietfill.service.control.acting import Acting
from quietfill.service.control.deciding import Deciding
from quietfill.service.control.door import Door, Limits
from quietfill.service.control.heard import Heard
from quietfill.service.control.killing import Killing
from quietfill.service.control.loopback import listening
from quietfill.service.control.routes import Routes
from quietfill.service.control.served import Served
from quietfill.service.control.wrong_tokens import WrongTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.ports.bus import Bus

_log = structlog.get_logger(__name__)


class ControlPort:
    """HTTP on loopback, in the event loop of its agent.

    Args:
        agent: not started yet, so that nothing it journals is missed.
        bus: where decisions go.
        host, port: where to listen; port 0 takes a free one.
        token: what every request must bring.
        facts: what the service knows of itself; `ready` among it says whether decisions are taken.
        limits: see `Limits`.
    """

    def __init__(
        self,
        agent: ExecutionAgentImpl,
        bus: Bus,
        *,
        host: str,
        port: int,
        token: str,
        facts: Callable[[], dict[str, Any]],
        limits: Limits | None = None,
    ) -> None:
        self._agent = agent
        self._bus = bus
        self._host = host
        self._port = port
        self._token = token
        self._facts = facts
        self._limits = limits or Limits()
        self._heard = Heard()
        self._served: Served | None = None
        self._wrong: WrongTokens | None = None
        self._alarm: asyncio.Task[bool] | None = None
        agent.runtime.on_record(self._heard.hear)

    @property
    def port(self) -> int:
        """The port that it listens on; before `start`, the one that was asked for."""
        return self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            BadInput: when the host is not this machine's alone, or the port cannot be had; the message names both.
        """
        assert self._served is None, "a control port is started once"
        listener = listening(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._wrong = WrongTokens(self._limits.wrong_tokens, asyncio.get_running_loop().time, self._flooded)
        door = Door(self._routes().application(), self._token, self._origins, self._limits, self._wrong)
        self._served = Served(door, self._limits)
        try:
            await self._served.begin(listener)
        except BaseException:
            listener.close()
            raise

    async def stop(self) -> None:
        """Answer what is asked already, and listen no more."""
        if self._served is not None:
            await self._served.end()
        if self._alarm is not None:
            self._alarm.cancel()

    def _routes(self) -> Routes:
        limits = self._limits
        acting = Acting(self._agent, self._heard, limits.commit_seconds)
        deciding = Deciding(self._agent, self._bus, self._heard, self._takes_decisions, limits.commit_seconds)
        return Routes(self._agent, self._told, acting, deciding, Killing(self._agent, limits.kill_seconds))

    def _takes_decisions(self) -> bool:
        return bool(self._facts().get("ready", True)) and self._agent.is_running

    def _told(self) -> dict[str, Any]:
        wrong = 0 if self._wrong is None else self._wrong.total
        return {"ready": self._agent.is_running, "wrong_tokens": wrong} | self._facts()

    def _origins(self) -> frozenset[str]:
        return frozenset(f"http://{name}:{self._port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    def _flooded(self, address: str) -> None:
        """Tell of somebody who tries tokens, behind the back of the request."""
        _log.warning("wrong tokens at the control port", address=address)
        if self._alarm is not None and not self._alarm.done():
            return
        alert = RiskAlertEvent(
            timestamp=datetime_of(self._agent.runtime.clock.now()),
            source_agent=self._agent.config.name,
            subject="control port",
            severity="critical",
            message=f"more than {self._limits.wrong_tokens} wrong tokens in a minute from {address}",
        )
        self._alarm = asyncio.get_running_loop().create_task(_said(self._bus, alert))


async def _said(bus: Bus, alert: RiskAlertEvent) -> bool:
    try:
        return await bus.publish(alert)
    except Exception:  # noqa: BLE001 - a stranger's bus; the log has it already
        _log.exception("the bus failed")
        return False
