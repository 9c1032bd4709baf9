"""The board of faults: how they are chosen, that each is shown, and that the page says what they do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quietfill.domain.errors import BadInput
from quietfill.gateway.faults.panel import KINDS, fault_table
from tests.gateway.client import paper

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "how-to" / "paper-gateway.md"
RULES = range(1, 21)


def test_every_fault_is_shown_over_a_socket():
    """No fault without a test that switches it on by name."""
    shown = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_faults_of_*.py"))
    missing = [name for name in KINDS if not re.search(rf"[\"']{name}[:\"']", shown)]

    assert missing == []


def test_every_rule_has_a_fault():
    """Each of the twenty rules for a robust client is put to the test by at least one fault."""
    covered = {rule for kind in KINDS.values() for rule in kind.rules}

    assert covered == set(RULES)


def test_the_page_has_the_table_of_faults():
    """The how-to lists every fault as the code describes it."""
    assert fault_table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cat", "fault 'cat' is none of"),
        ("cut:soon", r"'soon' is not a setting like key=value \(its settings: after\)"),
        ("cut:times=2", "'times=2' is not a setting"),
        ("cut:after=soon", "after must be a number"),
        ("cut:after=-1", "after must not be negative"),
        ("cut:after=inf", "after must be finite"),
        ("list-silent:list=all", "list must be one of orders"),
        ("ambiguous-contract:x=1", "its settings: none"),
    ],
)
def test_a_fault_that_is_none_is_bad_input(text, says):
    """One line that names what is wrong; nothing starts."""
    with pytest.raises(BadInput, match=says):
        paper(faults=[text])


def test_a_fault_can_be_switched_on_and_off_while_it_runs():
    """Its times count from when it was added."""
    gateway = paper()
    gateway.faults.start()
    fault = gateway.faults.add("quotes-silent:after=5")

    assert fault.starts_at == gateway.floor.now + 5_000_000_000
    assert fault.strikes() is False
    gateway.faults.remove(fault)
