"""One engine, one exchange, one order of things.

At every instant that matters: the market as it is, then the broker's reports, then what the script
says, then due timers; after each, commit and release. Every time comes from the tape, the script or the
engine, so the same inputs give the same journal, byte for byte.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.domain.messages import AnyMessage, EndRun, StartRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.engine.engine import Engine
    from quietfill.ports.journal import Journal
    from quietfill.venue.exchange import Exchange


class Simulation:
    """Runs a script of messages through an engine against an exchange."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        journal: Journal,
        *,
        commit_latency: Duration = 0,
        on_progress: Callable[[Timestamp], None] | None = None,
    ) -> None:
        """Take the parts.

        Args:
            engine: empty, or restored from this journal.
            exchange: at the start of its tape, or rebuilt.
            journal: every record goes here; it must commit by itself when `commit_latency` is 0.
            commit_latency: how long a record takes to become durable, in simulated ns.
            on_progress: told the time now and then.
        """
        self._engine = engine
        self._exchange = exchange
        self._symbol = exchange.instrument.symbol
        self._journal = journal
        self._commit_latency = commit_latency
        self._on_progress = on_progress
        self._commits: deque[tuple[Timestamp, int]] = deque()
        self._script: deque[tuple[Timestamp, AnyMessage]] = deque()
        self.now: Timestamp = 0

    def run(self, script: Iterable[tuple[Timestamp, AnyMessage]], *, start: StartRun, until: Timestamp) -> None:
        """Play *script* until every order is done, the tape ends or *until* is reached.

        Args:
            script: (time, message), in time order.
            start: what a continuation must know; the first record of the journal.
            until: no instant later than this is played.
        """
        self._script = deque(script)
        self.now = self._script[0][0] if self._script else until
        self._exchange.advance(self.now)
        self._take(self._engine.handle(start, self.now))
        while self._step(until):
            if self._on_progress is not None:
                self._on_progress(self.now)
        self._take(self._engine.handle(EndRun(reason="simulation ended"), self.now))

    def _step(self, until: Timestamp) -> bool:
        if not self._script and not self._engine.state.live:
            return False
        target = self._next_instant(until)
        self._exchange.watch(self._engine.triggers(self._symbol))
        self.now = self._exchange.advance(target)
        self._deliver()
        return self.now < until

    def _next_instant(self, until: Timestamp) -> Timestamp:
        candidates = [until]
        if self._script:
            candidates.append(self._script[0][0])
        if self._commits:
            candidates.append(self._commits[0][0])
        ours = (self._engine.next_wake(), self._exchange.next_report_at())
        candidates.extend(at for at in ours if at is not None)
        return max(self.now, min(candidates))

    def _deliver(self) -> None:
        now, engine = self.now, self._engine
        self._take(engine.handle(self._exchange.book(self._symbol), now))
        for report in self._exchange.take_reports(now):
            self._take(engine.handle(report, now))
        while self._script and self._script[0][0] <= now:
            self._take(engine.handle(self._script.popleft()[1], now))
        self._take(engine.wake(now))
        self._release_committed()
        if engine.take_questions():
            self._take(engine.handle(self._exchange.snapshot(now), now))

    def _take(self, records: list[AnyRecord]) -> None:
        if not records:
            return
        sequence = self._journal.append(records)
        assert sequence == self._engine.state.sequence, "journal and engine count differently"
        self._commits.append((self.now + self._commit_latency, sequence))
        if self._commit_latency == 0:
            self._release_committed()

    def _release_committed(self) -> None:
        committed = 0
        while self._commits and self._commits[0][0] <= self.now:
            committed = self._commits.popleft()[1]
        if not committed:
            return
        leaving, records = self._engine.release(committed, self.now)
        for request in leaving:
            self._exchange.send(request, self.now)
        self._take(records)
