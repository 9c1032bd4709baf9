"""The shell around the engine: one writer, a journal, an outbox, one timer, completion futures.

Everything that happens is a synchronous call: a message goes in, its records are handed to the journal,
and when they are durable the requests among them leave and whoever waits is told. The event loop never
waits for the disk, and nothing is awaited between reading state and acting on it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.messages import LinkState
from quietfill.domain.records import AnyRecord, OrderDone
from quietfill.domain.types import SECOND
from quietfill.runtime.journal_end import closed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import AnyMessage, BookUpdate
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.engine.engine import Engine
    from quietfill.market.history import MarketHistory
    from quietfill.ports.broker import BrokerEdge
    from quietfill.ports.clock import Alarm, TimedClock
    from quietfill.ports.journal import Journal

_log = structlog.get_logger(__name__)

_ASK_AGAIN = SECOND
"""How soon the broker is asked again when it could not be asked and everything waits for its answer."""

_ANSWER_SECONDS = 10.0
"""How long the answer to one question may take."""


class Runtime:
    """Runs one engine on one event loop."""

    def __init__(self, engine: Engine, journal: Journal, edge: BrokerEdge, clock: TimedClock) -> None:
        """Take the parts; `start` connects them."""
        self.engine = engine
        self.journal = journal
        self.edge = edge
        self.clock = clock
        self.journal_failure: str | None = None
        self.failures = 0
        """Listeners and sendings that raised; each is in the log."""
        self._may_send = False
        self._cancels_lead = False
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._committed = 0
        self._flushing = False
        self._alarm: Alarm | None = None
        self._alarm_at: Timestamp | None = None
        self._uncommitted: deque[tuple[int, AnyRecord]] = deque()
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._done: dict[str, asyncio.Future[None]] = {}
        self._quiet: asyncio.Future[None] | None = None
        self._listeners: list[Callable[[AnyRecord], None]] = []
        self._replay_listeners: list[Callable[[AnyRecord], None]] = []
        self._book_listeners: list[Callable[[BookUpdate], None]] = []
        self._sent_listeners: list[Callable[[WireRequest, Timestamp], None]] = []
        self._rooms: list[Callable[[], Awaitable[None]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._early: list[AnyMessage] = []

    @property
    def is_running(self) -> bool:
        """Whether it was started and nobody asked it to stop."""
        return self._loop is not None and not self._stopping

    def on_record(self, listener: Callable[[AnyRecord], None]) -> None:
        """Call *listener* with each record once it is durable. It must not block."""
        self._listeners.append(listener)

    def on_sent(self, listener: Callable[[WireRequest, Timestamp], None]) -> None:
        """Call *listener* with each request that was handed to the edge, and when. It must be quick."""
        self._sent_listeners.append(listener)

    def on_replay(self, listener: Callable[[AnyRecord], None]) -> None:
        """Call *listener* with each record that `start` finds in the journal."""
        self._replay_listeners.append(listener)

    # Life

    async def start(self) -> None:
        """Recover from the journal, connect, reconcile. Start-up is recovery."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.engine.restore(self._replayed())
        self._committed = self.journal.committed
        self.journal.on_commit(self._heard_commit)
        self.journal.on_failure(self._heard_failure)
        self.edge.on_report(self._heard_report)
        self.edge.on_book(self._heard_book)
        self.edge.on_link(self._heard_link)
        # What is in doubt is known before the edge says its first word: nothing may be planned on a book until the
        # broker has told what became of our requests.
        self._take(self.engine.recover(self.clock.now()))
        for message in self._early:
            self.submit(message)
        await self.edge.connect()
        self._may_send = True
        if not self.engine.state.link_up:
            self.submit(LinkState(up=True, reason="started"))
        self._flush()  # a kill that came while we connected has its cancels waiting
        if self._cancels_lead or self.journal_failure is not None:
            self._send_cancels()
        if self.engine.is_reconciling:
            self.submit(await self.edge.snapshot())

    async def stop(self) -> None:
        """Stop acting; orders at the broker stay as the journal has them, and the next start goes on."""
        self._may_send, self._stopping = False, True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._asking is not None:
            self._asking.cancel()
        try:
            try:
                await self.edge.disconnect()
            finally:
                await self._close_journal()
        finally:
            for _, waiter in self._waiters:
                waiter.cancel()
            for future in self._done.values():
                future.cancel()

    async def _close_journal(self) -> None:
        try:
            await closed(self.journal)
        except JournalError as error:
            self._journal_failed(str(error))
        else:
            self._commit_reached(self.journal.committed)

    # In

    def submit(self, message: AnyMessage) -> int:
        """Handle one message now; return the number of the last record, durable once `committed` says so.

        Before `start` it is kept, and handled right after the recovery.
        """
        if self._loop is None:
            self._early.append(message)
            return 0
        try:
            records = self.engine.handle(message, self.clock.now())
        except BadInput:
            raise  # refused before anything was decided
        except Exception as error:
            self._stop_new_risk(error)
            raise
        return self._take(records)

    def let_cancels_leave(self) -> None:
        """Send the cancels that wait for their commit: under a kill nothing stays alive because a disk hangs.

        Those decided from now on leave at once too, until the journal has caught up: what cannot be cancelled yet, for
        want of a line or of an acknowledgement, is cancelled later.
        """
        self._cancels_lead = True
        self._send_cancels()

    def show(self, book: BookUpdate) -> None:
        """Show the engine a market, and whoever listens for it."""
        self.submit(book)
        for listener in self._book_listeners:
            self._guarded(listener, book)

    async def committed(self, sequence: int) -> None:
        """Wait until the record with this number is durable.

        Raises:
            JournalError: when the journal failed first.
        """
        if self.journal_failure is not None:
            raise JournalError(self.journal_failure)
        if sequence <= self._committed:
            return
        waiter = self._running_loop().create_future()
        self._waiters.append((sequence, waiter))
        await waiter

    async def done(self, order_id: str) -> None:
        """Wait until a parent order has ended and the journal and everybody who listens knows.

        Returns at once for an order that is not known or ended before.

        Raises:
            JournalError: when the journal failed first.
        """
        if order_id not in self.engine.state.live and order_id not in self._done:
            if self.journal_failure is None:
                await self.committed(self.engine.state.sequence)
            return
        if self.journal_failure is not None:
            raise JournalError(self.journal_failure)
        if order_id not in self._done:
            self._done[order_id] = self._running_loop().create_future()
        await asyncio.shield(self._done[order_id])

    async def quiet(self) -> None:
        """Wait until nothing is uncommitted, nothing decided is unsent, and nobody who listens is far behind."""
        for room in self._rooms:
            await room()
        while self._is_busy():
            if self._quiet is None:
                self._quiet = self._running_loop().create_future()
            await asyncio.shield(self._quiet)  # others wait for the same future: one that gives up must not cancel it

    def quiet_after(self, room: Callable[[], Awaitable[None]]) -> None:
        """Count as busy until *room* returns too: simulated time waits for a listener who cannot keep up with it."""
        self._rooms.append(room)

    def on_book(self, listener: Callable[[BookUpdate], None]) -> None:
        """Call *listener* with each book the engine was shown. It must be quick."""
        self._book_listeners.append(listener)

    def market_history(self, symbol: str) -> MarketHistory | None:
        """Return what the edge recorded of a market up to now, where it keeps such a thing."""
        recorded = getattr(self.edge, "market_history", None)
        return None if recorded is None else recorded(symbol)

    def next_wake(self) -> Timestamp | None:
        """Return when the engine next wants to be woken."""
        return self.engine.next_wake()

    # Heard

    def _heard_report(self, report: ExecutionReport) -> None:
        self.submit(report)

    def _heard_book(self, book: BookUpdate) -> None:
        self.show(book)

    def _heard_link(self, link: LinkState) -> None:
        self.submit(link)
        if self._may_send and self.engine.is_reconciling:
            if self._asking is not None:
                self._asking.cancel()  # what it hears may be from before the line broke
                self._asking = None
            self._ask()

    def _heard_commit(self, sequence: int) -> None:
        """The journal's listener; a file journal calls it from its writer thread."""
        if threading.get_ident() == self._thread:
            self._commit_reached(sequence)
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._commit_reached, sequence)

    def _heard_failure(self, error: JournalError) -> None:
        """Also called from the journal's writer thread."""
        if threading.get_ident() == self._thread:
            self._journal_failed(str(error))
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._journal_failed, str(error))

    def _commit_reached(self, sequence: int) -> None:
        self._committed = max(self._committed, sequence)
        self._cancels_lead = self._cancels_lead and self._committed < self.engine.state.sequence
        if not self._flushing:
            self._flush()

    def _wake(self) -> None:
        self._alarm = self._alarm_at = None
        try:
            records = self.engine.wake(self.clock.now())
        except Exception as error:
            self._stop_new_risk(error)
            raise
        self._take(records)

    def _stop_new_risk(self, error: Exception) -> None:
        """A bug of ours: what was decided before it stands, nothing new is asked for until two people say so."""
        self.failures += 1
        reason = f"internal error: {type(error).__name__}: {error}"
        self._take(self.engine.stop_new_risk(reason, self.clock.now()))
        _log.critical("new risk is stopped", reason=reason)

    def _replayed(self) -> Iterator[AnyRecord]:
        for entry in self.journal.read():
            for listener in self._replay_listeners:
                listener(entry.record)
            yield entry.record

    # Out

    def _take(self, records: list[AnyRecord]) -> int:
        if records:
            self._append(records)
            self._flush()
        self._arm()
        if self.engine.take_questions():
            self._ask()
        return self.engine.state.sequence

    def _append(self, records: Sequence[AnyRecord]) -> None:
        if self.journal_failure is not None:
            self._send_cancels()
            return
        first = self.engine.state.sequence - len(records) + 1
        self._uncommitted.extend(enumerate(records, start=first))
        self._flushing = True  # a memory journal commits inside append; what follows is done after it
        try:
            self.journal.append(records)
        except JournalError as error:
            self._journal_failed(str(error))
        finally:
            self._flushing = False
        if self._cancels_lead:
            self._send_cancels()

    def _flush(self) -> None:
        """Send what became durable, tell who waits; repeat while that makes new records."""
        while self._may_send:
            leaving, follow_up = self.engine.release(self._committed, self.clock.now())
            for request in leaving:
                self._send(request)
            if not follow_up:
                break
            self._append(follow_up)
        self._publish()
        while self._waiters and self._waiters[0][0] <= self._committed:
            waiter = self._waiters.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)
        self._tell_quiet()

    def _send(self, request: WireRequest) -> None:
        """Hand one request to the edge. If that fails the others go all the same, and it stays without an answer."""
        try:
            self.edge.submit(request)
        except Exception:  # noqa: BLE001 - whatever an edge raises, the next request may be a cancel
            self.failures += 1
            _log.exception("a request could not be sent", child=request.child_id)
            return
        for listener in self._sent_listeners:
            self._guarded(listener, request, self.clock.now())

    def _send_cancels(self) -> None:
        if self._may_send:
            for request in self.engine.urgent_cancels():
                self._send(request)

    def _tell_quiet(self) -> None:
        if self._quiet is not None and not self._is_busy():
            quiet, self._quiet = self._quiet, None
            if not quiet.done():
                quiet.set_result(None)

    def _publish(self) -> None:
        while self._uncommitted and self._uncommitted[0][0] <= self._committed:
            record = self._uncommitted.popleft()[1]
            for listener in self._listeners:
                self._guarded(listener, record)
            if isinstance(record, OrderDone):
                future = self._done.pop(record.order_id, None)
                if future is not None and not future.done():
                    future.set_result(None)

    def _guarded(self, listener: Callable[..., None], *heard: Any) -> None:
        """Let one listener hear. Its failure is neither the market's nor the other listeners' concern."""
        try:
            listener(*heard)
        except Exception:  # noqa: BLE001 - a stranger's code: whatever it raises
            self.failures += 1
            _log.exception("a listener failed", heard=type(heard[0]).__name__)

    def _journal_failed(self, reason: str) -> None:
        """No new risk without a journal: cancels leave all the same, everybody who waits is told."""
        self.journal_failure = reason
        self._send_cancels()
        for waiter in [*(waiter for _, waiter in self._waiters), *self._done.values()]:
            if not waiter.done():
                waiter.set_exception(JournalError(reason))
        self._waiters.clear()
        self._done.clear()
        self._tell_quiet()
        _log.critical("journal failed", reason=reason)  # last: nothing above may wait for a log

    def _is_busy(self) -> bool:
        return self.journal_failure is None and (bool(self._uncommitted) or not self.engine.is_idle)

    def _arm(self) -> None:
        at = self.engine.next_wake()
        if at == self._alarm_at or self._stopping:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = None if at is None else self.clock.call_at(at, self._wake)

    def _ask(self) -> None:
        if not self._stopping and (self._asking is None or self._asking.done()):
            self._asking = self._running_loop().create_task(self._ask_broker())

    async def _ask_broker(self) -> None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                snapshot = await self.edge.snapshot()
        except Exception as error:  # noqa: BLE001 - whatever an edge raises, the answer is missing
            _log.warning("the broker did not say what it has", error=repr(error))
            if self.engine.is_reconciling:
                self.clock.call_at(self.clock.now() + _ASK_AGAIN, self._ask)
            return
        self.submit(snapshot)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None, "the runtime was not started"
        return self._loop
