"""The page on bringing a broker says what is true: its code is the example's, and the example trades."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "bring-your-own-broker.md"
EXAMPLE = ROOT / "examples" / "own_broker.py"


def test_the_page_shows_the_example_as_it_is():
    """A reader who copies the listing has the broker of `examples/own_broker.py`."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    assert block in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says():
    """An agent buys through the example's broker, and the report adds up."""
    ran = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True)

    (shown,) = re.findall(r"\$ python examples/own_broker.py\n(.*?)\n```", PAGE.read_text(encoding="utf-8"))
    assert ran.stdout.strip() == shown
