"""Proven defects of the running service: half-failed starts, ends that hang, kills in awkward moments, words."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.bootstrap.service import open_service
from quietfill.domain.errors import BadInput, BrokerError, JournalError
from quietfill.journal.sqlite import SqliteJournal
from quietfill.service.config import read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from quietfill.service.service import Service

SIM = """
[broker]
kind = "sim"
speed = 0
[journal]
path = "desk.journal"
[control]
port = {port}
token_file = "desk.token"
[agent]
timeout_seconds = {patience}
shutdown_timeout_seconds = {patience}
"""


async def opened(folder: Path, *, port: int = 0, patience: float = 0.5, more: str = "") -> Service:
    """Put a service with the embedded exchange together."""
    path = folder / "desk.toml"
    path.write_text(SIM.format(port=port, patience=patience) + more)
    return await open_service(read_config(path), digest="")


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario, for half a minute at most: what hangs fails."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


def nothing() -> None:
    """Be told that it is ready, and do nothing about it."""


async def for_ever() -> None:
    """Never return."""
    await asyncio.Event().wait()


def assert_free(service: Service) -> None:
    """Its journal can be had by another, its broker is disconnected, its port is not bound."""
    SqliteJournal(service.config.journal.path).close()
    assert not service.agent.runtime.edge.is_connected
    if service.control.port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", service.control.port), timeout=5)


def test_a_port_that_is_taken_leaves_no_journal_locked(tmp_path: Path) -> None:
    """When the control port cannot be had, journal and broker are let go of: the agent was never started."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            service = await opened(tmp_path, port=other.getsockname()[1])
            with pytest.raises(BadInput, match="cannot be had"):
                await service.run(nothing)
        assert_free(service)

    play(scenario)


@pytest.mark.parametrize("step", ["connect", "snapshot"])
def test_the_end_can_be_asked_for_while_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A broker that never answers does not keep a signal from being heard; everything is let go of."""

    async def scenario() -> None:
        service = await opened(tmp_path, patience=20)
        asked = asyncio.Event()

        async def hang() -> None:
            asked.set()
            await for_ever()

        monkeypatch.setattr(service.agent.runtime.edge, "connect", hang)
        if step == "snapshot":
            monkeypatch.undo()
            monkeypatch.setattr(service.agent.runtime.edge, "snapshot", hang)
            monkeypatch.setattr(type(service.agent.runtime.engine), "is_reconciling", True)
        run = asyncio.ensure_future(service.run(nothing))
        await asked.wait()
        service.stop()
        await run
        assert (service.was_ready, service.ended_by, service.left) == (False, "signal", ())
        assert_free(service)

    play(scenario)


def test_a_start_that_takes_too_long_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out names itself and the key that sets it, as an error of the broker's and no trace."""

    async def scenario() -> None:
        service = await opened(tmp_path)
        monkeypatch.setattr(service.agent.runtime.edge, "connect", for_ever)
        with pytest.raises(BrokerError, match=r"within 0\.5 s.*agent\.timeout_seconds"):
            await service.run(nothing)
        assert_free(service)

    play(scenario)


def test_a_disk_that_hangs_at_the_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first records must be on the disk before it is ready; a disk that never says so ends the start."""

    async def scenario() -> None:
        service = await opened(tmp_path)
        monkeypatch.setattr(service.agent.runtime.journal, "on_commit", lambda _listener: None)
        with pytest.raises(JournalError, match="the disk did not answer"):
            await service.run(nothing)
        SqliteJournal(service.config.journal.path).close()

    play(scenario)


def test_a_disk_that_hangs_does_not_keep_it_from_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the journal happens beside the loop: the end comes in time, and says what was left."""
    released = threading.Event()

    async def scenario() -> None:
        service = await opened(tmp_path)
        journal = service.agent.runtime.journal
        close = journal.close

        def hang() -> None:
            released.wait(60)
            close()

        monkeypatch.setattr(journal, "close", hang)
        await service.run(service.stop)
        assert service.left == ("the agent did not let go in time",)

    play(scenario)
    released.set()


def test_a_broker_that_never_hangs_up_does_not_keep_it_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is given up, the journal closed all the same."""

    async def scenario() -> None:
        service = await opened(tmp_path)
        disconnect = service.agent.runtime.edge.disconnect
        monkeypatch.setattr(service.agent.runtime.edge, "disconnect", for_ever)
        await service.run(service.stop)
        assert service.left == ("the agent did not let go in time",)
        SqliteJournal(service.config.journal.path).close()
        await disconnect()

    play(scenario)


def test_a_market_that_dies_ends_the_service_with_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks in the embedded exchange is raised, and not taken for the end of the recording."""

    async def scenario() -> None:
        service = await opened(tmp_path)

        def burst() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(service.agent.broker, "_next_instant", burst)
        with pytest.raises(ZeroDivisionError):
            await service.run(nothing)
        assert service.ended_by == ""
        assert_free(service)

    play(scenario)
