"""The same seed gives the same journal in any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.command_line import order_tokens, write_market

if TYPE_CHECKING:
    from pathlib import Path


def figures_of(folder: Path, **environment: str) -> dict[str, Any]:
    """Return the figures of a run in a process of its own."""
    command = [sys.executable, "-m", "quietfill", "simulate", *order_tokens(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_every_process_writes_the_same_journal(tmp_path: Path) -> None:
    """Whatever PYTHONHASHSEED is, and whether the venue runs compiled or plain, one seed gives one digest."""
    write_market(tmp_path)
    first = figures_of(tmp_path, PYTHONHASHSEED="1")
    second = figures_of(tmp_path, PYTHONHASHSEED="4242", QUIETFILL_PLAIN="1")

    assert first["filled"] == 600
    assert first["journal_sha256"] == second["journal_sha256"]
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} <= {"wall_s"}
