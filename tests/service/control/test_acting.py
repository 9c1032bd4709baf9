"""Acts on orders through the port: done, journaled with who and why, or refused in one line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.agent.intake import order_id_of
from quietfill.domain.events import DecisionEvent
from quietfill.domain.records import (
    DecisionReceived,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderDone,
    OrderPaused,
    OrderRefused,
    OrderResumed,
)
from quietfill.domain.types import MINUTE, OrderSide, OrderType, datetime_of, price_from, quantity_from
from quietfill.service.control.door import Limits
from tests.service.control.port_desk import MoodyJournal, on_port

if TYPE_CHECKING:
    from typing import Any

    from tests.service.control.port_desk import PortDesk


def buying(desk: PortDesk, **changes: Any) -> dict[str, Any]:
    """Return a decision to buy a little."""
    return {"by": "anna", "symbol": desk.symbol, "side": "buy", "quantity": 200} | changes


def test_a_decision_becomes_an_order() -> None:
    """The answer names the order, and the journal has the decision, its reason, and whose name approved it."""

    async def play(desk: PortDesk) -> None:
        now = desk.agent.runtime.clock.now()
        body = buying(desk, quantity="2000", algo="TWAP", limit="9.25", minutes=30, params={"slice_seconds": "30"})
        answer = await desk.post("/v1/decisions", body | {"reason": "rebalance"})

        assert (answer.status, answer.body["accepted"]) == (200, True)
        (decided,), (accepted,) = desk.records(DecisionReceived), desk.records(OrderAccepted)
        assert (decided.content["source_agent"], decided.content["rationale"]) == ("anna", "rebalance")
        assert (accepted.order_id, accepted.by) == (answer.body["order_id"], "CommandLine")
        assert (accepted.quantity, accepted.limit_price) == (quantity_from(2000), price_from("9.25"))
        assert (accepted.algo, accepted.params["slice_seconds"]) == ("twap", "30")
        assert 0 <= accepted.end - now - 30 * MINUTE < MINUTE

    on_port(play)


def test_a_decision_counts_only_where_the_command_line_may_approve() -> None:
    """Where `approving_agents` does not list CommandLine nothing is traded, whoever the request says approves."""

    async def play(desk: PortDesk) -> None:
        for approver in (None, "ComplianceAgent"):
            body = buying(desk) if approver is None else buying(desk, approver=approver)
            answer = await desk.post("/v1/decisions", body)
            assert answer.status == 422
            assert answer.error.startswith("refused: CommandLine")
            assert answer.error.endswith("may not approve")
        assert not desk.records(OrderAccepted)
        assert [one.final for one in desk.records(OrderRefused)] == [False, False]

    on_port(play, approving_agents=["ComplianceAgent"])


def test_a_named_approver_is_listed_by_his_name() -> None:
    """`approver` signs as CommandLine:NAME, which a configuration may list alone."""

    async def play(desk: PortDesk) -> None:
        assert (await desk.post("/v1/decisions", buying(desk))).status == 422
        assert (await desk.post("/v1/decisions", buying(desk, approver="berta", limit="8.50"))).status == 200
        assert desk.records(OrderAccepted)[0].by == "CommandLine:berta"

    on_port(play, approving_agents=["CommandLine:berta"])


def test_a_decision_said_twice_is_one_order() -> None:
    """The same decision said again names the order that it is, and sends nothing."""

    async def play(desk: PortDesk) -> None:
        body = buying(desk, decision_id="monday-1", limit="8.50")
        first, second = await desk.post("/v1/decisions", body), await desk.post("/v1/decisions", body)

        assert first.body["order_id"] == second.body["order_id"] == order_id_of("monday-1")
        assert (second.status, second.body["again"]) == (200, True)
        assert len(desk.records(OrderAccepted)) == 1

    on_port(play)


def test_a_decision_of_somebody_else_is_not_approved_by_its_name() -> None:
    """A decision that waits for its own approver cannot be taken over through the port."""

    async def play(desk: PortDesk) -> None:
        now = datetime_of(desk.agent.runtime.clock.now())
        waiting = DecisionEvent(
            event_id="theirs", timestamp=now, symbol=desk.symbol, action=OrderSide.SELL, quantity=200
        )
        await desk.agent.process_event(waiting)

        answer = await desk.post("/v1/decisions", buying(desk, decision_id="theirs"))

        assert (answer.status, "theirs" in answer.error) == (409, True)
        assert not desk.records(OrderAccepted)

    on_port(play)


def test_refusals_are_told_with_their_reasons() -> None:
    """What admission or the schema refuses is one line that names it; nothing is traded."""

    async def play(desk: PortDesk) -> None:
        soon = datetime_of(desk.agent.runtime.clock.now() + MINUTE).isoformat()
        for changes, status, problem in (
            ({"quantity": 10**9}, 422, "max_order_quantity"),
            ({"symbol": "NOPE"}, 422, "NOPE"),
            ({"algo": "nope"}, 422, "nope"),
            ({"limit": "9.123"}, 422, "tick"),
            ({"quantity": -5}, 422, "quantity"),
            ({"quantity": 0.1234567891}, 422, "decimal places"),
            ({"minutes": 5, "end": soon}, 400, "both stated"),
            ({"end": "2026-01-01T10:00:00"}, 400, "end"),
            ({"end": "9999-12-31T23:59:59-23:59"}, 400, "end must be in the years"),
            ({"end": "0001-01-01T00:00:00+23:59"}, 400, "end must be in the years"),
            ({"end": "1999-01-01T00:00:00Z"}, 422, "end"),
            ({"end": "2199-01-01T00:00:00Z"}, 422, "end"),
            ({"side": "hold"}, 400, "side"),
            ({"params": {"rate": [1]}}, 400, "params"),
            ({"order_type": "guess"}, 400, "order_type"),
            ({"colour": "red"}, 400, "colour"),
            ({"by": " "}, 400, "by"),
        ):
            answer = await desk.post("/v1/decisions", buying(desk, **changes))
            assert (answer.status, problem in answer.error) == (status, True), (changes, answer.text)
        assert not desk.records(OrderAccepted)

    on_port(play, max_order_quantity=10_000)


def test_prices_and_algo_say_which_type_of_order_it_is() -> None:
    """Market by its algo, stops by their price, the rest limit orders, unless it is stated."""

    async def play(desk: PortDesk) -> None:
        kinds: dict[str, OrderType] = {}
        said: dict[str, dict[str, Any]] = {
            "market": {"algo": "market"},
            "limit": {"limit": "8.50"},
            "stop": {"side": "sell", "stop_price": "8.50"},
            "stop_limit": {"side": "sell", "stop_price": "8.50", "limit": "8.40"},
            "stated": {"order_type": "trailing_stop", "side": "sell", "params": {"trail_amount": "0.5"}},
        }
        for name, changes in said.items():
            answer = await desk.post("/v1/decisions", buying(desk, **changes))
            assert answer.status == 200, answer.text
            kinds[name] = desk.records(OrderAccepted)[-1].order_type
        assert kinds == {
            "market": OrderType.MARKET,
            "limit": OrderType.LIMIT,
            "stop": OrderType.STOP,
            "stop_limit": OrderType.STOP_LIMIT,
            "stated": OrderType.TRAILING_STOP,
        }

    on_port(play)


def test_nothing_is_decided_before_the_agent_is_ready() -> None:
    """Before it takes decisions a decision is 503, readiness says why, and looking at it works."""
    facts = {"ready": False}

    async def play(desk: PortDesk) -> None:
        answer = await desk.post("/v1/decisions", buying(desk))
        assert (answer.status, "not ready" in answer.error) == (503, True)
        ready = await desk.get("/v1/ready")
        assert (ready.status, ready.body["ready"], "starting" in ready.error) == (503, False, True)
        assert (await desk.get("/v1/status")).body["service"]["ready"] is False
        facts["ready"] = True
        assert (await desk.get("/v1/ready")).body == {"ready": True}

    on_port(play, facts=lambda: facts)


def test_pause_and_resume_are_journaled_with_who_and_why() -> None:
    """A paused order has no child; pausing twice, or resuming what runs, is refused."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        path = f"/v1/orders/{order_id}"
        assert (await desk.post(f"{path}/resume", {"by": "anna"})).status == 409
        paused = await desk.post(f"{path}/pause", {"by": "anna", "reason": "news"})
        assert (paused.status, paused.body["paused"]) == (200, True)
        assert (await desk.get(path)).body["status"] == "paused"
        assert (await desk.post(f"{path}/pause", {"by": "anna"})).status == 409
        assert (await desk.post(f"{path}/resume", {"by": "berta", "reason": "read it"})).body["paused"] is False
        assert [(one.by, one.reason) for one in desk.records(OrderPaused)] == [("anna", "news")]
        assert [(one.by, one.reason) for one in desk.records(OrderResumed)] == [("berta", "read it")]

    on_port(play)


def test_an_amendment_is_whole_or_not_at_all() -> None:
    """What is stated is changed together; when one term is refused none is, and every reason is told."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        path = f"/v1/orders/{order_id}/amend"
        answer = await desk.post(path, {"by": "anna", "quantity": "1000", "limit": "8.123", "params": {"nope": 1}})
        assert answer.status == 422
        assert all(word in answer.error for word in ("8.123", "nope"))
        assert len(answer.body["reasons"]) == 2
        assert not desk.records(OrderAmended)

        answer = await desk.post(path, {"by": "anna", "quantity": "1000", "limit": "8.40", "minutes": 5, "reason": "x"})
        assert answer.body["amended"] == ["end", "limit_price", "quantity"]
        (record,) = desk.records(OrderAmended)
        assert (record.by, record.reason, record.quantity) == ("anna", "x", quantity_from(1000))
        assert record.limit_price == price_from("8.40")

    on_port(play)


def test_an_amendment_of_nothing_is_refused() -> None:
    """Without a term, or with one under `params`, a request is 400."""

    async def play(desk: PortDesk) -> None:
        path = f"/v1/orders/{await desk.resting()}/amend"
        assert (await desk.post(path, {"by": "anna", "reason": "x"})).status == 400
        for name in ("quantity", "end", "by", "reason", "order_id", "self"):
            assert (await desk.post(path, {"by": "anna", "params": {name: 1}})).status == 400

    on_port(play)


def test_amendments_at_once_get_their_own_reasons() -> None:
    """Two people amend one order at the same moment: each hears of his own."""

    async def play(desk: PortDesk) -> None:
        path = f"/v1/orders/{await desk.resting()}/amend"
        bad, good = await asyncio.gather(
            desk.post(path, {"by": "anna", "limit": "8.123"}), desk.post(path, {"by": "berta", "limit": "8.40"})
        )
        assert (bad.status, good.status) == (422, 200)

    on_port(play)


def test_a_cancel_ends_the_order() -> None:
    """The order is cancelled with who and why; asked again it has ended, and an unknown one is named."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        done = desk.next_record(OrderDone)
        answer = await desk.post(f"/v1/orders/{order_id}/cancel", {"by": "anna", "reason": "enough"})
        assert (answer.status, answer.body["cancelling"]) == (200, True)
        await done
        assert [(one.by, one.reason) for one in desk.records(OrderCancelAsked)] == [("anna", "enough")]
        for act in ("cancel", "amend", "pause", "resume"):
            body: dict[str, Any] = {"by": "anna"} | ({"limit": 8} if act == "amend" else {})
            ended = await desk.post(f"/v1/orders/{order_id}/{act}", body)
            assert (ended.status, ended.error) == (409, f"order {order_id} has ended: cancelled")
            unknown = await desk.post(f"/v1/orders/nope/{act}", {"by": "anna"})
            assert (unknown.status, unknown.error) == (404, "no order nope is known here")

    on_port(play)


def test_what_fits_nothing_is_not_resolved() -> None:
    """A word about an order that is neither in doubt nor frozen settles nothing, and a word that is none is refused."""

    async def play(desk: PortDesk) -> None:
        body = {"by": "anna", "subject": await desk.resting(), "outcome": "cancelled", "reason": "the broker says so"}
        answer = await desk.post("/v1/resolve", body)
        assert (answer.status, "in doubt or frozen" in answer.error) == (404, True)
        for change in ({"outcome": "sold"}, {"reason": ""}, {"subject": ""}):
            assert (await desk.post("/v1/resolve", body | change)).status == 400

    on_port(play)


def test_a_word_about_a_child_that_is_known_to_be_fine_says_what_it_is() -> None:
    """A child that is not in doubt is named with its state, instead of being called unknown."""

    async def play(desk: PortDesk) -> None:
        child = f"{await desk.resting()}-1"
        body = {"by": "anna", "subject": child, "outcome": "never_arrived", "reason": "it is not in TWS"}
        answer = await desk.post("/v1/resolve", body)
        assert (answer.status, answer.error) == (409, f"{child} is not in doubt: it is working")

    on_port(play)


def test_an_act_that_is_not_durable_says_so() -> None:
    """With a journal that hangs an act is 504, points to the kill, and does not hang itself."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        journal.hangs = True
        answer = await desk.post(f"/v1/orders/{order_id}/pause", {"by": "anna"})
        assert (answer.status, "quietfill kill" in answer.error) == (504, True)

    on_port(play, journal=journal, limits=Limits(commit_seconds=0.05))


def test_orders_are_told_in_public_numbers() -> None:
    """The list has live and ended orders, one order has its children, and the house has its state."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        (row,) = (await desk.get("/v1/orders")).body["orders"]
        detail = (await desk.get(f"/v1/orders/{order_id}")).body
        house = (await desk.get("/v1/status")).body

        assert (row["quantity"], row["filled"], row["limit_price"], row["avg_fill_price"]) == (2000, 0, 8.5, None)
        assert detail.items() >= row.items()
        assert [child["child_id"] for child in detail["children"]] == [f"{order_id}-1"]
        assert (house["orders"], house["ended"], house["kills"], house["journal_failure"]) == ([row], [], [], None)
        assert house["journal_sequence"] == desk.journal.sequence

    on_port(play)
