"""What the choice between crossing and waiting says in plain cases."""

import pytest

from quietfill.market.spread import LEFT_BEHIND, WaitingCase, choose


def case(**terms):
    """A spread of 2 bps and balanced queues."""
    return WaitingCase(**{"spread_bps": 2.0, "ahead": 1_000.0, "opposite": 1_000.0, **terms})


def test_balanced_queues_rest_at_moderate_urgency():
    """Half the moves go our way, and four in five of the others catch an order at the back: resting is cheaper."""
    choice = choose(case(), 0.5)

    assert choice.left_behind == pytest.approx(LEFT_BEHIND / 2)
    assert choice.queue_cost_bps == pytest.approx(LEFT_BEHIND / 2 * 4)
    assert choice.net_benefit_bps == pytest.approx(LEFT_BEHIND * 2 - 2)
    assert (choice.should_cross, choice.reason) == (False, "spread_saved")


@pytest.mark.parametrize(
    ("terms", "urgency", "reason"),
    [
        ({"ahead": 5_000}, 0.5, "price_moving_away"),
        ({"ahead": 5_000}, 0.0, "patience"),
        ({}, 0.9, "urgency"),
        ({"rate": 1.0, "minutes_left": 1.0}, 0.5, "time_running_out"),
        ({"rate": 100.0, "volatility_bps": 20.0}, 0.5, "queue_too_long"),
        ({"opportunity_cost_bps": 0.0}, 0.5, "spread_saved"),
    ],
)
def test_the_reason_names_what_decided(terms, urgency, reason):
    """Each reason stands for one thing that a person can check."""
    choice = choose(case(**terms), urgency)

    assert choice.reason == reason
    assert choice.should_cross == (reason not in {"patience", "spread_saved"})


def test_the_queue_time_is_told_only_where_trading_was_observed():
    """1,000 ahead at 250 a minute take 4 minutes; unknown and standing markets take an unknown time."""
    assert choose(case(rate=250.0), 0.5).queue_minutes == pytest.approx(4)
    assert choose(case(), 0.5).queue_minutes is None
    assert choose(case(rate=0.0), 0.5).queue_minutes is None


def test_a_missed_order_pays_the_move_of_the_queues_time():
    """Volatility of 10 bps a minute over four minutes is an expected move of 16 bps, more than the spread."""
    choice = choose(case(rate=250.0, volatility_bps=10.0), 0.5)

    assert choice.queue_cost_bps == pytest.approx(LEFT_BEHIND / 2 * (2 + 10 * (8 / 3.141592653589793) ** 0.5))
