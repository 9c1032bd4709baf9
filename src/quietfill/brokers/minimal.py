"""The edge around a broker that users bring: from records to `place_order` and `cancel_order`, and back.

Theory of operation. Such a broker may say very little, at any time and in any order, so nothing is concluded that it
did not say. Each request is a task of its own: no cancel waits for a slow `place_order`, except for the id that only
that call returns. Whatever is heard, from whichever thread and from inside whichever call, takes its turn on the event
loop. An exception or a call that never returns is no answer: the engine puts the child in doubt, and a fill, a status
or a listing may still settle it.

One thing is assumed, where there is no `on_order_status`: a cancel that returned True and was followed by no word for
`assume_cancelled` on a standing line worked. The same silence ends what the venue cancels by itself (IOC, FOK). It is
reported as assumed, and a fill that comes later is booked.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.face import BrokerFace
from quietfill.brokers.hearing import Hearing
from quietfill.brokers.lanes import Lanes, Terms
from quietfill.brokers.listing import Listing
from quietfill.brokers.words import order_event_of, public_price
from quietfill.domain.errors import BrokerError, BrokerRefusal
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import BrokerSnapshot, LinkState
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import SECOND, quantity_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from quietfill.brokers.lanes import Lane
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Duration
    from quietfill.engine.state import EngineState
    from quietfill.ports.clock import Alarm, TimedClock

_log = structlog.get_logger(__name__)

_LINK_LOOK = 2 * SECOND
"""How often the line is looked at while nothing is sent."""

_CANCEL_AGAIN = SECOND
"""Least time between two cancels of one child, when the question about it is another cancel."""

_LAST_WORDS_SECONDS = 1.0
"""How long calls under way may take when the session closes."""


class MinimalEdge:
    """A `BrokerEdge` around an object with at least `is_connected`, `place_order`, `cancel_order` and `on_fill`.

    Args:
        broker: the user's object. It is connected and disconnected by its owner.
        clock: the agent's.
        sender: how orders are signed.
        assume_cancelled: silence in ns after a cancel until it counts, where the broker reports no status.

    Raises:
        BadInput: when a needed member is missing.
    """

    def __init__(
        self,
        broker: object,
        clock: TimedClock,
        *,
        sender: str = "quietfill",
        assume_cancelled: Duration = 5 * SECOND,
    ) -> None:
        """Look at what the object offers; nothing is called yet."""
        self._face = BrokerFace(broker)
        self._clock = clock
        self._sender = sender
        self._assume_cancelled = assume_cancelled
        self._lanes = Lanes()
        self._report: Callable[[ExecutionReport], None] = _deaf
        self._link: Callable[[LinkState], None] = _deaf
        self._hearing = Hearing(self._lanes, clock, self._tell, self._learn, self._await_silence)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._is_closed = False
        self._is_up = True
        self._look: Alarm | None = None

    @property
    def can_replace(self) -> bool:
        """Whether a working order can be changed; else it is cancelled, settled and placed anew."""
        return self._face.can_modify

    @property
    def cancel_silence(self) -> Duration:
        """How long after a cancel nothing may be heard although all is well."""
        return 0 if self._face.reports_status else self._assume_cancelled

    @property
    def is_connected(self) -> bool:
        """Whether requests would reach the broker now."""
        return self._ask_connected()

    def attend(self, books: EngineState) -> None:
        """Look children up in an agent's books: after a restart nothing else is known of them."""
        self._lanes.books = books

    async def connect(self) -> None:
        """Listen to the broker. One that is not connected is reported as a line that is down, and watched.

        Raises:
            BrokerError: when it does not let us listen.
        """
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        try:
            self._face.is_connected()
            self._face.listen(self._heard_fill, self._heard_status)
        except Exception as error:
            raise BrokerError(f"the broker cannot be used: {error!r}") from error
        self._watch_link()

    async def disconnect(self) -> None:
        """Let calls under way come back, then hear nothing more."""
        if self._look is not None:
            self._look.cancel()
        for lane in self._lanes:
            lane.stop_waiting()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS_SECONDS)
        unfinished = [task for task in self._tasks if not task.done()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await asyncio.sleep(0)  # what was heard until now takes its turn
        self._is_closed = True

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears execution reports."""
        self._report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Do nothing: the user's broker brings no market data, `update_order_book` does."""

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Set who hears that the line went down or came back."""
        self._link = callback

    # Requests

    def submit(self, request: WireRequest) -> None:
        """Start one request. What waits for the broker's id is kept until it is known."""
        if isinstance(request, ChildRequested):
            if self._lanes.was_opened(request.child_id):
                _log.critical("submitted twice, and placed once", child=request.child_id)
            else:
                self._start(self._place(request, self._lanes.open(request)))
            return
        lane = self._lanes.get(request.child_id)
        assert lane is not None, f"{request.child_id} was never placed"
        if lane.broker_order_id is None:
            lane.held.append(request)
        else:
            self._carry_out(request, lane, lane.broker_order_id)

    async def snapshot(self) -> BrokerSnapshot:
        """Ask for open orders and executions; where both cannot be asked for, give the fills we heard ourselves.

        Raises:
            BrokerError: when the broker cannot be asked.
        """
        self._look_at_link()
        asked_at = self._clock.now()
        self._cancel_again()
        if not (self._face.lists_orders or self._face.lists_executions):
            fills = tuple(report for lane in self._lanes if not lane.is_ended for report in lane.heard)
            return BrokerSnapshot(orders=(), fills=fills, complete=False, asked_at=asked_at)
        try:
            return await Listing(self._lanes, self._learn, asked_at).ask(
                self._face, max(SECOND, self._assume_cancelled)
            )
        except Exception as error:
            raise BrokerError(f"the broker cannot be asked: {error!r}") from error

    def _carry_out(self, request: CancelRequested | ReplaceRequested, lane: Lane, number: int) -> None:
        if isinstance(request, CancelRequested):
            self._start(self._cancel(lane, number))
        else:
            self._start(self._modify(request, lane, number))

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None, "the edge was not connected"
        task = self._loop.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _place(self, request: ChildRequested, lane: Lane) -> None:
        try:
            number = await self._placing(request, lane)
        except BrokerRefusal as refusal:
            self._refused(lane, str(refusal) or "refused by the broker")
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises: nobody knows what came of it
            _log.error("place_order gave no answer", child=lane.child_id, error=repr(error))
        else:
            self._learn(lane, number)
            lane.is_acknowledged = True
            self._say(lane, ReportKind.ACCEPTED)
            if lane.ends_by_itself:
                self._await_silence(lane)
        finally:
            self._lanes.placed(lane)
            self._later(self._hearing.review)

    async def _placing(self, request: ChildRequested, lane: Lane) -> int:
        """Return the broker's id.

        Raises:
            BrokerRefusal: when the broker did not take the order, or was not asked to after all.
        """
        parent = self._lanes.books.parents.get(request.order_id)
        if parent is not None and self._lanes.books.bars(parent):
            raise BrokerRefusal("kill switch")  # it came after the request was sent here, and before its turn
        if any(isinstance(held, CancelRequested) for held in lane.held):
            raise BrokerRefusal("cancelled before it was sent")
        if not self._look_at_link():
            raise BrokerRefusal("not connected")
        decision_id = "" if parent is None else parent.accepted.decision_id
        order = order_event_of(request, sender=self._sender, decision_id=decision_id)
        number = await self._face.place(order, request.child_id)
        if number is None:
            raise BrokerRefusal("refused by the broker")
        return number

    def _refused(self, lane: Lane, reason: str) -> None:
        lane.end()
        self._say(lane, ReportKind.REJECTED, reason=reason)

    async def _cancel(self, lane: Lane, number: int, *, is_repeated: bool = False) -> None:
        lane.tried_at = self._clock.now()
        lane.cancels_under_way += 1
        try:
            was_sent, reason = await self._face.cancel(number), "the broker did not take the cancel"
        except BrokerRefusal as refusal:
            was_sent, reason = False, str(refusal) or "refused by the broker"
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises: nobody knows what came of it
            _log.error("cancel_order gave no answer", child=lane.child_id, error=repr(error))
            return
        finally:
            lane.cancels_under_way -= 1
        if not self._look_at_link() or lane.is_ended:
            return  # without a line neither answer means anything
        if was_sent:
            self._await_silence(lane)
        elif not is_repeated:
            self._say(lane, ReportKind.CANCEL_REJECTED, reason=reason)

    async def _modify(self, request: ReplaceRequested, lane: Lane, number: int) -> None:
        if not self._look_at_link():
            self._say(lane, ReportKind.REPLACE_REJECTED, revision=request.revision, reason="not connected")
            return
        child = self._lanes.books.children.get(lane.child_id)
        if child is not None and (child.cancel_pending or self._lanes.books.bars_child(child)):
            self._say(lane, ReportKind.REPLACE_REJECTED, revision=request.revision, reason="barred before its turn")
            return
        if child is not None:  # a listing may have confirmed more than we were told
            lane.terms = Terms(child.confirmed_revision, child.total, child.limit_price_confirmed)
        price = None if request.limit_price is None else public_price(request.limit_price)
        wanted = lane.wanted = Terms(request.revision, request.total, request.limit_price)
        try:
            was_sent, reason = await self._face.modify(number, quantity_exact(request.total), price), "not taken"
        except BrokerRefusal as refusal:
            was_sent, reason = False, str(refusal) or "refused by the broker"
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises: nobody knows what came of it
            _log.error("modify_order gave no answer", child=lane.child_id, error=repr(error))
            return
        if not was_sent:
            if lane.wanted is wanted:
                lane.wanted = None
            self._say(lane, ReportKind.REPLACE_REJECTED, revision=request.revision, reason=reason)

    def _learn(self, lane: Lane, number: int) -> None:
        """Note the broker's id, and send what waited for it; one cancel, however many were asked for."""
        self._lanes.name(lane, number)
        held, lane.held = lane.held, []
        is_cancelled = False
        for request in held:
            if not is_cancelled:
                self._carry_out(request, lane, number)
            is_cancelled = is_cancelled or isinstance(request, CancelRequested)

    # Silence

    def _await_silence(self, lane: Lane) -> None:
        """Wait anew for a word about a child whose cancel was sent."""
        lane.stop_waiting()
        if not self._face.reports_status and not lane.is_ended:
            at = self._clock.now() + self._assume_cancelled
            lane.silence = self._clock.call_at(at, lambda: self._was_silent(lane))

    def _was_silent(self, lane: Lane) -> None:
        lane.silence = None
        if self._look_at_link() and not lane.is_ended:
            lane.end()
            self._say(lane, ReportKind.ASSUMED_CANCELLED, reason="no word for long enough")

    def _cancel_again(self) -> None:
        """Ask a broker that lists nothing the one question there is about a child that should be gone: cancel it."""
        if self._face.lists_orders:
            return
        now = self._clock.now()
        for child in self._lanes.live_children():
            lane = self._lanes.get(child.child_id)
            if lane is None or lane.broker_order_id is None or lane.is_ended:
                continue
            if lane.ends_by_itself and lane.silence is None:
                self._await_silence(lane)
            if not (child.cancel_pending or child.is_asked_about):
                continue
            # A call that hangs must not keep the next one from being made.
            pause = self._assume_cancelled if lane.cancels_under_way else _CANCEL_AGAIN
            if lane.silence is None and (lane.tried_at is None or now >= lane.tried_at + pause):
                self._start(self._cancel(lane, lane.broker_order_id, is_repeated=True))

    # The line

    def _watch_link(self) -> None:
        self._look_at_link()
        self._look = self._clock.call_at(self._clock.now() + _LINK_LOOK, self._watch_link)

    def _look_at_link(self) -> bool:
        """Return whether the line stands, and tell when that is news."""
        is_up = self._ask_connected()
        if is_up == self._is_up:
            return is_up
        self._is_up = is_up
        self._later(self._tell_link, LinkState(up=is_up, reason="connected" if is_up else "not connected"))
        if is_up:
            self._cancel_again()
            return True
        for lane in self._lanes:
            lane.stop_waiting()  # silence on a dead line says nothing
        return False

    def _ask_connected(self) -> bool:
        try:
            return self._face.is_connected()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises
            _log.error("is_connected gave no answer", error=repr(error))
            return False

    # What is heard takes its turn on the loop

    def _heard_fill(self, said: Any) -> None:
        self._later(self._hearing.fill, said)

    def _heard_status(self, said: Any) -> None:
        self._later(self._hearing.status, said)

    def _say(self, lane: Lane, kind: ReportKind, *, revision: int = 0, reason: str = "") -> None:
        self._later(
            self._tell,
            ExecutionReport(
                child_id=lane.child_id,
                kind=kind,
                exchange_time=self._clock.now(),
                broker_order_id=lane.broker_order_id,
                revision=revision,
                reason=reason,
            ),
        )

    def _tell(self, report: ExecutionReport) -> None:
        self._report(report)

    def _tell_link(self, link: LinkState) -> None:
        self._link(link)

    def _later(self, call: Callable[..., None], *said: Any) -> None:
        """Have something done in the loop's next turn, from whichever thread."""
        if self._is_closed or self._loop is None or self._loop.is_closed():
            _log.critical("heard after the session was closed, and not booked", said=repr(said))
        elif threading.get_ident() == self._thread:
            self._loop.call_soon(call, *said)
        else:
            self._loop.call_soon_threadsafe(call, *said)


def _deaf(_: object) -> None:
    """Nobody listens yet."""
