"""Commands in processes of their own, as a user has them in terminals, and what they print."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

PATIENCE = 90.0
"""Seconds within which everything that is waited for has been printed, on the slowest machine."""


class Terminal:
    """A `quietfill` command that runs, and the JSON lines that it has printed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self._heard: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._errors = (folder / f"{words[0]}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quietfill", *words, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until a line is printed that is wanted; lines before it are passed over."""
        while (line := self._heard.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
            if wanted(line):
                return line
        raise AssertionError(f"the command ended with {self.process.wait()} and printed {self.lines}")

    def kill(self) -> None:
        """Pull the plug."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def interrupt(self) -> dict[str, Any]:
        """Press Ctrl-C; return the last line."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> dict[str, Any]:
        """Wait for the end; return the last line."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        while (line := self._heard.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
        assert code == 0, (code, self.lines)
        return self.lines[-1]

    def close(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._heard.put(json.loads(line))
        self._heard.put(None)


@contextmanager
def terminal(folder: Path, *words: str) -> Generator[Terminal]:
    """Run a command until the block is left."""
    opened = Terminal(folder, *words)
    try:
        yield opened
    finally:
        opened.close()


def command(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command to its end; return exit code, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "quietfill", *words], cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
