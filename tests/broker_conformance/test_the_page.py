"""The page on testing a broker says what is true: its code is the example's, runs, and its lists are the code's."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from quietfill.testing.broker_conformance import Ability, checks, run_all
from tests.broker_conformance.pit import pit_stage
from tests.broker_conformance.wrong_edges import CancelsTwice

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "test-a-broker.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "check_own_broker.py"


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_shows_the_example_as_it_is():
    """A reader who copies the listings has the stage of `examples/check_own_broker.py`."""
    example = EXAMPLE.read_text(encoding="utf-8")
    stage, main, _ = blocks("python")

    assert stage in example
    assert main in example


def test_the_example_prints_what_the_page_says():
    """The example's broker passes, and each line that the page shows is printed, in that order."""
    ran = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True)
    (block,) = blocks("console")
    shown = [line for line in block.splitlines() if line != "..." and not line.startswith("$")]

    assert [line for line in ran.stdout.splitlines() if line in shown] == shown


def test_the_test_of_the_page_runs(tmp_path):
    """Beside the example, the listing for pytest examines its broker."""
    (_, _, listing) = blocks("python")
    test = tmp_path / "test_my_broker.py"
    test.write_text(listing, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {EXAMPLE.parent.as_posix()}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert ran.returncode == 0, ran.stdout
    assert "31 passed, 23 skipped" in ran.stdout


def test_the_failure_of_the_page_is_what_is_printed():
    """A broker that is wrong in that way gets that text."""
    report = asyncio.run(run_all(pit_stage(CancelsTwice), only=["cancel-ends-the-order-once"]))
    (shown,) = blocks("text")

    assert shown in report.table() + "\n"


def test_every_check_and_every_ability_is_on_the_page():
    """The tables list what the code has, in its order."""
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    listed = [row for row in rows if "-" in row[0]]

    assert listed == [(check.name, check.guarantee) for check in checks()]
    assert [name for name, _ in rows if "-" not in name] == [ability.value for ability in Ability]
