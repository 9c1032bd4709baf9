"""Where a command's words go: results to standard output, progress and notes to standard error.

On a terminal there are colours and bars; elsewhere plain lines, which a log can keep. With `--json` standard
output holds one JSON object and nothing else.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from quietfill.runtime.clock import wall_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.console import RenderableType

_PLAIN_WIDTH = 160
_LINE_EVERY_SECONDS = 2.0


class Terminal:
    """The two output streams of one command.

    Args:
        json: keep standard output free of everything but the final JSON object.
    """

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)

    @property
    def is_live(self) -> bool:
        """Whether somebody watches: progress may be redrawn in place."""
        return self.err.is_terminal

    def say(self, what: RenderableType) -> None:
        """Print a result for people; with `--json` it is left out."""
        if not self.json:
            self.out.print(escape(what) if isinstance(what, str) else what, highlight=False)

    def line(self, text: str) -> None:
        """Print a result as it is, however long; with `--json` it is left out."""
        if not self.json:
            sys.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """Print what is good to know and no result."""
        self.err.print(escape(text), highlight=False, soft_wrap=True)

    def finish(self, figures: dict[str, Any]) -> None:
        """Print one JSON object as the last line of standard output."""
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")

    @contextmanager
    def progress(self, what: str) -> Generator[Callable[[float], None]]:
        """Show how far something is: hear shares from 0 to 1."""
        if not self.is_live:
            yield self._plain_progress(what)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
        with Progress(*columns, TimeElapsedColumn(), console=self.err, transient=True) as bar:
            task = bar.add_task(escape(what), total=1.0)
            yield lambda share: bar.update(task, completed=share)

    def _plain_progress(self, what: str) -> Callable[[float], None]:
        said_at: float | None = None

        def hear(share: float) -> None:
            nonlocal said_at
            now = wall_seconds()
            if said_at is None:
                said_at = now
            elif now - said_at >= _LINE_EVERY_SECONDS:
                said_at = now
                self.note(f"{what}: {share:.0%}")

        return hear


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_PLAIN_WIDTH)
