"""The command line in a test's hands: run a command in this process, and a small market for it to work in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quietfill.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SYMBOL = "TEST"
MESSAGES = "TEST_2023-07-11_34200000_34800000_message_1.csv"
"""Ten minutes from 09:30, named as LOBSTER names its files."""


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code, and what it wrote to standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        """The JSON object in the last line of standard output."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    @property
    def complaint(self) -> str:
        """The one line that a refused command writes, checked to be one; nothing else may be written."""
        assert (self.code, self.out) == (2, ""), self
        (line,) = self.err.splitlines()
        assert line.startswith("error: "), line
        return line


class CommandLine:
    """Runs `quietfill` commands in one folder."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *tokens: str) -> Outcome:
        """Run one command."""
        self._capture.readouterr()
        code = main(list(tokens))
        said = self._capture.readouterr()
        return Outcome(code, said.out, said.err)

    def simulate(self, *tokens: str, **changes: str) -> Outcome:
        """Run `simulate` on the small market; *changes* replace or add options, an empty text takes one away."""
        return self("simulate", *order_tokens(self.folder, **changes), *tokens)


def order_tokens(folder: Path, **changes: str) -> list[str]:
    """Return the options of a TWAP over five minutes of the small market."""
    options = {
        "feed": "lobster", "data": str(folder / MESSAGES), "symbol": SYMBOL, "side": "buy", "quantity": "600",
        "algo": "twap", "start": "09:31:00", "end": "09:36:00", "seed": "7",
    } | changes  # fmt: skip
    return [token for name, value in options.items() if value for token in (f"--{name.replace('_', '-')}", value)]


def write_market(folder: Path) -> Path:
    """Write ten minutes of a quiet stock at 100.00 to 100.01: five levels of 500 shares, a print of 50 each second."""
    path = folder / MESSAGES
    path.write_text("\n".join(",".join(map(str, row)) for row in _messages()) + "\n")
    return path


def _messages() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    queues: dict[int, list[list[int]]] = {1: [], -1: []}
    number = 0

    def add(time: str, side: int, level: int, size: int) -> None:
        nonlocal number
        number += 1
        price = (1_000_000 if side == 1 else 1_000_100) - side * level * 100
        rows.append((time, 1, number, size, price, side))
        if level == 0:
            queues[side].append([number, size, price])

    for level in range(5):
        add("34200.000000000", 1, level, 500)
        add("34200.000000000", -1, level, 500)
    for second in range(1, 600):
        side = 1 if second % 2 else -1
        first = queues[side][0]
        rows.append((f"{34200 + second}.250000000", 4, first[0], 50, first[2], side))
        first[1] -= 50
        if not first[1]:
            queues[side].pop(0)
        add(f"{34200 + second}.500000000", side, 0, 50)
    return rows
