"""A paper gateway as its users start it, and programs of its clients beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

PROGRAMS = Path(__file__).resolve().parent
SECONDS = 90  # within which a program has ended, on the slowest machine
CASH = 10_000_000
MASTER = 9
COMMAND = [
    sys.executable, "-m", "quietfill", "gateway", "--json", "--port", "0", "--speed", "10", "--cash", str(CASH),
    "--master", str(MASTER), "--maker-fee-bps", "1", "--taker-fee-bps", "2",
]  # fmt: skip


class House:
    """A gateway in a process of its own."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running
        assert running.stdout is not None
        self.ready: dict[str, Any] = json.loads(running.stdout.readline())
        self.port: int = self.ready["port"]

    def end(self) -> dict[str, Any]:
        """Stop it as Ctrl-C does, and return its last line."""
        self._running.send_signal(signal.SIGINT)
        said, _ = self._running.communicate(timeout=SECONDS)
        last: dict[str, Any] = json.loads(said.splitlines()[-1])
        assert self._running.returncode == 0, last
        return last

    def command(self, python: Path | str, library: str | None, *what: str) -> list[str]:
        """Return the command line of a client's program; *library* is None for the official clients."""
        script = PROGRAMS / ("official_program.py" if library is None else "insync_program.py")
        # -P: the script's own folder is not searched, so it sees its environment and nothing else.
        return [str(python), "-P", str(script), *([] if library is None else [library]), str(self.port), *what]


@contextmanager
def house() -> Generator[House]:
    """Start a gateway; in any case it ends with the test."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield House(running)
        finally:
            running.kill()


def run(command: list[str]) -> dict[str, Any]:
    """Run a program and return the line it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


@contextmanager
def beside(command: list[str]) -> Generator[subprocess.Popen[str]]:
    """Run a program beside the test; in any case it ends with it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()
