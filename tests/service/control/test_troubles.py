"""What is wrong with an order is told where a person looks for it: its own view, and the list of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from quietfill.agent.intake import order_id_of
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import LinkState
from quietfill.domain.records import AlertRaised, OrderDone, OrderRefused
from quietfill.domain.types import SECOND
from quietfill.service.control.troubles import newest_alerts
from quietfill.service.control.views import order_detail, order_lists
from tests.engine.rig import Rig, slice_of
from tests.service.control.port_desk import on_port, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.control.port_desk import PortDesk

Said = pytest.CaptureFixture[str]


def resting() -> Rig:
    """Return a rig with one acknowledged child at 10.00."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    rig.ack()
    return rig


def detail(rig: Rig) -> dict[str, Any]:
    """Return the view of the rig's order."""
    return order_detail(rig.parent, rig.engine.state)


def test_a_refused_change_is_told_beside_the_limit_that_stays() -> None:
    """The child shows the terms in force and what the broker said; the order says that it is in trouble."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="price too far (201)"))

    (child,) = detail(rig)["children"]
    assert (child["limit_price"], child["said"]) == (10.0, "change refused: price too far (201)")
    (row,) = order_lists(rig.engine.state)["orders"]
    assert row["trouble"] == "1 reject, the last: change refused: price too far (201)"


def test_a_refusal_is_history_once_the_broker_took_the_terms() -> None:
    """After a change that is in force, or a child that lives, an earlier refusal is no trouble any more."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="price too far (201)"))
    rig.pass_time(SECOND)
    rig.replaced(100, "9.99", revision=2)
    assert detail(rig)["trouble"] is None

    rig.handle(rig.report(ReportKind.REJECTED, reason="no (9)"))
    assert detail(rig)["trouble"] == "2 rejects in a row, the last: no (9)"
    rig.pass_time(SECOND)
    rig.ack("p1-2")
    assert detail(rig)["trouble"] is None


def test_a_fill_does_not_hide_that_a_change_was_refused() -> None:
    """While the refused terms are not in force the order says so, whatever else happens."""
    rig = resting()
    rig.want(slice_of(100, "9.99"))
    rig.handle(rig.report(ReportKind.REPLACE_REJECTED, revision=1, reason="price too far (201)"))
    rig.fill(1)

    assert detail(rig)["trouble"] == "p1-1: change refused: price too far (201)"


def test_a_frozen_order_tells_why_child_by_child() -> None:
    """A freeze after rejects names the last one; every rejected child has its reason, and the alert is there."""
    rig = resting()
    for number in range(1, 11):
        rig.handle(rig.report(ReportKind.REJECTED, f"p1-{number}", reason=f"Invalid account code {number} (321)"))
        while f"p1-{number + 1}" not in rig.engine.state.children and rig.parent.frozen_reason is None:
            rig.now = rig.engine.next_wake() or rig.now
            rig.wake()

    told, cause = detail(rig), "10 rejects in a row, the last: Invalid account code 10 (321)"
    assert told["trouble"] == f"frozen: {cause}"
    assert [child["said"] for child in told["children"]][:2] == [
        "Invalid account code 1 (321)",
        "Invalid account code 2 (321)",
    ]
    assert [(alert["severity"], alert["text"]) for alert in told["alerts"]] == [("critical", cause)]


def test_an_order_that_does_what_it_should_is_in_no_trouble() -> None:
    """Nothing is said of an order that works, nor of one that is filled."""
    rig = resting()
    assert detail(rig)["trouble"] is None
    rig.fill(100)
    assert (detail(rig)["trouble"], detail(rig)["children"][0]["said"]) == (None, None)


def test_alerts_of_orders_that_ended_are_over() -> None:
    """Those of live orders and of the house are not, and cannot be crowded out by the others."""
    rig = resting()
    rig.order(10, "p2")
    state = rig.engine.state
    subjects = ["house", "p2-2", "p1", "p1-1", *["p2"] * 30]
    rig.puppet.wanted = ()
    for subject in subjects:
        state.apply(AlertRaised(at=rig.now, subject=subject, severity="info", text="x"))
    rig.fill(10, "p2-1")

    told = newest_alerts(state)
    assert [alert.subject for alert, over in told if not over] == ["house", "p2-2", "p1", "p1-1"]
    assert [alert.subject for alert, over in told if over] == ["p2"] * 20


def test_status_shows_alerts_of_live_orders_unless_all_are_asked_for(tmp_path: Path, capsys: Said) -> None:
    """What was wrong with an order that has ended is told with `--all` only, and that it is left out is said."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))
        order_id = await desk.resting()
        rejected = ExecutionReport(child_id="stranger", kind=ReportKind.REJECTED, exchange_time=0, reason="who?")
        desk.agent.runtime.submit(rejected)
        refused = ExecutionReport(child_id=f"{order_id}-1", kind=ReportKind.REJECTED, exchange_time=0, reason="no (9)")
        desk.agent.runtime.submit(refused)
        assert await desk.command("status", *where) == 0
        house = capsys.readouterr().out
        assert "report rejected for an order that is not ours: 'stranger' who?" in house
        assert f"{order_id}: 1 reject, the last: no (9)" in house
        assert await desk.command("status", order_id, *where) == 0
        assert "no (9)" in capsys.readouterr().out
        state = desk.agent.runtime.engine.state
        state.alerts.append(AlertRaised(at=state.last_at, subject=order_id, severity="info", text="old news"))
        done = desk.next_record(OrderDone)
        assert await desk.command("cancel", order_id, *where) == 0
        await done
        capsys.readouterr()
        assert await desk.command("status", *where) == 0
        brief = capsys.readouterr().out
        assert "old news" not in brief
        assert "those of orders that have ended: 1, with --all" in brief
        assert await desk.command("status", "--all", *where) == 0
        assert "old news" in capsys.readouterr().out

    on_port(play)


def test_a_refused_decision_tells_its_reason_when_asked_for(tmp_path: Path, capsys: Said) -> None:
    """Who asks for an order that was never accepted hears why, not that it is unknown."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))
        words = ("send", "NOPE", "buy", "200", "--decision-id", "big", *where)
        assert await desk.command(*words) == 2
        assert desk.records(OrderRefused)
        capsys.readouterr()
        assert await desk.command("status", order_id_of("big"), *where) == 2
        assert "was refused: " in capsys.readouterr().err
        assert await desk.command("status", "nobody", *where) == 2
        assert "no order nobody is known here" in capsys.readouterr().err

    on_port(play)


def test_an_order_accepted_without_a_line_says_that_nothing_is_sent(tmp_path: Path, capsys: Said) -> None:
    """`accepted` alone would let its sender believe that it is worked."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))
        desk.agent.runtime.submit(LinkState(up=False, reason="cut"))
        body = {"by": "anna", "symbol": desk.symbol, "side": "buy", "quantity": 2000, "limit": "8.50", "minutes": 30}
        assert (await desk.post("/v1/decisions", body)).body["broker_connected"] is False
        assert await desk.command("send", desk.symbol, "buy", "2000", "--limit", "8.50", *where) == 0
        assert "the line to the broker is down: nothing is sent before it is back" in capsys.readouterr().out
        desk.agent.runtime.submit(LinkState(up=True))
        assert await desk.command("send", desk.symbol, "buy", "2000", "--limit", "8.50", *where) == 0
        assert "line" not in capsys.readouterr().out

    on_port(play)


def test_what_the_broker_says_is_said_once(tmp_path: Path, capsys: Said) -> None:
    """A notice names its subject once, and the same notice is one line."""
    notice = ("600961", "600961 has no live quotes: no permission")

    async def play(desk: PortDesk) -> None:
        assert await desk.command("status", "--config", str(written(tmp_path, desk))) == 0
        said = capsys.readouterr().out.splitlines()
        assert [line for line in said if line.startswith("broker: ")] == [
            "broker: 600961 has no live quotes: no permission",
            "broker: gateway: it restarts",
        ]

    on_port(play, facts=lambda: {"broker": {"notices": [notice, ("gateway", "it restarts"), notice]}})
