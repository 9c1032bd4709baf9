"""The suite itself: what it lists, skips, prints and says when something else than a guarantee goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from quietfill import BadInput
from quietfill.testing.broker_conformance import Ability, Verdict, checks, examine, run_all
from tests.broker_conformance import wrong_edges as edges
from tests.broker_conformance.pit import PitEdge, PitStage, pit_stage

CHECKS = {check.name: check for check in checks()}
FEW = ("connect-opens", "cancel-ends-the-order-once", "replace-is-confirmed")


@asynccontextmanager
async def unable():
    """Open a stage that can show neither replaces nor resting orders."""
    yield PitStage(lacks={Ability.REPLACE: "no such request", Ability.RESTING: "all fill at once"})


class Hangs(PitEdge):
    """Never connects."""

    async def connect(self) -> None:
        """Wait for ever."""
        await asyncio.get_running_loop().create_future()


class Breaks(PitEdge):
    """Cannot be connected."""

    async def connect(self) -> None:
        """Break."""
        raise OSError("no route")


@asynccontextmanager
async def hasty():
    """Open a stage on which a check may take no time at all."""
    stage = PitStage(Hangs)
    stage.limit_seconds = 0.01
    yield stage


def test_names_are_unique_and_every_check_says_what_and_why():
    """A check is chosen by its name, and its two sentences are all that a reader of the table has."""
    assert len(CHECKS) == len(checks()) >= 20
    for check in checks():
        assert check.guarantee.endswith(".")
        assert check.why


def test_every_ability_is_needed_by_a_check():
    """Nothing is declared that would change nothing."""
    assert set().union(*(check.needs for check in checks())) == set(Ability)


def test_what_is_lacking_is_skipped_with_the_stated_reason():
    """A skip names each missing ability in the implementer's words, and is no pass."""
    report = asyncio.run(run_all(unable, only=FEW))

    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.PASSED, Verdict.SKIPPED, Verdict.SKIPPED]
    assert report.outcomes[2].detail == "no resting: all fill at once; no replace: no such request"
    assert report.is_trusted
    assert "1 passed, 0 failed, 2 skipped" in report.table()


def test_the_table_holds_every_check_and_the_whole_of_each_failure():
    """What was expected, what was asked and heard in order, and why it matters."""
    report = asyncio.run(run_all(pit_stage(edges.CancelsTwice), only=FEW))

    assert not report.is_trusted
    assert report.table().splitlines()[1].startswith("FAILED  cancel-ends-the-order-once")
    assert report.table().partition("\n\n")[2] == (
        "cancel-ends-the-order-once: A cancel of a working order ends it as cancelled, once, and no quantity comes"
        " after it.\n"
        "expected: one end of check-1-1\n"
        "heard:\n"
        "    1. -- connected\n"
        "    2. -> place check-1-1: buy 300 at 9.9, DAY\n"
        "    3. <- accepted check-1-1, broker id 1, cumulative 0, of 300 at 9.9\n"
        "    4. -> cancel check-1-1, attempt 1\n"
        "    5. <- cancelled check-1-1, broker id 1, cumulative 0, of 300 at 9.9, (as asked)\n"
        "    6. <- cancelled check-1-1, broker id 1, cumulative 0, of 300 at 9.9, (as asked)\n"
        "because: the engine places the rest anew when the old order has ended: what trades after that is too much\n"
        "\n"
        "2 passed, 1 failed, 0 skipped"
    )


def test_a_check_leaves_no_order_behind():
    """What still works when a check is over is cancelled, whatever came of it: an account may outlive it."""
    for edge, verdict in ((PitEdge, Verdict.PASSED), (edges.ListsNothing, Verdict.FAILED)):
        stage = PitStage(edge)

        @asynccontextmanager
        async def kept(stage=stage):
            yield stage

        outcome = asyncio.run(examine(CHECKS["working-orders-are-listed"], kept))

        assert outcome.verdict is verdict
        assert stage.pit.orders
        assert not any(order.is_open for order in stage.pit.orders.values())


def test_a_check_that_does_not_exist_is_named():
    """A typing error does not examine nothing in silence."""
    with pytest.raises(BadInput, match=r"^only names no check: cancel-twice$"):
        asyncio.run(run_all(pit_stage(), only=["cancel-twice"]))


def test_a_broker_that_hangs_fails_in_time():
    """The check is given up after the stage's limit."""
    outcome = asyncio.run(examine(CHECKS["connect-opens"], hasty))

    assert (outcome.verdict, outcome.detail) == (Verdict.FAILED, "it did not come to an end in time")


def test_a_broker_that_raises_fails_with_what_it_raised():
    """The suite goes on with the next check."""
    outcome = asyncio.run(examine(CHECKS["connect-opens"], pit_stage(Breaks)))

    assert outcome.verdict is Verdict.FAILED
    assert outcome.detail == "the broker or its stage raised OSError: no route"


def test_a_part_fill_that_is_none_is_the_stages_fault():
    """A stage whose order fills at once is told so."""

    class Deep(PitStage):
        def part_fill(self, side):
            """Return an order that fills."""
            return super().part_fill(side)._replace(quantity=self.lot)

    @asynccontextmanager
    async def deep():
        yield Deep()

    outcome = asyncio.run(examine(CHECKS["part-fill-leaves-the-rest-working"], deep))

    assert "the stage's part_fill is no such order" in outcome.detail
