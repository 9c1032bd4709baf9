"""`quietfill report`: what a journal alone tells of the orders in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from quietfill import bootstrap
from quietfill.domain.records import ChildFilled, OrderDone
from quietfill.journal.inspect import entries
from tests.command_line import CommandLine, write_market

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def quietfill(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in a folder with the small market."""
    monkeypatch.chdir(tmp_path)
    write_market(tmp_path)
    return CommandLine(tmp_path, capsys)


def test_a_journal_alone_tells_what_an_order_cost(quietfill: CommandLine) -> None:
    """Average, arrival cost, interval VWAP and shares are those of the run, to a hundredth of a basis point."""
    given = quietfill.simulate("--json", "--journal", "run.journal")
    made = quietfill("report", "run.journal", "--json")
    (order,) = made.figures["orders"]
    for key, value in given.figures.items():
        if key in order and isinstance(value, (int, float)) and not isinstance(value, bool):
            assert order[key] == pytest.approx(value, rel=1e-6, abs=1e-2), key
    page = (quietfill.folder / "run.html").read_text()
    assert order["order_id"] in page


def test_a_run_that_was_cut_short_is_reported_too(quietfill: CommandLine) -> None:
    """An order that did not end is shown with what it filled up to then."""
    quietfill.simulate("--json", "--journal", "whole.journal")
    kept = list(entries(quietfill.folder / "whole.journal"))
    fill = next(entry.sequence for entry in kept if isinstance(entry.record, ChildFilled))
    assert any(isinstance(entry.record, OrderDone) for entry in kept[fill:])
    bootstrap.save_journal(quietfill.folder / "cut.journal", kept[:fill])

    made = quietfill("report", "cut.journal", "--out", "cut.html", "--json")

    (order,) = made.figures["orders"]
    assert 0 < float(order["filled"]) < float(order["quantity"])
    assert (quietfill.folder / "cut.html").exists()


def test_a_journal_without_orders_is_said_to_be_one(quietfill: CommandLine) -> None:
    """There is nothing to report, and no page is left."""
    quietfill.simulate("--json", "--journal", "whole.journal")
    kept = list(entries(quietfill.folder / "whole.journal"))
    bootstrap.save_journal(quietfill.folder / "none.journal", kept[:1])
    assert "no order is in it" in quietfill("report", "none.journal").complaint
    assert not (quietfill.folder / "none.html").exists()


def test_what_is_no_journal_is_refused(quietfill: CommandLine) -> None:
    """The message names the file."""
    (quietfill.folder / "text.journal").write_text("nothing")
    assert "text.journal" in quietfill("report", "text.journal").complaint
