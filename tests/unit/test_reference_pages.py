"""The reference pages that are written from the code are those that the code would write; nothing public is missing."""

import inspect
import re
import runpy
from pathlib import Path

import pytest

import quietfill
from quietfill import ExecutionAgentImpl
from tools.docstrings import attributes, markdown

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
SCRIPT = runpy.run_path(str(ROOT / "tools" / "make_docs.py"))
WANTED = SCRIPT["pages"]()
NOTE = "Written by tools/make_docs.py"


def headings(page):
    """Return every heading of a page."""
    return re.findall(r"^#+ (.*)$", (REFERENCE / page).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", WANTED)
def test_the_page_is_up_to_date(page):
    """Whoever changes a signature, a docstring, a key or a state also runs tools/make_docs.py."""
    assert (REFERENCE / page).read_text(encoding="utf-8") == WANTED[page]


def test_the_picture_is_up_to_date():
    """The order-state machine is drawn from its table."""
    ((name, drawn),) = SCRIPT["images"]().items()

    assert (ROOT / "docs" / "images" / name).read_text(encoding="utf-8") == drawn


def test_no_page_is_left_behind():
    """Every page that says it was written by the script still is, and is in the navigation."""
    written = {page.name for page in REFERENCE.glob("*.md") if NOTE in page.read_text(encoding="utf-8")}
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

    assert written == set(WANTED)
    assert [page for page in WANTED if f"reference/{page}" not in navigation] == []


def test_every_public_name_is_documented():
    """Each name at the top level has a heading of its own, or a page."""
    found = {heading for page in WANTED for heading in headings(page)}
    own_pages = {"ExecutionAgentImpl", "ExecutionAgentBase", "AgentConfig", "VALID_ORDER_TRANSITIONS", "__version__"}

    assert set(quietfill.__all__) - found - own_pages == set()


def test_every_method_of_the_agent_is_documented():
    """Whatever can be called on an agent has its signature and words on the agent's page."""
    public = {
        name for name, _ in inspect.getmembers(ExecutionAgentImpl, inspect.isfunction) if not name.startswith("_")
    }

    assert public - set(headings("agent.md")) == set()


def test_pages_name_no_address():
    """What differs from one run to the next, such as where an object lies in memory, is on no page."""
    assert [page for page, text in WANTED.items() if re.search(r"0x[0-9a-f]{6,}|<function|<object", text)] == []


@pytest.mark.parametrize(
    ("docstring", "wanted"),
    [
        ("One.\n\nTwo\nlines.", "One.\n\nTwo lines."),
        ("A.\n\nArgs:\n    x, y: both\n        of them.\n    z: one.", "A.\n\n* `x`, `y`: both of them.\n* `z`: one."),
        ("A.\n\nReturns:\n    What `x` is.", "A.\n\n**Returns** What `x` is."),
        ("A.\n\nRaises:\n    BadInput: when\n        bad.", "A.\n\n**Raises**\n\n* `BadInput`: when bad."),
        ("a * b < c, `a*b`, the *width*", "a \\* b &lt; c, `a*b`, the *width*"),
        ("List:\n\n* one\n* two\n  more", "List:\n\n* one\n* two more"),
        ("So:\n\n    x = 1\n    y = 2", "So:\n\n    x = 1\n    y = 2"),
        ("A.\n\nAttributes:\n    x: here.\n\nAfterwards.", "A.\n\nAfterwards."),
    ],
)
def test_docstrings_become_markdown(docstring, wanted):
    """Paragraphs, lists and sections are told apart; signs of Markdown's own are escaped, code is left as it is."""
    assert markdown(docstring, leave_out=("Attributes",)) == wanted


def test_names_share_their_words():
    """An entry for two names says the same of both."""
    assert attributes("A.\n\nAttributes:\n    a, b: the two.\n    c: one.") == {
        "a": "the two.",
        "b": "the two.",
        "c": "one.",
    }
