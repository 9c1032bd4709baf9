"""A whole agent on the packaged hour, at the hour's own pace, with its control port open, and ways to speak to it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from quietfill import AgentConfig, AuditLogger, EventBus, ExecutionAgentImpl, MemoryJournal
from quietfill.cli.main import main
from quietfill.domain.errors import JournalError
from quietfill.domain.records import ChildAcknowledged
from quietfill.domain.types import MINUTE
from quietfill.service.control.client import ControlClient
from quietfill.service.control.port import ControlPort
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from pathlib import Path

    from quietfill.ports.journal import Journal
    from quietfill.service.control.door import Limits

TOKEN = "canary-" + "k" * 40
RATES = {"max_orders_per_minute": 2700, "min_order_interval_ms": 0, "max_replaces_per_minute": 2700}
FAR = "8.50"
"""A limit to buy at that the packaged hour never trades at."""


class MoodyJournal(MemoryJournal):
    """A journal that can be told to fail, or to hang: then it takes records and never says that they are durable."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.hangs = False

    def append(self, records: Sequence[Any]) -> int:
        """Take records, unless told to fail."""
        if self.fails:
            raise JournalError("the disk is gone")
        return super().append(records)

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Pass commits on, unless told to hang."""

        def hear(sequence: int) -> None:
            if not self.hangs:
                listener(sequence)

        super().on_commit(hear)


class BlockedBus(EventBus):
    """A bus on which nothing moves once it is told so."""

    is_blocked = False

    async def publish(self, event: Any, priority: bool = False) -> bool:
        """Deliver, or never return."""
        if self.is_blocked:
            await asyncio.Event().wait()
        return await super().publish(event, priority)


@dataclass(frozen=True)
class Answer:
    """What came back on a connection."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in it."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def error(self) -> str:
        """The one line that says why not."""
        line: str = self.body["error"]
        assert line
        assert "\n" not in line
        return line


@dataclass
class PortDesk:
    """An agent, its port, and everything that left for the broker."""

    agent: ExecutionAgentImpl
    bus: EventBus
    journal: Journal
    port: ControlPort
    sent: list[Any] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        """What the packaged market trades."""
        return next(iter(self.agent.runtime.engine.state.instruments))

    @property
    def client(self) -> ControlClient:
        """A client with the right token."""
        return ControlClient("127.0.0.1", self.port.port, TOKEN)

    async def get(self, path: str, **headers: str) -> Answer:
        """Ask, with the right token unless another is stated."""
        return await self.ask("GET", path, None, **headers)

    async def post(self, path: str, content: Any, **headers: str) -> Answer:
        """Ask for an act, with the right token unless another is stated."""
        return await self.ask("POST", path, json.dumps(content).encode(), **headers)

    async def ask(self, method: str, path: str, content: bytes | None, **headers: str) -> Answer:
        """Send one request as it stands; a header that is empty is left out, `_` stands for `-`."""
        said = {
            "host": f"127.0.0.1:{self.port.port}",
            "authorization": f"Bearer {TOKEN}",
            "content_type": "application/json" if content is not None else "",
            "content_length": str(len(content)) if content is not None else "",
            **headers,
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in said.items() if v)]
        return await self.say("\r\n".join([*lines, "", ""]).encode("latin-1") + (content or b""))

    async def say(self, content: bytes) -> Answer:
        """Send bytes; return what is answered before the connection closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port.port)
        try:
            writer.write(content)
            return parsed(await reader.read())
        finally:
            writer.close()

    async def command(self, *tokens: str) -> int:
        """Run a command of the command line in a thread, as another process would."""
        return await asyncio.to_thread(main, list(tokens))

    async def resting(self, **changes: Any) -> str:
        """Send an order far from the market; return its id once the broker has its child."""
        acknowledged = self.next_record(ChildAcknowledged)
        body = {"by": "anna", "symbol": self.symbol, "side": "buy", "quantity": 2000, "limit": FAR, "minutes": 30}
        answer = await self.post("/v1/decisions", body | changes)
        assert answer.status == 200, answer.text
        await acknowledged
        return str(answer.body["order_id"])

    def next_record(self, kind: type) -> asyncio.Future[Any]:
        """Return a future of the next durable record of a kind."""
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def hear(record: Any) -> None:
            if isinstance(record, kind) and not found.done():
                found.set_result(record)

        self.agent.runtime.on_record(hear)
        return found

    def records(self, kind: type) -> list[Any]:
        """Return the journal's records of one kind."""
        return [entry.record for entry in self.journal.read() if isinstance(entry.record, kind)]


def parsed(content: bytes) -> Answer:
    """Return an answer from the bytes of a connection."""
    head, _, text = content.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Answer(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, text)


@asynccontextmanager
async def open_port(
    journal: Journal | None = None,
    *,
    bus: EventBus | None = None,
    limits: Limits | None = None,
    is_started: bool = True,
    facts: Callable[[], dict[str, Any]] = dict,
    **parameters: Any,
) -> AsyncGenerator[PortDesk]:
    """Start an agent on the packaged hour, with a port; stop both in the end."""
    tape = load_sample()
    start = max(tape.first_time, tape.day.spans[0][0])
    venue = VenueBroker(Exchange(tape, VenueOptions(), 7), start=start + 2 * MINUTE, end=tape.last_time, speed=1.0)
    bus, journal = bus or EventBus(), journal or MemoryJournal()
    config = AgentConfig("Desk", parameters={**RATES, "approving_agents": ["CommandLine"], **parameters})
    agent = ExecutionAgentImpl(config, bus, AuditLogger(), venue, journal=journal)
    port = ControlPort(agent, bus, host="127.0.0.1", port=0, token=TOKEN, facts=facts, limits=limits)
    desk = PortDesk(agent, bus, journal, port)
    agent.runtime.on_sent(lambda request, _at: desk.sent.append(request))
    await bus.start()
    await port.start()
    if is_started:
        await agent.start()
    try:
        yield desk
    finally:
        await port.stop()
        await agent.stop(timeout=0.1)
        await bus.stop(timeout=0.1)


def on_port(play: Callable[[PortDesk], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a test's body against an open port."""

    async def run() -> None:
        async with open_port(**options) as desk:
            await asyncio.wait_for(play(desk), 30)

    asyncio.run(run())


def written(folder: Path, desk: PortDesk) -> Path:
    """Return a configuration file that leads to this port."""
    token = folder / "control.token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    path = folder / "quietfill.toml"
    path.write_text(f'[broker]\nkind = "sim"\n[control]\nport = {desk.port.port}\ntoken_file = "control.token"\n')
    return path
