"""The demo: twelve orders worked through the real agent, journal and bus, also across the death of its process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from quietfill import bootstrap
from quietfill.domain.records import (
    AnyRecord,
    CancelRequested,
    ChildFilled,
    ChildRequested,
    DecisionReceived,
    OrderAccepted,
    OrderDone,
    Reconciled,
    RunEnded,
    RunStarted,
)
from quietfill.journal.inspect import entries, verify
from quietfill.simulation.decisions import demo_decisions
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample
from tests.command_line import CommandLine, write_market

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.ports.journal import JournalEntry
    from tests.command_line import Outcome


@pytest.fixture
def quietfill(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path, capsys)


def records_of(path: Path) -> list[AnyRecord]:
    """Return a journal's records, checked against the chain."""
    assert verify(path).problem is None
    return [entry.record for entry in entries(path)]


def check_complete(done: Outcome, records: list[AnyRecord]) -> None:
    """All orders are in the final table and ended, nothing is doubled, nothing is filled beyond its order."""
    orders = done.figures["orders"]
    assert len(orders) == 12
    assert {order["algo"] for order in orders} == {
        "market",
        "limit",
        "twap",
        "vwap",
        "pov",
        "is",
        "midpoint_peg",
        "iceberg",
        "adaptive",
    }
    assert {order["side"] for order in orders} == {"buy", "sell"}
    assert all(order["ended"] for order in orders)
    executions = Counter(record.fill.execution_id for record in records if isinstance(record, ChildFilled))
    assert set(executions.values()) == {1}
    wanted = {record.order_id: record.quantity for record in records if isinstance(record, OrderAccepted)}
    filled: Counter[str] = Counter()
    for record in records:
        if isinstance(record, ChildFilled):
            filled[record.child_id.rpartition("-")[0]] += record.fill.quantity
    assert all(filled[order_id] <= quantity for order_id, quantity in wanted.items())
    booked = {record.order_id: record.filled for record in records if isinstance(record, OrderDone)}
    assert booked == {order_id: filled[order_id] for order_id in wanted}
    assert isinstance(records[-1], RunEnded)


def test_decisions_come_from_the_seed() -> None:
    """Twelve orders of 0.5 to 1.5 % of the hour's volume in whole lots, the same for a seed, others for another."""
    tape = load_sample()
    history = Exchange(tape, VenueOptions(), 0).history()
    volume = sum(history.print_quantity.tolist())

    planned = demo_decisions(tape, history, 3)

    assert planned == demo_decisions(tape, history, 3)
    assert {one.decision_id for one in planned}.isdisjoint(one.decision_id for one in demo_decisions(tape, history, 4))
    assert [one.at for one in planned] == sorted(one.at for one in planned)
    for one in planned:
        quantity = int(one.decision.quantity) * 10**8
        assert quantity % tape.instrument.lot == 0
        assert 0.005 * volume - tape.instrument.lot <= quantity <= 0.015 * volume


def test_the_demo_works_every_order(quietfill: CommandLine) -> None:
    """A run as fast as possible ends with a journal, an audit log, a report and the figures of every order."""
    done = quietfill("demo", "--speed", "max", "--seed", "3", "--json")

    assert done.code == 0
    journal = quietfill.folder / done.figures["journal"]
    assert done.err.splitlines()[0] == f"journal {done.figures['journal']}"
    assert done.figures["journal"].startswith("runs/")
    records = records_of(journal)
    check_complete(done, records)
    assert isinstance(records[0], RunStarted)
    assert done.figures["journal_sha256"] == verify(journal).head
    page = (quietfill.folder / done.figures["report"]).read_text(encoding="utf-8")
    assert all(order["order_id"] in page for order in done.figures["orders"])

    again = quietfill("demo", "--journal", str(journal), "--json")
    assert "the run has ended (every order ended); nothing is left to continue" in again.complaint
    assert len(records_of(journal)) == len(records)


def test_only_a_demo_is_continued(quietfill: CommandLine) -> None:
    """A journal of something else, and a file that is none, are refused and left as they are."""
    write_market(quietfill.folder)
    other, foreign = quietfill.folder / "other.journal", quietfill.folder / "foreign.journal"
    assert quietfill.simulate(journal=str(other)).code == 0
    foreign.write_bytes(b"not a journal" * 100)
    before = {path.name: path.read_bytes() for path in quietfill.folder.iterdir()}

    assert f"{other}: is not the journal of a demo" in quietfill("demo", "--journal", str(other)).complaint
    assert f"{foreign}: not a Quietfill journal" in quietfill("demo", "--journal", str(foreign)).complaint
    assert {path.name: path.read_bytes() for path in quietfill.folder.iterdir()} == before


def killed_at(line_with: str, journal: Path) -> None:
    """Run the demo in a process of its own until it prints a line that holds *line_with*, then kill it."""
    command = [sys.executable, "-m", "quietfill", "demo", "--journal", str(journal), "--speed", "600", "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as demo:
        assert demo.stderr is not None
        seen = next((line for line in demo.stderr if line_with in line), None)
        demo.kill()
    assert seen is not None, f"it ended without saying {line_with!r}"


@pytest.mark.slow
def test_a_killed_demo_goes_on(quietfill: CommandLine) -> None:
    """Killed twice in mid-schedule it is recovered: nothing doubled, the rest worked, the table complete."""
    journal = quietfill.folder / "run.journal"
    killed_at(" 2 of 12 orders ended", journal)
    killed_at(" 8 of 12 orders ended", journal)
    cut = len(records_of(journal))

    assert "was begun with seed 1" in quietfill("demo", "--journal", str(journal), "--seed", "2").complaint
    done = quietfill("demo", "--journal", str(journal), "--speed", "max", "--json")

    assert (done.code, done.figures["resumed"]) == (0, True)
    records = records_of(journal)
    check_complete(done, records)
    assert len(records) > cut + 100
    starts = [record for record in records if isinstance(record, RunStarted)]
    assert [start.details for start in starts] == [starts[0].details] * 3
    settled = [record for record in records if isinstance(record, Reconciled)]
    assert [(one.complete, one.foreign, one.still_in_doubt) for one in settled] == [(True, (), 0)] * len(settled)
    assert len({record.order_id for record in records if isinstance(record, OrderAccepted)}) == 12
    assert json.loads(done.out)["journal_records"] == len(records)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> list[JournalEntry]:
    """The journal of a demo that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-m", "quietfill", "demo", "--journal", "run.journal", "--speed", "max", "--json"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return list(entries(folder / "run.journal"))


def _last(kind: type, records: list[JournalEntry], before: int) -> int:
    return max(entry.sequence for entry in records[:before] if isinstance(entry.record, kind))


@pytest.mark.slow
@pytest.mark.parametrize("cut_behind", ["start", "decision", "request", "cancel", "fill", "last order"])
def test_any_cut_goes_on(quietfill: CommandLine, whole_run: list[JournalEntry], cut_behind: str) -> None:
    """Whatever was the last record that became durable, the run goes on from there and ends complete."""
    cut = {
        "start": 1,
        "decision": _last(DecisionReceived, whole_run, 700),
        "request": _last(ChildRequested, whole_run, 700),
        "cancel": _last(CancelRequested, whole_run, 1100),
        "fill": _last(ChildFilled, whole_run, 900),
        "last order": _last(OrderDone, whole_run, len(whole_run)),
    }[cut_behind]
    journal = quietfill.folder / "cut.journal"
    bootstrap.save_journal(journal, whole_run[:cut])

    done = quietfill("demo", "--journal", str(journal), "--speed", "max", "--json")

    assert (done.code, done.figures["resumed"]) == (0, True)
    check_complete(done, records_of(journal))
