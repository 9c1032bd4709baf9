"""The how-to page of each algo does what it says: its commands run, its decision is one, its picture is of today."""

from __future__ import annotations

import re
import runpy
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from quietfill import DecisionEvent, OrderType
from quietfill.algos.registry import parse_params, registry
from quietfill.domain.types import price_from, quantity_exact, timestamp_from
from tests.command_line import CommandLine

ROOT = Path(__file__).resolve().parents[2]
PICTURES: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "make_pictures.py"))
PAGES: list[Path] = PICTURES["pages"]()
LARGEST = 120_000
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
OWN_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop": OrderType.STOP,
             "stop_limit": OrderType.STOP_LIMIT, "trailing_stop": OrderType.TRAILING_STOP}  # fmt: skip


@lru_cache(maxsize=len(PAGES))
def shown(page: Path) -> Any:
    """Return what a page shows, simulated once."""
    return PICTURES["Shown"](page)


def decision_of(page: Path) -> DecisionEvent:
    """Run a page's Python and return the decision that it makes."""
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    decision = names["decision"]
    assert isinstance(decision, DecisionEvent)
    return decision


def test_every_algo_has_a_page_and_a_picture() -> None:
    """What can be named in a decision is explained, in the index too, and nothing else is."""
    names = {spec.name for spec in registry()}
    index = (ROOT / "docs" / "how-to" / "algos" / "index.md").read_text(encoding="utf-8")

    assert {page.stem for page in PAGES} == names
    assert {path.stem for path in PICTURES["IMAGES"].glob("*.svg")} == names
    assert all(f"[{name}]({name}.md)" in index for name in names)


def test_the_index_makes_a_decision_and_its_approval() -> None:
    """The listing that shows what a decision needs runs as it stands."""
    assert decision_of(PICTURES["PAGES"] / "index.md").algo == "twap"


def test_the_readme_shows_what_its_line_gives() -> None:
    """The order that a visitor sees first has the figures that it has today."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$ \.venv/bin/quietfill (simulate .*)$", readme, re.MULTILINE)

    assert PICTURES["table"](PICTURES["simulated"](shlex.split(line))) in readme


@EACH_PAGE
def test_every_command_runs_as_typed(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the page trades by the page's algo on the packaged hour, and fills something."""
    quietfill = CommandLine(tmp_path, capsys)
    lines = PICTURES["commands"](page.read_text(encoding="utf-8"))

    assert lines
    for line in lines:
        figures = quietfill(*line, "--json").figures
        assert figures["algo"] == page.stem
        assert figures["filled"] > 0


@EACH_PAGE
def test_the_decision_asks_for_the_same_order(page: Path) -> None:
    """Whoever copies the Python asks for the very order that the command simulates."""
    decision, spec = decision_of(page), registry().get(page.stem)
    (order,) = shown(page).result.ledger.orders.values()
    accepted = order.accepted

    assert decision.algo == spec.name or decision.order_type is OWN_TYPES[spec.name]
    assert (decision.action, decision.quantity) == (order.side, quantity_exact(order.quantity))
    assert decision.end is not None
    assert timestamp_from(decision.end) == accepted.end
    for stated, taken in ((decision.limit_price, accepted.limit_price), (decision.stop_price, accepted.stop_price)):
        assert (None if stated is None else price_from(stated)) == taken
    assert parse_params(spec, decision.algo_params) == parse_params(spec, accepted.params)


@EACH_PAGE
def test_figures_and_picture_are_of_today(page: Path) -> None:
    """Whoever changes an algo or a chart also runs tools/make_pictures.py."""
    assert page.read_text(encoding="utf-8") == shown(page).page_text()
    assert PICTURES["read_digests"]()[page.stem] == shown(page).digest
    assert (PICTURES["IMAGES"] / f"{page.stem}.svg").stat().st_size < LARGEST
