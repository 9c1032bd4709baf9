"""The order-state table, story by story: what FIX 4.4 Appendix D and Interactive Brokers really show."""

import itertools

import pytest

from quietfill.domain.order_state import (
    TERMINAL_STATES,
    VALID_ORDER_TRANSITIONS,
    OrderState,
    is_valid_state_transition,
)

LIVE = set(OrderState) - TERMINAL_STATES

# Each line is one order's life, and every step of it must be in the table; `sent` is short for SENT.
SENT = "created pending submitted"
REAL_LIVES = """
sent acknowledged working partial filled                     | the ordinary life
created submitted working filled                             | venue answers at once, no acknowledgement apart
sent filled                                                  | IB: fast market order, no open-order echo
sent partial filled                                          | a fill before the acknowledgement
sent rejected                                                | rejected by the broker
sent acknowledged rejected                                   | IB: error 201 after PreSubmitted
sent working rejected                                        | venue rejects after the broker accepted
sent partial rejected                                        | rest rejected after a fill
sent acknowledged working acknowledged working               | IB: back to PreSubmitted after hours
sent acknowledged partial partial filled                     | several fills
sent working pending_cancel cancelled                        | cancel and confirmation
sent pending_cancel cancelled                                | cancel before any word from the broker
created pending pending_cancel cancelled                     | cancel while the order waits in the sender
sent working pending_cancel partial pending_cancel cancelled | fill while a cancel is pending
sent working pending_cancel filled                           | the fill won the race
sent working pending_cancel working filled                   | cancel refused, order goes on
sent acknowledged pending_cancel acknowledged                | cancel refused before the venue had it
sent working pending_cancel rejected                         | rejected although a cancel was asked for
sent working pending_cancel expired                          | the day ended before the cancel came
sent working pending_cancel pending_cancel                   | cancel sent again
sent working cancelled                                       | cancelled by the venue or the broker, unasked
sent partial cancelled                                       | the same after a fill
sent working expired                                         | day or IOC order ran out
sent partial expired                                         | the same after a fill
sent expired                                                 | IOC without any fill, no acknowledgement
sent working pending_replace working filled                  | replaced
sent working pending_replace partial filled                  | fill while a replace is pending
sent working pending_replace filled                          | filled before the replace came
sent working pending_replace pending_replace                 | a second replace before the first is answered
sent working pending_replace pending_cancel cancelled        | a cancel overtakes a replace
sent working pending_replace cancelled                       | IB: a bad replace cancels the order
sent working pending_replace rejected                        | IB: a replace is rejected, and the order with it
sent working pending_replace expired                         | the day ended first
sent partial pending_replace partial                         | replace refused, old terms stay
sent working pending_cancel cancelled cancelled              | late fill after the cancel, still not all
sent working pending_cancel cancelled filled                 | late fill after the cancel, the rest of it
sent working expired filled                                  | late fill after the expiry
sent working expired expired                                 | the same, still not all
sent rejected filled                                         | IB: an order reported rejected that traded
sent filled filled                                           | a correction or a commission after the end
created failed                                               | withdrawn at the second gate
created pending failed                                       | the write never left
sent failed                                                  | the line broke before a byte was out
sent unknown working                                         | in doubt, then alive
sent unknown filled                                          | in doubt, then filled while away
sent unknown cancelled                                       | in doubt, then found cancelled
sent unknown rejected                                        | in doubt, then found rejected
sent unknown failed                                          | in doubt, and it never arrived
sent unknown submitted acknowledged                          | in doubt, then asked again
sent unknown pending_cancel cancelled                        | in doubt, and cancelled at a sign of life
created unknown                                              | crash between journal and wire
created pending unknown                                      | crash in the sender
sent acknowledged unknown                                    | the line dropped after the acknowledgement
sent working pending_cancel unknown cancelled                | a cancel got no answer in time
sent working pending_replace unknown working                 | a replace got no answer in time
sent partial unknown partial                                 | the line dropped after a fill
created rejected                                             | refused before it was sent
created cancelled                                            | taken back before it was sent
failed working                                               | withdrawn by us, yet the broker has it
failed filled                                                | the same, and it traded
"""

NEVER = """
created pending_replace  | nothing to replace yet
submitted pending        | back into the sender
submitted created        | backwards
acknowledged pending     | backwards
acknowledged submitted   | backwards
acknowledged created     | backwards
working created          | backwards
working submitted        | backwards
working failed           | live at the venue is not withdrawn by us
partial working          | a fill cannot be forgotten
partial acknowledged     | a fill cannot be forgotten
partial failed           | what traded was sent
filled working           | filled is the end
filled partial           | filled is the end
filled cancelled         | nothing left to cancel
filled rejected          | what traded was not rejected
filled expired           | nothing left to expire
filled unknown           | nothing left to doubt
filled pending_cancel    | nothing left to cancel
filled pending_replace   | nothing left to replace
cancelled working        | no way back to life
cancelled partial        | a late fill is booked, the order stays cancelled
cancelled pending        | no way back to life
cancelled pending_cancel | cancelled already
cancelled rejected       | one end only
cancelled expired        | one end only
rejected working         | no way back to life
rejected cancelled       | one end only
expired working          | no way back to life
expired cancelled        | one end only
unknown created          | what may be at the broker is not new
unknown pending          | nor waiting in the sender
failed created           | a new attempt is a new child
failed pending           | a new attempt is a new child
"""


def lines(table):
    """Yield (states, why) for each line of a table."""
    for line in table.strip().splitlines():
        states, why = line.split("|")
        yield [OrderState(word) for word in states.replace("sent", SENT).split()], why.strip()


LIVES = list(lines(REAL_LIVES))
ILLEGAL = list(lines(NEVER))


@pytest.mark.parametrize(("states", "why"), LIVES, ids=[why for _, why in LIVES])
def test_each_real_life_is_possible(states, why):
    """What brokers really report is never an illegal step."""
    steps = list(itertools.pairwise(states))

    assert [step for step in steps if not is_valid_state_transition(*step)] == []


@pytest.mark.parametrize(("step", "why"), ILLEGAL, ids=["-".join(step) for step, _ in ILLEGAL])
def test_what_cannot_be_is_refused(step, why):
    """A step that would forget a fill, revive the dead or go backwards does not exist."""
    assert is_valid_state_transition(*step) is False


def test_every_state_has_its_row():
    """No state is forgotten, and no row leads out of the enumeration."""
    assert set(VALID_ORDER_TRANSITIONS) == set(OrderState)
    assert set().union(*VALID_ORDER_TRANSITIONS.values()) <= set(OrderState)


def test_the_predicate_is_the_table():
    """There is one truth: the public function answers from the public table."""
    for current, new in itertools.product(OrderState, repeat=2):
        assert is_valid_state_transition(current, new) == (new in VALID_ORDER_TRANSITIONS[current])


def test_the_ends_are_the_five_of_the_contract():
    """Terminal is what can trade no more, late fills apart."""
    assert {"filled", "cancelled", "rejected", "expired", "failed"} == TERMINAL_STATES
    assert {state for state in OrderState if state.is_terminal} == TERMINAL_STATES


def test_the_dead_only_move_for_late_fills():
    """The broker's ends lead to themselves or to filled; only what we withdrew ourselves can turn out alive."""
    for end in TERMINAL_STATES - {OrderState.FAILED}:
        assert VALID_ORDER_TRANSITIONS[end] <= {end, OrderState.FILLED}


def test_every_living_order_can_come_to_every_end_of_the_broker():
    """Whatever we wait for, the broker may answer with a fill, a cancel, a reject or an expiry."""
    ends = {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}

    assert all(ends <= VALID_ORDER_TRANSITIONS[state] for state in LIVE)


def test_every_living_order_can_fall_in_doubt():
    """The line can drop at any moment."""
    assert all(OrderState.UNKNOWN in VALID_ORDER_TRANSITIONS[state] for state in LIVE - {OrderState.UNKNOWN})


def test_every_state_can_be_reached():
    """From a new order each state is some steps away."""
    reached, edge = set(), {OrderState.CREATED}
    while edge:
        reached |= edge
        edge = set().union(*(VALID_ORDER_TRANSITIONS[state] for state in edge)) - reached

    assert reached == set(OrderState)


def test_nothing_returns_to_created():
    """A new attempt is a new order."""
    assert all(OrderState.CREATED not in row for row in VALID_ORDER_TRANSITIONS.values())


def test_the_table_cannot_be_changed():
    """The public table is read-only."""
    with pytest.raises(TypeError):
        VALID_ORDER_TRANSITIONS[OrderState.FILLED] = frozenset()  # type: ignore[index]
