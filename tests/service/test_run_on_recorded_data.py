"""`quietfill run` with the embedded exchange: the whole service in two processes, without a gateway."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from quietfill.domain.records import ChildFilled, OrderAccepted, OrderDone, RunEnded, RunStarted
from quietfill.domain.types import quantity_from
from quietfill.journal.inspect import entries, verify
from tests.service.terminals import command, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.domain.records import AnyRecord

CONFIG = """
[broker]
kind = "sim"
speed = {speed}

[journal]
path = "desk.journal"

[control]
port = {port}
token_file = "desk.token"

[report]
path = "pages/desk.html"

[limits]
max_orders_per_minute = 2700
min_order_interval_ms = 0

[parameters]
approving_agents = ["CommandLine"]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a configuration: time stands still while no order is live."""
    configure(tmp_path, speed=0)
    return tmp_path


def configure(folder: Path, speed: float) -> None:
    """Write the configuration, with a control port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    (folder / "desk.toml").write_text(CONFIG.format(speed=speed, port=port))


def records_of(folder: Path) -> list[AnyRecord]:
    """Return the journal's records, checked against the chain."""
    assert verify(folder / "desk.journal").problem is None
    return [entry.record for entry in entries(folder / "desk.journal")]


def send(folder: Path, *words: str) -> str:
    """Have an order worked; return its id."""
    code, out, err = command(folder, "send", "600961.SH", *words, "--config", "desk.toml", "--json")
    assert code == 0, err
    return str(json.loads(out)["order_id"])


def test_a_decision_is_worked_and_the_page_is_written(desk: Path) -> None:
    """Sent from another terminal, filled, shown by status, explained when the service stops."""
    with terminal(desk, "run", "desk.toml") as agent:
        assert agent.until(lambda line: line.get("ready"))["broker"]["kind"] == "sim"
        order_id = send(desk, "buy", "20000", "--algo", "twap", "--minutes", "10")
        agent.until(lambda line: line.get("kind") == "order_done")
        code, out, _ = command(desk, "status", order_id, "--config", "desk.toml", "--json")
        stopped = agent.interrupt()
    assert (code, stopped["ended_by"], stopped["live_orders"]) == (0, "signal", [])
    assert order_id in out
    assert order_id in (desk / "pages" / "desk.html").read_text()
    (done,) = [record for record in records_of(desk) if isinstance(record, OrderDone)]
    assert done.filled == quantity_from(20_000)


def test_a_killed_service_goes_on_in_the_recorded_market(desk: Path) -> None:
    """Killed -9 between two fills: the venue is rebuilt from the journal, the order ends, nothing is doubled."""
    configure(desk, speed=120)
    with terminal(desk, "run", "desk.toml") as agent:
        agent.until(lambda line: line.get("ready"))
        order_id = send(desk, "sell", "30000", "--algo", "twap", "--minutes", "20")
        agent.until(lambda line: line.get("kind") == "child_filled")
        agent.kill()
    with terminal(desk, "run", "desk.toml") as again:
        assert again.until(lambda line: line.get("ready"))["live_orders"] == [order_id]
        again.until(lambda line: line.get("kind") == "order_done")
        again.interrupt()
    records = records_of(desk)
    assert len([record for record in records if isinstance(record, RunStarted)]) == 2
    assert len([record for record in records if isinstance(record, OrderAccepted)]) == 1
    assert sum(record.fill.quantity for record in records if isinstance(record, ChildFilled)) == quantity_from(30_000)


def test_the_end_of_the_recording_is_the_end_of_the_run(desk: Path) -> None:
    """When the recorded hour is over the service says so, and its journal cannot be gone on with."""
    configure(desk, speed=2_000)
    with terminal(desk, "run", "desk.toml") as agent:
        assert agent.ended()["ended_by"] == "data"
    assert isinstance(records_of(desk)[-1], RunEnded)
    code, _, err = command(desk, "run", "desk.toml")
    assert code == 2
    assert "the run has ended" in err


def test_a_decision_whose_approver_does_not_count_is_refused(desk: Path) -> None:
    """Without CommandLine among the approving agents nothing that is sent trades."""
    path = desk / "desk.toml"
    path.write_text(path.read_text().replace('approving_agents = ["CommandLine"]', ""))
    with terminal(desk, "run", "desk.toml") as agent:
        agent.until(lambda line: line.get("ready"))
        code, _, err = command(desk, "send", "600961.SH", "buy", "100", "--algo", "market", "--config", "desk.toml")
        agent.interrupt()
    assert code == 2
    assert "approv" in err
    assert not [record for record in records_of(desk) if isinstance(record, OrderAccepted)]
