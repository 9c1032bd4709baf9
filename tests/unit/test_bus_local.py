"""The bus: nobody delays anybody, and a kill switch waits for nothing."""

import asyncio
import functools
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from quietfill.bus.local import EventBus
from quietfill.domain.errors import BadInput
from quietfill.domain.events import EventType, KillSwitchEvent


@dataclass(frozen=True)
class Said:
    """An event of any type, with a number to know it by."""

    number: int
    event_type: str = EventType.DECISION


KILL = KillSwitchEvent(event_id="k", reason="test")


class Ear:
    """A subscriber that keeps what it heard, and can be held up."""

    def __init__(self):
        self.heard = []
        self.started = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def hear(self, event):
        self.started.append(event)
        await self.gate.wait()
        self.heard.append(event)


def on_loop(test):
    """Run an async test on a loop of its own."""

    @functools.wraps(test)
    def run(**arguments):
        asyncio.run(asyncio.wait_for(test(**arguments), 30))

    return run


async def turns(count=20):
    """Let others run."""
    for _ in range(count):
        await asyncio.sleep(0)


@on_loop
async def test_every_subscriber_of_a_type_hears_it_in_order():
    """Each subscriber gets each event of its types once, in the order of publishing; others get none."""
    bus, one, two, other = EventBus(), Ear(), Ear(), Ear()
    bus.subscribe(EventType.DECISION, one.hear)
    bus.subscribe(EventType.VALIDATED_DECISION, one.hear)
    bus.subscribe(EventType.DECISION, two.hear)
    bus.subscribe(EventType.DECISION, two.hear)
    bus.subscribe(EventType.FILL, other.hear)
    await bus.start()
    said = [Said(0), Said(1, EventType.VALIDATED_DECISION), Said(2), Said(3, EventType.VALIDATED_DECISION)]
    assert [await bus.publish(event) for event in said] == [True] * 4
    await bus.stop()

    assert one.heard == said
    assert two.heard == [said[0], said[2]]
    assert other.heard == []


@on_loop
async def test_takes_nothing_unless_it_runs():
    """Before the start and after the stop nothing is taken, a kill switch neither; it can start again."""
    bus, ear = EventBus(), Ear()
    bus.subscribe(EventType.DECISION, ear.hear)
    assert not await bus.publish(Said(1))
    await bus.start()
    await bus.start()
    assert await bus.publish(Said(2))
    await bus.stop()
    await bus.stop()
    assert not await bus.publish(Said(3))
    assert not await bus.publish(KILL)
    await bus.start()
    assert await bus.publish(Said(4))
    await bus.stop()

    assert [event.number for event in ear.heard] == [2, 4]
    assert bus.get_status()["refused"] == 3


@on_loop
async def test_a_slow_subscriber_delays_nobody():
    """While one subscriber is stuck, the others hear everything."""
    bus, slow, fast = EventBus(), Ear(), Ear()
    slow.gate.clear()
    bus.subscribe(EventType.DECISION, slow.hear)
    bus.subscribe(EventType.DECISION, fast.hear)
    await bus.start()
    for number in range(5):
        await bus.publish(Said(number))
    await turns()

    assert len(fast.heard) == 5
    assert slow.heard == []
    assert bus.queue_size == 4
    slow.gate.set()
    await bus.stop()
    assert slow.heard == fast.heard


@on_loop
async def test_a_failing_subscriber_harms_nobody_and_is_named():
    """What a handler raises is counted and logged; it and the others hear the next event."""
    bus, good, heard = EventBus(), Ear(), []

    async def bad(event):
        heard.append(event)
        if event.number == 0:
            raise ValueError("no good")
        if event.number == 1:
            raise asyncio.CancelledError

    bus.subscribe(EventType.DECISION, bad)
    bus.subscribe(EventType.DECISION, good.hear)
    await bus.start()
    with capture_logs() as logs:
        for number in range(3):
            await bus.publish(Said(number))
        await bus.stop()

    assert [event.number for event in heard] == [0, 1, 2]
    assert len(good.heard) == 3
    status = bus.get_status()
    assert (status["failed"], status["delivered"]) == (2, 4)
    assert [entry["event"] for entry in logs] == ["event_handler_failed"] * 2
    assert "bad" in logs[0]["subscriber"]


@on_loop
async def test_a_full_queue_says_so():
    """An event that one subscriber cannot take is reported to the publisher; the others have it."""
    bus, slow, fast = EventBus(max_queue=2), Ear(), Ear()
    slow.gate.clear()
    bus.subscribe(EventType.DECISION, slow.hear)
    bus.subscribe(EventType.DECISION, fast.hear)
    await bus.start()
    with capture_logs() as logs:
        taken = []
        for number in range(6):
            taken.append(await bus.publish(Said(number)))
            await turns()

    assert taken == [True, True, True, False, False, False]
    assert [event.number for event in fast.heard] == [0, 1, 2, 3, 4, 5]
    assert bus.get_status()["dropped"] == 3
    assert [entry["dropped_so_far"] for entry in logs] == [1, 2]
    slow.gate.set()
    await bus.stop()
    assert [event.number for event in slow.heard] == [0, 1, 2]


@on_loop
async def test_a_tight_loop_of_publishing_overruns_nobody_who_keeps_up():
    """A publisher that never waits itself lets the subscribers work before their queues are full."""
    bus, ear = EventBus(max_queue=10), Ear()
    bus.subscribe(EventType.DECISION, ear.hear)
    await bus.start()
    assert all([await bus.publish(Said(number)) for number in range(500)])
    await bus.stop()

    assert len(ear.heard) == 500


@pytest.mark.parametrize("urgent", [KILL, Said(99)])
@on_loop
async def test_what_is_urgent_waits_for_nothing(urgent):
    """A kill switch, or a priority event, is handled while its subscriber is busy and its queue is full."""
    bus, ear = EventBus(max_queue=3), Ear()
    for event_type in (EventType.DECISION, EventType.KILL_SWITCH):
        bus.subscribe(event_type, ear.hear)
    await bus.start()
    ear.gate.clear()
    for number in range(4):
        await bus.publish(Said(number))
        await turns()
    assert not await bus.publish(Said(4))
    assert await bus.publish(urgent, priority=urgent is not KILL)
    await turns(1)

    assert [event for event in ear.started if event is urgent] == [urgent]
    assert [event.number for event in ear.started if event is not urgent] == [0]
    ear.gate.set()
    await bus.stop()
    assert len(ear.heard) == 5


@on_loop
async def test_urgent_handlings_are_bounded():
    """A storm of kill switches cannot fill the memory: beyond the limit it is refused, and said."""
    bus, ear = EventBus(max_queue=3), Ear()
    ear.gate.clear()
    bus.subscribe(EventType.KILL_SWITCH, ear.hear)
    await bus.start()
    with capture_logs() as logs:
        taken = [await bus.publish(KILL) for _ in range(5)]

    assert taken == [True, True, True, False, False]
    assert logs[0]["event"] == "event_dropped"
    ear.gate.set()
    await bus.stop()
    assert len(ear.heard) == 3


@on_loop
async def test_who_unsubscribed_hears_no_more():
    """Not even what waits already; what it is busy with it may finish."""
    bus, ear = EventBus(), Ear()
    ear.gate.clear()
    bus.subscribe(EventType.DECISION, ear.hear)
    bus.subscribe(EventType.FILL, ear.hear)
    await bus.start()
    said = [Said(0), Said(1), Said(2, EventType.FILL), Said(3)]
    for event in said:
        await bus.publish(event)
    await turns()
    bus.unsubscribe(EventType.DECISION, ear.hear)
    bus.unsubscribe(EventType.DECISION, ear.hear)
    ear.gate.set()
    await turns()
    assert ear.heard == [said[0], said[2]]
    bus.unsubscribe(EventType.FILL, ear.hear)
    await bus.publish(Said(4, EventType.FILL))
    await bus.stop()

    assert ear.heard == [said[0], said[2]]
    assert bus.get_status()["subscribers"] == []


@on_loop
async def test_a_late_subscriber_hears_what_comes_then():
    """One may subscribe while the bus runs."""
    bus, ear = EventBus(), Ear()
    await bus.start()
    await bus.publish(Said(0))
    bus.subscribe(EventType.DECISION, ear.hear)
    await bus.publish(Said(1))
    await bus.stop()

    assert [event.number for event in ear.heard] == [1]


@on_loop
async def test_stopping_is_bounded():
    """A handler that does not end is cancelled, what waits for it is dropped and counted, no task is left."""
    bus, stuck = EventBus(), Ear()
    stuck.gate.clear()
    bus.subscribe(EventType.DECISION, stuck.hear)
    bus.subscribe(EventType.KILL_SWITCH, stuck.hear)
    await bus.start()
    for number in range(3):
        await bus.publish(Said(number))
    await bus.publish(KILL)
    await turns()
    with capture_logs():
        await bus.stop(timeout=0)
    status = bus.get_status()

    assert stuck.heard == []
    assert (status["dropped"], status["queue_size"], status["running"]) == (2, 0, False)
    assert [task.get_name() for task in asyncio.all_tasks() if "Ear" in task.get_name()] == []


@on_loop
async def test_a_handler_may_stop_the_bus():
    """Stopping from inside a handler does not wait for that handler."""
    bus, done = EventBus(), asyncio.Event()

    async def stop(event):
        await bus.stop()
        done.set()

    bus.subscribe(EventType.SYSTEM, stop)
    await bus.start()
    await bus.publish(Said(1, EventType.SYSTEM))
    await done.wait()

    assert not bus.get_status()["running"]


@on_loop
async def test_status_names_the_subscribers():
    """Who listens to what, and what became of it."""
    bus, ear = EventBus(max_queue=7), Ear()
    bus.subscribe(EventType.FILL, ear.hear)
    bus.subscribe(EventType.DECISION, ear.hear)
    await bus.start()
    await bus.publish(Said(1))
    await bus.publish(Said(2, EventType.SYSTEM))
    await bus.stop()

    assert bus.get_status() == {
        "running": False,
        "queue_size": 0,
        "max_queue": 7,
        "published": 2,
        "refused": 0,
        "urgent": 0,
        "delivered": 1,
        "dropped": 0,
        "failed": 0,
        "subscribers": [
            {
                "name": "Ear.hear",
                "event_types": ["decision", "fill"],
                "waiting": 0,
                "delivered": 1,
                "dropped": 0,
                "failed": 0,
            }
        ],
    }


@pytest.mark.parametrize("handler", [print, lambda event: None, None])
def test_refuses_a_handler_that_is_not_async(handler):
    """A handler that could block the loop is refused when it subscribes."""
    with pytest.raises(TypeError, match="a handler must be an async function"):
        EventBus().subscribe(EventType.FILL, handler)


def test_refuses_a_bus_without_room():
    """A queue of no length could never hold an event."""
    with pytest.raises(BadInput, match="max_queue must be at least 1, not 0"):
        EventBus(max_queue=0)
