"""`quietfill run`: the agent as a service, from one configuration file, until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from quietfill.cli.live_lines import LiveLines
from quietfill.cli.main import INTERRUPTED, WRONG_INPUT
from quietfill.cli.options import Flag
from quietfill.cli.record_words import in_words
from quietfill.domain.errors import QuietfillError
from quietfill.journal.codec import CODEC

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord
    from quietfill.service.config import ServiceConfig
    from quietfill.service.service import Service

_READER_SECONDS: Final = 2.0
"""How long a reader of standard output may take for the last lines."""


def run(config: Path = Path("quietfill.toml"), /, *, live: Flag = False, json: Flag = False) -> int:
    """Run the agent as a service, until Ctrl-C or a signal to terminate.

    It recovers from its journal, connects, reconciles with the broker, and says when it is ready. When it stops,
    orders at the broker stay as they are: the next start goes on with them. To stop trading, use `quietfill kill`.

    Args:
        config: the configuration file.
        live: allow an account of real money; the configuration must allow it too, and name the account.
        json: print JSON lines: one when ready, one for each order and alert, one at the end.
    """
    from quietfill.runtime.logs import log_to_stderr
    from quietfill.service.config import digest_of, read_config

    log_to_stderr()
    words = read_config(config)
    told = Told(json=json)
    try:
        _say_where(words)
        code = _lived(words, digest_of(config), told, live=live)
    finally:
        if not told.lines.end(_READER_SECONDS):
            os._exit(WRONG_INPUT)  # everything is let go of; a reader who never reads would hold up the end for ever
    return code


class Told:
    """What a person at the terminal is told, in words or as JSON lines."""

    def __init__(self, *, json: bool) -> None:
        """Begin with nothing said."""
        self.json = json
        self.lines = LiveLines()

    def ready(self, service: Service) -> None:
        """Say where the agent stands: what it trades with, and what it found unfinished."""
        status = service.facts()["broker"]
        live = list(service.agent.runtime.engine.state.live)
        if self.json:
            self.figures({"ready": True, "control_port": service.control.port, "broker": status, "live_orders": live})
            return
        account = f", account {status['account']}" if "account" in status else f", {status['recording']}"
        self.words(f"ready: {status['kind']}{account}; control port {service.control.port}")
        self.words(f"journal {service.config.journal.path}")
        if not status.get("connected", True):
            self.words("the line to the broker is DOWN: orders wait for it")
        if live:
            self.words(f"going on with {', '.join(live)}")

    def record(self, record: AnyRecord) -> None:
        """Say what a person wants to see of a record; the journal has everything."""
        text = in_words(record)
        if text is not None:
            self.lines.say(CODEC.encode(record).decode() if self.json else text)

    def words(self, text: str) -> None:
        """Say something to people."""
        if not self.json:
            self.lines.say(text)

    def figures(self, content: dict[str, object]) -> None:
        """Say something to programs."""
        if self.json:
            self.lines.say(msgspec.json.encode(content).decode())


def _say_where(config: ServiceConfig) -> None:
    """Say what it tries, which may take long where nobody answers."""
    from quietfill.service.config import IBSection

    if isinstance(config.broker, IBSection):
        sys.stderr.write(f"connecting to Interactive Brokers at {config.broker.host}:{config.broker.port}\n")
        sys.stderr.flush()


def _lived(config: ServiceConfig, digest: str, told: Told, *, live: bool) -> int:
    """Run the service to its end; return the exit code."""
    opened: list[Service] = []
    signals: list[int] = []
    try:
        asyncio.run(_serve(config, digest, told, opened, signals, live=live))
    except asyncio.CancelledError:
        if not signals:
            raise  # nobody asked for it
    except KeyboardInterrupt:  # where signals cannot be waited for (Windows)
        signals.append(signal.SIGINT)
    if opened and opened[0].was_ready:
        return _finish(opened[0], told)
    sys.stderr.write("stopped before it was ready\n")
    return INTERRUPTED


async def _serve(
    config: ServiceConfig, digest: str, told: Told, opened: list[Service], signals: list[int], *, live: bool
) -> None:
    from quietfill.bootstrap.service import open_service

    opening = asyncio.ensure_future(open_service(config, digest=digest, live=live))
    loop = asyncio.get_running_loop()

    def heard(number: int) -> None:
        signals.append(number)
        if opened:
            opened[0].stop()
        else:
            opening.cancel()

    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, heard, name)
    opened.append(await opening)
    service = opened[0]
    service.agent.runtime.on_record(told.record)
    await service.run(lambda: told.ready(service))


def _finish(service: Service, told: Told) -> int:
    """Write the report and say how it ended; return the exit code."""
    problems = [*service.left]
    failure = service.agent.runtime.journal_failure
    if failure is not None:
        problems.append(f"the journal failed: {failure}")
    page = service.config.report.path
    if page is not None and (problem := _report(service, page)) is not None:
        problems.append(f"no report: {problem}")
        page = None
    live = list(service.agent.runtime.engine.state.live)
    figures: dict[str, object] = {"ended_by": service.ended_by or "signal", "journal": str(service.config.journal.path)}
    figures |= {"journal_sha256": service.agent.runtime.journal.head, "report": None if page is None else str(page)}
    told.words("the recording ended" if service.ended_by == "data" else "stopped")
    if live:
        told.words(f"not over, as they are at the broker: {', '.join(live)}; the next start goes on with them")
    if page is not None:
        told.words(f"report {page}")
    told.figures(figures | {"live_orders": live, "problems": problems})
    for problem in problems:
        sys.stderr.write(f"error: {' '.join(problem.split())}\n")
    return WRONG_INPUT if problems else 0


def _report(service: Service, page: Path) -> str | None:
    """Write the report; return why there is none."""
    from quietfill.bootstrap.files import save_report
    from quietfill.bootstrap.service import service_report

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        save_report(page, service_report(service))
    except (QuietfillError, OSError) as error:
        return str(error)
    return None
