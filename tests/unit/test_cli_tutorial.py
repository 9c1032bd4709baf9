"""The tutorial's command lines are ones that the program takes."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from quietfill.cli.main import app

DOCS = Path(__file__).resolve().parents[2] / "docs"


def command_lines(page: str) -> list[str]:
    """Return the `quietfill` lines of a page's console blocks, continued lines joined."""
    text = (DOCS / page).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip()[2:] for line in text.splitlines() if line.strip().startswith("$ quietfill ")]


@pytest.mark.parametrize("page", ["tutorial/first-order.md", "how-to/write-an-algo.md"])
def test_every_command_line_parses(page: str) -> None:
    """No option that a page shows is misspelled, and none that is needed is missing."""
    lines = command_lines(page)

    assert lines
    for line in lines:
        command, bound, _ = app.parse_args(shlex.split(line)[1:], print_error=False, exit_on_error=False)
        assert callable(command), line
        assert bound.arguments or line.split() == ["quietfill", "algos"], line
