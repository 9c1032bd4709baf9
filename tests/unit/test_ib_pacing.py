"""Pacing towards the gateway, ids that never fall, and the table of codes."""

from __future__ import annotations

import asyncio

import pytest

from quietfill.brokers.ib.codes import CODES, Effect, code_of, is_read_only
from quietfill.brokers.ib.ids import FIRST_QUESTION, OrderIds, QuestionIds
from quietfill.brokers.ib.pacing import SPAN, Outbox, Urgency, Waiting
from quietfill.brokers.ib.questions import Questions
from quietfill.brokers.ib.raw import price_of, quantity_of, split_execution_id
from quietfill.domain.errors import BrokerError
from quietfill.domain.types import SECOND


class Gate:
    """An outbox with a record of what left when, driven by hand."""

    def __init__(self, rate: int = 45, reserve: int = 5) -> None:
        self.box = Outbox(rate, reserve)
        self.now = 0
        self.left: list[tuple[int, str]] = []
        self.dropped: list[tuple[str, str]] = []
        self.has_room = True

    def put(self, urgency: Urgency, name: str) -> None:
        """Queue a message that notes when it leaves."""
        self.box.put(
            Waiting(
                urgency,
                name,
                lambda: self.left.append((self.now, name)),
                lambda why: self.dropped.append((name, why)),
            )
        )

    def run(self, until: int) -> None:
        """Let time pass as the outbox asks for it."""
        while self.now <= until:
            again = self.box.send_due(self.now, has_room=lambda: self.has_room)
            if again is None:
                return
            assert again > self.now, "it would spin"
            self.now = again


def test_a_thousand_orders_leave_paced_and_none_is_lost():
    """In any second at most 45 messages leave, and everything queued at once has left in the end."""
    gate = Gate()
    for number in range(1000):
        gate.put(Urgency.PLACE, str(number))

    gate.run(60 * SECOND)

    times = [at for at, _ in gate.left]
    assert [name for _, name in gate.left] == [str(number) for number in range(1000)]
    assert all(sum(start <= at < start + SECOND for at in times) <= 45 for start in set(times))
    assert times[-1] <= 24 * SPAN


def test_the_gateways_seconds_are_kept_too():
    """A burst that is up to a fifth of a second on its way and one that is not never meet in one second."""
    gate = Gate()
    for number in range(200):
        gate.put(Urgency.PLACE, str(number))

    gate.run(60 * SECOND)

    bursts = sorted({at for at, _ in gate.left})
    delays = {at: SECOND // 5 * (number % 2 == 0) for number, at in enumerate(bursts)}
    arrivals = [at + delays[at] for at, _ in gate.left]
    assert len(bursts) == 5
    assert all(sum(start <= at < start + SECOND for at in arrivals) <= 45 for start in set(arrivals))


def test_cancels_overtake_everything_and_have_a_reserve():
    """A cancel leaves at once although placements have used their share of the second."""
    gate = Gate()
    for number in range(100):
        gate.put(Urgency.PLACE, str(number))
    gate.box.send_due(0, has_room=lambda: True)
    gate.put(Urgency.CANCEL, "cancel")

    gate.box.send_due(0, has_room=lambda: True)

    assert gate.left[-1] == (0, "cancel")
    assert len(gate.left) == 41


def test_what_waits_leaves_in_the_order_of_its_urgency():
    """Cancel before question before modification before placement before data."""
    gate = Gate()
    for urgency in reversed(Urgency):
        gate.put(urgency, urgency.name)

    gate.run(SECOND)

    assert [name for _, name in gate.left] == ["CANCEL", "QUESTION", "MODIFY", "PLACE", "DATA"]


def test_a_placement_that_waits_can_be_withdrawn():
    """What has not left never leaves once it is withdrawn, and whoever asked for it is told."""
    gate = Gate(rate=2, reserve=1)
    gate.put(Urgency.PLACE, "a")
    gate.put(Urgency.PLACE, "b")
    gate.box.send_due(0, has_room=lambda: True)

    withdrawn = gate.box.withdraw("b", "cancelled before it was sent")
    gate.run(10 * SECOND)

    assert withdrawn == [Urgency.PLACE]
    assert gate.left == [(0, "a")]
    assert gate.dropped == [("b", "cancelled before it was sent")]


def test_nothing_that_adds_risk_leaves_while_the_line_is_down():
    """Placements wait, cancels and questions leave; what is dropped says why."""
    gate = Gate()
    gate.box.may_add_risk = False
    for urgency in Urgency:
        gate.put(urgency, urgency.name)

    gate.run(SECOND)
    gate.box.drop_risk("no line")

    assert [name for _, name in gate.left] == ["CANCEL", "QUESTION", "DATA"]
    assert gate.dropped == [("MODIFY", "no line"), ("PLACE", "no line")]


def test_nothing_is_written_behind_bytes_that_have_not_left():
    """While the socket is full even a cancel waits here, where it can be first."""
    gate = Gate()
    gate.has_room = False
    gate.put(Urgency.PLACE, "place")

    again = gate.box.send_due(0, has_room=lambda: False)
    gate.put(Urgency.CANCEL, "cancel")
    gate.has_room = True
    gate.run(SECOND)

    assert again is not None
    assert again > 0
    assert [name for _, name in gate.left] == ["cancel", "place"]


def test_the_end_of_a_session_drops_what_it_had_not_sent():
    """Nothing of one session is sent in the next."""
    gate = Gate()
    gate.put(Urgency.CANCEL, "cancel")
    gate.put(Urgency.PLACE, "place")

    gate.box.drop_all("the session ended")
    gate.run(SECOND)

    assert gate.left == []
    assert len(gate.dropped) == 2
    assert len(gate.box) == 0


def test_a_breach_of_the_rate_stops_risk_and_halves_the_rate():
    """After code 100 placements wait a second and then go at half the rate, cancels at once."""
    gate = Gate(rate=10, reserve=2)
    gate.box.slow_down(0)
    for number in range(30):
        gate.put(Urgency.PLACE, str(number))
    gate.put(Urgency.CANCEL, "cancel")

    gate.run(5 * SECOND)

    assert gate.left[0] == (0, "cancel")
    times = [at for at, _ in gate.left[1:]]
    assert times[0] == SECOND
    assert all(sum(start <= at < start + SECOND for at in times) <= 5 for start in set(times))


@pytest.mark.parametrize("years", [-3, 3])
def test_another_clock_changes_no_pace(years: int):
    """What was sent a moment ago was sent a moment ago by any clock: the next leaves no earlier and no later."""
    gate = Gate(rate=10, reserve=2)
    for number in range(20):
        gate.put(Urgency.CANCEL, f"cancel {number}")
    again = gate.box.send_due(SECOND, has_room=lambda: True)
    ahead = years * 365 * 86_400 * SECOND
    gate.box.shift(ahead)

    assert again is not None
    assert again == SECOND + SPAN
    assert gate.box.send_due(again + ahead - 1, has_room=lambda: True) == again + ahead
    assert len(gate.left) == 10
    gate.box.send_due(again + ahead, has_room=lambda: True)
    assert len(gate.left) == 20


def test_order_ids_never_fall():
    """A gateway that proposes an older id, or forgets some, is not followed down."""
    ids = OrderIds()
    ids.proposed(38_103)
    given = [ids.take(), ids.take()]
    ids.seen(40_000)
    ids.proposed(38_099)

    assert given == [38_103, 38_104]
    assert ids.take() == 40_001


def test_ids_of_manual_orders_do_not_count():
    """Orders from the gateway's own window have negative ids."""
    ids = OrderIds()
    ids.seen(-7)

    assert ids.take() == 1


def test_order_ids_end_before_the_questions_begin():
    """An id that could be taken for a question's is never given out."""
    ids = OrderIds()
    ids.seen(FIRST_QUESTION - 1)

    with pytest.raises(BrokerError, match="run out"):
        ids.take()
    assert QuestionIds().take() == FIRST_QUESTION


def test_every_code_is_in_the_table_once():
    """The table is in order, so that a second row for a code cannot hide."""
    numbers = [code.number for code in CODES]

    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("number", "effect"),
    [(10349, Effect.KEEP), (399, Effect.KEEP), (201, Effect.REFUSED), (202, Effect.ENDED), (161, Effect.CANCEL_REFUSED),
     (10147, Effect.CANCEL_REFUSED), (10148, Effect.CANCEL_REFUSED), (104, Effect.MODIFY_REFUSED),
     (1100, Effect.LINE_LOST), (2110, Effect.LINE_LOST), (1101, Effect.LINE_BACK_DATA_LOST), (2104, Effect.DATA_BACK),
     (99_999, Effect.ASK)],
)  # fmt: skip
def test_a_code_is_evidence_of(number, effect):
    """Notices keep an order alive, refusals refuse a request, and what nobody knows is asked about."""
    assert code_of(number).effect is effect


def test_a_read_only_api_is_told_from_other_refusals():
    """Code 321 stands for many things; its text tells this one."""
    assert is_read_only(321, "Error validating request.-'bN' : cause - API interface is currently in Read-Only mode")
    assert not is_read_only(321, "Invalid account code")


@pytest.mark.parametrize(
    ("said", "split"),
    [("0000e0d5.64a1.01.01", ("0000e0d5.64a1.01", 1)), ("0000e0d5.64a1.01.02", ("0000e0d5.64a1.01", 2)),
     ("plain", ("plain", 0)), ("a.b", ("a.b", 0))],
)  # fmt: skip
def test_an_execution_id_ends_in_its_revision(said, split):
    """The key of an execution is everything before the last dot."""
    assert split_execution_id(said) == split


def test_numbers_that_stand_for_nothing_are_none():
    """The largest float, nothing at all and what is no number are no price; floats mean their shortest text."""
    assert [price_of(value) for value in (1.7976931348623157e308, "", None, float("nan"), "x")] == [None] * 5
    assert price_of(9.11) == 9_110_000_000
    assert price_of(-37.63) == -37_630_000_000
    assert quantity_of(0.1) == 10_000_000
    assert quantity_of(None) == 0


def test_one_who_gives_up_does_not_take_the_answer_from_another():
    """Two ask the same; the first runs out of patience, the second has the answer."""

    async def scenario() -> None:
        questions = Questions()
        hasty, patient = questions.begin("time", "time"), questions.begin("time", "time")
        with pytest.raises(TimeoutError):
            await hasty.answered(0.001)
        questions.forget("time")
        questions.heard("time", 5)
        questions.ended("time")

        assert await patient.answered(1.0) == [5]

    asyncio.run(scenario())
