"""The shell when something around it fails: the line, the journal, a listener, the edge."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import JournalError, MemoryJournal
from quietfill.domain.messages import BrokerOrder, Kill, LinkState
from quietfill.domain.records import CancelRequested, OrderDone
from quietfill.domain.types import MINUTE, SECOND, price_from, quantity_from
from tests.agent.bench import Bench, SlowJournal, turns
from tests.engine.rig import Rig, slice_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from quietfill.domain.records import AnyRecord

LISTED = BrokerOrder(
    child_id="p1-1",
    broker_order_id=1,
    total=quantity_from(100),
    cumulative=0,
    limit_price=price_from("10.00"),
    is_open=True,
)


def on_bench(play: Callable[[Bench], Coroutine[Any, Any, None]], journal: Any = None) -> None:
    """Run one play on a started runtime with a quoted market."""

    async def run() -> None:
        bench = Bench(journal)
        await bench.runtime.start()
        bench.quote()
        await asyncio.wait_for(play(bench), 10)

    asyncio.run(run())


def test_a_line_that_comes_back_is_reconciled() -> None:
    """After a reconnection the broker is asked what it has, and orders go on."""

    async def play(bench: Bench) -> None:
        bench.order()
        bench.edge.listed = (LISTED,)

        bench.edge.link(LinkState(up=False))
        bench.edge.link(LinkState(up=True))
        await turns()

        assert bench.edge.asked == 1
        assert not bench.runtime.engine.is_reconciling

    on_bench(play)


def test_a_broker_that_cannot_be_asked_is_asked_again() -> None:
    """A failed listing after a reconnection is repeated every second; until then nothing new is sent."""

    async def play(bench: Bench) -> None:
        bench.order()
        bench.edge.listed, bench.edge.snapshot_error = (LISTED,), RuntimeError("line")
        bench.edge.link(LinkState(up=False))
        bench.edge.link(LinkState(up=True))
        await bench.pass_time(3 * SECOND)
        waits = bench.runtime.engine.is_reconciling

        bench.edge.snapshot_error = None
        await bench.pass_time(2 * SECOND)

        assert waits
        assert not bench.runtime.engine.is_reconciling

    on_bench(play)


def test_a_failing_listener_harms_nobody_else() -> None:
    """The other listeners hear, the caller is told, timers are set; the failure is counted."""

    async def play(bench: Bench) -> None:
        heard: list[AnyRecord] = []

        def fail(record: AnyRecord) -> None:
            raise OSError("disk full")

        bench.runtime.on_record(fail)
        bench.runtime.on_record(heard.append)

        await bench.runtime.committed(bench.order())

        assert len(heard) == bench.runtime.failures > 0
        assert bench.clock.next_alarm() is not None

    on_bench(play)


def test_a_request_that_cannot_be_sent_does_not_hold_up_the_next() -> None:
    """The edge fails on one child; the other leaves, and the first is asked about after its time-out."""

    async def play(bench: Bench) -> None:
        bench.rig.puppet.wanted = (slice_of(50, key="a"), slice_of(50, key="b"))
        bench.edge.submit_error = OSError("socket")

        bench.order()
        sent = [request.child_id for request in bench.edge.sent]
        await bench.pass_time(6 * SECOND)

        assert sent == ["p1-2"]
        assert bench.edge.asked > 0

    on_bench(play)


class Hiccup(MemoryJournal):
    """Refuses one append and would take the next."""

    refuses = False

    def append(self, records: Any) -> int:
        """Take records, or fail once."""
        if self.refuses:
            self.refuses = False
            raise JournalError("too far behind")
        return super().append(records)


def test_a_journal_that_failed_once_is_never_written_again() -> None:
    """Records behind a lost one would make a journal with a hole; nothing more is written, nothing new leaves."""
    journal = Hiccup()

    async def play(bench: Bench) -> None:
        journal.refuses = True

        bench.order()
        before = journal.sequence
        bench.order("p2")

        assert journal.sequence == before
        assert bench.edge.sent == []

    on_bench(play, journal)


def test_cancels_still_leave_when_the_journal_is_dead() -> None:
    """A kill after the journal's death sends its cancels, also the second time."""
    journal = Hiccup()

    async def play(bench: Bench) -> None:
        bench.order()
        journal.refuses = True
        bench.order("p2")

        bench.runtime.submit(Kill(kill_id="k", by="risk", reason="test"))

        assert isinstance(bench.edge.sent[-1], CancelRequested)

    on_bench(play, journal)


def test_who_waits_for_an_order_is_told_when_the_journal_dies() -> None:
    """Nothing can end any more in a journal that is dead, so waiting raises instead of lasting for ever."""

    async def play(bench: Bench) -> None:
        bench.order()
        waiting = asyncio.ensure_future(bench.runtime.done("p1"))
        await turns()

        bench.runtime._journal_failed("disk full")  # as the journal's writer thread does

        with pytest.raises(JournalError, match="disk full"):
            await waiting
        with pytest.raises(JournalError, match="disk full"):
            await bench.runtime.done("p1")

    on_bench(play)


def test_an_order_is_done_when_the_journal_has_it() -> None:
    """Whoever asks between the last fill and its commit waits until every listener has heard of the end."""
    journal = SlowJournal()

    async def play(bench: Bench) -> None:
        heard: list[AnyRecord] = []
        bench.runtime.on_record(heard.append)
        bench.order()
        journal.holds = True
        bench.edge.report(Rig().fill_report(100))

        waiting = asyncio.ensure_future(bench.runtime.done("p1"))
        await turns()
        early = waiting.done()
        journal.catch_up()
        await waiting

        assert not early
        assert isinstance(heard[-1], OrderDone)

    on_bench(play, journal)


def test_nothing_is_sent_after_the_stop() -> None:
    """What becomes durable while the runtime stops stays in the journal; no alarm rings any more."""
    journal = SlowJournal()

    async def play(bench: Bench) -> None:
        journal.holds = True
        bench.order()

        await bench.runtime.stop()
        journal.catch_up()
        await bench.pass_time(20 * MINUTE)

        assert bench.edge.sent == []
        assert bench.runtime.journal_failure is None

    on_bench(play, journal)


def test_a_kill_during_the_start_comes_before_everything_else() -> None:
    """While the broker is being connected and asked, a kill's cancels leave, and nothing new ever does."""

    async def run() -> None:
        first = Bench()
        await first.runtime.start()
        first.quote()
        first.order()
        bench = Bench(records=[entry.record for entry in first.journal.read()])
        bench.edge.listed = (LISTED,)
        bench.edge.may_answer.clear()
        bench.edge.on_connect = lambda: bench.runtime.submit(Kill(kill_id="k", by="risk", reason="test"))

        starting = asyncio.ensure_future(bench.runtime.start())
        await turns()
        at_once = [type(request) for request in bench.edge.sent]
        bench.edge.may_answer.set()
        await starting

        assert at_once == [CancelRequested]
        assert {type(request) for request in bench.edge.sent} == {CancelRequested}

    asyncio.run(run())
