"""The page on Interactive Brokers' algos says what there is, its decision is one, its example does what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quietfill import DecisionEvent
from quietfill.algos.registry import parse_params
from quietfill.brokers.ib.algos import ALGOS
from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.gateway.stand_in_terms import stand_in_for
from tests.command_line import CommandLine

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "interactive-brokers-algos.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "twap_and_ib_twap.py"
NEEDED = {
    "DarkIce": (("displaySize", "1"),),
    "AD": (("componentSize", "1"), ("timeBetweenOrders", "1"), ("waitForFill", "1")),
}


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with a heading."""
    lines = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_algo_of_theirs_is_listed_with_what_can_be_set():
    """Names and own parameters are those of the code, none more and none less."""
    listed = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows_of("name")}
    shared = {"limit_price", "participation_cap", "min_child", "max_child", "urgency", "rest"}

    assert listed == {spec.name: set(spec.params.__struct_fields__) - shared for spec in ALGOS}


def test_every_stand_in_is_listed():
    """What the page says works an algo is what works it."""
    for row in rows_of("asked for"):
        asked = BrokerAlgo(row[0], NEEDED.get(row[0], ()))
        assert stand_in_for(asked, "UTC").algo == re.findall(r"\[(\w+)\]", row[1])[0]


def test_its_decision_is_one():
    """The listing runs, and its parameters are taken."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    decision = names["decision"]

    assert isinstance(decision, DecisionEvent)
    spec = next(spec for spec in ALGOS if spec.name == decision.algo)
    assert isinstance(parse_params(spec, decision.algo_params), spec.params)


def test_the_example_prints_what_the_page_shows():
    """One table with both orders done, the second named as a stand-in's; figures depend on the order of messages."""
    ran = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True)
    (shown,) = re.findall(r"\$ python examples/twap_and_ib_twap.py\n(.*?)\n```", PAGE, re.DOTALL)

    assert words_of(ran.stdout) == words_of(shown)
    assert "ib_twap (stand-in)" in ran.stdout


def words_of(text: str) -> list[str]:
    """Return what is no figure."""
    return [word for word in text.split() if not re.fullmatch(r"-?[\d,.]+|─+", word)]


def test_the_command_line_lists_them_under_their_broker(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`quietfill algos` shows them apart from ours and says whom they need; one can be asked for by name."""
    quietfill = CommandLine(tmp_path, capsys)
    shown, one = quietfill("algos"), quietfill("algos", "IB_TWAP", "--json").figures

    assert "Interactive Brokers' own, for an agent whose broker it is" in shown.out
    assert all(f"{spec.name}: " in shown.out for spec in ALGOS)
    assert (one["algos"], set(one["interactive_brokers"])) == ({}, {"ib_twap"})
    assert set(quietfill("algos", "twap", "--json").figures["interactive_brokers"]) == set()
