"""Opening, losing and mending the line: what is refused, with which message, and what is asked before going on."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from quietfill import BadInput, BrokerError, IBBroker
from quietfill.brokers.ib.errors import (
    ApiIsReadOnly,
    ClientIdInUse,
    GatewayUnreachable,
    LiveAccountNotAllowed,
    LiveAccountNotNamed,
    NoSuchContract,
    NotAGateway,
    NotConnected,
    StepUnanswered,
    WrongAccount,
)
from quietfill.brokers.ib.settings import IBSettings
from quietfill.domain.types import SECOND, price_from, quantity_from
from quietfill.engine.state import EngineState
from tests.ib.line import SYMBOL, Desk, desk, order_event, paper, play, quick

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BRISK = quick(step_seconds=0.2, survey_seconds=2.0, connect_seconds=1.0)
ALERT = quick(probe_seconds=0.05, probe_answer_seconds=0.1, step_seconds=0.3, survey_seconds=2.0, connect_seconds=0.3)


async def refusal(port: int, **options: object) -> BrokerError:
    """Return why a broker cannot connect; nothing of it may be left."""
    settings = options.pop("settings", BRISK)
    assert isinstance(settings, IBSettings)
    broker = IBBroker(port=port, settings=settings, **options)  # type: ignore[arg-type]
    try:
        with pytest.raises(BrokerError) as caught:
            await broker.connect()
        assert not broker.is_connected
        assert broker.status()["order_messages_sent"] == 0
        with pytest.raises(NotConnected):
            await broker.place_order(order_event())
        return caught.value
    finally:
        await broker.disconnect()


@asynccontextmanager
async def listener(greeting: bytes | None) -> AsyncGenerator[int]:
    """Listen on a free port like something that is no gateway: say something, or close at once."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is not None:
            await reader.read(64)
            writer.write(greeting)
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


# What is refused, and what to do about it


def test_a_port_where_nothing_listens_says_what_to_start():
    """The message names the usual ports."""

    async def scenario() -> None:
        async with listener(None) as port:
            free = port
        error = await refusal(free)

        assert isinstance(error, GatewayUnreachable)
        assert "4002 paper" in str(error)

    play(scenario)


@pytest.mark.parametrize("greeting", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_port_of_something_else_says_so(greeting):
    """A web server, something that closes, something silent: none of them is a gateway."""

    async def scenario() -> None:
        async with listener(greeting) as port:
            error = await refusal(port, settings=quick(connect_seconds=0.2))

        assert isinstance(error, NotAGateway)
        assert "check the port" in str(error)

    play(scenario)


def test_a_version_that_nobody_offered_is_not_believed():
    """A gateway that answers more than was offered would be misunderstood."""

    async def scenario() -> None:
        body = b"201\x0020231114 22:13:20 UTC\x00"
        ready = b"15\x001\x00DU1\x00", b"9\x001\x005\x00"
        frames = b"".join(len(part).to_bytes(4, "big") + part for part in (body, *ready))
        async with listener(frames) as port:
            error = await refusal(port)

        assert isinstance(error, NotAGateway)
        assert "201" in str(error)

    play(scenario)


def test_a_client_id_in_use_is_tried_again_and_then_named():
    """An old socket may linger; a program that really holds the id is told about. No other id is taken."""

    async def scenario() -> None:
        async with desk("client-id-in-use:times=1") as one:
            assert one.broker.is_connected
        async with desk("client-id-in-use:times=99", connects=False) as one:
            error = await refusal(one.gateway.port)
            assert isinstance(error, ClientIdInUse)
            assert "client id 1" in str(error)

    play(scenario)


def test_an_account_that_is_not_served_is_named_with_those_that_are():
    """The wrong account is refused before anything is asked."""

    async def scenario() -> None:
        async with paper(accounts=("DU1", "DU2")) as gateway:
            error = await refusal(gateway.port, account="DU9")
            several = await refusal(gateway.port)
            broker = IBBroker(port=gateway.port, account="DU2", settings=BRISK)
            await broker.connect()
            served = broker.account
            await broker.disconnect()

        assert isinstance(error, WrongAccount)
        assert "DU1, DU2" in str(error)
        assert isinstance(several, WrongAccount)
        assert served == "DU2"

    play(scenario)


def test_a_live_account_needs_two_explicit_words():
    """Real money is never traded by leaving something out: it must be allowed, and the account named."""

    async def scenario() -> None:
        async with paper(accounts=("U7654321",)) as gateway:
            error = await refusal(gateway.port)
            named_only = await refusal(gateway.port, account="U7654321")
            unnamed = await refusal(gateway.port, live=True)
            mistaken = await refusal(gateway.port, live=True, account="U7654322")
            allowed = IBBroker(port=gateway.port, live=True, account="U7654321", settings=BRISK)
            await allowed.connect()
            account = allowed.account
            await allowed.disconnect()

        assert isinstance(error, LiveAccountNotAllowed)
        assert "U7654321 is a live account" in str(error)
        assert str(named_only) == str(error)
        assert isinstance(unnamed, LiveAccountNotNamed)
        assert "name the account" in str(unnamed)
        assert isinstance(mistaken, WrongAccount)
        assert account == "U7654321"

    play(scenario)


def test_a_read_only_gateway_says_what_to_switch():
    """One that hides its orders is read-only: no line is opened."""

    async def scenario() -> None:
        async with desk("read-only", connects=False) as one:
            error = await refusal(one.gateway.port, settings=quick(step_seconds=0.2, survey_seconds=2.0))

            assert isinstance(error, ApiIsReadOnly)
            assert "switch off 'Read-Only API'" in str(error)

    play(scenario)


def test_an_order_into_a_read_only_gateway_is_refused_with_the_same_words():
    """Where it is switched while we are connected, the refusal of the order tells a person what to do."""

    async def scenario() -> None:
        async with desk("read-only:after=5") as one:
            await one.gateway.play(6)
            one.child("c1")
            await one.until(lambda: one.kinds("c1"))

            assert one.kinds("c1") == ["rejected"]
            assert any("switch off 'Read-Only API'" in text for _, text in one.broker.notices)

    play(scenario)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"port": 0}, "port"), ({"port": "4002"}, "port"), ({"client_id": -1}, "client_id")],
)
def test_nonsense_is_refused_by_name(options, named):
    """The message names the argument and the value."""
    with pytest.raises(BadInput, match=named):
        IBBroker(**options)


@pytest.mark.parametrize(
    "options",
    [{"retry_seconds": 0}, {"messages_per_second": 51}, {"cancel_reserve": 45}, {"probe_misses": 0}],
)
def test_settings_that_could_not_work_are_refused(options):
    """Also a pace above what the gateway takes."""
    with pytest.raises(BadInput):
        IBSettings(**options)


# Questions


def test_every_step_has_its_verdict():
    """All five are answered, in order, and nothing else is claimed."""

    async def scenario() -> None:
        async with desk() as one:
            assert [(verdict.step, verdict.is_answered) for verdict in one.broker.verdicts] == [
                ("open orders", True), ("all open orders", True), ("completed orders", True), ("executions", True),
                ("positions", True),
            ]  # fmt: skip

    play(scenario)


@pytest.mark.parametrize("which", ["orders", "executions", "positions"])
def test_a_list_that_is_not_answered_opens_no_line(which):
    """No answer is not an empty answer: without it nothing may be sent."""

    async def scenario() -> None:
        async with desk(f"list-silent:list={which}", connects=False) as one:
            error = await refusal(one.gateway.port, settings=quick(step_seconds=0.1, survey_seconds=1.0))
            assert isinstance(error, StepUnanswered)

    play(scenario)


def test_completed_orders_that_are_not_answered_make_a_snapshot_incomplete():
    """The line opens, a person is told, and absence proves nothing."""

    async def scenario() -> None:
        brisk = quick(step_seconds=0.2, survey_seconds=2.0)
        async with desk("list-silent:list=completed", settings=brisk) as one:
            snapshot = await one.broker.snapshot()

            assert not snapshot.complete
            assert any("completed orders are not known" in text for _, text in one.broker.notices)

    play(scenario)


def test_orders_of_others_are_listed_and_never_ours():
    """They are shown under their own name."""

    async def scenario() -> None:
        async with desk("foreign-order") as one:
            await one.gateway.play(5)
            orders = await one.broker.open_orders()

            assert len(orders) == 1
            assert one.kinds(orders[0].child_id) == []

    play(scenario)


def test_positions_are_the_brokers_and_not_a_sum_of_our_fills():
    """What somebody else traded on the account shows."""

    async def scenario() -> None:
        async with desk("foreign-fill:after=5,quantity=70") as one:
            before = await one.broker.positions()
            await one.gateway.play(6)

            assert before.get(SYMBOL, 0.0) == 0.0
            assert await one.broker.positions() == {SYMBOL: 70.0}

    play(scenario)


def test_a_contract_that_may_be_several_is_refused_with_the_candidates():
    """The first of them is never taken."""

    async def scenario() -> None:
        async with desk("ambiguous-contract", connects=False) as one:
            await one.broker.connect()
            with pytest.raises(NoSuchContract, match="con_id"):
                await one.broker.instrument(SYMBOL, currency="")
            with pytest.raises(NoSuchContract, match="no contract matches NOSUCH"):
                await one.broker.instrument("NOSUCH", currency="CNY")
            with pytest.raises(BadInput, match="nonsense"):
                await one.broker.instrument(SYMBOL, nonsense=1)

    play(scenario)


# Breaks


async def with_one_working(one: Desk) -> None:
    """Have one order of 300 resting."""
    one.child("c1", 300, "9.10")
    await one.until(lambda: "accepted" in one.kinds("c1"))


def test_a_line_that_is_cut_is_opened_again_and_asked_everything():
    """Down is told at once, up only after everything was asked; the order is still there, and can be cancelled."""

    async def scenario() -> None:
        async with desk("cut:after=5") as one:
            await with_one_working(one)
            await one.until(lambda: [link.up for link in one.links] == [False, True])
            snapshot = await one.broker.snapshot()
            one.cancel("c1")
            await one.until(lambda: "cancelled" in one.kinds("c1"))

            assert one.broker.status()["epoch"] == 2
            assert [(order.child_id, order.is_open) for order in snapshot.orders] == [("c1", True)]

    play(scenario)


def test_what_was_filled_while_the_line_was_down_is_told_after_it():
    """The executions of the gap come with the questions."""

    async def scenario() -> None:
        async with desk("cut-on-order") as one:
            one.child("c1", 300, "9.21")
            await one.until(lambda: one.filled("c1") == quantity_from(300))
            snapshot = await one.broker.snapshot()

            assert [link.up for link in one.links] == [False, True]
            assert len(snapshot.fills) == 1

    play(scenario)


def test_nothing_that_adds_risk_is_sent_without_a_line():
    """Orders and modifications are refused here, saying that they were not sent."""

    async def scenario() -> None:
        async with desk("upstream-lost:after=5,lasts=600") as one:
            await with_one_working(one)
            await one.until(lambda: one.links)
            one.child("c2")
            one.replace("c1", 200, "9.11")
            await one.until(lambda: one.kinds("c2") and "replace_rejected" in one.kinds("c1"), plays=0)

            assert one.kinds("c2") == ["rejected"]
            assert not one.broker.is_connected
            assert "(1100)" in one.links[0].reason

    play(scenario)


@pytest.mark.parametrize("data", ["kept", "lost"])
def test_a_gateway_that_has_its_line_back_is_asked_everything_first(data):
    """1101 and 1102 alike: up comes after the questions, and quotes flow again."""

    async def scenario() -> None:
        async with desk(f"upstream-lost:after=5,lasts=5,data={data}") as one:
            await one.broker.subscribe(SYMBOL)
            await with_one_working(one)
            await one.until(lambda: [link.up for link in one.links] == [False, True])
            books = len(one.books)
            await one.until(lambda: any(book.bids for book in one.books[books:]))
            one.child("c2")
            await one.until(lambda: "accepted" in one.kinds("c2"))

    play(scenario)


def test_a_gateway_without_a_line_of_its_own_is_connected_to_and_is_no_line():
    """Told on connecting that Interactive Brokers cannot be reached: down, until it is said to be back."""

    async def scenario() -> None:
        async with desk(connects=False) as one:
            connection = one.broker._connection
            resume = connection._resume

            async def resume_without_a_line() -> None:
                await resume()
                connection.cut("lost (1100)")
                connection._resume = resume

            connection._resume = resume_without_a_line
            await one.broker.connect()
            await one.until(lambda: one.links, plays=0)
            was_up = one.broker.is_connected
            connection.restored("back (1102)")
            await one.until(lambda: [link.up for link in one.links] == [False, True], plays=0)

            assert not was_up

    play(scenario)


def test_a_line_that_is_back_while_it_is_opened_does_not_stop_the_opening():
    """A word about the gateway's own connection in the middle of our questions starts nothing beside them."""

    async def scenario() -> None:
        async with desk(connects=False) as one:
            connection = one.broker._connection
            resume = connection._resume

            async def resume_in_between() -> None:
                connection.cut("lost (1100)")
                connection.restored("back (1102)")
                await resume()

            connection._resume = resume_in_between
            await one.broker.connect()
            first = connection.session
            connection.drop("the test says so")
            await one.until(lambda: one.links and one.links[-1].up, plays=0)

            assert connection.session is not None
            assert connection.session is not first
            assert one.broker.status()["epoch"] == 2

    play(scenario)


def test_a_failing_listener_to_fills_takes_nothing_from_the_books():
    """A stranger's code must not stand between an execution and its report."""

    async def scenario() -> None:
        async with desk() as one:

            def fail(_event: object) -> None:
                raise ZeroDivisionError

            one.broker.on_fill(fail)
            one.child("c1", 300, "9.21")
            await one.until(lambda: one.filled("c1") == quantity_from(300))

    play(scenario)


def test_a_gateway_that_is_frozen_is_no_line():
    """The socket stays open, and no sign of life comes: the session is given up and another is opened."""

    async def scenario() -> None:
        async with desk("freeze:after=20,lasts=100", settings=ALERT) as one:
            await with_one_working(one)
            await one.gateway.play(20)
            await one.until(lambda: one.links, plays=0)
            await one.until(lambda: one.links[-1].up, plays=5)

            assert not one.links[0].up
            assert "sign of life" in one.links[0].reason

    play(scenario)


def test_before_an_order_is_sent_into_silence_a_sign_of_life_is_asked_for():
    """A gateway that was silent for long must answer before risk leaves; one that does not never sees the order."""

    async def scenario() -> None:
        settings = quick(silence_seconds=0.01, probe_answer_seconds=0.1, step_seconds=0.3, connect_seconds=1.0)
        async with desk("freeze:after=5,lasts=3000", settings=settings) as one:
            await one.gateway.play(6)
            one.broker._dispatch.heard_at = 0  # as if nothing had been heard for long
            one.child("c1")
            await one.until(lambda: one.kinds("c1"), plays=0)

            assert one.kinds("c1") == ["rejected"]
            assert "not sent" in one.reports[0].reason

    play(scenario)


def test_ids_do_not_fall_when_the_gateway_forgets_some():
    """After a restart that proposes an older id, the next order has one above all that were used."""

    async def scenario() -> None:
        async with desk("restart:after=20,lasts=2,rollback=4") as one:
            for name in ("c1", "c2", "c3"):
                one.child(name, 100, "9.00")
            await one.until(lambda: all(one.kinds(name) for name in ("c1", "c2", "c3")))
            await one.until(lambda: [link.up for link in one.links] == [False, True])
            one.child("c4", 100, "9.00")
            await one.until(lambda: "accepted" in one.kinds("c4"))

            numbers = {report.child_id: report.broker_order_id for report in one.reports if report.kind == "accepted"}
            assert numbers == {"c1": 1, "c2": 2, "c3": 3, "c4": 4}
            assert len(await one.broker.open_orders()) == 4

    play(scenario)


def test_no_session_means_no_snapshot():
    """A question that cannot be asked is an error, not an empty answer."""

    async def scenario() -> None:
        async with desk() as one:
            await one.broker.disconnect()
            with pytest.raises(BrokerError):
                await one.broker.snapshot()
            with pytest.raises(BrokerError):
                await one.broker.positions()

    play(scenario)


def test_a_clock_shows_the_gateways_time():
    """A gateway that plays recorded data lives in another year; an agent can live there too."""

    async def scenario() -> None:
        async with desk() as one:
            clock = await one.broker.gateway_clock()

            assert abs(clock.now() - one.gateway.floor.now) < 2 * SECOND

    play(scenario)


def test_the_pace_goes_on_when_an_agent_of_another_year_takes_the_line_over():
    """What was sent by the house's time does not hold back what is to be sent by the agent's."""

    async def scenario() -> None:
        async with desk() as one:
            one.broker.follow(EngineState({}, lambda _: None), await one.broker.gateway_clock())
            before = one.broker.status()["messages_sent"]
            while one.broker.status()["messages_sent"] < before + 50:
                await one.broker.snapshot()

    play(scenario)


# Market data


def test_quotes_prints_and_volume_come_as_books():
    """Touch, last, the day's volume and its value; depth where it was asked for."""

    async def scenario() -> None:
        async with desk() as one:
            await one.broker.subscribe(SYMBOL, depth=5)
            await one.until(lambda: one.books and one.books[-1].turnover and len(one.books[-1].bids) == 5)
            book = one.books[-1]

            assert book.bids[0][0] < book.asks[0][0]
            assert list(book.bids) == sorted(book.bids, reverse=True)
            assert book.volume is not None
            assert book.turnover is not None
            assert abs(book.turnover / book.volume - price_from("9.21")) < price_from("0.3")
            assert one.broker.market_problem(SYMBOL) == ""
            one.broker.unsubscribe(SYMBOL)
            assert one.broker.market_problem(SYMBOL) is None

    play(scenario)


@pytest.mark.parametrize("fault", ["no-permission", "other-session", "delayed-data"])
def test_a_symbol_without_live_quotes_shows_none(fault):
    """Not permitted, taken by another session, or delayed: nothing is priced from it, and a person is told why."""

    async def scenario() -> None:
        async with desk(fault) as one:
            await one.broker.subscribe(SYMBOL)
            await one.until(lambda: one.broker.market_problem(SYMBOL))
            await one.gateway.play(20)

            assert not one.books[-1].bids
            assert any("no live quotes" in text for _, text in one.broker.notices)

    play(scenario)


def test_a_farm_that_breaks_costs_the_quotes_and_not_the_line():
    """After a grace time what it served counts as nothing; orders go on."""

    async def scenario() -> None:
        settings = quick(quote_grace_seconds=0.02)
        async with desk("farm-down:after=5,lasts=600", settings=settings) as one:
            await one.broker.subscribe(SYMBOL)
            await one.until(lambda: one.broker.market_problem(SYMBOL))
            one.child("c1")
            await one.until(lambda: "accepted" in one.kinds("c1"))

            assert one.links == []
            assert not one.books[-1].bids

    play(scenario)


def test_depth_that_is_reset_is_cleared_before_it_is_built_anew():
    """No row of the old book stays among the new ones."""

    async def scenario() -> None:
        async with desk("depth-reset:after=5") as one:
            await one.broker.subscribe(SYMBOL, depth=5)
            await one.gateway.play(10)
            await one.until(lambda: one.books and len(one.books[-1].bids) == 5)
            book = one.books[-1]

            assert book.bids[0][0] < book.asks[0][0]

    play(scenario)
