"""Proven defects of the running service: half-failed starts, ends that hang, kills in awkward moments, words."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.bootstrap.journal_report import journal_report
from quietfill.bootstrap.service import open_service
from quietfill.cli.run import Told
from quietfill.domain.errors import BadInput, BrokerError, JournalError, QuietfillError
from quietfill.domain.instrument import TradingDay
from quietfill.domain.records import CancelRequested, LinkChanged, OrderAccepted, OrderDone
from quietfill.domain.types import DAY
from quietfill.journal.sqlite import SqliteJournal
from quietfill.report.run import RunReport
from quietfill.service.config import read_config
from quietfill.service.control.door import Limits
from quietfill.tca.ledger import Ledger
from tests.gateway.client import paper
from tests.report_run import filled_order, history
from tests.service.control.port_desk import FAR, MoodyJournal, on_port, open_port, written

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from quietfill.market.history import MarketHistory
    from quietfill.service.service import Service
    from tests.service.control.port_desk import PortDesk

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


def test_a_decision_said_again_is_one_order_and_no_error() -> None:
    """A client that heard nothing asks again under the same name and gets its order; another order is refused."""

    async def scenario(desk: PortDesk) -> None:
        order_id = await desk.resting(decision_id="monday-1")
        said = {"by": "anna", "symbol": desk.symbol, "side": "buy", "limit": FAR, "minutes": 30}
        again = await desk.post("/v1/decisions", said | {"quantity": 2000, "decision_id": "monday-1"})
        assert (again.status, again.body["order_id"], again.body["again"]) == (200, order_id, True)
        other = await desk.post("/v1/decisions", said | {"quantity": 3000, "decision_id": "monday-1"})
        assert other.status == 409
        assert f"monday-1 is order {order_id} already: buy 2000 {desk.symbol}" in other.error
        assert len(desk.records(OrderAccepted)) == 1

    on_port(scenario)


def test_who_sends_into_silence_is_told_how_to_ask_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal hangs: the error names the decision, and sending it again under that name makes no second order."""

    async def scenario(desk: PortDesk) -> None:
        assert isinstance(desk.journal, MoodyJournal)
        words = ("send", desk.symbol, "buy", "2000", "--limit", FAR, "--minutes", "30", "--by", "anna")
        config = ("--config", str(written(tmp_path, desk)))
        desk.journal.hangs = True
        assert await desk.command(*words, *config) == 2
        named = capsys.readouterr().err.rpartition("--decision-id ")[2].partition(":")[0]
        desk.journal.hangs = False
        accepted = desk.next_record(OrderAccepted)
        await desk.post("/v1/kill", {"by": "anna", "symbols": ["ELSE"]})  # its commit brings the others with it
        await accepted
        assert await desk.command(*words, *config, "--decision-id", named) == 0
        assert "nothing is sent again" in capsys.readouterr().out
        assert len(desk.records(OrderAccepted)) == 1

    on_port(scenario, journal=MoodyJournal(), limits=Limits(commit_seconds=0.2))


@pytest.mark.parametrize("second", ["ann", "Ann", " ann ", "AN N", "\uff41nn"])
def test_one_person_cannot_release_a_kill_twice(second: str) -> None:
    """However a name is written, two people are two names."""

    async def scenario(desk: PortDesk) -> None:
        await desk.post("/v1/kill", {"by": "ann"})
        answer = await desk.post("/v1/release", {"by": "ann", "second": second, "reason": "calm"})
        assert (answer.status, "two different people" in answer.error) == (400, True)
        assert desk.agent.runtime.engine.state.kills

    on_port(scenario)


def test_a_kill_of_the_brokers_own_account_covers_orders_that_name_none() -> None:
    """Orders without an account are the broker's account's: a kill of that account cancels them, a release lifts it."""

    async def scenario(desk: PortDesk) -> None:
        edge: Any = desk.agent.runtime.edge
        edge.account = "DU1"
        await desk.resting()
        done = desk.next_record(OrderDone)
        answer = await desk.post("/v1/kill", {"by": "ann", "account": "du1"})
        assert (answer.body["live_orders"], "unknown_account" in answer.body) == (1, False)
        await done
        release = {"by": "ann", "second": "ben", "reason": "calm", "account": "DU1"}
        assert (await desk.post("/v1/release", release)).status == 200
        other = await desk.post("/v1/kill", {"by": "ann", "account": "DU7"})
        assert other.body["unknown_account"] == "DU7"

    on_port(scenario)


def test_cancels_of_a_kill_while_it_connects_leave_though_the_disk_hangs() -> None:
    """Killed before the line is up, with a disk that never answers: cancels go out as soon as there is a line."""

    async def scenario() -> None:
        async with open_port() as before:
            order_id = await before.resting()
            past = [entry.record for entry in before.journal.read()]
        journal = MoodyJournal()
        journal.append(past)
        async with open_port(journal, is_started=False, limits=Limits(kill_seconds=0.05)) as desk:
            connecting, go_on = asyncio.Event(), asyncio.Event()
            edge: Any = desk.agent.runtime.edge
            connect = edge.connect

            async def slowly() -> None:
                connecting.set()
                await go_on.wait()
                await connect()

            edge.connect = slowly
            edge.submit = lambda _request: None
            start = asyncio.ensure_future(desk.agent.start())
            await connecting.wait()
            journal.hangs = True
            answer = await desk.post("/v1/kill", {"by": "ann"})
            assert (answer.body["live_orders"], answer.body["durable"], desk.sent) == (1, False, [])
            go_on.set()
            await start
            cancelled = [one.child_id for one in desk.sent if isinstance(one, CancelRequested)]
            assert [child.partition("-")[0] for child in cancelled][:1] == [order_id]

    play(scenario)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_report_takes_no_figure_from_another_days_market(days: int) -> None:
    """An order of a day whose market was not seen is reported from the journal alone, as if there were no market."""
    seen = history()
    moved = {name: getattr(seen, name) + days * DAY for name in ("print_time", "touch_time")}
    spans = tuple((opens + days * DAY, closes + days * DAY) for opens, closes in seen.day.spans)
    other = replace(seen, **moved, day=TradingDay(spans), since=int(moved["touch_time"][0]))
    ledger = Ledger.of(filled_order())

    def reported(markets: dict[str, MarketHistory]) -> RunReport:
        return RunReport.of(ledger, markets, {}, title="", facts={})

    assert reported({"600961": other}).orders == reported({}).orders
    assert reported({"600961": seen}).orders[0].summary.participation is not None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("seed = " + "9" * 5000, "is no TOML"),
        ("x = " + "[" * 50_000 + "]" * 50_000, "too many brackets"),
        ("#" + "x" * 2_000_000, "is no configuration"),
        ("seed = -1", "broker.seed"),
        ("seed = " + "9" * 40, "broker.seed"),
        ('[journal]\npath = "a\\u0000b"', "journal.path cannot be used"),
        ('[journal]\npath = "desk.toml/x"', "desk.toml: File exists"),
        (f'[journal]\npath = "{"x" * 300}"', "journal.path cannot be used"),
        ('[journal]\npath = "x"\n[report]\npath = "x"', "report.path is the same file as journal.path"),
        ('[journal]\npath = "x"\n[report]\npath = "x.audit"', "report.path is the same file as the audit log"),
        ('[report]\npath = "desk.toml"', "report.path is the same file as the configuration"),
        ('feed = "binance"\ndata = ["no.csv"]\nsymbol = "A"\ntick = nan', "tick must be finite"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_one_line(tmp_path: Path, lines: str, words: str) -> None:
    """Numbers and brackets without end, files of megabytes, paths that are none, a report in the journal's place."""
    path = tmp_path / "desk.toml"
    path.write_text(f'[broker]\nkind = "sim"\n{lines}\n')
    with pytest.raises(QuietfillError) as caught:
        asyncio.run(open_service(read_config(path), digest=""))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_may_begin_with_a_byte_order_mark_and_name_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editors put the mark there, and people write `~`: neither makes another file of it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "desk.toml"
    path.write_bytes(b'\xef\xbb\xbf[broker]\nkind = "sim"\n[journal]\npath = "~/a/desk.journal"\n')
    assert read_config(path).journal.path == tmp_path / "a" / "desk.journal"


def test_a_journal_that_says_nothing_of_its_runs_is_not_called_simulated(tmp_path: Path) -> None:
    """The library writes no start of a run: its orders may have been real, and the page must not play that down."""
    journal = SqliteJournal(tmp_path / "desk.journal")
    journal.append(list(filled_order()))
    journal.close()
    assert not journal_report(tmp_path / "desk.journal").is_simulated


def test_an_agent_notices_that_its_gateways_time_runs_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording played ten times as fast is told within seconds, in the status too, with what to do."""

    async def scenario() -> None:
        async with paper(speed=10) as gateway:
            path = tmp_path / "desk.toml"
            where = f'[broker]\nkind = "ib"\nport = {gateway.port}\nrecorded = true\n[control]\nport = 0\n'
            path.write_text(f'{where}[instruments.600961]\ncurrency = "CNY"\n')
            service = await open_service(read_config(path), digest="")
            broker: Any = service.agent.broker
            notice = broker.notice

            def hear(subject: str, text: str) -> None:
                notice(subject, text)
                if subject == "clock":
                    service.stop()

            monkeypatch.setattr(broker, "notice", hear)
            await service.run(nothing)
            ((_, said),) = [one for one in service.facts()["broker"]["notices"] if one[0] == "clock"]
        assert "ahead of the agent's" in said
        assert "--speed 1" in said

    play(scenario)


def test_a_reader_who_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output takes nothing: what is told of a record returns at once, and is written when it is read again."""
    goes_on = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            goes_on.wait(60)
            return super().write(text)

    out = Stuck()
    monkeypatch.setattr(sys, "stdout", out)
    told = Told(json=False)
    for reason in ("cut", "frozen"):
        told.record(LinkChanged(at=0, up=False, reason=reason))
    assert not told.lines.end(0.05)
    goes_on.set()
    assert told.lines.end(30)
    assert [line.partition("DOWN: ")[2] for line in out.getvalue().splitlines()] == ["cut", "frozen"]


def test_a_reader_who_went_away_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """`quietfill run | head` closes the pipe: the agent goes on, and its end is an end."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    told = Told(json=False)
    told.words("ready")
    assert told.lines.end(30)
