"""Gateway and agent in processes of their own: one order worked through every kind of break, the books compared."""

from __future__ import annotations

import json
import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.domain.records import ChildFilled, ChildRequested, LinkChanged, OrderAccepted, OrderDone
from quietfill.domain.types import price_from, quantity_from
from quietfill.journal.inspect import entries, verify
from tests.service.terminals import Terminal, command, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.domain.records import AnyRecord

QUANTITY = 20_000

CONFIG = """
[broker]
kind = "ib"
port = {port}
recorded = true
settings = {{ retry_seconds = 0.2, longest_retry_seconds = 1.0 }}

[instruments.600961]
currency = "CNY"

[journal]
path = "desk.journal"

[control]
port = {control}
token_file = "desk.token"

[report]
path = "desk.html"

[limits]
max_orders_per_minute = 600
min_order_interval_ms = 0

[parameters]
approving_agents = ["CommandLine"]
slice_interval_seconds = 4.0
"""


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configured(folder: Path, gateway: Terminal, free_port: int) -> int:
    """Wait for the gateway and write the agent's configuration; return the gateway's port."""
    port = gateway.until(lambda line: line.get("ready"))["port"]
    (folder / "desk.toml").write_text(CONFIG.format(port=port, control=free_port))
    return int(port)


def send(folder: Path, seconds: int) -> str:
    """Have a TWAP worked; return its order id."""
    code, out, err = command(
        folder, "send", "600961", "buy", str(QUANTITY), "--algo", "twap", "--minutes", str(seconds / 60),
        "--config", "desk.toml", "--json",
    )  # fmt: skip
    assert code == 0, err
    return str(json.loads(out)["order_id"])


def is_done(line: dict[str, Any]) -> bool:
    """Say whether a line tells the end of an order."""
    return line.get("kind") == "order_done"


def records_of(folder: Path) -> list[AnyRecord]:
    """Return the journal's records, checked against the chain."""
    assert verify(folder / "desk.journal").problem is None
    return [entry.record for entry in entries(folder / "desk.journal")]


def check_books(records: list[AnyRecord], gateway: dict[str, Any]) -> None:
    """The journal and the gateway say the same: every execution once, the position, no order twice."""
    fills = [record.fill for record in records if isinstance(record, ChildFilled)]
    ids = Counter(fill.execution_id for fill in fills)
    assert set(ids.values()) == {1}
    assert len(fills) == gateway["executions"]
    assert sum(fill.quantity for fill in fills) == quantity_from(int(gateway["positions"]["DU1234567"]))
    children = Counter(record.child_id for record in records if isinstance(record, ChildRequested))
    assert set(children.values()) == {1}
    assert gateway["orders"] <= len(children)
    averages = [record.marks.vwap for record in records if isinstance(record, ChildFilled) and record.marks]
    assert all(price_from("9.1") < average < price_from("9.4") for average in averages if average is not None)


def check_order(records: list[AnyRecord], order_id: str) -> OrderDone:
    """One order was accepted and ended once, and no more was filled than it asked for."""
    assert [record.order_id for record in records if isinstance(record, OrderAccepted)] == [order_id]
    (done,) = [record for record in records if isinstance(record, OrderDone)]
    assert done.filled == sum(record.fill.quantity for record in records if isinstance(record, ChildFilled))
    assert done.filled <= quantity_from(QUANTITY)
    return done


def test_an_order_is_worked_to_the_end_and_reported(tmp_path: Path, free_port: int) -> None:
    """Gateway in one terminal, agent in another: a TWAP fills, the books agree, the report explains it."""
    with terminal(tmp_path, "gateway", "--port", "0") as gateway:
        configured(tmp_path, gateway, free_port)
        with terminal(tmp_path, "run", "desk.toml") as agent:
            agent.until(lambda line: line.get("ready"))
            order_id = send(tmp_path, 12)
            agent.until(is_done)
            stopped = agent.interrupt()
        ended = gateway.interrupt()
    records = records_of(tmp_path)
    done = check_order(records, order_id)
    check_books(records, ended)
    assert (stopped["ended_by"], stopped["live_orders"], done.filled) == ("signal", [], quantity_from(QUANTITY))
    assert order_id in (tmp_path / "desk.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        "cut:after=35",
        "cut-on-order:times=2",
        "freeze:after=35,lasts=20",
        "restart:after=35,lasts=8,dying=2,rollback=4",
        "upstream-lost:after=35,lasts=10,data=lost",
    ],
)
def test_what_breaks_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, free_port: int, fault: str) -> None:
    """The line cut, the gateway frozen or restarted with ids rolled back: the order goes on and the books agree."""
    with terminal(tmp_path, "gateway", "--port", "0", "--fault", fault) as gateway:
        configured(tmp_path, gateway, free_port)
        with terminal(tmp_path, "run", "desk.toml") as agent:
            agent.until(lambda line: line.get("ready"))
            order_id = send(tmp_path, 75)
            agent.until(is_done)
            agent.interrupt()
        ended = gateway.interrupt()
    records = records_of(tmp_path)
    done = check_order(records, order_id)
    check_books(records, ended)
    accepted = next(record.at for record in records if isinstance(record, OrderAccepted))
    breaks = [record.at for record in records if isinstance(record, LinkChanged) and not record.up]
    assert any(accepted < at < done.at for at in breaks), "the fault struck beside the order"
    assert done.filled == quantity_from(QUANTITY)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, "cut-on-order:times=1", "restart:after=40,lasts=3,dying=1,rollback=4"])
def test_an_agent_that_is_killed_goes_on_where_it_was(tmp_path: Path, free_port: int, fault: str | None) -> None:
    """Killed -9 between two fills and started again: nothing is lost, nothing is sent twice, the order ends."""
    faults = () if fault is None else ("--fault", fault)
    with terminal(tmp_path, "gateway", "--port", "0", *faults) as gateway:
        configured(tmp_path, gateway, free_port)
        with terminal(tmp_path, "run", "desk.toml") as agent:
            agent.until(lambda line: line.get("ready"))
            order_id = send(tmp_path, 75)
            agent.until(lambda line: line.get("kind") == "child_filled")
            agent.kill()
        with terminal(tmp_path, "run", "desk.toml") as again:
            assert again.until(lambda line: line.get("ready"))["live_orders"] == [order_id]
            again.until(is_done)
            again.interrupt()
        ended = gateway.interrupt()
    records = records_of(tmp_path)
    done = check_order(records, order_id)
    check_books(records, ended)
    assert done.filled == quantity_from(QUANTITY)
