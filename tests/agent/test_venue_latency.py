"""What the agent measures of its venues, what callers add, what is alerted, and how health is judged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import BadInput, BrokerRefusal, EventType, MemoryJournal
from quietfill.domain.messages import LinkState
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from tests.agent.bench import SlowJournal
from tests.agent.desk import Desk
from tests.agent.test_agent import on_desk, pass_time
from tests.own_broker import HandBroker, OwnDesk, TalkingBroker, fill_of, open_own_desk, play

if TYPE_CHECKING:
    from quietfill.tca.latency import LatencyFigures


def measured(desk: OwnDesk, kind: str, venue: str = "unknown") -> LatencyFigures:
    """Return the figures of one kind."""
    figures: LatencyFigures = desk.agent.get_venue_latency_stats()["venues"][venue][kind]
    return figures


def kinds(desk: OwnDesk | Desk, venue: str = "unknown") -> set[str]:
    """Return what was measured at a venue."""
    return set(desk.agent.get_venue_latency_stats()["venues"].get(venue, {}))


async def acknowledged(desk: OwnDesk, after: float = 0.02) -> None:
    """Have one order of 100 placed, and its placement answered after so many seconds."""
    await desk.submit()
    await desk.pass_time(after)
    desk.broker.placed[-1].answer.set_result(7)
    await desk.turn()
    if isinstance(desk.broker, TalkingBroker):
        desk.broker.say(7, "Submitted")
        await desk.turn()


def test_an_order_is_measured_from_its_request_to_its_acknowledgement() -> None:
    """Twenty milliseconds of the agent's clock are twenty milliseconds."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        figures = measured(desk, "order")

        assert (figures["count"], figures["mean_ms"], figures["max_ms"]) == (1, 20.0, 20.0)
        assert "fill" not in kinds(desk)

    play(scene, TalkingBroker())


def test_a_cancel_is_measured_from_its_request_to_the_brokers_last_word() -> None:
    """Not to the moment at which the broker merely took it."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        await desk.agent.cancel_order(desk.parent.order_id)
        await desk.pass_time(0.01)
        desk.broker.cancelled[-1].answer.set_result(True)
        await desk.pass_time(0.03)
        desk.broker.say(7, "Cancelled")
        await desk.turn()
        figures = measured(desk, "cancel")

        assert (figures["count"], figures["mean_ms"]) == (1, 40.0)

    play(scene, TalkingBroker())


def test_a_silence_that_is_taken_for_a_cancel_measures_nothing() -> None:
    """A broker without status gives no last word, and no cancel latency is invented for it."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        await desk.agent.cancel_order(desk.parent.order_id)
        await desk.turn()
        desk.broker.cancelled[-1].answer.set_result(True)
        await desk.pass_time(10)

        assert desk.parent.is_done
        assert "cancel" not in kinds(desk)

    play(scene, HandBroker())


def test_a_fill_is_measured_where_it_was_meant_to_come_at_once_and_at_its_own_venue() -> None:
    """A market order's fill counts, at the venue that the fill names; the second fill of the same request does not."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit(order_type="market", limit_price=None)
        call = desk.broker.placed[-1]
        call.answer.set_result(7)
        await desk.pass_time(0.015)
        desk.broker.fill(fill_of(call.order, 40, broker_order_id=7, exchange="ARCA", execution_id="x1"))
        await desk.pass_time(0.5)
        desk.broker.fill(fill_of(call.order, 60, broker_order_id=7, exchange="ARCA", execution_id="x2"))
        await desk.turn()
        figures = measured(desk, "fill", "ARCA")

        assert desk.parent.filled == desk.parent.quantity
        assert (figures["count"], figures["mean_ms"]) == (1, 15.0)

    play(scene, HandBroker())


def test_an_order_that_rests_tells_nothing_of_the_venue_by_when_it_fills() -> None:
    """The time that others took to trade with us is no latency."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        await desk.pass_time(60)
        desk.broker.fill(fill_of(desk.broker.placed[-1].order, 100, broker_order_id=7))
        await desk.turn()

        assert desk.parent.filled == desk.parent.quantity
        assert "fill" not in kinds(desk)

    play(scene, TalkingBroker())


def test_the_way_to_the_wire_is_measured_apart() -> None:
    """A disk that takes five milliseconds shows as wire, and in no verdict on the venue."""

    async def scene() -> None:
        journal = SlowJournal()
        async with open_own_desk(TalkingBroker(), journal) as desk:
            await desk.agent.process_event(decision := desk.decision())
            journal.holds = True
            asking = asyncio.ensure_future(desk.agent.process_event(desk.approval(decision)))
            await desk.pass_time(0.005)
            journal.catch_up()
            await asking
            await desk.turn()

            assert measured(desk, "wire")["mean_ms"] == 5.0
            assert desk.agent.check_venue_health()["unknown"]["sample_count"] == 0

    asyncio.run(scene())


def test_rejects_degrade_a_venue() -> None:
    """A broker that will have none of our orders is no accident."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.on_place = lambda call: call.gives(BrokerRefusal("no margin"))
        for _ in range(3):
            await desk.submit()
            await desk.pass_time(2)
        health = desk.agent.check_venue_health()["unknown"]

        assert measured(desk, "reject")["count"] == len(desk.broker.placed) >= 3
        assert health["status"] == "degraded"
        assert "rejects" in health["reason"]

    play(scene, TalkingBroker())


def test_a_reject_after_the_acknowledgement_counts_as_one() -> None:
    """It is measured from the request, as the acknowledgement before it is."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        await desk.pass_time(0.03)
        desk.broker.say(7, "Rejected")
        await desk.turn()

        assert (measured(desk, "order")["mean_ms"], measured(desk, "reject")["mean_ms"]) == (20.0, 50.0)

    play(scene, TalkingBroker())


def test_a_request_without_an_answer_is_a_silence() -> None:
    """After the time that a request may take the venue is degraded, and healthy again once it speaks."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        assert desk.agent.check_venue_health()["unknown"]["status"] == "healthy"
        await desk.submit()
        await desk.pass_time(4)
        assert desk.agent.check_venue_health()["unknown"]["status"] == "healthy"
        await desk.pass_time(3)
        health = desk.agent.check_venue_health()["unknown"]
        assert health["status"] == "degraded"
        assert "in doubt" in health["reason"] or "no answer" in health["reason"]

    play(scene, TalkingBroker())


def test_a_broken_line_degrades_every_venue_until_it_is_back() -> None:
    """What is asked and heard over the break measures nothing."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        desk.agent.runtime.submit(LinkState(up=False, reason="test"))
        assert desk.agent.check_venue_health()["unknown"]["reason"] == "no line to the broker"
        desk.agent.runtime.submit(LinkState(up=True, reason="test"))
        assert desk.agent.check_venue_health()["unknown"]["status"] == "healthy"

    play(scene, TalkingBroker())


def test_a_market_that_shows_nothing_while_we_work_there_is_a_silence() -> None:
    """A stretch without quotes counts while an order works, and ends with the next quote."""

    async def scene(desk: OwnDesk) -> None:
        await acknowledged(desk)
        await desk.pass_time(9)
        assert desk.agent.check_venue_health()["unknown"]["status"] == "healthy"
        await desk.pass_time(3)
        assert "neither market data nor a report" in desk.agent.check_venue_health()["unknown"]["reason"]
        desk.quote()
        assert desk.agent.check_venue_health()["unknown"]["status"] == "healthy"

    play(scene, TalkingBroker(), max_quote_age_seconds=10)


def test_callers_add_what_they_measured() -> None:
    """Samples are kept by venue and event type, and asked for by venue and lookback."""

    async def scene(desk: OwnDesk) -> None:
        agent = desk.agent
        for latency in (3.1, 2.0, 45, 2.2):
            agent.record_venue_latency("ARCA", latency)
        agent.record_venue_latency("BATS", 1.5, "quote")
        await desk.pass_time(120)
        stats = agent.get_venue_latency_stats(lookback_minutes=10)

        assert stats["lookback_minutes"] == 10
        assert set(stats["venues"]) == {"ARCA", "BATS"}
        assert stats["venues"]["ARCA"]["order"]["mean_ms"] == pytest.approx(13.075)
        assert stats["venues"]["BATS"]["quote"]["count"] == 1
        assert set(agent.get_venue_latency_stats("BATS")["venues"]) == {"BATS"}
        assert agent.get_venue_latency_stats("NOWHERE")["venues"] == {}
        assert agent.get_venue_latency_stats(lookback_minutes=1)["venues"] == {}

    play(scene)


def test_slow_samples_are_alerts_said_once_a_minute() -> None:
    """The newest hundred samples above the threshold are listed; the bus hears of a venue and type once a minute."""

    async def scene(desk: OwnDesk) -> None:
        agent = desk.agent
        agent.set_latency_threshold(50)
        agent.record_venue_latency("ARCA", 50.0)
        for _ in range(150):
            agent.record_venue_latency("ARCA", 80.0)
        agent.record_venue_latency("ARCA", 90.0, "cancel")
        await desk.pass_time(61)
        agent.record_venue_latency("ARCA", 70.0)
        await desk.turn()
        said = [e for e in desk.heard if e.event_type is EventType.RISK_ALERT and e.subject == "ARCA"]
        alerts = agent.get_venue_latency_stats("ARCA")["recent_alerts"]

        assert len(said) == 3
        assert len(alerts) == 100
        assert alerts[-1] == {
            "timestamp": datetime_of(desk.clock.now()),
            "venue": "ARCA",
            "event_type": "order",
            "latency_ms": 70.0,
            "threshold_ms": 50.0,
        }
        assert agent.get_venue_latency_stats("BATS")["recent_alerts"] == []

    play(scene)


BAD = {
    "an unknown type": (lambda a: a.record_venue_latency("X", 1.0, "trade"), "event_type"),
    "a negative latency": (lambda a: a.record_venue_latency("X", -1.0), "latency_ms"),
    "no number": (lambda a: a.record_venue_latency("X", float("nan")), "latency_ms"),
    "an infinite latency": (lambda a: a.record_venue_latency("X", float("inf")), "latency_ms"),
    "more than a day": (lambda a: a.record_venue_latency("X", 1e9), "latency_ms"),
    "text for a latency": (lambda a: a.record_venue_latency("X", "5"), "latency_ms"),
    "no venue": (lambda a: a.record_venue_latency("", 1.0), "venue"),
    "no threshold": (lambda a: a.set_latency_threshold(0), "threshold_ms"),
    "a negative threshold": (lambda a: a.set_latency_threshold(-5), "threshold_ms"),
    "a threshold that is no number": (lambda a: a.set_latency_threshold(float("nan")), "threshold_ms"),
    "an infinite threshold": (lambda a: a.set_latency_threshold(float("inf")), "threshold_ms"),
    "no lookback": (lambda a: a.get_venue_latency_stats(lookback_minutes=0), "lookback_minutes"),
    "more than is kept": (lambda a: a.get_venue_latency_stats(lookback_minutes=1441), "lookback_minutes"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_and_nothing_changes(name: str) -> None:
    """Each is a ValueError that names the argument; the figures are as before."""
    call, argument = BAD[name]

    async def scene(desk: OwnDesk) -> None:
        before = (desk.agent.get_venue_latency_stats(), desk.agent.check_venue_health())
        with pytest.raises(BadInput, match=argument):
            call(desk.agent)

        assert (desk.agent.get_venue_latency_stats(), desk.agent.check_venue_health()) == before

    play(scene)


def test_a_restart_keeps_what_the_journal_knows_and_measures_no_downtime() -> None:
    """The first run's acknowledgement is still known; the answer to what was open when it ended is not measured."""

    async def run() -> None:
        journal, copy = MemoryJournal(), MemoryJournal()
        async with open_own_desk(TalkingBroker(), journal) as first:
            await acknowledged(first)
            await first.submit()
            ended = first.clock.now()
        copy.append([entry.record for entry in journal.read()])
        async with open_own_desk(TalkingBroker(), copy, start=ended + 5 * MINUTE) as second:
            figures = measured(second, "order")
            said = [e for e in second.heard if e.event_type is EventType.RISK_ALERT and "latency" in e.message]

            assert (figures["count"], figures["mean_ms"]) == (1, 20.0)
            assert said == []

    asyncio.run(run())


def test_a_simulated_hour_measures_the_simulated_venue() -> None:
    """Orders, replaces and cancels of a worked order are measured in simulated time, and the venue is healthy."""

    async def scene(desk: Desk) -> None:
        await desk.submit()
        await pass_time(desk, 3 * MINUTE)
        order = await desk.submit(algo="limit", limit_price=8.90)
        await pass_time(desk, SECOND)
        await desk.agent.cancel_order(order)
        await desk.agent.wait_done(order)
        (venue,) = desk.agent.get_venue_latency_stats()["venues"]
        figures: Any = desk.agent.get_venue_latency_stats()["venues"][venue]
        health = desk.agent.check_venue_health()[venue]

        assert venue == (desk.broker.instrument.venue or "unknown")
        assert {"order", "cancel", "wire"} <= set(figures)
        assert figures["wire"]["max_ms"] == 0
        assert 0 < figures["order"]["min_ms"] <= figures["order"]["p50_ms"] <= figures["order"]["max_ms"] < 100
        assert health["status"] == "healthy"
        assert health["sample_count"] == sum(each["count"] for kind, each in figures.items() if kind != "wire")

    on_desk(scene)
