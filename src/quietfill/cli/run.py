"""`quietfill run`: the agent as a service, from one configuration file, until a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from quietfill.cli.options import Flag
from quietfill.cli.record_words import in_words
from quietfill.journal.codec import CODEC

if TYPE_CHECKING:
    from quietfill.cli.terminal import Terminal
    from quietfill.domain.records import AnyRecord
    from quietfill.service.config import ServiceConfig
    from quietfill.service.service import Service


def run(config: Path = Path("quietfill.toml"), /, *, live: Flag = False, json: Flag = False) -> int:
    """Run the agent as a service, until Ctrl-C or a signal to terminate.

    It recovers from its journal, connects, reconciles with the broker, and says when it is ready. When it stops,
    orders at the broker stay as they are: the next start goes on with them. To stop trading, use `quietfill kill`.

    Args:
        config: the configuration file.
        live: allow an account of real money; the configuration must allow it too, and name the account.
        json: print JSON lines: one when ready, one for each order and alert, one at the end.
    """
    from quietfill.cli.terminal import Terminal
    from quietfill.runtime.logs import log_to_stderr
    from quietfill.service.config import digest_of, read_config

    terminal = Terminal(json=json)
    log_to_stderr()
    words = read_config(config)
    opened: list[Service] = []
    # A signal before the service is there cancels; where signals cannot be waited for (Windows) Ctrl-C does the same.
    with suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_serve(words, digest_of(config), terminal, opened, live=live))
    if opened:
        _finish(opened[0], terminal)
    return 0


async def _serve(config: ServiceConfig, digest: str, terminal: Terminal, opened: list[Service], *, live: bool) -> None:
    from quietfill.bootstrap.service import open_service

    opening = asyncio.ensure_future(open_service(config, digest=digest, live=live))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, lambda: opened[0].stop() if opened else opening.cancel())
    opened.append(await opening)
    service = opened[0]
    service.agent.runtime.on_record(lambda record: _say(record, terminal))
    await service.run(lambda: _say_ready(service, terminal))


def _say_ready(service: Service, terminal: Terminal) -> None:
    """Say where the agent stands: what it trades with, and what it found unfinished."""
    status = service.facts()["broker"]
    live = list(service.agent.runtime.engine.state.live)
    if terminal.json:
        _json_line({"ready": True, "control_port": service.control.port, "broker": status, "live_orders": live})
        return
    account = f", account {status['account']}" if "account" in status else f", {status['recording']}"
    terminal.line(f"ready: {status['kind']}{account}; control port {service.control.port}")
    terminal.line(f"journal {service.config.journal.path}")
    if live:
        terminal.line(f"going on with {', '.join(live)}")
    sys.stdout.flush()


def _say(record: AnyRecord, terminal: Terminal) -> None:
    """Say what a person at the terminal wants to see; the journal has everything."""
    text = in_words(record)
    if text is None:
        return
    sys.stdout.write((CODEC.encode(record).decode() if terminal.json else text) + "\n")
    sys.stdout.flush()


def _finish(service: Service, terminal: Terminal) -> None:
    """Write the report and say how it ended."""
    from quietfill.bootstrap.files import save_report
    from quietfill.bootstrap.service import service_report

    page = service.config.report.path
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        save_report(page, service_report(service))
        terminal.line(f"report {page}")
    journal = service.agent.runtime.journal
    figures: dict[str, object] = {"ended_by": service.ended_by or "signal", "journal": str(service.config.journal.path)}
    figures |= {"journal_sha256": journal.head, "report": None if page is None else str(page)}
    if terminal.json:
        terminal.finish(figures | {"live_orders": list(service.agent.runtime.engine.state.live)})


def _json_line(content: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
    sys.stdout.flush()
