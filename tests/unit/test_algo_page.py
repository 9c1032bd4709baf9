"""The page on writing an algo says what is true: its code is the example's, and its test passes."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks() -> list[str]:
    """Return the Python blocks of the page."""
    page = (ROOT / "docs" / "how-to" / "write-an-algo.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_the_page_shows_the_example_as_it_is():
    """A reader who copies the listing has `examples/patient.py`."""
    example = (ROOT / "examples" / "patient.py").read_text(encoding="utf-8")

    assert example.endswith(blocks()[0])


def test_the_page_code_runs():
    """The listing and the test below it run as they stand."""
    exec("\n".join(blocks()), {"__name__": "page"})
