"""The states that are told, folded from records one by one, are the engine's own at every record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.agent.order_states import OrderStates
from quietfill.domain.messages import Kill, LinkState, Resolution, Resolve
from quietfill.domain.order_state import OrderState, is_valid_state_transition
from quietfill.domain.records import ChildFilled
from quietfill.domain.types import MILLISECOND
from quietfill.tca.ledger import Ledger
from tests.engine.rig import Rig
from tests.property.test_engine_play import TARGET, ToyVenue, play, steps

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord


def told(records: list[AnyRecord]) -> dict[str, OrderState]:
    """Fold the moves of a journal, holding each to the table and to the one before; return the last states."""
    states: dict[str, OrderState] = {}
    fold = OrderStates(Ledger())
    for record in records:
        for move in fold.apply(record):
            assert move.previous is states.get(move.order_id, OrderState.CREATED)
            assert is_valid_state_transition(move.previous, move.new)
            assert move.previous is not move.new or isinstance(record, ChildFilled)
            states[move.order_id] = move.new
    return states


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, min_size=20, max_size=80), st.sampled_from(list(Resolution)))
def test_what_is_told_of_any_play_is_what_the_engine_holds(
    script: list[tuple[object, ...]], outcome: Resolution
) -> None:
    """Late, doubled and lost reports, a broken line, a kill and a person's word: every state change is told, once."""
    rig = Rig()
    venue = ToyVenue(rig)
    rig.quote()
    rig.order(TARGET)
    for number, step in enumerate(script):
        play(venue, step)
        if number == len(script) // 2:
            rig.handle(LinkState(up=False, reason="test"))
            rig.handle(LinkState(up=True, reason="test"))
            venue.answer()
    rig.handle(Resolve(subject="p1", outcome=outcome, by="anna", reason="seen at the broker"))
    rig.handle(Kill(kill_id="k", by="x", reason="end of play"))
    for _ in range(100):
        venue.collect()
        venue.arrive(0)
        venue.deliver(0, keep=False)
        venue.answer()
        rig.pass_time(50 * MILLISECOND)

    state = rig.engine.state
    parents = {key: parent.state for key, parent in state.parents.items()}
    children = {key: child.state for key, child in state.children.items()}
    moved = {key: found for key, found in {**parents, **children}.items() if found is not OrderState.CREATED}
    assert told(rig.records) == moved
