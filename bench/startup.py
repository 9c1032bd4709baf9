"""How long `import quietfill` takes, and the agent behind it."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from bench.measuring import Budget, Row, Size, Yardstick, interleaved, micros

PACKAGE = "import quietfill"
AGENT = "import quietfill; quietfill.ExecutionAgentImpl"


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    programs = {"pass": "pass", "package": PACKAGE, "agent": AGENT}
    figures = interleaved(size.rounds, {name: partial(milliseconds, code, 3) for name, code in programs.items()})
    idle = Yardstick("python -c pass", figures["pass"])
    note = "A whole new process each time, less what `python -c pass` takes; byte code is on the disk already."
    return [
        Row(what=PACKAGE, measured=figures["package"] - idle.value, unit="ms", budget=Budget(150),
            yardstick=idle, note=note),
        Row(what=AGENT, measured=figures["agent"] - idle.value, unit="ms",
            yardstick=idle),
    ]  # fmt: skip


def milliseconds(code: str, count: int) -> list[float]:
    """Return the ms that each of so many new Pythons needs to run *code* and end."""
    command = [sys.executable, "-c", code]
    return [each / 1e3 for each in micros(partial(subprocess.run, command, check=True), count)]
