"""What is wrong with a configuration or a gateway: said before anything is sent, with what to do about it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.bootstrap.service import open_service
from quietfill.domain.errors import QuietfillError
from quietfill.service.config import read_config
from tests.gateway.client import paper, play
from tests.service.terminals import command

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.gateway.server import PaperGateway

QUICK = "settings = { step_seconds = 0.5, survey_seconds = 2.0, connect_seconds = 2.0 }"


def config_of(folder: Path, port: int, *broker: str, more: str = "") -> Path:
    """Write a configuration with these lines about the broker."""
    lines = ["[broker]", 'kind = "ib"', f"port = {port}", "recorded = true", *broker]
    path = folder / "desk.toml"
    path.write_text("\n".join([*lines, more, '[instruments.600961]\ncurrency = "CNY"\n']))
    return path


async def refused(gateway: PaperGateway, path: Path, *, live: bool = False) -> str:
    """Return why the service does not start, having checked that it left nothing behind and sent no order."""
    with pytest.raises(QuietfillError) as caught:
        await open_service(read_config(path), digest="", live=live)
    assert gateway.trading.all_orders == []
    assert not (path.parent / "data" / "quietfill.journal").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("accounts", "faults", "broker", "words"),
    [
        (("DU1",), (), ('account = "DU7"',), ("does not serve account DU7", "DU1", "name another")),
        (("DU1", "DU2"), (), (), ("serves several accounts (DU1, DU2)", "name the one to trade")),
        (("U1234567",), (), (), ("U1234567 is a live account", "nothing was sent")),
        (("U1234567",), (), ('account = "U1234567"',), ("U1234567 is a live account", "nothing was sent")),
        (("DU1",), ("client-id-in-use:times=9",), (QUICK,), ("client id 1 is in use", "stop the other program")),
        (("DU1",), ("read-only",), (QUICK,), ("read-only", "switch off 'Read-Only API'")),
        (("DU1",), ("list-silent:list=positions",), (QUICK,), ("did not answer 'positions", "restart it")),
        (("DU1",), ("ambiguous-contract",), (), ("may be 2 contracts", "con_id")),
    ],
)
def test_a_gateway_that_cannot_be_traded_through_is_told_with_what_to_do(
    tmp_path: Path, accounts: tuple[str, ...], faults: tuple[str, ...], broker: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Wrong account, live account, client id in use, read-only, an answer that is missing, an ambiguous contract."""

    async def scenario() -> None:
        async with paper(accounts=accounts, faults=faults) as gateway:
            message = await refused(gateway, config_of(tmp_path, gateway.port, *broker))
        for word in words:
            assert word in message
        assert "\n" not in message

    play(scenario)


@pytest.mark.parametrize(
    ("broker", "live", "words"),
    [
        (("live = true", 'account = "U1234567"'), False, "--live"),
        (('account = "U1234567"',), True, "does not set broker.live"),
        (("live = true",), True, "name the account with broker.account"),
        (("live = true", 'account = "U1234567"'), True, "recorded data are never traded with real money"),
    ],
)
def test_real_money_takes_every_word(tmp_path: Path, broker: tuple[str, ...], words: str, *, live: bool) -> None:
    """A live account is traded only when the file and the command line say so, and the file names the account."""

    async def scenario() -> None:
        async with paper(accounts=("U1234567",)) as gateway:
            assert words in await refused(gateway, config_of(tmp_path, gateway.port, *broker), live=live)

    play(scenario)


def test_a_gateway_with_another_clock_is_not_taken_for_the_present(tmp_path: Path) -> None:
    """Recorded data are traded on only when the file says that they are recorded."""

    async def scenario() -> None:
        async with paper() as gateway:
            path = config_of(tmp_path, gateway.port)
            path.write_text(path.read_text().replace("recorded = true", ""))
            message = await refused(gateway, path)
        assert "the gateway's clock shows 2023-07-11" in message
        assert "broker.recorded = true" in message

    play(scenario)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("settings = { patience = 1 }", "broker.settings"),
        ("settings = { messages_per_second = 500 }", "messages_per_second"),
        ("settings = { mesages_per_second = 5 }", "mesages_per_second"),
    ],
)
def test_settings_of_the_line_are_checked(tmp_path: Path, more: str, words: str) -> None:
    """What is unknown or out of range is named."""

    async def scenario() -> None:
        async with paper() as gateway:
            assert words in await refused(gateway, config_of(tmp_path, gateway.port, more))

    play(scenario)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    """Nobody answers at the port: exit code 2, one line that says what to start, no journal."""
    port = free_port()
    code, out, err = command(tmp_path, "run", str(config_of(tmp_path, port)))
    complaints = [line for line in err.splitlines() if line.startswith("error:")]
    assert (code, out) == (2, "")
    assert len(complaints) == 1
    assert f"nothing answers at 127.0.0.1:{port}" in complaints[0]
    assert "start IB Gateway or TWS" in complaints[0]
    assert not (tmp_path / "data" / "quietfill.journal").exists()


def test_another_agent_with_the_same_journal_is_refused(tmp_path: Path) -> None:
    """Two agents on one journal would each send: the second one is told, and its session is closed."""

    async def scenario() -> None:
        async with paper() as gateway:
            path = config_of(tmp_path, gateway.port)
            first = await open_service(read_config(path), digest="")
            other = tmp_path / "other.toml"
            other.write_text(path.read_text().replace("recorded = true", "recorded = true\nclient_id = 2"))
            with pytest.raises(QuietfillError) as caught:
                await open_service(read_config(other), digest="")
            assert "quietfill.journal" in str(caught.value)
            await closed(first)

    play(scenario)


async def closed(service: Any) -> None:
    """Let go of a service that was opened and never run."""
    await service.agent.shutdown()
