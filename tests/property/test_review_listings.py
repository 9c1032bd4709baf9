"""Broker listings at any moment: made early, heard late, while requests and reports are still on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from quietfill.domain.messages import Kill, LinkState
from quietfill.domain.types import MILLISECOND, quantity_from
from tests.engine.rig import Rig, fingerprint
from tests.property.test_engine_play import TARGET, ToyOrder, ToyVenue, play, wants

if TYPE_CHECKING:
    from quietfill.domain.messages import BrokerOrder, BrokerSnapshot

# Nothing is on the line for longer than a request may take: 80 steps of 50 ms are less than its time-out.
steps = st.one_of(
    st.tuples(st.just("want"), wants),
    st.tuples(st.just("arrive"), st.integers(0, 5)),
    st.tuples(st.just("trade"), st.integers(0, 5), st.integers(1, 60)),
    st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("time"), st.integers(1, 50)),
    st.tuples(st.just("act"), st.sampled_from(["pause", "resume"])),
    st.tuples(st.sampled_from(["list", "hear", "break line"])),
)


class ListingVenue(ToyVenue):
    """A toy venue that lists its orders when told to, with the replace that is in force."""

    def listing(self, child: str, order: ToyOrder) -> BrokerOrder:
        """Return a broker's line about one order."""
        known = self.rig.engine.state.children[child]
        revision = known.revision if order.total == known.wanted_total else known.confirmed_revision
        return structs.replace(super().listing(child, order), revision=revision, limit_price=known.limit_price)

    def snapshot(self) -> BrokerSnapshot:
        """Return everything the venue has now."""
        return self.rig.snapshot(*(self.listing(child, order) for child, order in self.orders.items()))


def step_on(venue: ListingVenue, waiting: list[BrokerSnapshot], step: tuple[object, ...]) -> None:
    """Let one thing happen."""
    match step:
        case ("list",):
            waiting.append(venue.snapshot())
        case ("hear",) if waiting:
            venue.rig.handle(waiting.pop(0))
        case ("hear",):
            pass
        case ("break line",):
            venue.rig.handle(LinkState(up=False))
            venue.rig.handle(LinkState(up=True))
            waiting.clear()  # what was asked over the old line is never answered, what was on it never arrives
            venue.requests.clear()
            venue.rig.handle(venue.snapshot())
        case _:
            play(venue, step)
    venue.collect()


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=20, max_size=80))
def test_no_listing_lets_an_order_exceed_itself(script: list[tuple[object, ...]]) -> None:
    """Whenever the broker is heard, the worst case stays within the order, and after a kill both books agree."""
    rig = Rig()
    venue = ListingVenue(rig)
    rig.quote()
    rig.order(TARGET)
    waiting: list[BrokerSnapshot] = []
    for step in script:
        step_on(venue, waiting, step)
        assert venue.worst_case <= quantity_from(TARGET)

    rig.handle(Kill(kill_id="k", by="x", reason="end of play"))
    venue.collect()
    for _ in range(400):
        venue.arrive(0)
        venue.deliver(0, keep=False)
        if rig.engine.take_questions():
            rig.handle(venue.snapshot())
        venue.collect()
        rig.pass_time(200 * MILLISECOND)
        venue.collect()

    assert rig.parent.filled == sum(order.filled for order in venue.orders.values())
    assert not rig.engine.state.live
    replayed = Rig().engine
    replayed.restore(rig.records)
    assert fingerprint(replayed) == fingerprint(rig.engine)
