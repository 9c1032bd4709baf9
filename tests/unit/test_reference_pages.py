"""The reference pages that are written from the code are those that the code would write."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "make_docs.py"


@pytest.mark.parametrize("page", ["algorithms.md", "configuration.md", "order-states.md"])
def test_the_page_is_up_to_date(page):
    """Whoever changes a key or a state also runs tools/make_docs.py."""
    wanted = runpy.run_path(str(SCRIPT))["pages"]()

    assert (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8") == wanted[page]


def test_no_other_page_is_written():
    """Every page that the script writes is checked above."""
    assert set(runpy.run_path(str(SCRIPT))["pages"]()) == {"algorithms.md", "configuration.md", "order-states.md"}
